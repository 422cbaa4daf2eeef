// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <numbers>

#include "catch.hpp"
#include "models/weights.hpp"

using namespace eigenesis;

namespace {

/// Shows latents as they are.
const Generator latents_alone{Sequential{}, StandardNormal(3)};

Tensor<float, 1> latent(std::initializer_list<float> values) {
  return Tensor<float, 1>(Shape{static_cast<Index>(values.size())}, values);
}
double norm_of_row(const Tensor<float, 2>& x, Index row) { return x.matrix().row(row).cast<double>().norm(); }

}  // namespace

TEST_CASE("Generator::sample evaluates, records nothing and changes nothing", "[models]") {
  Rng rng(1);
  bool recorded = false;
  const Generator generator{Sequential{Linear(2, 5, rng), BatchNorm(5), Relu{}, Linear(5, 3, rng), Recorded{&recorded}},
                            StandardNormal(2)};
  for (int i = 0; i < 5; ++i) generator(Variable(generator.prior.sample(8, rng)), Pass::training(rng));
  CHECK(recorded);
  const std::vector<double> before = weights(generator);

  Rng again = rng, for_latents = rng;
  recorded = true;
  const Tensor<float, 2> samples = generator.sample(64, rng);
  CHECK_FALSE(recorded);
  CHECK(samples.shape() == Shape{64, 3});
  CHECK(weights(generator) == before);
  CHECK(std::ranges::equal(samples.values(), generator.sample(64, again).values()));
  CHECK_FALSE(std::ranges::equal(samples.values(), generator.sample(64, rng).values()));

  // A sample does not depend on those drawn with it.
  const Tensor<float, 2> z = generator.prior.sample(64, for_latents);
  CHECK(std::ranges::equal(samples.values(), generator.decode(z).values()));
  for (const Index i : {0, 17, 63}) {
    const Tensor<float, 2> alone = generator.decode(slice(Variable(z), 0, i, i + 1).value());
    for (Index j = 0; j < 3; ++j) CHECK_THAT(alone(0, j), WithinAbs(samples(i, j), 1e-6f));
  }
}

TEST_CASE("A mixture may be the prior of a generator; nothing of it is learned", "[models]") {
  Rng rng(1);
  const Generator generator{Linear(1, 1, rng), mixture_of_gaussians({1, 3}, {-2, 2}, {0.5, 0.1})};
  CHECK(parameter_count(generator) == 2);
  CHECK(generator.sample(7, rng).shape() == Shape{7, 1});
}

TEST_CASE("Generator calls its network in training with the Pass", "[models]") {
  Rng rng(1);
  const Generator generator{Sequential{Dropout(0.5)}, StandardNormal(4)};
  const Variable ones(Tensor<float, 2>(Shape{50, 4}, 1.0f));
  CHECK(generator(ones).value().array().minCoeff() == 1);
  CHECK(generator(ones, Pass::evaluation(rng)).value().array().minCoeff() == 1);
  CHECK(generator(ones, Pass::training(rng)).value().array().minCoeff() == 0);
}

TEST_CASE("Generator::interpolate goes along a great circle", "[models]") {
  const Tensor<float, 1> a = latent({2, 0, 0}), b = latent({0, 2, 0});
  const Tensor<float, 2> z = latents_alone.interpolate(a, b, 5);
  REQUIRE(z.shape() == Shape{5, 3});
  for (Index i = 0; i < 5; ++i) {
    const double angle = static_cast<double>(i) / 4 * std::numbers::pi / 2;
    CHECK_THAT(z(i, 0), WithinAbs(2 * std::cos(angle), 1e-6));
    CHECK_THAT(z(i, 1), WithinAbs(2 * std::sin(angle), 1e-6));
    CHECK(z(i, 2) == 0);
  }
}

TEST_CASE("Generator::interpolate begins and ends with the given latents", "[models]") {
  Rng rng(3);
  const Tensor<float, 2> ends = latents_alone.prior.sample(2, rng);
  const Tensor<float, 1> a(Shape{3}, ends.values().first(3)), b(Shape{3}, ends.values().last(3));
  const Tensor<float, 2> z = latents_alone.interpolate(a, b, 9);
  for (Index j = 0; j < 3; ++j) {
    CHECK(z(0, j) == a(j));
    CHECK(z(8, j) == b(j));
  }
  // Between latents of unequal norm the path stays well away from the origin, where a straight line would cut short.
  const double shorter = std::min(norm_of_row(z, 0), norm_of_row(z, 8));
  for (Index i = 0; i < 9; ++i) CHECK(norm_of_row(z, i) > 0.9 * shorter);
  CHECK(latents_alone.interpolate(a, b, 2).shape() == Shape{2, 3});
}

TEST_CASE("Generator::interpolate goes straight where there is no circle", "[models]") {
  const Tensor<float, 2> same_direction = latents_alone.interpolate(latent({1, 1, 1}), latent({3, 3, 3}), 5);
  const Tensor<float, 2> opposite = latents_alone.interpolate(latent({1, 2, 0}), latent({-1, -2, 0}), 5);
  const Tensor<float, 2> from_origin = latents_alone.interpolate(latent({0, 0, 0}), latent({0, 4, 0}), 5);
  for (Index i = 0; i < 5; ++i) {
    CHECK_THAT(same_direction(i, 1), WithinAbs(1 + 0.5 * static_cast<double>(i), 1e-6));
    CHECK_THAT(opposite(i, 1), WithinAbs(2 - static_cast<double>(i), 1e-6));
    CHECK_THAT(from_origin(i, 1), WithinAbs(static_cast<double>(i), 1e-6));
  }
}

TEST_CASE("Generator::interpolate refuses unequal latents and single steps", "[models]") {
  const Tensor<float, 1> a = latent({1, 2, 3});
  CHECK_THROWS_MATCHES(latents_alone.interpolate(a, latent({1, 2}), 5), ShapeError,
                       Message("Generator::interpolate: expected latents of equal shape but got [3] and [2]"));
  CHECK_THROWS_MATCHES(latents_alone.interpolate(a, a, 1), ArgumentError,
                       Message("Generator::interpolate: expected at least 2 steps but got 1"));
}

TEST_CASE("Discriminator gives logits, and probabilities that record nothing", "[models]") {
  Rng rng(1);
  bool recorded = false;
  const Discriminator discriminator{
      Sequential{Linear(2, 4, rng), BatchNorm(4), Tanh{}, Linear(4, 1, rng), Recorded{&recorded}}};
  Tensor<float, 2> x(Shape{6, 2});
  rng.fill_normal(x.data(), x.size());
  const Variable<float, 2> logits = discriminator(Variable(x));
  CHECK(recorded);
  const std::vector<double> before = weights(discriminator);
  const Tensor<float, 2> probability = discriminator.probability(x);
  CHECK_FALSE(recorded);
  CHECK(weights(discriminator) == before);
  REQUIRE(probability.shape() == Shape{6, 1});
  for (Index i = 0; i < 6; ++i)
    CHECK_THAT(probability(i, 0), WithinAbs(1 / (1 + std::exp(-logits.value()(i, 0))), 1e-6));
  discriminator(Variable(x), Pass::training(rng));
  CHECK(weights(discriminator) != before);  // running averages
}

TEST_CASE("Discriminator refuses a network that gives more than a logit for each sample", "[models]") {
  Rng rng(1);
  const Discriminator discriminator{Linear(2, 7, rng)};
  const Variable x(Tensor<float, 2>(Shape{6, 2}));
  const auto message = Message("Discriminator: expected one logit for each sample, [6, 1], but got [6, 7]");
  CHECK_THROWS_MATCHES(discriminator(x), ShapeError, message);
  CHECK_THROWS_MATCHES(discriminator(x, Pass::training(rng)), ShapeError, message);
  CHECK_THROWS_MATCHES(discriminator.probability(x.value()), ShapeError, message);
}
