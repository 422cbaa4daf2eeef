// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "models/weights.hpp"
#include "training/digits.hpp"
#include "training/screen.hpp"

using namespace eigenesis;

namespace {

Tensor<float, 2> some_data(Index n, Rng& rng) {
  Tensor<float, 2> x(Shape{n, Index{6}});
  rng.fill_uniform(x.data(), x.size(), 0.0f, 1.0f);
  return x;
}

}  // namespace

TEST_CASE("An Autoencoder is a Vae of variance zero, bit for bit", "[training]") {
  const auto trained = [](auto make_model, auto make_trainer) {
    Rng rng(1);
    const Tensor<float, 2> x = some_data(40, rng);
    auto model = make_model(
        Encoder{Sequential{Linear(6, 8, rng), BatchNorm(8), Relu{}}, Linear(8, 2, rng)},
        Decoder{Sequential{Linear(2, 8, rng), Relu{}, Dropout(0.2), Linear(8, 6, rng)}, BernoulliLikelihood{}});
    auto trainer = make_trainer(model);
    trainer.fit(x, {.steps = 200, .batch_size = 16}, rng);
    return weights(model);
  };
  const auto autoencoder = trained(
      [](auto encoder, auto decoder) {
        return Autoencoder{encoder, decoder};
      },
      [](auto& model) { return AutoencoderTrainer{model}; });
  const auto vae = trained(
      [](auto encoder, auto decoder) {
        return Vae{encoder, decoder, StandardNormal(2)};
      },
      [](auto& model) {
        return VaeTrainer{model, {.beta = 0}};
      });
  CHECK(autoencoder == vae);
}

TEST_CASE("A linear autoencoder finds the principal components", "[training]") {
  // Data along the axes, twice with each deviation: two units keep the first two, and lose the squares of the others.
  const double deviations[] = {4, 3, 2, 1, 0.5, 0.25};
  Tensor<double, 2> x(Shape{12, 6}, 0.0);
  double lost = 0;
  for (int i = 0; i < 6; ++i) {
    x(2 * i, i) = deviations[i];
    x(2 * i + 1, i) = -deviations[i];
    if (i >= 2) lost += 2 * deviations[i] * deviations[i] / 12;
  }
  Rng rng(1);
  Autoencoder autoencoder{Encoder{Sequential{}, Linear<double>(6, 2, rng)},
                          Decoder{Linear<double>(2, 6, rng), SquaredError{}}};
  AutoencoderTrainer trainer{autoencoder, Adam<double>{{.learning_rate = 2e-2, .schedule = CosineSchedule{1500}}}};
  double least = INFINITY;
  trainer.fit(x,
              {.steps = 1500,
               .batch_size = 12,
               .on_step = [&](auto& now) { least = std::min(least, now.losses.reconstruction); }},
              rng);
  CHECK_THAT(trainer.evaluate(x, rng).reconstruction, WithinRel(lost, 1e-4));
  CHECK(least >= lost * (1 - 1e-12));
}

TEST_CASE("AutoencoderTrainer speaks of itself", "[training]") {
  Rng rng(1);
  Autoencoder autoencoder{Encoder{Sequential{}, Linear(6, 2, rng)}, Decoder{Linear(2, 6, rng), SquaredError{}}};
  AutoencoderTrainer trainer{autoencoder};
  const Tensor<float, 2> x = some_data(8, rng);
  CHECK_THROWS_MATCHES(
      trainer.fit(x, {}, rng), ArgumentError,
      Message("AutoencoderTrainer::fit: expected either steps > 0 or epochs > 0 but got steps = 0 and epochs = 0"));
  Screen screen;
  const auto history = trainer.fit(x, {.epochs = 1, .batch_size = 8, .progress = screen.bar()}, rng);
  CHECK(screen.text == "autoencoder 100% 1/1 [00:00<?, ? it/s] reconstruction " +
                           detail::significant(history.epochs[0].reconstruction, 4) + "\n");
}

TEST_CASE("A linear autoencoder of the digits comes close to their principal components", "[.slow]") {
  // What 30 components lose of each training image; no 30 linear units can lose less.
  const double least = 14.2071;
  const Mnist mnist = load_digits();
  Rng rng(1);
  Autoencoder autoencoder{Encoder{Sequential{}, Linear(784, 30, rng)}, Decoder{Linear(30, 784, rng), SquaredError{}}};
  const Index epochs = 10, steps = epochs * 469;
  AutoencoderTrainer trainer{autoencoder, Adam<float>{{.learning_rate = 2e-3, .schedule = CosineSchedule{steps}}}};
  trainer.fit(mnist.train.images, {.epochs = epochs}, rng);
  const double found = evaluate(trainer, mnist.train.images, rng).reconstruction;
  CHECK(found >= least);
  CHECK_THAT(found, WithinAbs(least, 0.03));
}
