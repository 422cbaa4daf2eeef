// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class Scalar, int Rank>
std::vector<double> list(const Variable<Scalar, Rank>& x) {
  return {x.value().values().begin(), x.value().values().end()};
}

Variable<double, 2> row(std::initializer_list<double> values) {
  return watch(Tensor<double, 2>({1, static_cast<Index>(values.size())}, values));
}

}  // namespace

TEST_CASE("sum and mean add all elements, or those along an axis") {
  const Variable x(Tensor<double, 3>({2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  CHECK(sum(x).item() == 78);
  CHECK(mean(x).item() == 6.5);
  CHECK(list(sum(x, 0)) == std::vector<double>{8, 10, 12, 14, 16, 18});
  CHECK(list(sum(x, 1)) == std::vector<double>{5, 7, 9, 17, 19, 21});
  CHECK(list(sum(x, -1)) == std::vector<double>{6, 15, 24, 33});
  CHECK(list(mean(x, 0)) == std::vector<double>{4, 5, 6, 7, 8, 9});
  CHECK(mean(x, -1).shape() == Shape{2, 2});
  CHECK(list(sum_per_sample(x)) == std::vector<double>{21, 57});
  CHECK(list(sum_per_sample(sum_per_sample(x))) == std::vector<double>{21, 57});
}

TEST_CASE("Sums of nothing are 0, means of nothing are not a number") {
  const Variable x(Tensor<double, 2>({0, 3}));
  CHECK(sum(x).item() == 0);
  CHECK(std::isnan(mean(x).item()));
  CHECK(list(sum(x, 0)) == std::vector<double>{0, 0, 0});
  CHECK(sum(x, 1).shape() == Shape{0});
  CHECK(sum_per_sample(x).shape() == Shape{0});
  CHECK(list(sum_per_sample(Variable(Tensor<double, 2>({2, 0})))) == std::vector<double>{0, 0});
}

TEST_CASE("sum and mean have first and second derivatives") {
  const auto x = numbers(Shape{3, 5, 2});
  check_gradients(
      "sum", [](const auto& t) { return sum(square(t)); }, x);
  check_gradients(
      "mean", [](const auto& t) { return square(mean(t)); }, x);
  for (int axis = 0; axis < 3; ++axis) {
    check_gradients(
        "sum", [=](const auto& t) { return square(sum(t, axis)); }, x);
    check_gradients(
        "mean", [=](const auto& t) { return square(mean(t, axis)); }, x);
  }
  check_gradients(
      "sum", [](const auto& t) { return sum(square(t)); }, numbers(Shape<0>{}));
  check_gradients(
      "sum", [](const auto& t) { return square(sum(t, 0)); }, numbers(Shape{1, 4}));
  check_gradients(
      "sum", [](const auto& t) { return square(sum(t, 0)); }, numbers(Shape{0, 4}));
  check_gradients(
      "sum_per_sample", [](const auto& t) { return square(sum_per_sample(t)); }, x);
}

TEST_CASE("broadcast stretches and sum_to adds what was stretched") {
  const Variable x(Tensor<double, 3>({2, 1, 2}, {1, 2, 3, 4}));
  const auto y = broadcast(x, Shape{2, 2, 3, 2});
  CHECK(list(y) == std::vector<double>{1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4, 1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4});
  CHECK(list(sum_to(y, x.shape())) == std::vector<double>{6, 12, 18, 24});
  CHECK(sum_to(y, Shape{1, 1, 1}).value()(0, 0, 0) == 60);
  CHECK(list(broadcast(x, x.shape())) == list(x));
  CHECK(broadcast(x, Shape{2, 0, 2}).size() == 0);
  CHECK(list(sum_to(broadcast(x, Shape{2, 0, 2}), x.shape())) == std::vector<double>{0, 0, 0, 0});
  CHECK(list(broadcast(Variable(Tensor<double, 0>({}, 7)), Shape{1, 2})) == std::vector<double>{7, 7});
  CHECK(list(sum_to(Variable(numbers(Shape{1, 3})), Shape{3})) == list(Variable(numbers(Shape{3}))));
}

TEST_CASE("broadcast and sum_to have first and second derivatives") {
  check_gradients(
      "broadcast",
      [](const auto& t) {
        return square(broadcast(t, Shape{2, 3, 4}));
      },
      numbers(Shape{3, 1}));
  check_gradients(
      "broadcast",
      [](const auto& t) {
        return square(broadcast(t, Shape{2, 3, 2, 3}));
      },
      numbers(Shape{3, 1, 3}));
  check_gradients(
      "broadcast",
      [](const auto& t) {
        return square(broadcast(t, Shape{2, 3}));
      },
      numbers(Shape<0>{}));
  check_gradients(
      "sum_to",
      [](const auto& t) {
        return square(sum_to(t, Shape{3, 1}));
      },
      numbers(Shape{2, 3, 4}));
  check_gradients(
      "sum_to",
      [](const auto& t) {
        return square(sum_to(t, Shape{2, 1, 2, 1}));
      },
      numbers(Shape{2, 3, 2, 3}));
  check_gradients(
      "sum_to", [](const auto& t) { return square(sum_to(t, Shape<0>{})); }, numbers(Shape{5}));
}

TEST_CASE("Sums of floats stay near those of doubles, over rows, columns and everything") {
  const auto [rows, columns] = GENERATE(table<Index, Index>({{3, 20'001}, {5000, 7}, {2049, 33}, {1, 100'003}}));
  const Tensor<double, 2> exact = numbers(Shape{rows, columns}, 3, true);
  const Variable x(Tensor<float, 2>(exact.matrix()));
  CHECK_THAT(sum(x).item(), WithinRel(static_cast<float>(exact.array().sum()), 1e-6f));
  for (const int axis : {0, 1}) {
    const auto found = list(sum(x, axis)), expected = list(sum(Variable(exact), axis));
    double furthest = 0;
    for (std::size_t i = 0; i < found.size(); ++i) furthest = std::max(furthest, std::abs(found[i] / expected[i] - 1));
    INFO("axis " << axis << " of " << to_string(x.shape()));
    CHECK(furthest < 2e-6);
  }
}

TEST_CASE("maximum along an axis finds the largest element, and NaN first of all") {
  const Variable x(Tensor<double, 3>({2, 2, 2}, {1, 8, 3, -4, -5, not_a_number, -7, -8}));
  CHECK(list(maximum(x, 2)).at(0) == 8);
  CHECK(list(maximum(x, 2)).at(1) == 3);
  CHECK(std::isnan(list(maximum(x, 2)).at(2)));
  CHECK(list(maximum(x, 2)).at(3) == -7);
  CHECK(list(maximum(x, 1)).at(0) == 3);
  CHECK(list(maximum(x, 1)).at(2) == -5);
  CHECK(std::isnan(list(maximum(x, 0)).at(1)));
  CHECK(list(maximum(x, 0)).at(2) == 3);
  CHECK(maximum(Variable(numbers(Shape{3, 40})), 1).value()(2) == numbers(Shape{3, 40}).matrix().row(2).maxCoeff());
}

TEST_CASE("maximum along an axis shares its gradient among equal elements") {
  const auto x = row({2, 5, 5, -1, 5});
  const auto dx = list(gradient(sum(3 * maximum(x, 1)), x));
  CHECK(dx == std::vector<double>{0, 1, 1, 0, 1});
  const auto bad = row({2, not_a_number});
  CHECK(std::isnan(list(gradient(sum(maximum(bad, 1)), bad)).at(1)));
}

TEST_CASE("maximum along an axis has first and second derivatives") {
  Tensor<double, 3> x({2, 3, 4});
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = 0.1 * static_cast<double>(i * 7 % 24) - 1;
  for (int axis = 0; axis < 3; ++axis)
    check_gradients(
        "maximum", [=](const auto& t) { return square(maximum(t, axis)); }, x);
}

TEST_CASE("logsumexp and softmax along an axis agree with their definitions") {
  const auto x = row({0, std::log(2.0), std::log(5.0)});
  CHECK_THAT(logsumexp(x, 1).value()(0), WithinRel(std::log(8.0), 1e-15));
  const auto p = list(softmax(x, -1)), log_p = list(log_softmax(x, -1));
  CHECK_THAT(p[0], WithinRel(0.125, 1e-15));
  CHECK_THAT(p[1], WithinRel(0.25, 1e-15));
  CHECK_THAT(p[2], WithinRel(0.625, 1e-15));
  CHECK_THAT(log_p[1], WithinRel(std::log(0.25), 1e-15));
  CHECK_THAT(sum(softmax(Variable(numbers(Shape{3, 5})), 0)).item(), WithinRel(5.0, 1e-15));
}

TEST_CASE("softmax of large floats keeps all digits") {
  const auto pair = [](float a, float b) { return Variable(Tensor<float, 2>(Shape{1, 2}, {a, b})); };
  const auto log_p = log_softmax(pair(1000, 1000), 1).value();
  CHECK_THAT(log_p(0, 0), WithinAbs(-0.6931472f, 1e-7f));
  CHECK_THAT(log_p(0, 1), WithinAbs(-0.6931472f, 1e-7f));
  CHECK_THAT(log_softmax(pair(-3e7f, -3e7f - 4), 1).value()(0, 1), WithinAbs(-4.0181499f, 1e-6f));
  for (const float x : {1e8f, -1e8f, 3e38f}) {
    const auto p = softmax(pair(x, x), 1).value();
    CHECK(p(0, 0) == 0.5f);
    CHECK(p(0, 1) == 0.5f);
  }
}

TEST_CASE("logsumexp and softmax have first and second derivatives") {
  const auto x = numbers(Shape{2, 3, 4});
  for (int axis = 0; axis < 3; ++axis) {
    check_gradients(
        "logsumexp", [=](const auto& t) { return logsumexp(t, axis); }, x);
    check_gradients(
        "softmax", [=](const auto& t) { return softmax(t, axis); }, x);
    check_gradients(
        "log_softmax", [=](const auto& t) { return log_softmax(t, axis); }, x);
  }
  check_gradients(
      "softmax", [](const auto& t) { return softmax(t, 1); }, numbers(Shape{3, 1}));
  const auto large = [](const auto& t) { return t + 1e4; };
  check_gradients(
      "softmax", [=](const auto& t) { return softmax(large(t), 1); }, numbers(Shape{2, 3}));
  check_gradients(
      "log_softmax", [=](const auto& t) { return log_softmax(large(t), 1); }, numbers(Shape{2, 3}));
}

TEST_CASE("logsumexp and softmax neither overflow nor hide NaN") {
  CHECK(logsumexp(row({1000, 1000}), 1).value()(0) == 1000 + std::log(2.0));
  CHECK(logsumexp(row({-1000, -1000}), 1).value()(0) == -1000 + std::log(2.0));
  CHECK(logsumexp(row({-infinity, 3}), 1).value()(0) == 3);
  CHECK(logsumexp(row({-infinity, -infinity}), 1).value()(0) == -infinity);
  CHECK(logsumexp(row({infinity, 3}), 1).value()(0) == infinity);
  CHECK(std::isnan(logsumexp(row({not_a_number, 3}), 1).value()(0)));
  CHECK(list(softmax(row({1e308, -1e308, 0}), 1)) == std::vector<double>{1, 0, 0});
  CHECK(list(softmax(row({-infinity, 3}), 1)) == std::vector<double>{0, 1});
  CHECK(list(log_softmax(row({-1000, 0}), 1)) == std::vector<double>{-1000, 0});
  CHECK(std::isnan(list(softmax(row({not_a_number, 3}), 1)).at(1)));
  const auto x = row({-infinity, 3, 3});
  CHECK(list(gradient(sum(logsumexp(x, 1)), x)) == std::vector<double>{0, 0.5, 0.5});
  const auto nothing = row({-infinity, -infinity});
  CHECK(list(gradient(sum(logsumexp(nothing, 1)), nothing)) == std::vector<double>{0, 0});
  const Variable large(Tensor<float, 2>({1, 2}, {3e38f, 3e38f}));
  CHECK(logsumexp(large, 1).value()(0) == 3e38f);
}

TEST_CASE("Sums pass NaN") {
  const auto x = row({1, not_a_number});
  CHECK(std::isnan(sum(x).item()));
  CHECK(std::isnan(mean(x).item()));
  CHECK(std::isnan(sum(x, 0).value()(1)));
  CHECK(std::isnan(mean(x, 1).value()(0)));
}

TEST_CASE("Reductions refuse axes and shapes that do not fit") {
  const Variable x(Tensor<float, 2>({2, 3}));
  const Variable none(Tensor<float, 2>({2, 0}));
  const std::string axis = ": expected an axis in [-2, 1] but got 2";
  const std::string filled = ": expected at least one element along axis 1 but got shape [2, 0]";
  CHECK_THROWS_MATCHES(sum(x, 2), ArgumentError, Message("sum" + axis));
  CHECK_THROWS_MATCHES(mean(x, 2), ArgumentError, Message("mean" + axis));
  CHECK_THROWS_MATCHES(maximum(x, 2), ArgumentError, Message("maximum" + axis));
  CHECK_THROWS_MATCHES(logsumexp(x, 2), ArgumentError, Message("logsumexp" + axis));
  CHECK_THROWS_MATCHES(softmax(x, 2), ArgumentError, Message("softmax" + axis));
  CHECK_THROWS_MATCHES(log_softmax(x, 2), ArgumentError, Message("log_softmax" + axis));
  CHECK_THROWS_MATCHES(maximum(none, 1), ArgumentError, Message("maximum" + filled));
  CHECK_THROWS_MATCHES(logsumexp(none, -1), ArgumentError, Message("logsumexp" + filled));
  CHECK_THROWS_MATCHES(softmax(none, 1), ArgumentError, Message("softmax" + filled));
  CHECK_THROWS_MATCHES(log_softmax(none, 1), ArgumentError, Message("log_softmax" + filled));
  CHECK_THROWS_MATCHES(broadcast(x, Shape{3, 3}), ShapeError,
                       Message("broadcast: expected a shape that [2, 3] can be stretched to but got [3, 3]"));
  CHECK_THROWS_MATCHES(sum_to(x, Shape{2, 2}), ShapeError,
                       Message("sum_to: expected a shape that can be stretched to [2, 3] but got [2, 2]"));
  CHECK_THROWS_MATCHES(sum_to(x, Shape{1, 2, 3}), ShapeError,
                       Message("sum_to: expected a shape that can be stretched to [2, 3] but got [1, 2, 3]"));
}

TEST_CASE("Sums and means of millions of floats lose no digits") {
  const double tenth = 0.1f;
  const Variable x(Tensor<float, 2>(Shape{2'500'000, 4}, 0.1f));
  CHECK_THAT(sum(x).item(), WithinRel(tenth * 1e7, 1e-7));
  CHECK_THAT(mean(x).item(), WithinRel(tenth, 1e-7));
  CHECK_THAT(mean(x, 0).value()(3), WithinRel(tenth, 1e-7));
  CHECK_THAT(mean(transpose(x), 1).value()(2), WithinRel(tenth, 1e-7));
  CHECK_THAT(logsumexp(reshape(x, Shape{10'000'000}), 0).item(), WithinRel(tenth + std::log(1e7), 2e-7));
  CHECK(mean(square(x - mean(x, 0))).item() == 0);
}
