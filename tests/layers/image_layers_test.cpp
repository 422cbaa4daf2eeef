// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"
#include "layers/numbers.hpp"

using namespace eigenesis;

TEST_CASE("Pooling layers do what their functions do") {
  const Variable x(numbers<double>(Shape{2, 6, 6, 3}, 1));
  const auto same = [](const auto& a, const auto& b) {
    return a.shape() == b.shape() && std::ranges::equal(a.value().values(), b.value().values());
  };
  CHECK(same(AvgPool2d{2}(x), avg_pool2d(x, 2)));
  CHECK(same(AvgPool2d{3, {.stride = 2, .padding = 1}}(x), avg_pool2d(x, 3, {.stride = 2, .padding = 1})));
  CHECK(same(MaxPool2d{2}(x), max_pool2d(x, 2)));
  CHECK(same(MaxPool2d{3, {.stride = 1}}(x), max_pool2d(x, 3, {.stride = 1})));
  CHECK(same(Upsample2d{2}(x), upsample2d(x, 2)));
  CHECK(same(Upsample2d{3, Interpolation::bilinear}(x), upsample2d(x, 3, Interpolation::bilinear)));
}

TEST_CASE("Global pooling leaves a number for each channel") {
  const Variable x(Tensor<double, 4>(Shape{2, 2, 1, 2}, {1, 8, 3, 4, -5, 6, -7, 8}));
  CHECK(GlobalAvgPool2d{}(x).shape() == Shape{2, 2});
  check_numbers(GlobalAvgPool2d{}(x), {2, 6, -6, 7});
  check_numbers(GlobalMaxPool2d{}(x), {3, 8, -5, 8});
  const auto images = gradient_check::numbers(Shape{2, 3, 2, 2});
  check_gradients(
      "GlobalAvgPool2d", [](const auto& t) { return square(GlobalAvgPool2d{}(t)); }, images);
  check_gradients(
      "GlobalMaxPool2d", [](const auto& t) { return square(GlobalMaxPool2d{}(t)); }, images);
}

TEST_CASE("InstanceNorm has the gradients that differences give, and refuses wrong shapes") {
  const InstanceNorm norm = with_numbers(InstanceNorm<double>(3, {.affine = true}), 2);
  check_gradients(
      "InstanceNorm", [&](const auto& x) { return norm(x); }, gradient_check::numbers(Shape{2, 2, 2, 3}));
  CHECK_THROWS_MATCHES(norm(Variable(Tensor<double, 4>(Shape{2, 3, 2, 2}))), ShapeError,
                       Message("InstanceNorm: expected x of shape [N, H, W, 3] but got [2, 3, 2, 2]"));
  CHECK_THROWS_MATCHES(norm(Variable(Tensor<double, 4>(Shape{2, 1, 1, 3}))), ShapeError,
                       Message("InstanceNorm: expected more than one pixel but got x of shape [2, 1, 1, 3]"));
  CHECK_THROWS_MATCHES(InstanceNorm(0), ArgumentError, Message("InstanceNorm: expected features > 0 but got 0"));
}

TEST_CASE("InstanceNorm has no parameters unless asked for, as in PyTorch") {
  const InstanceNorm<double> plain(3);
  CHECK(parameter_count(plain) == 0);
  CHECK(parameter_count(InstanceNorm(3, {.affine = true})) == 6);
  const auto x = Variable(gradient_check::numbers(Shape{2, 2, 2, 3}));
  const Variable<double, 4> y = plain(x), affine = InstanceNorm<double>(3, {.affine = true})(x);  // weight 1, bias 0
  CHECK((y.value().array() - affine.value().array()).abs().maxCoeff() < 1e-14);
  check_gradients(
      "InstanceNorm", [&](const auto& t) { return plain(t); }, gradient_check::numbers(Shape{2, 2, 2, 3}));
}

TEST_CASE("InstanceNorm adds PyTorch's 1e-5 to the variance unless told otherwise") {
  Tensor<double, 4> x(Shape{2, 2, 2, 3});
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = i / 3 % 2 == 0 ? 5.01 : 4.99;  // of each channel: variance 1e-4
  const Tensor<double, 4> y = InstanceNorm<double>(3)(Variable(x)).value();
  for (Index i = 0; i < x.size(); ++i)
    CHECK_THAT(y.data()[i], WithinRel((i / 3 % 2 == 0 ? 0.01 : -0.01) / std::sqrt(1e-4 + 1e-5), 1e-10));
}

TEST_CASE("InstanceNorm treats each image alone") {
  const InstanceNorm norm = with_numbers(InstanceNorm<float>(3, {.affine = true}), 2);
  const Variable x(numbers<float>(Shape{4, 3, 3, 3}, 5));
  const Variable together = norm(x);
  for (Index i = 0; i < 4; ++i) {
    const Variable alone = norm(slice(x, 0, i, i + 1));
    CHECK(std::ranges::equal(alone.value().values(), slice(together, 0, i, i + 1).value().values()));
  }
}

TEST_CASE("Linear has no bias where none is wanted") {
  Rng rng(1), same(1);
  const Linear plain(3, 2, {.bias = false}, rng);
  Linear biased(3, 2, same);
  CHECK(plain.bias.shape() == Shape{0});
  CHECK(parameter_count(plain) == 6);
  int fields = 0;
  for_each_parameter(plain, [&](const FieldPath&, const auto&) { ++fields; });
  CHECK(fields == 1);
  CHECK(parameter_count(biased) == 8);
  biased.bias.mutable_value().array() = 0;
  const Variable<float, 2> x(numbers<float>(Shape{4, 3}, 5));
  CHECK(std::ranges::equal(plain(x).value().values(), biased(x).value().values()));
}
