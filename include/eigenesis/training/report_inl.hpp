// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/training/report.hpp"
#include "eigenesis/training/report_state_inl.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

EIGENESIS_ONCE Report::Report(std::string path, ReportOptions options)
    : path_(std::move(path)), options_(std::move(options)) {
  require<ArgumentError>(path_.ends_with(".html"), "Report: expected a name that ends in .html but got ", path_);
  require<ArgumentError>(options_.every_seconds >= 0 && options_.frames >= 2,
                         "Report: expected every_seconds >= 0 and frames >= 2 but got ", options_.every_seconds,
                         " and ", options_.frames);
  require<ArgumentError>(options_.updates_every >= 0, "Report: expected updates_every >= 0 but got ",
                         options_.updates_every);
  detail::check_pictures("Report", options_.pictures);
}
EIGENESIS_ONCE void Report::begin(TrainingView& now) {
  state_.reset();  // of an earlier training
  auto state = std::make_shared<detail::ReportState>(path_, options_, now);
  state->read(now.resumed ? now.step : -1, now.steps_per_epoch);
  state->begin(now);
  state_ = std::move(state);
  if (!now.resumed) write(now);
}
EIGENESIS_ONCE void Report::step(TrainingView& now) {
  state_->add(now, false);
  if (!now.past && reads_updates(now.step)) state_->add_updates(now);
  if (!now.past && (state_->drawn < 0 || now.seconds - state_->drawn >= options_.every_seconds)) write(now);
}
EIGENESIS_ONCE void Report::epoch(TrainingView& now) { state_->add(now, true); }
EIGENESIS_ONCE void Report::save(TrainingView& now) {
  state_->note_time(now);
  state_->write(now);
}
EIGENESIS_ONCE void Report::end(TrainingView& now) {
  if (!state_) return;
  state_->over = true;
  if (!now.failed && now.step > state_->first_step) state_->note_time(now);
  write(now);
}
EIGENESIS_ONCE void Report::warning(TrainingView& now, std::string_view sentence) {
  if (!state_) return;
  state_->warn(now, sentence);
  if (state_->over) state_->write(now);  // one watcher or another warns at the end
}
EIGENESIS_ONCE void Report::write(TrainingView& now) {
  state_->draw(now);
  state_->drawn = now.seconds;
  state_->write(now);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
