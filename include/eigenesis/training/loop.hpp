// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "eigenesis/training/progress.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// How long `fit` trains.
struct Duration {
  Index steps;  // in each epoch
  Index epochs;
};

/// Of a number of steps, which make one epoch, or of epochs: passes over a finite data set, where a step takes
/// `batches_per_step` batches. Exactly one of the two numbers is > 0.
template <class Batches>
Duration plan(const char* trainer, const Batches& batches, Index steps, Index epochs, Index batches_per_step) {
  require<ArgumentError>(steps >= 0 && epochs >= 0 && (steps > 0) != (epochs > 0), trainer,
                         "::fit: expected either steps > 0 or epochs > 0 but got steps = ", steps,
                         " and epochs = ", epochs);
  if constexpr (Batches::endless) {
    require<ArgumentError>(epochs == 0, trainer,
                           "::fit: expected steps for an endless source but got epochs = ", epochs);
    return {.steps = steps, .epochs = 1};
  } else {
    if (steps > 0) return {.steps = steps, .epochs = 1};
    return {.steps = std::max<Index>(1, batches.steps_per_epoch() / batches_per_step), .epochs = epochs};
  }
}

/// Calls f; if a number in it is not finite, the error names the trainer's function too.
template <class F>
void in_phase(const char* trainer, const char* function, F f) {
  try {
    f();
  } catch (const NumericError& error) {
    fail<NumericError>(trainer, "::", function, ": ", error.what());
  }
}

/// Calls step(epoch) `steps` times and end_epoch(epoch) after them, for every epoch (counted from 1), and shows the
/// values that they return. Either may set `stop`; an epoch that is cut short ends too.
template <class Step, class EndEpoch>
void train_loop(const char* name, Duration duration, Progress progress, const bool& stop, Step step,
                EndEpoch end_epoch) {
  struct FinishLine {
    Progress& shown;
    ~FinishLine() {
      try {
        shown.finish();
      } catch (...) {  // of a user's output, while another exception may be on its way
      }
    }
  } finish_line{progress};
  progress.start(name, duration.epochs, duration.steps);
  for (Index epoch = 1; epoch <= duration.epochs && !stop; ++epoch) {
    progress.step(epoch, 0, {});
    Index done = 0;
    while (done < duration.steps && !stop) {
      const std::span<const NamedValue> values = step(epoch);
      if (++done < duration.steps) progress.step(epoch, done, values);
    }
    progress.step(epoch, done, end_epoch(epoch));
  }
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
