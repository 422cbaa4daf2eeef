// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "models/weights.hpp"

using namespace eigenesis;

// Models that are given a condition beside x or z.

namespace {

/// z + condition.
struct Shift {
  auto operator()(const auto& z, const auto& condition) const { return z + condition; }
};

Conditioned<Tensor<float, 2>, Tensor<float, 2>> two_places(Index n, Rng& rng) {
  // Class 0 at -2, class 1 at +2, of deviation 0.3.
  std::vector<int> classes;
  Tensor<float, 2> x(Shape{n, Index{1}});
  rng.fill_normal(x.data(), n);
  for (Index i = 0; i < n; ++i) {
    classes.push_back(static_cast<int>(i % 2));
    x(i, 0) = 0.3f * x(i, 0) + (i % 2 == 0 ? -2.0f : 2.0f);
  }
  return {std::move(x), one_hot(classes, 2)};
}

double mean_of_class(const Tensor<float, 2>& x, Index first) {
  double sum = 0;
  for (Index i = first; i < x.shape(0); i += 2) sum += static_cast<double>(x(i, 0));
  return 2 * sum / static_cast<double>(x.shape(0));
}

}  // namespace

TEST_CASE("A condition reaches the networks of all four roles") {
  Rng rng(1), same(1);
  const Tensor<float, 2> conditions(Shape{3, 2}, {10, 10, 20, 20, 30, 30});
  const Variable<float, 2> x(Tensor<float, 2>(Shape{3, 2}, 1.0f)), c(conditions);

  const Generator generator{Sequential{Shift{}}, StandardNormal(2)};
  const Tensor<float, 2> samples = generator.sample(conditions, rng), latents = generator.prior.sample(3, same);
  CHECK((samples.array() == latents.array() + conditions.array()).all());
  CHECK((generator(x, c).value().array() == conditions.array() + 1).all());

  const Discriminator discriminator{Sequential{Shift{}, [](const auto& t) { return slice(t, 1, 0, 1); }}};
  CHECK(discriminator(x, c).value()(2, 0) == 31);
  CHECK(discriminator.probability(x.value(), conditions)(0, 0) == Approx(1 / (1 + std::exp(-11.0))));

  const Encoder encoder{Shift{}, [](const auto& h) { return h; }, [](const auto& h) { return 0 * h; }};
  const Decoder decoder{Shift{}, SquaredError{}};
  const Vae vae{encoder, decoder, StandardNormal(2)};
  CHECK(vae.encode(x.value(), conditions)(1, 0) == 21);
  CHECK(vae.decode(x.value(), conditions)(1, 0) == 21);
  CHECK(vae.reconstruct(x.value(), conditions)(1, 0) == 41);
  Rng draw(2), draws(2);
  CHECK((vae.sample(conditions, draw).array() == vae.prior.sample(3, draws).array() + conditions.array()).all());
  const auto terms = vae.elbo_terms(x, c, Pass::training(rng));
  CHECK(terms.divergence.value()(0) == 11 * 11);  // (2 means of 11)^2 / 2, variance 1

  const Autoencoder autoencoder{Encoder{Shift{}, [](const auto& h) { return h; }}, decoder};
  // Code 1 + c, reconstruction 1 + 2 c: an error of 2 c in both columns.
  CHECK(-autoencoder.log_likelihood(x, c, Pass::training(rng)).value()(0) == 2 * 20 * 20);
}

TEST_CASE("A conditional GAN learns which samples belong to which condition") {
  Rng rng(1);
  const auto data = two_places(512, rng);
  Generator generator{Sequential{AppendCondition{}, Linear(2 + 2, 16, rng), Relu{}, Linear(16, 1, rng)},
                      StandardNormal(2)};
  Discriminator discriminator{
      Sequential{AppendCondition{}, Linear(1 + 2, 16, rng), LeakyRelu{0.2}, Linear(16, 1, rng)}};
  const Adam adam{{.learning_rate = 2e-3, .beta1 = 0.5}};
  const bool relativistic = GENERATE(false, true);
  const auto train = [&](auto objective) {
    GanTrainer trainer{generator, discriminator, objective, R1{.gamma = 0.1}, adam, MovingAverage{generator}};
    trainer.fit(data, {.steps = 1500, .batch_size = 64}, rng);
    trainer.train_discriminator(data, rng);  // a phase by hand
    trainer.train_generator(data, rng);
    return trainer.average.model.sample(data.conditions, rng);
  };
  const Tensor<float, 2> samples = relativistic ? train(Relativistic{}) : train(NonSaturating{});
  INFO("relativistic " << relativistic);
  CHECK_THAT(mean_of_class(samples, 0), WithinAbs(-2, 0.3));
  CHECK_THAT(mean_of_class(samples, 1), WithinAbs(2, 0.3));
}

TEST_CASE("A conditional VAE learns which samples belong to which condition") {
  Rng rng(1);
  const auto data = two_places(512, rng);
  Vae vae{
      Encoder{Sequential{AppendCondition{}, Linear(1 + 2, 16, rng), Tanh{}}, Linear(16, 1, rng), Linear(16, 1, rng)},
      Decoder{Sequential{AppendCondition{}, Linear(1 + 2, 16, rng), Tanh{}, Linear(16, 1, rng)}, NormalLikelihood{0.3}},
      StandardNormal(1)};
  VaeTrainer trainer{vae, Adam{{.learning_rate = 1e-2}}};
  const auto history = trainer.fit(data, data, {.epochs = 60, .batch_size = 64}, rng);
  const Tensor<float, 2> samples = vae.sample(data.conditions, rng);
  CHECK_THAT(mean_of_class(samples, 0), WithinAbs(-2, 0.15));
  CHECK_THAT(mean_of_class(samples, 1), WithinAbs(2, 0.15));
  CHECK(history.held_out.back().loss < history.held_out.front().loss);
}
