// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include "eigenesis/autodiff/variable.hpp"
#include "eigenesis/core/rng.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// All probability at one point, value [N, L]: the posterior of variance zero, which turns a VAE into an autoencoder.
template <class Scalar = float, int Rank = 2>
class PointMass {
 public:
  explicit PointMass(Variable<Scalar, Rank> value) : value_(std::move(value)) {}

  /// The point [N, ...].
  const Variable<Scalar, Rank>& mean() const { return value_; }
  /// The value itself; draws nothing.
  const Variable<Scalar, Rank>& sample(Rng&) const { return value_; }

 private:
  Variable<Scalar, Rank> value_;
};

/// KL(q || p) = infinity for each sample, [N]: against a density p, a point would have to be infinitely likely.
template <class Scalar, int Rank, class Prior>
Variable<Scalar, 1> kl_divergence(const PointMass<Scalar, Rank>& q, const Prior&) {
  return Tensor<Scalar, 1>(Shape{q.mean().shape(0)}, std::numeric_limits<Scalar>::infinity());
}

}  // namespace eigenesis::inline EIGENESIS_ABI
