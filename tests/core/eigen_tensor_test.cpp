// SPDX-License-Identifier: MIT
#include <eigenesis/core/eigen_tensor.hpp>
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

TEST_CASE("Eigen's tensor module reads and writes tensors in place") {
  Tensor<float, 3> x({2, 3, 4}, 1);
  auto view = eigen_tensor(x);
  CHECK(view.data() == x.data());
  CHECK(view.dimension(0) == 2);
  CHECK(view.dimension(1) == 3);
  CHECK(view.dimension(2) == 4);
  view(1, 2, 3) = 7;
  CHECK(x(1, 2, 3) == 7);
  const auto& constant = x;
  CHECK(eigen_tensor(constant).data() == x.data());
  CHECK(eigen_tensor(constant)(1, 2, 3) == 7);
  Tensor<double, 0> number({}, 3);
  CHECK(eigen_tensor(number)() == 3);
}

TEST_CASE("Eigen's tensor of a temporary is a copy, which outlives it") {
  const auto make = [](float value) { return Tensor<float, 3>(Shape{4, 5, 6}, value); };
  const auto x = eigen_tensor(make(2));
  const Tensor<float, 3> others[] = {make(100), make(100)};  // would take the memory of the temporary
  CHECK(x.dimension(2) == 6);
  float total = 0;
  for (int i = 0; i < 120; ++i) total += x.data()[i];
  CHECK(total == 2 * 120);
}
