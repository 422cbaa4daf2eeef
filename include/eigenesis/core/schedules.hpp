// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <type_traits>
#include <utility>

#include "eigenesis/machine/error.hpp"

// Factors that change while a model is trained: of the learning rate, of the weight of a KL divergence, of noise. A
// schedule is any function of the step, counted from 0; of one's own: [](Index step) { return std::pow(0.999, step); }.
namespace eigenesis::inline EIGENESIS_ABI {

/// A factor for each step, any function of its number; an empty one counts as 1. It has to give the same whenever it is
/// asked: no file keeps it, and a training that goes on asks anew.
class Schedule {
 public:
  /// An empty one.
  Schedule() = default;
  /// This function.
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Schedule> && std::is_invocable_r_v<double, F&, Index>)
      Schedule(F function)
      : function_(std::move(function)) {
    static_assert(std::is_invocable_r_v<double, const F&, Index>,
                  "eigenesis: a schedule is a function of the step and of nothing that changes; what it changes in "
                  "itself would be lost where a training goes on");
  }

  /// Whether there is a function.
  explicit operator bool() const { return static_cast<bool>(function_); }
  /// The factor of this step.
  double operator()(Index step) const { return function_(step); }

 private:
  std::function<double(Index)> function_;
};

/// Always `factor`.
struct ConstantSchedule {
  double factor = 1;  // in every step
  double operator()(Index) const { return factor; }
};

/// factor^floor(step / period). Throws ArgumentError for period < 1.
struct StepSchedule {
  Index period;         // in steps
  double factor = 0.1;  // of each period to the one before
  double operator()(Index step) const {
    require<ArgumentError>(period >= 1, "StepSchedule: expected period >= 1 but got ", period);
    return std::pow(factor, static_cast<double>(step / period));
  }
};

/// From 1 down to `end` along half a cosine, end + (1 - end) (1 + cos(pi step / steps)) / 2, then `end` (Loshchilov and
/// Hutter 2017). Throws ArgumentError for steps < 1.
struct CosineSchedule {
  Index steps;     // until `end` is reached
  double end = 0;  // the last factor
  double operator()(Index step) const {
    require<ArgumentError>(steps >= 1, "CosineSchedule: expected steps >= 1 but got ", steps);
    const double done = static_cast<double>(std::min(step, steps)) / static_cast<double>(steps);
    return end + (1 - end) * (1 + std::cos(std::numbers::pi * done)) / 2;
  }
};

/// (step + 1) / steps until 1 is reached: the first step is small, but not 0. Throws ArgumentError for steps < 1.
struct LinearWarmUp {
  Index steps;  // until 1 is reached
  double operator()(Index step) const {
    require<ArgumentError>(steps >= 1, "LinearWarmUp: expected steps >= 1 but got ", steps);
    return std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(steps));
  }
};

/// From 1 down to `end` along a line, 1 + (end - 1) step / steps, then `end`. Throws ArgumentError for steps < 1.
struct LinearDecay {
  Index steps;     // until `end` is reached
  double end = 0;  // the last factor
  double operator()(Index step) const {
    require<ArgumentError>(steps >= 1, "LinearDecay: expected steps >= 1 but got ", steps);
    return 1 + (end - 1) * static_cast<double>(std::min(step, steps)) / static_cast<double>(steps);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
