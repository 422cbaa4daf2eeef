// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <numbers>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/ops/reduce.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

inline constexpr double half_log_two_pi = 0.91893853320467274178;

}  // namespace detail

/// N(0, I) over `size` numbers: the usual prior of latents. Throws ArgumentError for size < 1.
template <class Scalar = float>
struct StandardNormal {
  Index size;  // numbers of a sample

  explicit StandardNormal(Index latents) : size(latents) {
    require<ArgumentError>(size >= 1, "StandardNormal: expected size >= 1 but got ", size);
  }

  /// n independent draws, [n, size].
  Tensor<Scalar, 2> sample(Index n, Rng& rng) const {
    Tensor<Scalar, 2> z(Shape{n, size});
    rng.fill_normal(z.data(), z.size());
    return z;
  }
  /// The number below which a draw is with probability p, in (0, 1); the same for each of the numbers of z.
  static double quantile(double p) {
    double low = -40, high = 40;
    for (int i = 0; i < 70; ++i) {
      const double middle = (low + high) / 2;
      (0.5 * std::erfc(-middle / std::numbers::sqrt2) < p ? low : high) = middle;
    }
    return low;
  }
  /// -|z|^2 / 2 - size ln(2 pi) / 2 in nats, z [N, size] -> [N]. Throws ShapeError.
  Variable<Scalar, 1> log_prob(const Variable<Scalar, 2>& z) const {
    require(z.shape(1) == size, "StandardNormal::log_prob: expected z of shape [N, ", size, "] but got ", z.shape());
    return sum(map([](auto t) { return -0.5 * square(t); }, z), 1) -
           static_cast<double>(size) * detail::half_log_two_pi;
  }
  /// size (1 + ln(2 pi)) / 2 nats.
  Scalar entropy() const { return static_cast<Scalar>(static_cast<double>(size) * (0.5 + detail::half_log_two_pi)); }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
