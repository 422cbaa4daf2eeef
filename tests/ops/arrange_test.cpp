// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

template <int Rank>
std::vector<double> list(const Variable<double, Rank>& x) {
  return {x.value().values().begin(), x.value().values().end()};
}

const Variable<double, 2>& two_by_three() {
  static const Variable x(Tensor<double, 2>({2, 3}, {1, 2, 3, 4, 5, 6}));
  return x;
}

}  // namespace

TEST_CASE("reshape keeps the order of the elements") {
  const auto y = reshape(two_by_three(), Shape{3, 1, 2});
  CHECK(y.shape() == Shape{3, 1, 2});
  CHECK(list(y) == std::vector<double>{1, 2, 3, 4, 5, 6});
  check_gradients("reshape", [](const auto& x) { return square(reshape(x, Shape{6})); }, numbers(Shape{2, 3}));
  check_gradients("reshape", [](const auto& x) { return reshape(x, Shape<0>{}); }, numbers(Shape{1, 1}));
  check_gradients("reshape", [](const auto& x) { return reshape(x, Shape{4, 0}); }, numbers(Shape{0, 3}));
}

TEST_CASE("reshape refuses another number of elements") {
  CHECK_THROWS_MATCHES(reshape(two_by_three(), Shape{4, 2}), ShapeError,
                       Message("reshape: expected 6 elements as in [2, 3] but got [4, 2]"));
  CHECK_THROWS_MATCHES(reshape(two_by_three(), Shape{-2, -3}), ShapeError,
                       Message("Tensor: expected sizes >= 0 but got [-2, -3]"));
}

TEST_CASE("transpose exchanges the last two axes") {
  CHECK(list(transpose(two_by_three())) == std::vector<double>{1, 4, 2, 5, 3, 6});
  const auto x = numbers(Shape{2, 3, 4, 5});
  const auto y = transpose(Variable(x));
  REQUIRE(y.shape() == Shape{2, 3, 5, 4});
  for (Index n = 0; n < 2; ++n)
    for (Index c = 0; c < 3; ++c)
      for (Index i = 0; i < 5; ++i)
        for (Index j = 0; j < 4; ++j) CHECK(y.value()(n, c, i, j) == x(n, c, j, i));
  check_gradients("transpose", [](const auto& t) { return square(transpose(t)); }, numbers(Shape{3, 7}));
  check_gradients("transpose", [](const auto& t) { return square(transpose(t)); }, numbers(Shape{2, 1, 5}));
  check_gradients("transpose", [](const auto& t) { return square(transpose(t)); }, numbers(Shape{1, 2, 3, 2}));
  check_gradients("transpose", [](const auto& t) { return transpose(t); }, numbers(Shape{2, 0, 3}));
}

TEST_CASE("slice takes entries along an axis, pad adds zeros") {
  CHECK(list(slice(two_by_three(), 1, 1, 3)) == std::vector<double>{2, 3, 5, 6});
  CHECK(list(slice(two_by_three(), -2, 1, 2)) == std::vector<double>{4, 5, 6});
  CHECK(slice(two_by_three(), 0, 1, 1).shape() == Shape{0, 3});
  CHECK(list(pad(two_by_three(), 1, 1, 2)) == std::vector<double>{0, 1, 2, 3, 0, 0, 0, 4, 5, 6, 0, 0});
  CHECK(list(pad(two_by_three(), -2, 1, 0)) == std::vector<double>{0, 0, 0, 1, 2, 3, 4, 5, 6});
  const auto x = numbers(Shape{3, 4, 2});
  for (int axis = 0; axis < 3; ++axis) {
    check_gradients("slice", [=](const auto& t) { return square(slice(t, axis, 1, 2)); }, x);
    check_gradients("pad", [=](const auto& t) { return square(pad(t, axis, 2, 1)); }, x);
  }
  check_gradients("empty slice", [](const auto& t) { return slice(t, 1, 2, 2); }, x);
  check_gradients("overlapping slices", [](const auto& t) { return slice(t, 1, 0, 3) * slice(t, 1, 1, 4); }, x);
}

TEST_CASE("slice and pad refuse what is out of range") {
  const auto& x = two_by_three();
  CHECK_THROWS_MATCHES(slice(x, 1, 2, 4), ArgumentError,
                       Message("slice: expected 0 <= begin <= end <= 3 but got [2, 4)"));
  CHECK_THROWS_MATCHES(slice(x, 1, -1, 2), ArgumentError,
                       Message("slice: expected 0 <= begin <= end <= 3 but got [-1, 2)"));
  CHECK_THROWS_MATCHES(slice(x, 0, 2, 1), ArgumentError,
                       Message("slice: expected 0 <= begin <= end <= 2 but got [2, 1)"));
  CHECK_THROWS_MATCHES(slice(x, 2, 0, 1), ArgumentError, Message("slice: expected an axis in [-2, 1] but got 2"));
  CHECK_THROWS_MATCHES(pad(x, 0, -1, 2), ArgumentError, Message("pad: expected counts in [0, 2^40] but got -1 and 2"));
  CHECK_THROWS_MATCHES(pad(x, -3, 0, 0), ArgumentError, Message("pad: expected an axis in [-2, 1] but got -3"));
}

TEST_CASE("concatenate joins what split has cut") {
  const auto x = numbers(Shape{3, 5, 2});
  const auto parts = split(Variable(x), 1, {2, 0, 3});
  REQUIRE(parts.size() == 3);
  CHECK(parts[0].shape() == Shape{3, 2, 2});
  CHECK(parts[1].shape() == Shape{3, 0, 2});
  CHECK(parts[2].value()(1, 0, 1) == x(1, 2, 1));
  CHECK(list(concatenate(parts, 1)) == list(Variable(x)));
  CHECK(list(concatenate({two_by_three(), two_by_three() * 2}, -1)) ==
        std::vector<double>{1, 2, 3, 2, 4, 6, 4, 5, 6, 8, 10, 12});
  for (int axis = 0; axis < 3; ++axis)
    check_gradients(
        "concatenate", [=](const auto& a, const auto& b) { return square(concatenate({a, b, a}, axis)); },
        numbers(Shape{2, 2, 2}), numbers(Shape{2, 2, 2}, 2));
  check_gradients(
      "concatenate", [](const auto& a, const auto& b) { return square(concatenate({a, b}, 0)); }, numbers(Shape{3}),
      numbers(Shape{0}));
  check_gradients(
      "split",
      [](const auto& t) {
        const auto cut = split(t, 1, {1, 4});
        return cut[0] * cut[1];
      },
      x);
}

TEST_CASE("concatenate and split refuse what does not fit") {
  const auto& x = two_by_three();
  const Variable<double, 2> wide(Tensor<double, 2>({2, 4}));
  CHECK_THROWS_MATCHES(concatenate({x, wide}, 0), ShapeError,
                       Message("concatenate: expected shapes that differ in axis 0 only but got [2, 3] and [2, 4]"));
  CHECK_THROWS_MATCHES(concatenate(std::vector<Variable<double, 2>>{}, 0), ArgumentError,
                       Message("concatenate: expected at least one variable but got none"));
  CHECK_THROWS_MATCHES(concatenate({x, x}, 2), ArgumentError,
                       Message("concatenate: expected an axis in [-2, 1] but got 2"));
  CHECK_THROWS_MATCHES(split(x, 1, {1, 1}), ShapeError,
                       Message("split: expected sizes >= 0 that add up to 3 but got [1, 1]"));
  CHECK_THROWS_MATCHES(split(x, 1, {-1, 4}), ShapeError,
                       Message("split: expected sizes >= 0 that add up to 3 but got [-1, 4]"));
  CHECK_THROWS_MATCHES(split(x, 5, {1}), ArgumentError, Message("split: expected an axis in [-2, 1] but got 5"));
}

TEST_CASE("Moving elements passes NaN") {
  const Variable x(Tensor<double, 2>({1, 2}, {std::numeric_limits<double>::quiet_NaN(), 1}));
  for (const auto& y :
       {reshape(x, Shape{2, 1}), transpose(x), slice(x, 1, 0, 1), pad(x, 0, 0, 1), concatenate({x, x}, 0)})
    CHECK(std::isnan(y.value()(0, 0)));
}
