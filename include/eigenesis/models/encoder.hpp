// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/distributions/normal.hpp"
#include "eigenesis/distributions/point_mass.hpp"
#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/pass.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// In place of a head for the log-variance: variance zero, a code without noise.
struct NoVariance {};

/// q(z | x): a trunk, and on it one head for the mean of the code and one for the logarithm of its variance, x [N, ...]
/// -> Normal over z [N, L] (Kingma and Welling 2014). Without the second head the code is a point: the encoder
/// of a plain autoencoder. A conditional trunk takes (x, condition, pass).
template <class Trunk, class MeanHead, class LogVarianceHead = NoVariance>
struct Encoder {
  Trunk trunk;                   // x [N, ...] -> h
  MeanHead mean;                 // h -> [N, L]
  LogVarianceHead log_variance;  // h -> [N, L]

  Encoder(Trunk shared, MeanHead mean_head, LogVarianceHead log_variance_head = {})
      : trunk(std::move(shared)), mean(std::move(mean_head)), log_variance(std::move(log_variance_head)) {}

  auto operator()(const auto& x, Pass pass = {}) const {
    return posterior(detail::call_named("encoder.trunk", trunk, x, pass), pass);
  }
  template <class Scalar, int Rank>
  auto operator()(const auto& x, const Variable<Scalar, Rank>& condition, Pass pass = {}) const {
    return posterior(detail::call_named("encoder.trunk", trunk, x, condition, pass), pass);
  }

  static void fields(auto& self, auto&& field) {
    field("trunk", self.trunk);
    field("mean", self.mean);
    field("log_variance", self.log_variance);
  }

 private:
  auto posterior(const auto& h, Pass pass) const {
    if constexpr (std::is_same_v<LogVarianceHead, NoVariance>)
      return PointMass{detail::call_named("encoder.mean", mean, h, pass)};
    else
      return Normal{detail::call_named("encoder.mean", mean, h, pass),
                    detail::call_named("encoder.log_variance", log_variance, h, pass)};
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
