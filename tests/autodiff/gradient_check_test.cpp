// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

/// x^2 with gradients that are wrong by a factor: the first, or only the gradient of the gradient.
Variable<double, 1> wrong_square(const Variable<double, 1>& x, double first, double second) {
  const auto twice = [=](const Variable<double, 1>& t) {
    return record(map([](auto s) { return 2 * s; }, t).value(),
                  wrt(t, [=](const auto&, const auto& dy) { return second * 2 * dy; }));
  };
  return record(square(x).value(), wrt(x, [=](const auto&, const auto& dy) { return first * dy * twice(x); }));
}

}  // namespace

TEST_CASE("The check of gradients accepts right rules") {
  check_gradients("square", [](const auto& x) { return wrong_square(x, 1, 1); }, numbers(Shape{3}));
}

TEST_CASE("The check of gradients finds a first derivative wrong by 1e-7", "[!shouldfail]") {
  check_gradients("square", [](const auto& x) { return wrong_square(x, 1 + 1e-7, 1); }, numbers(Shape{3}));
}

TEST_CASE("The check of gradients finds a second derivative wrong by 1e-7", "[!shouldfail]") {
  check_gradients("square", [](const auto& x) { return wrong_square(x, 1, 1 + 1e-7); }, numbers(Shape{3}));
}
