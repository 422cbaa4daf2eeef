// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

/// x + c, for networks that are told something.
struct AddCondition {
  auto operator()(const auto& x, const auto& condition) const { return x + condition; }
};
/// The same, doubled in training.
struct AddConditionInTraining {
  template <class Scalar, int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x, const Variable<Scalar, Rank>& condition,
                                    Pass pass = {}) const {
    return pass.is_training() ? x + 2 * condition : x + condition;
  }
};
struct Halve {
  auto operator()(const auto& x) const { return 0.5 * x; }
};

Variable<float, 2> row(float a, float b) { return Tensor<float, 2>(Shape{1, 2}, {a, b}); }

}  // namespace

TEST_CASE("A pass without a generator evaluates, and says what a layer that draws lacks", "[layers]") {
  Rng rng(1);
  CHECK_FALSE(Pass{}.is_training());
  CHECK_FALSE(Pass{}.updates_state());
  CHECK(Pass::training(rng).is_training());
  CHECK(Pass::training(rng).updates_state());
  CHECK(Pass::training(rng).without_updates().is_training());
  CHECK_FALSE(Pass::training(rng).without_updates().updates_state());
  CHECK_FALSE(Pass::evaluation(rng).is_training());
  CHECK(&Pass::training(rng).rng() == &rng);
  CHECK(&Pass::evaluation(rng).rng() == &rng);
  CHECK_THROWS_MATCHES(Pass{}.rng(), ArgumentError,
                       Message("Pass::rng: expected a generator for a model that draws but got none; call the model "
                               "with Pass::training(rng) or Pass::evaluation(rng)"));
}

TEST_CASE("A Sequential hands the condition to the layers that take it", "[layers]") {
  Rng rng(1);
  const Sequential network{Halve{}, AddCondition{}, Sequential{AddConditionInTraining{}}, Relu{}};
  const Variable<float, 2> x = row(2, -40), condition = row(10, 10);
  CHECK(network(x, condition).value()(0, 0) == 1 + 10 + 10);
  CHECK(network(x, condition).value()(0, 1) == 0);
  CHECK(network(x, condition, Pass::training(rng)).value()(0, 0) == 1 + 10 + 20);
  CHECK(call(network, x, condition, Pass::training(rng)).value()(0, 0) == 1 + 10 + 20);
  STATIC_REQUIRE(detail::TakesCondition<decltype(network), Variable<float, 2>, Variable<float, 2>>);
  STATIC_REQUIRE_FALSE(
      detail::TakesCondition<Sequential<Halve, Sequential<Relu>>, Variable<float, 2>, Variable<float, 2>>);
}

TEST_CASE("AppendCondition joins rows, or images at every pixel, and a condition", "[layers]") {
  const Variable<float, 2> condition = Tensor<float, 2>(Shape{2, 1}, {7, 8});
  const Variable<float, 2> rows = Tensor<float, 2>(Shape{2, 2}, {1, 2, 3, 4});
  const Tensor<float, 2> joined = AppendCondition{}(rows, condition).value();
  CHECK(joined.shape() == Shape{2, 3});
  const std::vector<float> expected{1, 2, 7, 3, 4, 8};
  CHECK(std::ranges::equal(joined.values(), expected));

  const Variable<float, 4> images = Tensor<float, 4>(Shape{2, 1, 2, 1}, {1, 2, 3, 4});
  const Tensor<float, 4> both = AppendCondition{}(images, condition).value();
  CHECK(both.shape() == Shape{2, 1, 2, 2});
  const std::vector<float> at_each_pixel{1, 7, 2, 7, 3, 8, 4, 8};
  CHECK(std::ranges::equal(both.values(), at_each_pixel));

  const Variable<float, 2> one = Tensor<float, 2>(Shape{1, 1}, 7.0f);
  CHECK_THROWS_MATCHES(AppendCondition{}(rows, one), ShapeError,
                       Message("AppendCondition: expected one condition for each sample, [2, C], but got [1, 1]"));
}

namespace {

struct Hidden {  // its fields are not named, so that the compiler cannot find the Dropout
  Dropout dropout{0.5};
  auto operator()(const auto& x) const { return dropout(x); }
};
struct Keeping {  // takes a Pass, but keeps it for itself
  BatchNorm<> norm{2};
  auto operator()(const auto& x, Pass pass = {}) const { return pass.is_training() ? norm(x) : norm(x, pass); }
  static void fields(auto& self, auto&& field) { field("norm", self.norm); }
};
struct Evaluating {
  BatchNorm<> norm{2};
  auto operator()(const auto& x, Pass pass = {}) const {
    return norm(x, pass.is_training() ? Pass::evaluation(pass.rng()) : pass);
  }
  static void fields(auto& self, auto&& field) { field("norm", self.norm); }
};

}  // namespace

TEST_CASE("A Pass that is not handed on is found in training", "[layers]") {
  Rng rng(1);
  const Variable<float, 2> x = row(2, -40);
  const auto refused = [&](const auto& network, const std::string& layer) {
    CHECK_NOTHROW(network(x));
    CHECK_THROWS_MATCHES(
        network(x, Pass::training(rng)), ArgumentError,
        Message(layer + ": expected the Pass of the training but got none; the layer around it has to take one "
                        "and hand it on, operator()(x, Pass pass = {}), or to ask for Pass::evaluation(rng)"));
    CHECK_NOTHROW(network(x, Pass::evaluation(rng)));
  };
  refused(Sequential{Hidden{}}, "Dropout");
  refused(Sequential{Sequential{[dropout = Dropout()](const auto& t) { return dropout(t); }}}, "Dropout");
  refused(Sequential{Keeping{}}, "BatchNorm");
  CHECK_NOTHROW(Sequential{Evaluating{}}(x, Pass::training(rng)));
}
