// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

TEST_CASE("matmul multiplies with every combination of transposes") {
  const Variable a(Tensor<double, 2>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const Variable b(Tensor<double, 2>({3, 2}, {7, 8, 9, 10, 11, 12}));
  const Tensor<double, 2> expected({2, 2}, {58, 64, 139, 154});
  CHECK(matmul(a, b).value().matrix() == expected.matrix());
  CHECK(matmul(transposed(transpose(a)), b).value().matrix() == expected.matrix());
  CHECK(matmul(a, transposed(transpose(b))).value().matrix() == expected.matrix());
  CHECK(matmul(transposed(transpose(a)), transposed(transpose(b))).value().matrix() == expected.matrix());
}

TEST_CASE("matmul has first and second derivatives in both operands, transposed or not") {
  const auto [m, k, n] =
      GENERATE(table<Index, Index, Index>({{1, 1, 1}, {2, 3, 4}, {5, 1, 3}, {3, 9, 1}, {2, 0, 3}, {0, 2, 3}}));
  check_gradients(
      "matmul", [](const auto& a, const auto& b) { return matmul(a, b); }, numbers(Shape{m, k}),
      numbers(Shape{k, n}, 2));
  check_gradients(
      "matmul, a transposed", [](const auto& a, const auto& b) { return matmul(transposed(a), b); },
      numbers(Shape{k, m}), numbers(Shape{k, n}, 2));
  check_gradients(
      "matmul, b transposed", [](const auto& a, const auto& b) { return matmul(a, transposed(b)); },
      numbers(Shape{m, k}), numbers(Shape{n, k}, 2));
  check_gradients(
      "matmul, both transposed", [](const auto& a, const auto& b) { return matmul(transposed(a), transposed(b)); },
      numbers(Shape{k, m}), numbers(Shape{n, k}, 2));
}

TEST_CASE("matmul of an operand with itself adds both gradients") {
  check_gradients(
      "x x", [](const auto& x) { return matmul(x, x); }, numbers(Shape{3, 3}));
  check_gradients(
      "x' x", [](const auto& x) { return matmul(transposed(x), x); }, numbers(Shape{4, 3}));
}

TEST_CASE("matmul passes NaN to the rows and columns that it stands in") {
  Tensor<float, 2> a({2, 3}, 1.0f);
  a(1, 2) = std::numeric_limits<float>::quiet_NaN();
  const auto y = matmul(Variable(a), Variable(Tensor<float, 2>({3, 4}, 0.0f)));
  CHECK(y.value().matrix().row(0).array().isFinite().all());
  CHECK(y.value().matrix().row(1).array().isNaN().all());
}

TEST_CASE("matmul of floats agrees with doubles") {
  const auto a = numbers(Shape{37, 129}), b = numbers(Shape{129, 70}, 2);
  const auto exact = matmul(Variable(a), Variable(b));
  const auto y = matmul(Variable(Tensor<float, 2>(a.matrix())), Variable(Tensor<float, 2>(b.matrix())));
  CHECK_THAT((y.value().matrix().cast<double>() - exact.value().matrix()).cwiseAbs().maxCoeff(), WithinAbs(0, 2e-5));
}

TEST_CASE("matmul refuses operands that do not fit") {
  const auto a = Variable(Tensor<float, 2>({2, 3})), b = Variable(Tensor<float, 2>({4, 5}));
  CHECK_THROWS_MATCHES(matmul(a, b), ShapeError, Message("matmul: expected equal inner sizes but got [2, 3] x [4, 5]"));
  CHECK_THROWS_MATCHES(matmul(transposed(a), transposed(b)), ShapeError,
                       Message("matmul: expected equal inner sizes but got [2, 3] transposed x [4, 5] transposed"));
}

TEST_CASE("matmul adds a bias to each row", "[ops]") {
  const auto a = numbers(Shape{5, 3}), b = numbers(Shape{3, 4});
  const auto bias = numbers(Shape{4});
  const Variable found = matmul(Variable(a), Variable(b), Variable(bias)),
                 expected = matmul(Variable(a), Variable(b)) + Variable(bias);
  CHECK((found.value().matrix() - expected.value().matrix()).cwiseAbs().maxCoeff() < 1e-14);
  check_gradients(
      "matmul with bias", [](const auto& x, const auto& w, const auto& c) { return square(matmul(x, w, c)); }, a, b,
      bias);
  CHECK_THROWS_MATCHES(matmul(Variable(a), Variable(b), Variable(numbers(Shape{3}))), ShapeError,
                       Message("matmul: expected a bias of shape [4] but got [3]"));
}
