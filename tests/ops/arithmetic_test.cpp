// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

const float not_a_number = std::numeric_limits<float>::quiet_NaN();

template <int Rank>
std::vector<double> list(const Variable<double, Rank>& x) {
  return {x.value().values().begin(), x.value().values().end()};
}

template <int A, int B>
void check_operators(const Shape<A>& a, const Shape<B>& b) {
  check_gradients(
      "+", [](const auto& x, const auto& y) { return x + y; }, numbers(a), numbers(b, 2));
  check_gradients(
      "-", [](const auto& x, const auto& y) { return x - y; }, numbers(a), numbers(b, 2));
  check_gradients(
      "*", [](const auto& x, const auto& y) { return x * y; }, numbers(a), numbers(b, 2));
  check_gradients(
      "/", [](const auto& x, const auto& y) { return x / y; }, numbers(a), numbers(b, 2));
}

}  // namespace

TEST_CASE("Arithmetic works element by element and stretches axes that are missing or of size 1") {
  const Variable x(Tensor<double, 2>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const Variable per_channel(Tensor<double, 1>({3}, {10, 20, 40}));
  const Variable per_sample(Tensor<double, 2>({2, 1}, {2, 4}));
  CHECK(list(x + per_channel) == std::vector<double>{11, 22, 43, 14, 25, 46});
  CHECK(list(per_channel - x) == std::vector<double>{9, 18, 37, 6, 15, 34});
  CHECK(list(x * per_sample) == std::vector<double>{2, 4, 6, 16, 20, 24});
  CHECK(list(per_sample / x) == std::vector<double>{2, 1, 2.0 / 3, 1, 0.8, 4.0 / 6});
  CHECK(list(per_channel * per_sample) == std::vector<double>{20, 40, 80, 40, 80, 160});
  CHECK((per_channel * per_sample).shape() == Shape{2, 3});
  CHECK(list(-x) == std::vector<double>{-1, -2, -3, -4, -5, -6});
}

TEST_CASE("Arithmetic takes numbers on both sides") {
  const Variable x(Tensor<double, 1>({3}, {1, 2, 4}));
  CHECK(list(x + 1) == std::vector<double>{2, 3, 5});
  CHECK(list(1.5f + x) == std::vector<double>{2.5, 3.5, 5.5});
  CHECK(list(x - Index{1}) == std::vector<double>{0, 1, 3});
  CHECK(list(1 - x) == std::vector<double>{0, -1, -3});
  CHECK(list(x * 3) == std::vector<double>{3, 6, 12});
  CHECK(list(0.5 * x) == std::vector<double>{0.5, 1, 2});
  CHECK(list(x / 4) == std::vector<double>{0.25, 0.5, 1});
  CHECK(list(4 / x) == std::vector<double>{4, 2, 1});
  CHECK(list(2 / x) == std::vector<double>{2, 1, 0.5});
  CHECK(list(1 / x) == std::vector<double>{1, 0.5, 0.25});
}

TEST_CASE("Arithmetic has first and second derivatives, also of stretched operands") {
  check_operators(Shape{3, 5}, Shape{3, 5});
  check_operators(Shape{3, 1}, Shape{3, 5});
  check_operators(Shape{2, 5}, Shape{1, 5});
  check_operators(Shape{1, 1}, Shape{2, 3});
  check_operators(Shape{0, 3}, Shape{1, 3});
  check_operators(Shape<0>{}, Shape{3, 5});
  check_operators(Shape{2, 1, 5}, Shape{3, 1});
}

TEST_CASE("Arithmetic with numbers has first and second derivatives") {
  const auto x = numbers(Shape{2, 3});
  check_gradients(
      "x + 2", [](const auto& t) { return t + 2; }, x);
  check_gradients(
      "2 + x", [](const auto& t) { return 2 + t; }, x);
  check_gradients(
      "x - 2", [](const auto& t) { return t - 2; }, x);
  check_gradients(
      "2 - x", [](const auto& t) { return 2 - t; }, x);
  check_gradients(
      "x * 3", [](const auto& t) { return t * 3; }, x);
  check_gradients(
      "3 * x", [](const auto& t) { return 3 * t; }, x);
  check_gradients(
      "x / 3", [](const auto& t) { return t / 3; }, x);
  check_gradients(
      "3 / x", [](const auto& t) { return 3 / t; }, x);
  check_gradients(
      "1 / x", [](const auto& t) { return 1 / t; }, x);
  check_gradients(
      "-x", [](const auto& t) { return -t; }, x);
}

TEST_CASE("Arithmetic of an operand with itself adds both gradients") {
  const auto x = numbers(Shape{2, 3});
  check_gradients(
      "x + x", [](const auto& t) { return t + t; }, x);
  check_gradients(
      "x * x", [](const auto& t) { return t * t; }, x);
  check_gradients(
      "x / x^2", [](const auto& t) { return t / (t * t); }, x);
  const Variable y = watch(x);
  CHECK(list(gradient(sum(y + y), y)) == std::vector<double>(6, 2));
  CHECK(list(gradient(sum(y - y), y)) == std::vector<double>(6, 0));
}

TEST_CASE("Arithmetic reduces the gradient of a stretched operand to its shape") {
  const Variable x = watch(Tensor<double, 2>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const Variable per_channel = watch(Tensor<double, 1>({3}, {1, 1, 1}));
  const Variable per_sample = watch(Tensor<double, 2>({2, 1}, {1, 1}));
  const Variable number = watch(Tensor<double, 0>({}, 1));
  const auto [channel, sample, one] =
      gradient(sum(x * per_channel * per_sample * number), per_channel, per_sample, number);
  CHECK(list(channel) == std::vector<double>{5, 7, 9});
  CHECK(list(sample) == std::vector<double>{6, 15});
  CHECK(one.item() == 21);
}

TEST_CASE("Arithmetic passes NaN") {
  const Variable x(Tensor<float, 1>({2}, {not_a_number, 1})), y(Tensor<float, 1>({2}, {0, 1}));
  for (const auto& z : {x + y, x - y, x * y, y / x, x / y, -x, x + 1, 1 - x, x * 0, 0 / x}) {
    CHECK(std::isnan(z.value()(0)));
    CHECK(std::isfinite(z.value()(1)));
  }
}

TEST_CASE("Arithmetic refuses shapes that do not fit") {
  const auto x = Variable(Tensor<float, 2>({2, 3})), y = Variable(Tensor<float, 2>({3, 2}));
  const std::string rest =
      ": expected shapes that agree or have size 1, axis by axis from the last, but got [2, 3] and [3, 2]";
  CHECK_THROWS_MATCHES(x + y, ShapeError, Message("operator+" + rest));
  CHECK_THROWS_MATCHES(x - y, ShapeError, Message("operator-" + rest));
  CHECK_THROWS_MATCHES(x * y, ShapeError, Message("operator*" + rest));
  CHECK_THROWS_MATCHES(x / y, ShapeError, Message("operator/" + rest));
}

TEST_CASE("A division by a constant rounds once, as a division does") {
  Tensor<float, 1> x(Shape{4000});
  Rng rng(5);
  rng.fill_uniform(x.data(), x.size(), -100.0f, 100.0f);
  for (const double c : {3.0, 7.0, 10.0, 255.0, -0.1, 1e-20, 1e30, 2.0, 0.25, -1.0, 1.0, 0x1p90, 0x1p-90}) {
    const auto y = Variable(x) / c;
    Index wrong = 0;
    for (Index i = 0; i < x.size(); ++i) wrong += y.value()(i) != x(i) / static_cast<float>(c);
    INFO("c = " << c);
    CHECK(wrong == 0);
  }
  check_gradients(
      "x / 3", [](const auto& v) { return v / 3; }, numbers(Shape{5}));
  const Variable ends(Tensor<float, 1>(Shape{3}, {1.0f, 0.0f, -2.0f}));
  CHECK((ends / 0).value()(0) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan((ends / 0).value()(1)));
  CHECK((ends / std::numeric_limits<double>::infinity()).value()(2) == 0);
}

TEST_CASE("Factors and divisors beyond the normal floats are right where the result is a normal float") {
  const Variable x(Tensor<float, 1>(Shape{5}, {1e20f, 1e-20f, 1.0f, 0.0f, 1e-39f}));  // the last is subnormal
  const auto check = [](const auto& y, std::initializer_list<double> expected) {
    Index i = 0;
    for (const double value : expected) {
      const auto found = static_cast<double>(y.value()(i++));
      INFO("element " << i - 1 << ": " << found << " instead of " << value);
      CHECK((found == value || std::fabs(found - value) <= 2e-7 * std::fabs(value)));
    }
  };
  const double infinity = std::numeric_limits<double>::infinity();
  check(x * 1e-40, {1e-20, 0, 0, 0, 0});
  check(x * -1e-50, {-1e-30, 0, 0, 0, 0});
  check(x * 1e40, {infinity, 1e20, infinity, 0, 0});
  check(x / 1e-39, {infinity, 1e19, infinity, 0, 0});  // 1e-39f / 1e-39 is 0: a subnormal element counts as 0
  check(x / -1e39, {-1e-19, 0, 0, 0, 0});
  check(1e-45 / x, {0, 1e-25, 0, infinity, infinity});
  check(1e45 / x, {1e25, infinity, infinity, infinity, infinity});
  const Variable y(Tensor<double, 1>(Shape{2}, {1e300, 1e-5}));
  CHECK_THAT((y * 1e-300).value()(0), WithinRel(1.0, 1e-15));
  CHECK_THAT((y / 1e-300).value()(1), WithinRel(1e295, 1e-15));
  CHECK_THAT((1e-300 / y).value()(1), WithinRel(1e-295, 1e-15));
  const Parameter w(Tensor<float, 1>(Shape{1}, 1.0f));
  CHECK_THAT(gradient(sum(1e20 * (w * 1e-40)), w).value()(0), WithinRel(1e-20f, 1e-6f));
}

TEST_CASE("A small constant that keeps a number from 0 does so though subnormal numbers are 0") {
  const Variable x(Tensor<float, 1>(Shape{3}, {0.0f, 1e-37f, 1.0f}));
  for (const double small : {1e-40, 1e-300}) {
    const auto logarithm = map([=](auto t) { return log(maximum(t, small)); }, x);
    CHECK_THAT(logarithm.value()(0), WithinRel(-126 * 0.6931472f, 1e-6f));  // of the smallest normal float, 2^-126
    CHECK_THAT(logarithm.value()(1), WithinRel(-37 * 2.3025851f, 1e-6f));
    CHECK((1 / (x + small)).value()(0) == 0x1p126f);
    const auto below = map([=](auto t) { return t < small; }, x).value();
    CHECK((below(0) == 1 && below(1) == 0 && below(2) == 0));
    CHECK(map([=](auto t) { return -small < t; }, x).value()(0) == 1);
  }
}
