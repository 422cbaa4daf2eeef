// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <type_traits>

#include "catch.hpp"

using namespace eigenesis;

namespace {

template <class Scalar, int Rank>
std::vector<Scalar> list(const Tensor<Scalar, Rank>& x) {
  return {x.values().begin(), x.values().end()};
}

Tensor<float, 2> two_by_three() { return {{2, 3}, {1, 2, 3, 4, 5, 6}}; }

}  // namespace

TEST_CASE("The values of a temporary outlive it") {
  const auto sum_of = [](Index size) {
    float sum = 0;
    for (const float value : Tensor<float, 1>(Shape{size}, 2.0f).values()) {
      const Tensor<float, 1> other(Shape{size}, 100.0f);  // would take the memory of the temporary
      sum += value + 0 * other(0);
    }
    return sum;
  };
  CHECK(sum_of(5) == 10);
  CHECK(sum_of(1000) == 2000);
  STATIC_REQUIRE(std::is_same_v<decltype(Tensor<float, 1>().values()), std::vector<float>>);
}

TEST_CASE("Eigen's view of a temporary is a copy, which outlives it") {
  const auto make = [](float value) { return Tensor<float, 2>(Shape{30, 20}, value); };
  const auto matrix = make(2).matrix();
  const auto array = make(3).array();
  const Tensor<float, 2> others[] = {make(100), make(100), make(100)};  // would take the memory of the temporaries
  CHECK(matrix.sum() == 2 * 600);
  CHECK(array.sum() == 3 * 600);
  CHECK(matrix.rows() == 30);
  STATIC_REQUIRE(std::is_same_v<decltype(make(1).matrix()), Tensor<float, 2>::Matrix>);
  STATIC_REQUIRE(std::is_same_v<decltype(make(1).array()), Tensor<float, 2>::Array>);
}

TEST_CASE("A tensor may be given an expression of itself") {
  const auto square = [] { return Tensor<double, 2>({2, 2}, {1, 2, 3, 4}); };
  auto x = square();
  x = Tensor<double, 2>(x.matrix().transpose());
  CHECK(list(x) == std::vector<double>{1, 3, 2, 4});
  x = square();
  x = Tensor<double, 2>(x.matrix() * x.matrix());
  CHECK(list(x) == std::vector<double>{7, 10, 15, 22});
  x = square();
  x.matrix() = x.matrix() * x.matrix();
  CHECK(list(x) == std::vector<double>{7, 10, 15, 22});
  auto flat = Tensor<double, 2>({2, 3}, {1, 2, 3, 4, 5, 6});
  flat = Tensor<double, 2>(flat.matrix().transpose());
  CHECK(flat.shape() == Shape{3, 2});
  CHECK(list(flat) == std::vector<double>{1, 4, 2, 5, 3, 6});
  flat = std::move(flat).reshaped(Shape{2, 3});
  CHECK(list(flat) == std::vector<double>{1, 4, 2, 5, 3, 6});
}

TEST_CASE("Tensors are made of a shape and a value, values or nothing") {
  CHECK(Tensor<float, 2>().shape() == Shape{0, 0});
  CHECK(Tensor<float, 0>().item() == 0);
  CHECK(list(Tensor<float, 2>({2, 2}, 7)) == std::vector<float>(4, 7));
  CHECK(list(two_by_three()) == std::vector<float>{1, 2, 3, 4, 5, 6});
  const std::vector<double> values{1, 2, 3};
  CHECK(list(Tensor<double, 1>({3}, values)) == values);
  CHECK(Tensor<float, 3>({4, 0, 2}).size() == 0);
  for (const Index size : {1, 15, 16, 17, 4095, 4097, 10'001}) {
    const Tensor<double, 1> filled({size}, 0.5);
    CHECK(filled.array().sum() == 0.5 * static_cast<double>(size));
  }
}

TEST_CASE("Tensors are row-major") {
  const Tensor<float, 3> x({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(x(0, 0, 1) == 2);
  CHECK(x(0, 1, 0) == 3);
  CHECK(x(1, 0, 0) == 5);
  Tensor<float, 0> number({}, 3);
  CHECK(number() == 3);
  number() = 4;
  CHECK(number.item() == 4);
  auto y = two_by_three();
  y(1, 2) = 9;
  CHECK(y.data()[5] == 9);
  CHECK(y.values()[5] == 9);
}

TEST_CASE("Tensors know their sizes") {
  const Tensor<float, 3> x({2, 3, 4});
  CHECK(x.shape(0) == 2);
  CHECK(x.shape(-1) == 4);
  CHECK(x.size() == 24);
}

TEST_CASE("Tensors are values") {
  const auto x = two_by_three();
  auto copy = x;
  copy(0, 0) = 7;
  CHECK(x(0, 0) == 1);
  copy = x;
  CHECK(copy(0, 0) == 1);
  auto& same = copy;
  copy = same;
  CHECK(list(copy) == list(x));
}

TEST_CASE("Tensors move without copying, and can be assigned to after they were moved from") {
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Tensor<float, 2>>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<Tensor<float, 2>>);
  auto x = two_by_three();
  const float* data = x.data();
  auto y = std::move(x);
  CHECK(y.data() == data);
  x = y;
  CHECK(list(x) == list(y));
  x = std::move(y);
  CHECK(x.data() == data);
  const auto flat = std::move(x).reshaped(Shape{6});
  CHECK(flat.data() == data);
  x = two_by_three();
  CHECK(x(1, 2) == 6);

  Tensor<float, 0> number({}, 3);
  Tensor<float, 0> other = std::move(number);
  number = other;
  CHECK(number.item() == 3);
}

TEST_CASE("reshaped copies unless the tensor is about to go") {
  const auto x = two_by_three();
  const auto y = x.reshaped(Shape{3, 1, 2});
  CHECK(y.shape() == Shape{3, 1, 2});
  CHECK(list(y) == list(x));
  CHECK(y.data() != x.data());
  auto z = y;
  const float* data = z.data();
  CHECK(std::move(z).reshaped(Shape{6}).data() == data);
}

TEST_CASE("Eigen reads and writes tensors in place") {
  auto x = two_by_three();
  CHECK(x.matrix().data() == x.data());
  CHECK(x.array().data() == x.data());
  CHECK(x.matrix().rows() == 2);
  CHECK(x.matrix().cols() == 3);
  CHECK(x.matrix()(1, 0) == 4);
  x.matrix().row(0).setConstant(8);
  x.array() *= 2;
  CHECK(list(x) == std::vector<float>{16, 16, 16, 8, 10, 12});
  const auto& constant = x;
  CHECK(constant.matrix().data() == x.data());
  CHECK(constant.array().data() == x.data());

  Tensor<double, 4> images({2, 3, 4, 5}, 1);
  CHECK(images.matrix().rows() == 24);
  CHECK(images.matrix().cols() == 5);
  Tensor<double, 1> vector({5}, 1);
  CHECK(vector.matrix().rows() == 1);
  CHECK(vector.matrix().cols() == 5);
  Tensor<double, 0> number({}, 1);
  CHECK(number.matrix().size() == 1);
}

TEST_CASE("Tensors take the values of Eigen's matrices, arrays and expressions") {
  Eigen::MatrixXf columns_first(2, 3);
  columns_first << 1, 2, 3, 4, 5, 6;
  CHECK(list(Tensor<float, 2>(columns_first)) == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(list(Tensor<float, 2>(columns_first.transpose())) == std::vector<float>{1, 4, 2, 5, 3, 6});
  CHECK(list(Tensor<double, 2>(columns_first.array() * 0.5f)) == std::vector<double>{0.5, 1, 1.5, 2, 2.5, 3});
  CHECK(Tensor<float, 2>(Eigen::Vector3f(1, 2, 3)).shape() == Shape{3, 1});
  CHECK(Tensor<float, 2>(Eigen::MatrixXf(0, 4)).shape() == Shape{0, 4});
}

TEST_CASE("Buffers are aligned to 64 bytes") {
  for (const Index size : {0, 1, 17, 1000, 100'000}) {
    const Tensor<float, 1> x({size});
    CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % 64 == 0);
  }
}

TEST_CASE("Tensors refuse sizes, numbers of values and axes that do not fit") {
  const auto x = two_by_three();
  CHECK_THROWS_MATCHES((Tensor<float, 2>({2, -1})), ShapeError, Message("Tensor: expected sizes >= 0 but got [2, -1]"));
  CHECK_THROWS_MATCHES(
      (Tensor<float, 2>({Index{1} << 40, Index{1} << 40})), ShapeError,
      Message("Tensor: expected a shape that fits into memory but got [1099511627776, 1099511627776]"));
  CHECK_THROWS_MATCHES((Tensor<float, 2>({2, 2}, {1, 2, 3})), ShapeError,
                       Message("Tensor: expected 4 values for shape [2, 2] but got 3"));
  CHECK_THROWS_MATCHES(x.item(), ShapeError, Message("Tensor::item: expected one element but got shape [2, 3]"));
  CHECK_THROWS_MATCHES(x.shape(2), ArgumentError, Message("Tensor::shape: expected an axis in [-2, 1] but got 2"));
  CHECK_THROWS_MATCHES(x.shape(-3), ArgumentError, Message("Tensor::shape: expected an axis in [-2, 1] but got -3"));
  CHECK_THROWS_MATCHES(x.reshaped(Shape{4, 2}), ShapeError,
                       Message("Tensor::reshaped: expected 6 elements as in [2, 3] but got [4, 2]"));
  CHECK_THROWS_MATCHES(x.reshaped(Shape{-2, -3}), ShapeError, Message("Tensor: expected sizes >= 0 but got [-2, -3]"));
  auto y = x;
  CHECK_THROWS_AS(std::move(y).reshaped(Shape{5}), ShapeError);
  CHECK(list(y) == list(x));
}
