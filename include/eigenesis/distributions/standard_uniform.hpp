// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/rng.hpp"
#include "eigenesis/ops/reduce.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Uniform on the cube [-1, 1]^size: the prior of the first GANs. Throws ArgumentError for size < 1.
template <class Scalar = float>
struct StandardUniform {
  Index size;  // numbers of a sample

  explicit StandardUniform(Index latents) : size(latents) {
    require<ArgumentError>(size >= 1, "StandardUniform: expected size >= 1 but got ", size);
  }

  /// n independent draws, [n, size].
  Tensor<Scalar, 2> sample(Index n, Rng& rng) const {
    Tensor<Scalar, 2> z(Shape{n, size});
    rng.fill_uniform(z.data(), z.size(), Scalar{-1}, Scalar{1});
    return z;
  }
  /// The number below which a draw is with probability p, in (0, 1); the same for each of the numbers of z.
  static double quantile(double p) { return 2 * p - 1; }
  /// -size ln 2 nats inside the cube, minus infinity outside, z [N, size] -> [N]. Throws ShapeError.
  Variable<Scalar, 1> log_prob(const Variable<Scalar, 2>& z) const {
    require(z.shape(1) == size, "StandardUniform::log_prob: expected z of shape [N, ", size, "] but got ", z.shape());
    const double outside = -std::numeric_limits<double>::infinity();
    return sum(map([=](auto t) { return select(abs(t) > 1, outside, 0 * t - std::numbers::ln2); }, z), 1);  // keeps NaN
  }
  /// size ln 2 nats.
  Scalar entropy() const { return static_cast<Scalar>(static_cast<double>(size) * std::numbers::ln2); }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
