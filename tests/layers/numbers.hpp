// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <eigenesis/eigenesis.hpp>
#include <initializer_list>

#include "catch.hpp"

/// 2 sin(phase + i) for i = 0, 1, ..., as in tests/goldens/layers.py.
template <class Scalar, int Rank>
eigenesis::Tensor<Scalar, Rank> numbers(const eigenesis::Shape<Rank>& shape, double phase) {
  eigenesis::Tensor<Scalar, Rank> x(shape);
  for (Scalar& value : x.values()) value = static_cast<Scalar>(2 * std::sin(phase++));
  return x;
}

/// Gives all parameters of a layer numbers: the first from phase, the second from phase + 10, ...
template <class Layer>
Layer with_numbers(Layer layer, double phase) {
  eigenesis::for_each_parameter(layer, [&]<class Scalar, int Rank>(const auto&, eigenesis::Parameter<Scalar, Rank>& p) {
    p.mutable_value() = numbers<Scalar>(p.shape(), phase);
    phase += 10;
  });
  return layer;
}

/// Elements in row-major order against those expected; all of float's digits, twelve of double's.
template <class Scalar, int Rank>
void check_numbers(const eigenesis::Tensor<Scalar, Rank>& found, std::initializer_list<double> expected) {
  REQUIRE(found.size() == std::ssize(expected));
  const Scalar* element = found.data();
  for (const double target : expected) {
    INFO("element " << element - found.data());
    const double margin = (sizeof(Scalar) == 4 ? 2e-6 : 2e-11) * std::max(1.0, std::abs(target));
    CHECK_THAT(static_cast<double>(*element++), WithinAbs(target, margin));
  }
}
template <class Scalar, int Rank>
void check_numbers(const eigenesis::Variable<Scalar, Rank>& found, std::initializer_list<double> expected) {
  check_numbers(found.value(), expected);
}
