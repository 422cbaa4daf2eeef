// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <type_traits>

#include "catch.hpp"

using namespace eigenesis;

namespace {

Parameter<double, 1> two_and_three() { return Tensor<double, 1>({2}, {2, 3}); }

}  // namespace

TEST_CASE("Variables are handles, parameters are values") {
  const Variable x(Tensor<double, 1>({2}, {1, 2}));
  const Variable handle = x;
  CHECK(handle.value().data() == x.value().data());

  Parameter p = two_and_three();
  Parameter copy = p;
  CHECK(copy.value().data() != p.value().data());
  copy.mutable_value()(0) = 7;
  CHECK(p.value()(0) == 2);
  const Variable seen = p;
  p.mutable_value()(1) = 5;
  CHECK(seen.value()(1) == 5);
  copy = p;
  CHECK(copy.value()(1) == 5);
  copy.mutable_value()(1) = 6;
  CHECK(p.value()(1) == 5);
  const auto [dp, dcopy] = gradient(sum(p * p) + sum(copy), p, copy);
  CHECK(dp.value()(1) == 10);
  CHECK(dcopy.value()(1) == 1);
}

TEST_CASE("The value of a temporary variable is copied only if others hold it too") {
  Variable x(Tensor<double, 1>({2}, {1, 2}));
  const double* const data = x.value().data();
  {
    const Variable other = x;
    CHECK(Variable(x).value().data() != data);
    CHECK(other.value().data() == data);
  }
  const Tensor<double, 1> taken = std::move(x).value();
  CHECK(taken.data() == data);
  CHECK(taken(1) == 2);
}

TEST_CASE("Parameters move without copying, so that vectors of layers can grow") {
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Parameter<float, 2>>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<Parameter<float, 2>>);
  Parameter p = two_and_three();
  const double* data = p.value().data();
  Parameter moved = std::move(p);
  CHECK(moved.value().data() == data);
  p = two_and_three();
  CHECK(p.value()(1) == 3);
  std::swap(p, moved);
  CHECK(p.value().data() == data);
}

TEST_CASE("A parameter may be given another tensor, also of another shape") {
  Parameter p = two_and_three();
  p.mutable_value() = Tensor<double, 1>({3}, {10, 20, 30});
  const auto y = sum(p * p);
  CHECK(y.item() == 1400);
  const auto dp = gradient(y, p);
  CHECK(dp.shape() == Shape{3});
  CHECK(dp.value()(2) == 60);
}

TEST_CASE("A default parameter is empty, or zero for rank 0") {
  CHECK(Parameter<float, 2>().shape() == Shape{0, 0});
  CHECK(Parameter<float, 0>().item() == 0);
  CHECK(Variable<float, 3>().size() == 0);
  CHECK(Variable<float, 0>().item() == 0);
}

TEST_CASE("gradient refuses a loss from before the parameter's last update") {
  Parameter p = two_and_three();
  const auto loss = sum(p * p);
  p.mutable_value()(0) = 4;
  CHECK_THROWS_MATCHES(
      gradient(loss, p), Error,
      Message("gradient: expected parameters unchanged since the loss was computed but one of shape [2] was "
              "updated; compute the loss again"));
  const Variable x = watch(Tensor<double, 1>({2}, {1, 1}));
  CHECK(gradient(sum(p * p), p).value()(0) == 8);
  CHECK(gradient(sum(x * x), x).value()(0) == 2);
}

TEST_CASE("gradient refuses a loss from before the update of a parameter that is held fixed") {
  const auto refused = Message(
      "gradient: expected parameters unchanged since the loss was computed but one of shape [2] was updated; compute "
      "the loss again");
  Parameter p = two_and_three();
  const Variable x = watch(Tensor<double, 2>({3, 2}, 1.0));
  p.hold_fixed();
  const auto loss = sum(x * p);
  p.hold_fixed();  // as it was
  CHECK(gradient(loss, x).value()(2, 1) == 3);
  p.mutable_value()(1) = 5;  // the gradient by x would be 5 now
  CHECK_THROWS_MATCHES(gradient(loss, x), Error, refused);

  const auto later = sum(x * p);
  p.hold_fixed(false);  // the gradient by p would be missing
  CHECK_THROWS_MATCHES(gradient(later, p), Error, refused);
  CHECK(gradient(sum(x * p), p).value()(0) == 3);

  const auto before = sum(x * p);
  p.hold_fixed();
  CHECK_THROWS_MATCHES(gradient(before, x), Error, refused);

  const auto constant = 2 * p;  // what was computed from p alone is a value that does not change
  const auto of_constant = sum(x * constant);
  p.mutable_value()(1) = 7;
  CHECK(gradient(of_constant, x).value()(2, 1) == 10);
}

TEST_CASE("Updating one model's parameters leaves the losses of others valid") {
  Parameter generator = two_and_three(), discriminator = two_and_three();
  const auto fake = generator * 2;
  const auto loss = sum(detach(fake) * discriminator);
  const auto step = gradient(loss, discriminator);
  discriminator.mutable_value().array() -= 0.5 * step.value().array();  // 2 - 2, 3 - 3
  const auto generator_loss = sum(fake * discriminator);
  CHECK(generator_loss.item() == 0);
  CHECK(gradient(generator_loss, generator).value()(0) == 0);
}

TEST_CASE("A model or variable that was moved from says so", "[autodiff]") {
  Parameter<float, 1> weight(Tensor<float, 1>(Shape{2}, 1.0f));
  const Parameter<float, 1> other = std::move(weight);
  CHECK(other.value()(1) == 1);
  CHECK_THROWS_WITH(weight.value(), "Variable: expected a value but its model or variable was moved from");
  CHECK_THROWS_WITH(weight.shape(), "Variable: expected a value but its model or variable was moved from");
}
