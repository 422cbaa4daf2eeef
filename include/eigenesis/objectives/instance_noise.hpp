// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/core/schedules.hpp"
#include "eigenesis/ops/map.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Noise N(0, sigma^2) on all that the discriminator sees, real and fake: distributions that share no points then
/// overlap, and the generator gets a gradient (Sonderby et al. 2017; Arjovsky and Bottou 2017). It fades by a schedule:
/// `InstanceNoise{.sigma = 0.5, .schedule = LinearDecay{2000}}`.
struct InstanceNoise {
  double sigma = 0;        // in the unit of the samples,
  Schedule schedule = {};  // times this function of the step, counted from 0

  /// Sigma in a step. Throws ArgumentError unless it is finite and >= 0.
  double sigma_in(Index step) const {
    const double result = sigma * (schedule ? schedule(step) : 1);
    require<ArgumentError>(result >= 0 && std::isfinite(result), "InstanceNoise: expected a finite sigma >= 0 but got ",
                           result, " in step ", step);
    return result;
  }
  /// Samples x as the discriminator sees them in a step; without noise, x itself, and nothing is drawn.
  template <class Scalar, int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x, Index step, Rng& rng) const {
    const double s = sigma_in(step);
    if (s == 0) return x;
    Tensor<Scalar, Rank> noise(x.shape());
    rng.fill_normal(noise.data(), noise.size());
    return map([s](auto t, auto e) { return t + s * e; }, x, Variable(std::move(noise)));
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
