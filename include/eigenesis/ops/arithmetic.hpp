// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/map.hpp"

// + - * / of variables and numbers, element by element; shapes agree or are stretched (NumPy's rule), else ShapeError.
namespace eigenesis::inline EIGENESIS_ABI {

/// a + b, element by element. Shapes are stretched as by broadcast; throws ShapeError if they do not fit.
template <class Scalar, int A, int B>
auto operator+(const Variable<Scalar, A>& a, const Variable<Scalar, B>& b) {
  return detail::map_named("operator+", [](auto x, auto y) { return x + y; }, a, b);
}
/// a - b, element by element. Shapes are stretched as by broadcast; throws ShapeError if they do not fit.
template <class Scalar, int A, int B>
auto operator-(const Variable<Scalar, A>& a, const Variable<Scalar, B>& b) {
  return detail::map_named("operator-", [](auto x, auto y) { return x - y; }, a, b);
}
/// a * b, element by element. Shapes are stretched as by broadcast; throws ShapeError if they do not fit.
template <class Scalar, int A, int B>
auto operator*(const Variable<Scalar, A>& a, const Variable<Scalar, B>& b) {
  return detail::map_named("operator*", [](auto x, auto y) { return x * y; }, a, b);
}
/// a / b, element by element. Shapes are stretched as by broadcast; throws ShapeError if they do not fit.
template <class Scalar, int A, int B>
auto operator/(const Variable<Scalar, A>& a, const Variable<Scalar, B>& b) {
  return detail::map_named("operator/", [](auto x, auto y) { return x / y; }, a, b);
}
/// -a, element by element.
template <class Scalar, int Rank>
auto operator-(const Variable<Scalar, Rank>& a) {
  return map([](auto x) { return -x; }, a);
}

/// a + b for every element a.
template <class Scalar, int Rank, Number N>
auto operator+(const Variable<Scalar, Rank>& a, N b) {
  return map([b = static_cast<double>(b)](auto x) { return x + b; }, a);
}
/// a + b for every element b.
template <class Scalar, int Rank, Number N>
auto operator+(N a, const Variable<Scalar, Rank>& b) {
  return b + a;
}
/// a - b for every element a.
template <class Scalar, int Rank, Number N>
auto operator-(const Variable<Scalar, Rank>& a, N b) {
  return a + -static_cast<double>(b);
}
/// a - b for every element b.
template <class Scalar, int Rank, Number N>
auto operator-(N a, const Variable<Scalar, Rank>& b) {
  return map([a = static_cast<double>(a)](auto x) { return a - x; }, b);
}
/// a * b for every element a.
template <class Scalar, int Rank, Number N>
auto operator*(const Variable<Scalar, Rank>& a, N b) {
  return map([b = static_cast<double>(b)](auto x) { return x * b; }, a);
}
/// a * b for every element b.
template <class Scalar, int Rank, Number N>
auto operator*(N a, const Variable<Scalar, Rank>& b) {
  return b * a;
}
/// a / b for every element a.
template <class Scalar, int Rank, Number N>
auto operator/(const Variable<Scalar, Rank>& a, N b) {
  return map([b = static_cast<double>(b)](auto x) { return x / b; }, a);
}
/// a / b for every element b.
template <class Scalar, int Rank, Number N>
auto operator/(N a, const Variable<Scalar, Rank>& b) {
  return map([a = static_cast<double>(a)](auto x) { return a / x; }, b);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
