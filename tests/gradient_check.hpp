// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <functional>
#include <string>

#include <eigenesis/eigenesis.hpp>

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

/// d f / d x[i] by central differences with steps h, h/2, h/4, h/8, whose errors in h^2, h^4 and h^6 cancel (Richardson).
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

inline void check_all(const std::string& what, const Point& found, const std::function<double(const Point&)>& f,
                      const Point& x) {
  Index worst = 0;
  double worst_error = -1, worst_expected = 0;
  for (Index i = 0; i < x.size(); ++i) {
    const double expected = difference(f, x, i), error = error_between(found(i), expected);
    if (error <= worst_error) continue;
    worst = i, worst_error = std::isnan(error) ? INFINITY : error, worst_expected = expected;
  }
  INFO(what << " by number " << worst << ": found " << Catch::StringMaker<double>::convert(found(worst))
            << " but differences give " << Catch::StringMaker<double>::convert(worst_expected));
  CHECK(worst_error <= 1e-8);
}

/// The gradient g of the number f(x), and the gradient of <direction, g>, against differences.
inline void check(const std::string& op, const Function& f, const Point& x) {
  using namespace eigenesis;
  const auto value = [&](const Point& at) { return f(at).item(); };
  const Variable<double, 1> start = watch(x);
  const Variable<double, 1> g = gradient(f(start), start);
  check_all(op + ", first derivative", g.value(), value, x);

  const Variable<double, 1> direction(numbers(x.shape(), 17));
  const Variable<double, 1> second = gradient(sum(direction * g), start);
  const auto slope = [&](const Point& at) {
    const Variable<double, 1> moved = watch(at);
    const Variable<double, 1> first = gradient(f(moved), moved);
    return (direction.value().array() * first.value().array()).sum();
  };
  check_all(op + ", second derivative", second.value(), slope, x);
}

}  // namespace gradient_check

/// Checks f, a function of Variables, at x. All operands and the weights of its elements in a sum are cut from one vector, so
/// that the derivatives with respect to each of them, and the mixed ones, are among the second derivatives.
template <class F, int... Ranks>
void check_gradients(const std::string& op, F f, const eigenesis::Tensor<double, Ranks>&... x) {
  using namespace eigenesis;
  const Index inputs = (Index{0} + ... + x.size());
  const auto cut = [shapes = std::tuple(x.shape()...), f](const Variable<double, 1>& all) {
    Index begin = 0;
    return std::apply(
        [&](const auto&... shape) {
          const auto next = [&](const auto& s) {
            begin += s.size();
            return reshape(slice(all, 0, begin - s.size(), begin), s);
          };
          return std::apply(f, std::tuple{next(shape)...});  // braces: from left to right
        },
        shapes);
  };
  Tensor<double, 1> operands(Shape{inputs});
  Index begin = 0;
  ((std::copy_n(x.data(), x.size(), operands.data() + std::exchange(begin, begin + x.size()))), ...);
  const auto y_shape = cut(Variable(operands)).shape();

  Tensor<double, 1> all(Shape{inputs + y_shape.size()});
  std::copy_n(operands.data(), inputs, all.data());
  std::copy_n(gradient_check::numbers(Shape{y_shape.size()}, 5).data(), y_shape.size(), all.data() + inputs);
  std::string name = op + " of";
  ((name += " " + to_string(x.shape())), ...);
  gradient_check::check(
      name,
      [&](const Variable<double, 1>& v) {
        return sum(cut(v) * reshape(slice(v, 0, inputs, inputs + y_shape.size()), y_shape));
      },
      all);
}
