// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "eigenesis/training/progress.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How long `fit` trains: a number of steps, or of epochs (passes over a finite data set). Exactly one of them is set.
struct Duration {
  Index steps = 0;
  Index epochs = 0;
};

namespace detail {

/// Epochs and steps in each, of a training that needs `batches_per_step` batches for a step. An endless source has no epochs.
template <class Batches>
Duration plan(const char* function, const Batches& batches, Index steps, Index epochs, Index batches_per_step) {
  require<ArgumentError>(steps >= 0 && epochs >= 0 && (steps > 0) != (epochs > 0), function,
                         ": expected either steps > 0 or epochs > 0 but got steps = ", steps, " and epochs = ", epochs);
  if constexpr (Batches::endless) {
    require<ArgumentError>(epochs == 0, function, ": expected steps for an endless source but got epochs = ", epochs);
    return {.steps = steps, .epochs = 1};
  } else {
    if (steps > 0) return {.steps = steps, .epochs = 1};
    return {.steps = std::max<Index>(1, batches.steps_per_epoch() / batches_per_step), .epochs = epochs};
  }
}

/// Calls step(epoch) `steps` times and end_epoch(epoch) after them, for every epoch (counted from 1), and shows the values that
/// they return. Either may set `stop`.
template <class Step, class EndEpoch>
void train_loop(const char* name, Duration duration, Progress progress, const bool& stop, Step step, EndEpoch end_epoch) {
  struct FinishLine {
    Progress& shown;
    ~FinishLine() { shown.finish(); }
  } finish_line{progress};
  progress.start(name, duration.epochs, duration.steps);
  for (Index epoch = 1; epoch <= duration.epochs && !stop; ++epoch) {
    progress.step(epoch, 0, {});
    for (Index i = 1; i <= duration.steps && !stop; ++i) {
      const std::span<const NamedValue> values = step(epoch);
      if (i < duration.steps) progress.step(epoch, i, values);
    }
    const std::span<const NamedValue> values = end_epoch(epoch);
    if (!stop) progress.step(epoch, duration.steps, values);
  }
}

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI
