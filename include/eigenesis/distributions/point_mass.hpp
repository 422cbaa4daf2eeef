// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/rng.hpp"
#include "eigenesis/autodiff/variable.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// All probability at one point, value [N, L]: the posterior of variance zero, which makes a plain autoencoder of a VAE.
template <class Scalar = float, int Rank = 2>
class PointMass {
 public:
  explicit PointMass(Variable<Scalar, Rank> value) : value_(std::move(value)) {}

  const Variable<Scalar, Rank>& mean() const { return value_; }
  /// The value itself; draws nothing.
  const Variable<Scalar, Rank>& sample(Rng&) const { return value_; }

 private:
  Variable<Scalar, Rank> value_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI
