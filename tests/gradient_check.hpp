// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <cstdio>
#include <eigenesis/eigenesis.hpp>
#include <functional>
#include <string>

#include "catch.hpp"

// First and second derivatives of an operation against differences of its values, in double.
namespace gradient_check {

using eigenesis::Index, eigenesis::Shape, eigenesis::Tensor, eigenesis::Variable;
using Point = Tensor<double, 1>;
using Function = std::function<Variable<double, 0>(const Variable<double, 1>&)>;

/// Numbers without a pattern, |x| in [0.25, 1.25]: the steps of a difference never lead over a kink at 0.
template <int Rank>
Tensor<double, Rank> numbers(const Shape<Rank>& shape, std::uint64_t seed = 1, bool positive = false) {
  Tensor<double, Rank> x(shape);
  double phase = 0.6180339887 * static_cast<double>(seed);
  for (double& value : x.values()) {
    phase = std::fmod(phase + 0.7548776662, 1.0);
    value = 0.25 + phase;
    if (!positive && std::fmod(1e3 * phase, 1.0) < 0.5) value = -value;
  }
  return x;
}

/// d f / d x[i] by central differences with steps h, h/2, h/4, h/8, whose errors in h^2, h^4 and h^6 cancel
/// (Richardson).
inline double difference(const std::function<double(const Point&)>& f, Point x, Index i) {
  const double middle = x(i);
  double table[4];
  for (int level = 0; level < 4; ++level) {
    const double h = 0.02 / (1 << level);
    x(i) = middle + h;
    const double above = f(x);
    x(i) = middle - h;
    table[level] = (above - f(x)) / (2 * h);
  }
  for (int order = 1; order < 4; ++order)
    for (int level = 3; level >= order; --level)
      table[level] += (table[level] - table[level - 1]) / (std::pow(4.0, order) - 1);
  return table[3];
}

/// Relative to the larger one; below 1e-2, where elements may cancel to nothing, relative to that.
inline double error_between(double found, double expected) {
  return std::abs(found - expected) / std::max({std::abs(found), std::abs(expected), 1e-2});
}

/// The derivative that is furthest from the differences.
struct Worst {
  double error = 0;
  std::string text;
};

inline Worst compare(const std::string& what, const Point& found, const std::function<double(const Point&)>& f,
                     const Point& x) {
  Worst worst;
  for (Index i = 0; i < x.size(); ++i) {
    const double expected = difference(f, x, i), error = error_between(found(i), expected);
    if (error <= worst.error) continue;
    char numbers[80];
    std::snprintf(numbers, sizeof numbers, "found %.12g but differences give %.12g", found(i), expected);
    worst = {std::isnan(error) ? INFINITY : error, what + " by number " + std::to_string(i) + ": " + numbers};
  }
  return worst;
}

/// The gradient g of the number f(x), and the gradient of <direction, g>, against differences.
inline std::array<Worst, 2> compare_both(const std::string& op, const Function& f, const Point& x) {
  using namespace eigenesis;
  const auto value = [&](const Point& at) { return f(at).item(); };
  const Variable<double, 1> start = watch(x);
  const Variable<double, 1> g = gradient(f(start), start);

  const Variable<double, 1> direction(numbers(x.shape(), 17));
  const Variable<double, 1> second = gradient(sum(direction * g), start);
  const auto slope = [&](const Point& at) {
    const Variable<double, 1> moved = watch(at);
    const Variable<double, 1> first = gradient(f(moved), moved);
    return (direction.value().array() * first.value().array()).sum();
  };
  return {compare(op + ", first derivative", g.value(), value, x),
          compare(op + ", second derivative", second.value(), slope, x)};
}

/// Compares the derivatives of f, a function of Variables, at x. All operands and the weights of f's elements in a sum
/// are cut from one vector: so the mixed second derivatives, and those with respect to incoming gradients, are compared
/// as well.
template <class F, int... Ranks>
std::array<Worst, 2> worst_errors(const std::string& op, F f, const Tensor<double, Ranks>&... x) {
  using namespace eigenesis;
  const Index inputs = (Index{0} + ... + x.size());
  const auto cut = [shapes = std::tuple(x.shape()...), f](const Variable<double, 1>& all) {
    Index begin = 0;
    const auto next = [&](const auto& shape) {
      begin += shape.size();
      return reshape(slice(all, 0, begin - shape.size(), begin), shape);
    };
    const auto operands = std::apply([&](const auto&... shape) { return std::tuple{next(shape)...}; }, shapes);
    return std::apply(f, operands);
  };
  const auto y_shape = cut(concatenate({reshape(Variable(x), Shape{x.size()})...}, 0)).shape();
  const Variable weights(numbers(Shape{y_shape.size()}, 5));
  const Variable all = concatenate({reshape(Variable(x), Shape{x.size()})..., weights}, 0);
  std::string name = op + " of";
  ((name += " " + to_string(x.shape())), ...);
  const auto weighted_sum = [&](const Variable<double, 1>& v) {
    return sum(cut(v) * reshape(slice(v, 0, inputs, v.size()), y_shape));
  };
  return compare_both(name, weighted_sum, all.value());
}

}  // namespace gradient_check

/// Checks that first and second derivatives of f at x agree with differences within 1e-8.
template <class F, int... Ranks>
void check_gradients(const std::string& op, F f, const eigenesis::Tensor<double, Ranks>&... x) {
  for (const gradient_check::Worst& worst : gradient_check::worst_errors(op, f, x...)) {
    INFO(worst.text);
    CHECK(worst.error <= 1e-8);
  }
}
