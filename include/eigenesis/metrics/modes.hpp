// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/toy.hpp"
#include "eigenesis/metrics/divergence.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Which samples count for a mode.
struct ModeOptions {
  double radius = 3;        // in standard deviations: how near to a mode a sample belongs to it
  Index least_samples = 1;  // that a mode needs to be covered
};

/// How samples spread over the modes of a mixture. They depend on the number of samples: state it beside them.
struct ModeCoverage {
  Index covered = 0;           // modes with enough samples
  double share = 0;            // of all samples: those that belong to a mode
  double divergence = 0;       // KL(these samples' shares of the modes || weights) in nats; infinite if there are none
  std::vector<Index> samples;  // that belong to each mode, [K]
};

/// Which modes of `mixture` the samples x [N, d] reach: each belongs to the mode m_k with the least |x - m_k| / s_k if
/// that is at most the radius (Srivastava et al. 2017, section 4.1). Of perfect samples in the plane, a share of
/// 1 - exp(-9/2) = 0.98889 lies within three standard deviations. A sample with a NaN belongs to no mode. Throws
/// ShapeError for another d, DataError without samples, ArgumentError for options that do not fit.
template <class Scalar>
ModeCoverage mode_coverage(const GaussianMixture& mixture, const Tensor<Scalar, 2>& x,
                           const ModeOptions& options = {}) {
  const auto [modes, d] = mixture.modes().shape().sizes;
  require(x.shape(1) == d, "mode_coverage: expected samples of shape [N, ", d, "] but got ", x.shape());
  require<DataError>(x.shape(0) > 0, "mode_coverage: expected at least one sample but got shape ", x.shape());
  require<ArgumentError>(options.radius > 0 && options.least_samples >= 1,
                         "mode_coverage: expected radius > 0 and least_samples >= 1 but got ", options.radius, " and ",
                         options.least_samples);
  std::vector<double> shares(static_cast<std::size_t>(modes));
  for (Index i = 0; i < x.shape(0); ++i) {
    double least = options.radius * options.radius;
    std::size_t nearest = shares.size();
    for (Index k = 0; k < modes; ++k) {
      double square = 0;
      for (Index j = 0; j < d; ++j) {
        const double difference = static_cast<double>(x(i, j)) - static_cast<double>(mixture.modes()(k, j));
        square += difference * difference;
      }
      const double s = mixture.standard_deviations()[static_cast<std::size_t>(k)];
      square /= s * s;
      if (!(square <= least)) continue;
      least = square;
      nearest = static_cast<std::size_t>(k);
    }
    if (nearest < shares.size()) ++shares[nearest];
  }
  ModeCoverage result;
  double inside = 0;
  for (const double count : shares) {
    result.samples.push_back(static_cast<Index>(count));
    result.covered += result.samples.back() >= options.least_samples ? 1 : 0;
    inside += count;
  }
  result.share = inside / static_cast<double>(x.shape(0));
  result.divergence = inside > 0 ? kl_divergence(shares, mixture.weights()) : std::numeric_limits<double>::infinity();
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
