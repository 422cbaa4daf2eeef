// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

/// Per-sample numbers against those expected.
template <class Scalar>
void check_values(const eigenesis::Variable<Scalar, 1>& found, std::initializer_list<double> expected,
                  double margin = 1e-12) {
  REQUIRE(found.size() == std::ssize(expected));
  eigenesis::Index i = 0;
  for (const double target : expected) {
    INFO("sample " << i);
    CHECK_THAT(static_cast<double>(found.value()(i++)), WithinAbs(target, margin));
  }
}

/// The mean of the elements against a number, within five standard deviations of that mean.
template <class Scalar, int Rank>
void check_mean(const eigenesis::Tensor<Scalar, Rank>& draws, double expected) {
  const auto x = draws.array().template cast<double>();
  const double mean = x.mean(), deviation = std::sqrt((x - mean).square().mean() / static_cast<double>(x.size()));
  CHECK_THAT(mean, WithinAbs(expected, 5 * deviation));
}

/// The same row n times.
inline eigenesis::Variable<double, 2> rows(eigenesis::Index n, std::initializer_list<double> row) {
  using namespace eigenesis;
  const Tensor<double, 1> x(Shape{static_cast<Index>(row.size())}, row);
  return broadcast(Variable(x), Shape{n, x.size()});
}
