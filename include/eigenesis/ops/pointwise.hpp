// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/arithmetic.hpp"

// Functions of one element each, y[i] = f(x[i]). All pass NaN on. A function of one's own is such a line too; one with
// a kernel of its own is a row of kernels/operations.inl.
namespace eigenesis::inline EIGENESIS_ABI {

/// Of each element; NaN gives NaN. square(x) = x^2, expm1(x) = exp(x) - 1, log1p(x) = log(1 + x),
/// sigmoid(x) = 1 / (1 + exp(-x)), softplus(x) = log(1 + exp(x)); the others are what their names say in C++.
#define EIGENESIS_FUNCTION(name, ...)                            \
  template <class Scalar, int Rank>                              \
  Variable<Scalar, Rank> name(const Variable<Scalar, Rank>& x) { \
    return map([](const Symbol& t) { return name(t); }, x);      \
  }
#include "eigenesis/kernels/operations.inl"

/// x^exponent for a constant exponent.
template <class Scalar, int Rank>
Variable<Scalar, Rank> pow(const Variable<Scalar, Rank>& x, double exponent) {
  return map([exponent](auto t) { return pow(t, exponent); }, x);
}
/// max(x, 0); the gradient at 0 is 0.
template <class Scalar, int Rank>
Variable<Scalar, Rank> relu(const Variable<Scalar, Rank>& x) {
  return map([](auto t) { return relu(t); }, x);
}
/// x for x > 0, slope * x elsewhere (Maas et al. 2013). Throws ArgumentError for a slope that is not finite.
template <class Scalar, int Rank>
Variable<Scalar, Rank> leaky_relu(const Variable<Scalar, Rank>& x, double slope = 0.01) {
  require<ArgumentError>(std::isfinite(slope), "leaky_relu: expected a finite slope but got ", slope);
  return map([slope](auto t) { return leaky_relu(t, slope); }, x);
}
/// x for x > 0, scale * (exp(x) - 1) elsewhere (Clevert et al. 2016). Throws ArgumentError for a scale that is not
/// finite.
template <class Scalar, int Rank>
Variable<Scalar, Rank> elu(const Variable<Scalar, Rank>& x, double scale = 1) {
  require<ArgumentError>(std::isfinite(scale), "elu: expected a finite scale but got ", scale);
  return map([scale](auto t) { return select(t <= 0, scale * expm1(minimum(t, 0)), t); }, x);
}
/// x * Phi(x) with the normal distribution function Phi (Hendrycks and Gimpel 2016; the exact form, not tanh's).
template <class Scalar, int Rank>
Variable<Scalar, Rank> gelu(const Variable<Scalar, Rank>& x) {
  return map([](auto t) { return 0.5 * t * (1 + erf(t * (1 / std::numbers::sqrt2))); }, x);
}
/// x within [low, high]; the gradient is 1 inside and at the bounds, 0 outside. Throws ArgumentError if low > high.
template <class Scalar, int Rank>
Variable<Scalar, Rank> clamp(const Variable<Scalar, Rank>& x, double low, double high) {
  require<ArgumentError>(low <= high, "clamp: expected low <= high but got ", low, " and ", high);
  return map([low, high](auto t) { return clamp(t, low, high); }, x);
}
/// The larger element; NaN if either is.
template <class Scalar, int A, int B>
auto maximum(const Variable<Scalar, A>& a, const Variable<Scalar, B>& b) {
  return detail::map_named("maximum", [](auto x, auto y) { return maximum(x, y); }, a, b);
}
/// The smaller element; NaN if either is.
template <class Scalar, int A, int B>
auto minimum(const Variable<Scalar, A>& a, const Variable<Scalar, B>& b) {
  return detail::map_named("minimum", [](auto x, auto y) { return minimum(x, y); }, a, b);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
