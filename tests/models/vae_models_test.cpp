// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "models/weights.hpp"

using namespace eigenesis;

namespace {

/// Four pixels in [0, 1], two latents, all in double.
auto small_vae(Rng& rng) {
  return Vae{
      Encoder{Sequential{Linear<double>(4, 5, rng), Tanh{}}, Linear<double>(5, 2, rng), Linear<double>(5, 2, rng)},
      Decoder{Sequential{Linear<double>(2, 5, rng), Tanh{}, Linear<double>(5, 4, rng)}, BernoulliLikelihood{}},
      StandardNormal<double>(2)};
}

Tensor<double, 2> pixels() {
  return Tensor<double, 2>(Shape{3, 4}, {0.1, 0.9, 0.0, 1.0, 0.5, 0.3, 0.8, 0.2, 1.0, 1.0, 0.0, 0.4});
}

}  // namespace

TEST_CASE("The ELBO sums over pixels and latents, in nats per sample", "[models]") {
  Rng rng(1);
  const auto vae = small_vae(rng);
  const Variable x(pixels());
  Rng for_pass(5), for_code(5);
  const auto terms = vae.elbo_terms(x, Pass::training(for_pass));
  const auto posterior = vae.encoder(x);
  const auto z = posterior.sample(for_code);
  const Variable logits = vae.decoder.network(z);
  for (Index i = 0; i < 3; ++i) {
    double log_likelihood = 0, divergence = 0;
    for (Index j = 0; j < 4; ++j) {
      const double p = 1 / (1 + std::exp(-logits.value()(i, j))), t = x.value()(i, j);
      log_likelihood += t * std::log(p) + (1 - t) * std::log(1 - p);
    }
    for (Index j = 0; j < 2; ++j) {
      const double m = posterior.mean().value()(i, j), v = posterior.log_variance().value()(i, j);
      divergence -= 0.5 * (1 + v - m * m - std::exp(v));
    }
    INFO("sample " << i);
    CHECK_THAT(terms.log_likelihood.value()(i), WithinRel(log_likelihood, 1e-12));
    CHECK_THAT(terms.divergence.value()(i), WithinRel(divergence, 1e-12));
    CHECK_THAT(terms.elbo().value()(i), WithinRel(log_likelihood - divergence, 1e-12));
    CHECK_THAT(terms.elbo(2.5).value()(i), WithinRel(log_likelihood - 2.5 * divergence, 1e-12));
    CHECK(terms.elbo(0).value()(i) == terms.log_likelihood.value()(i));
  }
  Rng again(5);
  const Variable<double, 1> elbo = vae.elbo(x, Pass::training(again), 2.5);
  CHECK(std::ranges::equal(elbo.value().values(), terms.elbo(2.5).value().values()));
}

namespace {

/// A prior without a divergence in closed form: K normals of variance 1 in a row of distance `apart`, in L dimensions.
struct MixturePrior {
  Index size, components;
  double apart;

  Tensor<double, 2> sample(Index n, Rng& rng) const {
    Tensor<double, 2> z = StandardNormal<double>(size).sample(n, rng);
    for (Index i = 0; i < n; ++i) z(i, 0) += apart * static_cast<double>(i % components);
    return z;
  }
  Variable<double, 1> log_prob(const Variable<double, 2>& z) const {
    std::vector<Variable<double, 2>> each;
    for (Index k = 0; k < components; ++k) {
      Tensor<double, 1> mean(Shape{size}, 0.0);
      mean(0) = apart * static_cast<double>(k);
      each.push_back(reshape(StandardNormal<double>(size).log_prob(z - Variable(mean)), Shape{z.shape(0), Index{1}}));
    }
    return logsumexp(concatenate(std::span<const Variable<double, 2>>(each), 1), 1) -
           std::log(static_cast<double>(components));
  }
};

}  // namespace

TEST_CASE("A prior without a divergence in closed form works by sampling", "[models]") {
  Rng rng(3);
  const auto normal = small_vae(rng);
  const auto with = [&](MixturePrior prior) { return Vae{normal.encoder, normal.decoder, prior}; };
  Tensor<double, 2> many(Shape{60'000, 4});
  const Tensor<double, 2> three = pixels();
  for (Index i = 0; i < many.size(); ++i) many.data()[i] = three.data()[i % three.size()];
  const Variable x(many);
  const NoGradient no_gradient;
  const double exact = mean(normal.elbo_terms(x, Pass::evaluation(rng)).divergence).item();
  const auto estimate = [&](MixturePrior prior) {
    return mean(with(prior).elbo_terms(x, Pass::evaluation(rng)).divergence).item();
  };
  // One component, or any number of equal ones: the standard normal itself.
  CHECK_THAT(estimate({2, 1, 0}), WithinAbs(exact, 0.02));
  CHECK_THAT(estimate({2, 3, 0}), WithinAbs(exact, 0.02));
  // Far apart, only the one at 0 is near: its share of a third costs ln 3.
  CHECK_THAT(estimate({2, 3, 100}), WithinAbs(exact + std::log(3.0), 0.02));
}

TEST_CASE("draw gives draws from p(x | z), sample their means", "[models]") {
  Rng rng(4);
  const auto vae = small_vae(rng);
  Rng a(5), b(5);
  const Tensor<double, 2> x = vae.draw(20'000, a), means = vae.sample(20'000, b);  // of the same codes
  Index others = 0;
  for (const double value : x.values()) others += value != 0 && value != 1;
  CHECK(others == 0);
  CHECK_THAT(x.array().mean(), WithinAbs(means.array().mean(), 0.01));
  CHECK(Vae{vae.encoder, Decoder{vae.decoder.network, SquaredError{}}, vae.prior}.draw(3, rng).shape() == Shape{3, 4});
  CHECK(Vae{vae.encoder, Decoder{vae.decoder.network, NormalLikelihood{}}, vae.prior}.draw(3, rng).shape() ==
        Shape{3, 4});
}

TEST_CASE("The ELBO is the mean of log p(x | z) + log p(z) - log q(z | x)", "[models]") {
  Rng rng(2);
  const auto vae = small_vae(rng);
  const Index draws = 20'000;
  for (Index i = 0; i < 3; ++i) {
    const Variable x = broadcast(slice(Variable(pixels()), 0, i, i + 1), Shape{draws, Index{4}});
    Rng for_pass(9), for_code(9);
    const Variable elbo = vae.elbo(x, Pass::evaluation(for_pass));
    const auto posterior = vae.encoder(x);
    const auto z = posterior.sample(for_code);
    const Variable estimate = vae.decoder(z).log_prob(x) + vae.prior.log_prob(z) - posterior.log_prob(z);
    const auto difference = elbo.value().array() - estimate.value().array();
    const double mean = difference.mean(), deviation = std::sqrt((difference - mean).square().mean());
    INFO("sample " << i << ", ELBO " << elbo.value().array().mean() << ", estimate "
                   << estimate.value().array().mean());
    CHECK(deviation > 0.01);  // the two differ draw by draw
    CHECK_THAT(mean, WithinAbs(0, 5 * deviation / std::sqrt(static_cast<double>(draws))));
  }
}

TEST_CASE("The gradient of the ELBO reaches every parameter", "[models]") {
  Rng rng(3);
  const auto vae = small_vae(rng);
  const auto gradients = parameter_gradients(-mean(vae.elbo(Variable(pixels()), Pass::training(rng))), vae);
  REQUIRE(gradients.size() == 10);
  for (std::size_t i = 0; i < 10; ++i)
    CHECK(std::ranges::any_of(gradients[i], [](double g) { return std::abs(g) > 1e-6; }));
}

TEST_CASE("A Vae encodes, decodes, reconstructs and samples without recording", "[models]") {
  Rng rng(4);
  bool encoder_recorded = false, decoder_recorded = false;
  const Vae vae{Encoder{Sequential{Linear(4, 5, rng), BatchNorm(5), Tanh{}, Recorded{&encoder_recorded}},
                        Linear(5, 2, rng), Linear(5, 2, rng)},
                Decoder{Sequential{Linear(2, 5, rng), Dropout(0.5), Linear(5, 4, rng), Recorded{&decoder_recorded}},
                        BernoulliLikelihood{}},
                StandardNormal(2)};
  const Tensor<float, 2> x(pixels().matrix());
  vae.elbo(Variable(x), Pass::training(rng));
  CHECK(encoder_recorded);
  CHECK(decoder_recorded);
  const std::vector<double> before = weights(vae);

  const Tensor<float, 2> codes = vae.encode(x);
  CHECK_FALSE(encoder_recorded);
  CHECK(codes.shape() == Shape{3, 2});
  CHECK(std::ranges::equal(codes.values(), vae.encoder(Variable(x)).mean().value().values()));

  const Tensor<float, 2> decoded = vae.decode(codes);
  CHECK_FALSE(decoder_recorded);
  const Variable logits = vae.decoder.network(Variable(codes));
  for (Index i = 0; i < decoded.size(); ++i)
    CHECK_THAT(decoded.data()[i], WithinAbs(1 / (1 + std::exp(-logits.value().data()[i])), 1e-6));  // probabilities
  CHECK(std::ranges::equal(vae.reconstruct(x).values(), decoded.values()));

  decoder_recorded = true;
  Rng again = rng, for_codes = rng;
  const Tensor<float, 2> samples = vae.sample(6, rng);
  CHECK_FALSE(decoder_recorded);
  CHECK(samples.shape() == Shape{6, 4});
  CHECK(std::ranges::equal(samples.values(), vae.sample(6, again).values()));
  CHECK(std::ranges::equal(samples.values(), vae.decode(vae.prior.sample(6, for_codes)).values()));
  CHECK(weights(vae) == before);
}

TEST_CASE("Autoencoder::interpolate goes along a straight line", "[models]") {
  const Autoencoder identity{Encoder{Sequential{}, Sequential{}}, Decoder{Sequential{}, SquaredError{}}};
  const Tensor<double, 1> a(Shape{2}, {1, -2}), b(Shape{2}, {3, 6});
  const Tensor<double, 2> points = identity.interpolate(a, b, 5);
  const Tensor<double, 2> expected(Shape{5, 2}, {1, -2, 1.5, 0, 2, 2, 2.5, 4, 3, 6});
  REQUIRE(points.shape() == expected.shape());
  CHECK(std::ranges::equal(points.values(), expected.values()));
  CHECK_THROWS_MATCHES(identity.interpolate(a, Tensor<double, 1>(Shape{3}, 0.0), 5), ShapeError,
                       Message("Autoencoder::interpolate: expected codes of equal shape but got [2] and [3]"));
  CHECK_THROWS_MATCHES(identity.interpolate(a, b, 1), ArgumentError,
                       Message("Autoencoder::interpolate: expected at least 2 steps but got 1"));
}

TEST_CASE("An Autoencoder's codes have no noise", "[models]") {
  Rng rng(6);
  const Autoencoder autoencoder{Encoder{Sequential{Linear(4, 5, rng), Tanh{}}, Linear(5, 2, rng)},
                                Decoder{Linear(2, 4, rng), SquaredError{}}};
  const Tensor<float, 2> x(pixels().matrix());
  const Rng::State before = rng.state();
  const auto log_likelihood = autoencoder.log_likelihood(Variable(x), Pass::training(rng));
  CHECK(rng.state() == before);
  const Tensor<float, 2> reconstruction = autoencoder.reconstruct(x);
  for (Index i = 0; i < 3; ++i) {
    const double error = (reconstruction.matrix().row(i) - x.matrix().row(i)).squaredNorm();
    CHECK_THAT(log_likelihood.value()(i), WithinAbs(-error, 1e-6));
  }
  CHECK(parameter_count(autoencoder) == 25 + 12 + 12);
}

TEST_CASE("A Vae without variance has an infinite divergence, which beta 0 leaves out", "[models]") {
  Rng rng(7);
  const Vae vae{Encoder{Sequential{}, Linear(4, 2, rng)}, Decoder{Linear(2, 4, rng), SquaredError{}},
                StandardNormal(2)};
  const auto terms = vae.elbo_terms(Variable(Tensor<float, 2>(pixels().matrix())), Pass::training(rng));
  REQUIRE(terms.divergence.shape() == Shape{3});
  for (const float divergence : terms.divergence.value().values()) CHECK(divergence == INFINITY);
  const Variable elbo = terms.elbo(1), without_divergence = terms.elbo(0);
  for (const float value : elbo.value().values()) CHECK(value == -INFINITY);
  for (const float value : without_divergence.value().values()) CHECK(std::isfinite(value));
}

namespace {

/// A prior that learns its mean.
struct LearnedPrior {
  Parameter<float, 1> mean{Tensor<float, 1>({2}, 0.0f)};
  Tensor<float, 2> sample(Index n, Rng&) const { return broadcast(mean, Shape{n, Index{2}}).value(); }
  static void fields(auto& self, auto&& field) { field("mean", self.mean); }
};

}  // namespace

TEST_CASE("A prior's parameters belong to its model", "[models]") {
  Rng rng(1);
  const Generator generator{Linear(2, 3, rng), LearnedPrior{}};
  CHECK(parameter_count(generator) == 9 + 2);
  const Vae vae{Encoder{Linear(3, 4, rng), Linear(4, 2, rng), Linear(4, 2, rng)},
                Decoder{Linear(2, 3, rng), SquaredError{}}, LearnedPrior{}};
  CHECK(parameter_count(vae) == 16 + 10 + 10 + 9 + 2);
  std::string last;
  for_each_parameter(vae, [&](const FieldPath& path, const auto&) { last = to_string(path); });
  CHECK(last == "prior.mean");
}
