// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <functional>
#include <numeric>

#include "eigenesis/autodiff/parameter.hpp"
#include "eigenesis/core/rng.hpp"
#include "eigenesis/machine/float_state.hpp"

// How weights start. Matrices are [in, out]: fan_in = in, fan_out = out. Kernels are [kh, kw, in, out]: fan_in =
// kh * kw * in, fan_out = kh * kw * out; of transposed convolutions, [kh, kw, out, in], the reverse, as in PyTorch.
namespace eigenesis::inline EIGENESIS_ABI {

/// U(low, high).
template <class Scalar, int Rank>
void initialize_uniform(Parameter<Scalar, Rank>& weight, double low, double high, Rng& rng) {
  Tensor<Scalar, Rank>& value = weight.mutable_value();
  rng.fill_uniform(value.data(), value.size(), static_cast<Scalar>(low), static_cast<Scalar>(high));
}

/// N(mean, standard_deviation^2).
template <class Scalar, int Rank>
void initialize_normal(Parameter<Scalar, Rank>& weight, double mean, double standard_deviation, Rng& rng) {
  Tensor<Scalar, Rank>& value = weight.mutable_value();
  rng.fill_normal(value.data(), value.size());
  for (Scalar& x : value.values())
    x = detail::rounded(x * static_cast<Scalar>(standard_deviation)) + static_cast<Scalar>(mean);
}

namespace detail {

template <int Rank>
requires(Rank >= 2) double fan_in(const Shape<Rank>& weight) {
  return static_cast<double>(weight.size() / weight[Rank - 1]);
}
template <int Rank>
requires(Rank >= 2) double fan_out(const Shape<Rank>& weight) {
  return static_cast<double>(weight.size() / weight[Rank - 2]);
}

/// U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for the weight and the bias of a layer, as in PyTorch.
template <class Scalar, int Rank>
void initialize_by_fan_in(Parameter<Scalar, Rank>& weight, Parameter<Scalar, 1>& bias, Rng& rng) {
  const double bound = 1 / std::sqrt(fan_in(weight.shape()));
  initialize_uniform(weight, -bound, bound, rng);
  initialize_uniform(bias, -bound, bound, rng);
}

}  // namespace detail

/// Variance gain^2 * 2 / (fan_in + fan_out), uniform (Glorot and Bengio 2010).
template <class Scalar, int Rank>
void initialize_xavier(Parameter<Scalar, Rank>& weight, Rng& rng, double gain = 1) {
  const double bound = gain * std::sqrt(6.0 / (detail::fan_in(weight.shape()) + detail::fan_out(weight.shape())));
  initialize_uniform(weight, -bound, bound, rng);
}

/// Variance 2 / ((1 + slope^2) fan_in), normal, for layers followed by a (leaky) ReLU (He et al. 2015).
template <class Scalar, int Rank>
void initialize_he(Parameter<Scalar, Rank>& weight, Rng& rng, double slope = 0) {
  initialize_normal(weight, 0, std::sqrt(2.0 / ((1 + detail::rounded(slope * slope)) * detail::fan_in(weight.shape()))),
                    rng);
}

/// gain times a random matrix whose rows (or columns, whichever are fewer) are orthonormal (Saxe et al. 2014).
template <class Scalar>
void initialize_orthogonal(Parameter<Scalar, 2>& weight, Rng& rng, double gain = 1) {
  const Index long_side = std::max(weight.shape(0), weight.shape(1)),
              count = std::min(weight.shape(0), weight.shape(1));
  Tensor<double, 2> rows(Shape{count, long_side});
  rng.fill_normal(rows.data(), rows.size());
  // Gram-Schmidt, twice for full accuracy: of normal rows it gives the uniform distribution over such matrices.
  for (Index j = 0; j < count; ++j) {
    double* const row = rows.data() + j * long_side;
    const auto product = [&](const double* other) {
      return std::inner_product(row, row + long_side, other, 0.0, std::plus{},
                                [](double a, double b) { return detail::rounded(a * b); });
    };
    for (int pass = 0; pass < 2; ++pass)
      for (const double* other = rows.data(); other != row; other += long_side) {
        const double along = product(other);
        for (Index i = 0; i < long_side; ++i) row[i] -= detail::rounded(along * other[i]);
      }
    const double length = std::sqrt(product(row));
    for (Index i = 0; i < long_side; ++i) row[i] /= length;
  }
  Tensor<Scalar, 2>& value = weight.mutable_value();
  const bool tall = value.shape(0) == long_side;
  for (Index i = 0; i < value.shape(0); ++i)
    for (Index j = 0; j < value.shape(1); ++j)
      value(i, j) = static_cast<Scalar>(gain * (tall ? rows(j, i) : rows(i, j)));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
