// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

/// A weight and a running statistic.
struct Pair {
  Parameter<double, 1> weight{Tensor<double, 1>(Shape{2}, 0.0)};
  Tensor<double, 1> running{Shape{2}, 10.0};
  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("running", self.running);
  }
};

}  // namespace

TEST_CASE("A moving average follows parameters and running statistics") {
  Pair model;
  MovingAverage average{model, {.decay = 0.9, .warm_up = false}};
  model.weight.mutable_value().array() = 1;
  model.running.array() = 20;
  double left = 1;  // of the start
  for (int t = 0; t < 5; ++t) {
    average.update(model);
    left *= 0.9;
    CHECK_THAT(average.model.weight.value()(1), WithinAbs(1 - left, 1e-14));
    CHECK_THAT(average.model.running(0), WithinAbs(20 - 10 * left, 1e-13));
  }
  CHECK(average.steps() == 5);
  CHECK(model.weight.value()(0) == 1);
}

TEST_CASE("With warm-up the start of a moving average fades soon") {
  // Decays (1 + t) / (10 + t) = 1/10, 2/11, 3/12, ... until they reach the given one.
  Pair model;
  MovingAverage average{model, {.decay = 0.2}};
  model.weight.mutable_value().array() = 1;
  double left = 1;
  for (const double decay : {1.0 / 10, 2.0 / 11, 0.2, 0.2}) {
    average.update(model);
    left *= decay;
    CHECK_THAT(average.model.weight.value()(0), WithinAbs(1 - left, 1e-14));
  }
}

TEST_CASE("A trainer updates the average of its model after each step") {
  Rng rng(1);
  Generator generator{Linear(2, 2, rng), StandardNormal(2)};
  Discriminator discriminator{Linear(2, 1, rng)};
  GanTrainer trainer{generator, discriminator, NonSaturating{},
                     MovingAverage{generator, {.decay = 0, .warm_up = false}}};
  const auto weight = [](const auto& model) { return model.network.weight.value()(0, 0); };
  const float start = weight(generator);
  trainer.train_discriminator(Tensor<float, 2>({4, 2}, 0.5f), rng);
  CHECK(trainer.average.steps() == 0);
  trainer.train_generator(4, rng);
  CHECK(trainer.average.steps() == 1);
  CHECK(weight(trainer.average.model) == weight(generator));  // decay 0: no memory
  CHECK(weight(generator) != start);
}

TEST_CASE("MovingAverage names wrong arguments") {
  CHECK_THROWS_MATCHES((MovingAverage{Pair{}, {.decay = 1}}), ArgumentError,
                       Message("MovingAverage: expected decay in [0, 1) but got 1"));
  CHECK_THROWS_MATCHES((MovingAverage{Pair{}, {.decay = -0.1}}), ArgumentError,
                       Message("MovingAverage: expected decay in [0, 1) but got -0.1"));
}

struct Scaled {
  Linear<float> linear;
  double scale = 1;
  static void fields(auto& self, auto&& field) { field("linear", self.linear), field("scale", self.scale); }
};
TEST_CASE("Numbers among a model's fields are the current ones in its average", "[optimizers]") {
  Rng rng(1);
  Scaled model{Linear(2, 2, rng)};
  MovingAverage average{model};
  model.scale = 7;
  average.update(model);
  CHECK(average.model.scale == 7);
}

namespace {

struct Shares {
  std::shared_ptr<Linear<float>> linear;
  static void fields(auto& self, auto&& field) { field("linear", *self.linear); }
};

}  // namespace

TEST_CASE("An average of a model whose copies share a layer is refused", "[optimizers]") {
  Rng rng(1);
  CHECK_THROWS_WITH(MovingAverage(Shares{std::make_shared<Linear<float>>(2, 2, rng)}),
                    "MovingAverage: expected a model whose copies are independent but linear.weight of a copy is that "
                    "of the original; does a layer hold a reference or pointer?");
}
