// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/training/report.hpp>
#include <eigenesis/training/watchers.hpp>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"

inline const Arguments::Option film_option{"film", "0",
                                           "steps from one frame of an animation of its pictures to the next; 0: none"};
inline const Arguments::Option report_option{"report", "none",
                                             "HTML file about the training, written again every 10 seconds"};

/// Who watches a training: a film of the first picture of the report, if --film asks for it, the report, unless its
/// name is empty, and with --checkpoint who ends it at Ctrl-C, after the step in hand.
inline std::vector<eigenesis::WatcherRef> film_and_report(Arguments& arguments, const std::string& film,
                                                        const std::string& report, eigenesis::ReportOptions options) {
  std::vector<eigenesis::WatcherRef> watchers;
  if (const eigenesis::Index every = arguments.whole("film"); every > 0 && !options.pictures.empty())
    watchers.push_back(eigenesis::Film{arguments.out(film), options.pictures.front().draw, {.every = every}});
  options.facts.push_back({"seed", arguments.seed()});
  if (!report.empty()) watchers.push_back(eigenesis::Report{report, std::move(options)});
  if (arguments.checkpoint()) watchers.push_back(eigenesis::StopOnInterrupt{});
  return watchers;
}
