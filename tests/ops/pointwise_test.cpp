// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Scalar>
struct PointwiseCase {
  const char* name;
  Variable<Scalar, 2> (*f)(const Variable<Scalar, 2>&);
  double (*expected)(double);
  bool positive = false;  // defined for x > 0 only
};

template <class Scalar>
std::vector<PointwiseCase<Scalar>> pointwise_cases() {
  using X = const Variable<Scalar, 2>&;
  return {
      {"exp", [](X x) { return exp(x); }, [](double x) { return std::exp(x); }},
      {"expm1", [](X x) { return expm1(x); }, [](double x) { return std::expm1(x); }},
      {"log", [](X x) { return log(x); }, [](double x) { return std::log(x); }, true},
      {"log1p", [](X x) { return log1p(x); }, [](double x) { return std::log1p(x); }, true},
      {"sqrt", [](X x) { return sqrt(x); }, [](double x) { return std::sqrt(x); }, true},
      {"square", [](X x) { return square(x); }, [](double x) { return x * x; }},
      {"pow 2.5", [](X x) { return pow(x, 2.5); }, [](double x) { return std::pow(x, 2.5); }, true},
      {"pow 3", [](X x) { return pow(x, 3); }, [](double x) { return x * x * x; }},
      {"pow -2", [](X x) { return pow(x, -2); }, [](double x) { return 1 / (x * x); }},
      {"pow 1", [](X x) { return pow(x, 1); }, [](double x) { return x; }},
      {"abs", [](X x) { return abs(x); }, [](double x) { return std::abs(x); }},
      {"sin", [](X x) { return sin(x); }, [](double x) { return std::sin(x); }},
      {"cos", [](X x) { return cos(x); }, [](double x) { return std::cos(x); }},
      {"erf", [](X x) { return erf(x); }, [](double x) { return std::erf(x); }},
      {"tanh", [](X x) { return tanh(x); }, [](double x) { return std::tanh(x); }},
      {"sigmoid", [](X x) { return sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"softplus", [](X x) { return softplus(x); }, [](double x) { return std::log1p(std::exp(x)); }},
      {"relu", [](X x) { return relu(x); }, [](double x) { return x > 0 ? x : 0; }},
      {"leaky_relu", [](X x) { return leaky_relu(x); }, [](double x) { return x > 0 ? x : 0.01 * x; }},
      {"leaky_relu 0.2", [](X x) { return leaky_relu(x, 0.2); }, [](double x) { return x > 0 ? x : 0.2 * x; }},
      {"elu", [](X x) { return elu(x); }, [](double x) { return x > 0 ? x : std::expm1(x); }},
      {"elu 1.5", [](X x) { return elu(x, 1.5); }, [](double x) { return x > 0 ? x : 1.5 * std::expm1(x); }},
      {"gelu", [](X x) { return gelu(x); }, [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2)); }},
      {"clamp", [](X x) { return clamp(x, -0.8, 0.7); }, [](double x) { return std::min(std::max(x, -0.8), 0.7); }},
  };
}

/// 35 numbers in [-1.25, 1.25], none within 0.05 of the kinks at 0, -0.8 and 0.7.
Tensor<double, 2> arguments(bool positive) {
  Tensor<double, 2> x = numbers(Shape{5, 7}, 3, positive);
  for (double& value : x.values())
    for (const double kink : {-0.8, 0.7})
      if (std::abs(value - kink) < 0.05) value += 0.1;
  return x;
}

/// The greatest error of y, relative to |expected| + 0.1.
double furthest(const Variable<float, 2>& y, const Variable<double, 2>& expected) {
  const auto& exact = expected.value().array();
  return ((y.value().array().cast<double>() - exact) / (exact.abs() + 0.1)).abs().maxCoeff();
}

}  // namespace

TEST_CASE("Pointwise functions agree with the C library") {
  for (const auto& c : pointwise_cases<double>()) {
    const Tensor<double, 2> x = arguments(c.positive);
    const auto y = c.f(Variable(x));
    INFO(c.name);
    for (Index i = 0; i < x.size(); ++i) CHECK_THAT(y.value().data()[i], WithinRel(c.expected(x.data()[i]), 1e-14));
  }
}

TEST_CASE("Pointwise functions have first and second derivatives") {
  for (const auto& c : pointwise_cases<double>()) check_gradients(c.name, c.f, arguments(c.positive));
}

TEST_CASE("Pointwise functions of floats, and their gradients, agree with doubles") {
  const auto exact = pointwise_cases<double>();
  const auto cases = pointwise_cases<float>();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Tensor<double, 2> x = arguments(cases[i].positive);
    const Variable of_float = watch(Tensor<float, 2>(x.matrix()));
    const Variable of_double = watch(Tensor<double, 2>(of_float.value().matrix()));
    const auto y = cases[i].f(of_float);
    const auto expected = exact[i].f(of_double);
    INFO(cases[i].name);
    CHECK(furthest(y, expected) < 2e-6);
    CHECK(furthest(gradient(sum(y), of_float), gradient(sum(expected), of_double)) < 2e-6);
  }
}

TEST_CASE("Pointwise functions pass NaN") {
  const Variable x(Tensor<float, 2>({1, 2}, {std::numeric_limits<float>::quiet_NaN(), 0.5f}));
  for (const auto& c : pointwise_cases<float>()) {
    const auto y = c.f(x);
    INFO(c.name);
    CHECK(std::isnan(y.value()(0, 0)));
    CHECK(std::isfinite(y.value()(0, 1)));
  }
}

TEST_CASE("Pointwise functions at the ends of their range") {
  const Variable x(Tensor<double, 1>({4}, {-infinity, -1000, 1000, infinity}));
  const auto values = [](const auto& y) {
    return std::vector<double>(y.value().values().begin(), y.value().values().end());
  };
  CHECK(values(softplus(x)) == std::vector<double>{0, 0, 1000, infinity});
  CHECK(values(sigmoid(x)) == std::vector<double>{0, 0, 1, 1});
  CHECK(values(tanh(x)) == std::vector<double>{-1, -1, 1, 1});
  CHECK(values(elu(x)) == std::vector<double>{-1, -1, 1000, infinity});
  CHECK(values(relu(x)) == std::vector<double>{0, 0, 1000, infinity});
  CHECK(values(clamp(x, -2, 3)) == std::vector<double>{-2, -2, 3, 3});
  const Variable large = watch(Tensor<double, 1>({2}, {-1000, 1000}));
  CHECK(values(gradient(sum(softplus(large)), large)) == std::vector<double>{0, 1});
  CHECK(values(gradient(sum(sigmoid(large)), large)) == std::vector<double>{0, 0});
  CHECK(values(gradient(sum(elu(large)), large)) == std::vector<double>{0, 1});
}

TEST_CASE("Pointwise functions choose their gradients at kinks") {
  const auto slope = [](auto f, double at) {
    const Variable x = watch(Tensor<double, 0>({}, at));
    return gradient(f(x), x).item();
  };
  CHECK(slope([](const auto& x) { return relu(x); }, 0) == 0);
  CHECK(slope([](const auto& x) { return leaky_relu(x, 0.2); }, 0) == 0.2);
  CHECK(slope([](const auto& x) { return elu(x, 1.5); }, 0) == 1.5);
  CHECK(slope([](const auto& x) { return abs(x); }, 0) == 0);
  CHECK(slope([](const auto& x) { return clamp(x, -1, 2); }, -1) == 1);
  CHECK(slope([](const auto& x) { return clamp(x, -1, 2); }, 2) == 1);
  CHECK(slope([](const auto& x) { return clamp(x, -1, 2); }, -1.001) == 0);
  CHECK(slope([](const auto& x) { return clamp(x, -1, 2); }, 2.001) == 0);
  CHECK(slope([](const auto& x) { return pow(x, 0); }, 0) == 0);
  CHECK(slope([](const auto& x) { return pow(x, 1); }, 0) == 1);
  CHECK(slope([](const auto& x) { return pow(x, 2); }, 0) == 0);
  CHECK(slope([](const auto& x) { return pow(x, 3); }, 0) == 0);
}

TEST_CASE("Powers have their first three derivatives at 0, of constant and of variable exponents") {
  const auto powers = [](const auto& x, const auto& p) { return map([](auto a, auto b) { return pow(a, b); }, x, p); };
  const double expected[][3] = {{0, 0, 0}, {1, 0, 0}, {0, 2, 0}, {0, 0, 6}, {0, 0, 0}};  // of x^0, x^1, ... at 0
  for (const int p : {0, 1, 2, 3, 4}) {
    const Variable x = watch(Tensor<double, 1>({3}, 0.0)), exponent = watch(Tensor<double, 1>({3}, p));
    const Variable fixed(exponent.value());
    for (auto y : {pow(x, p), powers(x, exponent), powers(x, fixed)})
      for (int order = 0; order < 3; ++order) {
        y = gradient(sum(y), x);
        for (Index i = 0; i < 3; ++i) {
          INFO("derivative " << order + 1 << " of x^" << p << " at 0: " << y.value()(i));
          CHECK(y.value()(i) == expected[p][order]);
        }
      }
  }
  // Away from 0 the exponent 0 is one like others: d/dp (p a^(p - 1)) = 1 / a.
  const Variable x = watch(Tensor<double, 1>({2}, {2, -4})), zero = watch(Tensor<double, 1>({2}, 0.0));
  const auto mixed = gradient(sum(gradient(sum(powers(x, zero)), x)), zero);
  CHECK_THAT(mixed.value()(0), WithinRel(0.5, 1e-14));
}

TEST_CASE("The power 0 is 1 of any number, as in the C library") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Variable x = watch(Tensor<double, 1>({5}, {-infinity, -2, 0, 3, nan}));
  for (Index i = 0; i < x.size(); ++i) CHECK(pow(x, 0).value()(i) == std::pow(x.value()(i), 0));
}

TEST_CASE("clamp refuses bounds in the wrong order") {
  const Variable x(Tensor<float, 1>({2}));
  CHECK_THROWS_MATCHES(clamp(x, 1, 0.5), ArgumentError, Message("clamp: expected low <= high but got 1 and 0.5"));
}

TEST_CASE("maximum and minimum of two variables choose one of them, and the first if they are equal") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Variable a = watch(Tensor<double, 1>({5}, {1, 5, 3, nan, 0}));
  const Variable b = watch(Tensor<double, 1>({5}, {2, 4, 3, 0, nan}));
  const auto largest = maximum(a, b), smallest = minimum(a, b);
  CHECK(largest.value().array().head(3).isApprox(Eigen::Array3d(2, 5, 3)));
  CHECK(smallest.value().array().head(3).isApprox(Eigen::Array3d(1, 4, 3)));
  CHECK(largest.value().array().tail(2).isNaN().all());
  CHECK(smallest.value().array().tail(2).isNaN().all());
  const auto [da, db] = gradient(sum(maximum(slice(a, 0, 0, 3), slice(b, 0, 0, 3))), a, b);
  CHECK((da.value().array() == Eigen::Array<double, 5, 1>(0, 1, 1, 0, 0)).all());
  CHECK((db.value().array() == Eigen::Array<double, 5, 1>(1, 0, 0, 0, 0)).all());
  const auto [ea, eb] = gradient(sum(minimum(slice(a, 0, 0, 3), slice(b, 0, 0, 3))), a, b);
  CHECK((ea.value().array() == Eigen::Array<double, 5, 1>(1, 0, 1, 0, 0)).all());
  CHECK((eb.value().array() == Eigen::Array<double, 5, 1>(0, 1, 0, 0, 0)).all());
}

TEST_CASE("maximum and minimum of two variables have first and second derivatives") {
  const Tensor<double, 2> a({2, 3}, {0.1, 0.9, -0.4, -1.2, 0.3, 0.6}), b({2, 1}, {0.5, -0.3});
  check_gradients(
      "maximum", [](const auto& x, const auto& y) { return square(maximum(x, y)); }, a, b);
  check_gradients(
      "minimum", [](const auto& x, const auto& y) { return square(minimum(x, y)); }, b, a);
}

TEST_CASE("maximum and minimum of two variables refuse shapes that do not fit") {
  const auto x = Variable(Tensor<float, 1>({2})), y = Variable(Tensor<float, 1>({3}));
  const std::string rest =
      ": expected shapes that agree or have size 1, axis by axis from the last, but got [2] and [3]";
  CHECK_THROWS_MATCHES(maximum(x, y), ShapeError, Message("maximum" + rest));
  CHECK_THROWS_MATCHES(minimum(x, y), ShapeError, Message("minimum" + rest));
}
