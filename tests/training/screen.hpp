// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>
#include <string>

/// What a training writes where there is no terminal and no time passes: a line for each tenth of it.
struct Screen {
  std::string text;
  eigenesis::ProgressBar bar() {
    return eigenesis::ProgressBar{{}, {.write = [this](std::string_view part) { text += part; },
                                   .seconds = [] { return 0.0; },
                                   .columns = [] { return 0; }}};
  }
};
