// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "distributions/values.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Variable<double, 2> two_rows(std::initializer_list<double> values) {
  return Tensor<double, 2>(Shape{2, static_cast<Index>(values.size()) / 2}, values);
}

// The expected numbers below are those of scipy.stats.norm (SciPy 1.17) and torch.distributions (PyTorch 2.13,
// float64).
const auto x = two_rows({1.0, -0.5, 0.25, -2.0, 0.0, 1.5});
const auto mean_q = two_rows({0.5, -1.0, 2.0, 0.0, 0.3, -0.7}), mean_p = two_rows({0.1, 0.4, 1.0, -0.6, 0.3, 0.2});
const auto log_variance_q = two_rows({0.2, -1.5, 0.9, 0.0, 1.1, -2.0});
const auto log_variance_p = two_rows({-0.3, 0.5, 0.0, 0.7, -1.0, 0.4});
const Variable<double, 0> one_log_variance = Tensor<double, 0>({}, 0.8);
const Variable<double, 1> feature_log_variances = Tensor<double, 1>(Shape{3}, {-1.0, 0.0, 1.4});

}  // namespace

TEST_CASE("StandardNormal has the density and entropy of N(0, I)", "[distributions]") {
  const StandardNormal<double> prior(3);
  check_values(prior.log_prob(x), {-3.4130655996140185, -5.8818155996140185});
  CHECK_THAT(prior.entropy(), WithinAbs(4.2568155996140185, 1e-12));
  check_values(StandardNormal(2).log_prob(Tensor<float, 2>(Shape{3, 2}, 0.0f)), {-1.8378771, -1.8378771, -1.8378771},
               1e-6);
  check_gradients(
      "StandardNormal::log_prob", [](const auto& z) { return StandardNormal<double>(3).log_prob(z); },
      numbers(Shape{4, 3}));
}

TEST_CASE("StandardUniform has the density and entropy of the cube [-1, 1]^d", "[distributions]") {
  const StandardUniform<double> prior(2);
  const auto log_prob =
      prior.log_prob(Tensor<double, 2>(Shape{5, 2}, {0, 0.5, 1, -1, 1.001, 0, 0, -7, not_a_number, 0}));
  check_values(slice(log_prob, 0, 0, 2), {-2 * std::numbers::ln2, -2 * std::numbers::ln2});
  CHECK(log_prob.value()(2) == -infinity);
  CHECK(log_prob.value()(3) == -infinity);
  CHECK(std::isnan(log_prob.value()(4)));
  CHECK_THAT(prior.entropy(), WithinAbs(2 * std::numbers::ln2, 1e-12));
}

TEST_CASE("samples of the priors have their moments and depend on the seed only", "[distributions]") {
  Rng rng(5), same(5);
  const Tensor<double, 2> z = StandardNormal<double>(2).sample(50'000, rng),
                          u = StandardUniform<double>(2).sample(50'000, rng);
  REQUIRE(z.shape() == Shape{50'000, 2});
  REQUIRE(u.shape() == Shape{50'000, 2});
  check_mean(z, 0);
  check_mean(square(Variable(z)).value(), 1);
  check_mean(u, 0);
  check_mean(square(Variable(u)).value(), 1.0 / 3);
  CHECK(u.array().abs().maxCoeff() <= 1);
  CHECK(std::ranges::equal(StandardNormal<double>(2).sample(50'000, same).values(), z.values()));
}

TEST_CASE("Normal has the density and entropy of independent normals", "[distributions]") {
  const Normal q{mean_q, log_variance_q};
  CHECK_THAT(q.standard_deviation().value()(1, 2), WithinAbs(std::exp(-1.0), 1e-15));
  check_values(q.log_prob(x), {-3.841927869018816, -22.203310557792605});
  check_values(q.entropy(), {4.056815599614018, 3.806815599614018});
  check_gradients(
      "Normal::log_prob",
      [](const auto& at, const auto& m, const auto& l) {
        return Normal{m, l}.log_prob(at);
      },
      numbers(Shape{2, 3}, 3), numbers(Shape{2, 3}), numbers(Shape{2, 3}, 2));
  check_gradients(
      "Normal::entropy",
      [](const auto& m, const auto& l) {
        return Normal{m, l}.entropy();
      },
      numbers(Shape{2, 3}), numbers(Shape{2, 3}, 2));
}

TEST_CASE("the divergence of Normal has its closed form", "[distributions]") {
  const StandardNormal<double> prior(3);
  check_values(kl_divergence(Normal{rows(4, {1, 1, 1}), rows(4, {0, 0, 0})}, prior), {1.5, 1.5, 1.5, 1.5});
  check_values(kl_divergence(Normal{rows(2, {0, 0, 0}), rows(2, {0, 0, 0})}, prior), {0, 0}, 0);

  const Normal q{mean_q, log_variance_q}, p{mean_p, log_variance_p};
  check_values(kl_divergence(q, prior), {3.27706801473277, 1.30975065359152});
  check_values(kl_divergence(q, p), {2.12421858367131, 3.73760155815112});
  check_values(kl_divergence(q, Normal{rows(2, {0, 0, 0}), rows(2, {0, 0, 0})}), {3.27706801473277, 1.30975065359152});
  check_values(kl_divergence(q, q), {0, 0}, 0);
  check_gradients(
      "kl_divergence",
      [](const auto& m, const auto& l) {
        return kl_divergence(Normal{m, l}, StandardNormal<double>(3));
      },
      numbers(Shape{2, 3}), numbers(Shape{2, 3}, 2));
  check_gradients(
      "kl_divergence",
      [](const auto& mq, const auto& lq, const auto& mp, const auto& lp) {
        return kl_divergence(Normal{mq, lq}, Normal{mp, lp});
      },
      numbers(Shape{2, 3}), numbers(Shape{2, 3}, 2), numbers(Shape{2, 3}, 3), numbers(Shape{2, 3}, 4));
}

TEST_CASE("the divergence of each latent is that of its normals, on average", "[distributions]") {
  const Normal q{mean_q, log_variance_q};
  const Tensor<double, 1> found = kl_per_latent(q);
  REQUIRE(found.shape() == Shape{3});
  for (Index k = 0; k < 3; ++k) {
    double expected = 0;
    for (Index i = 0; i < 2; ++i) {
      const double m = mean_q.value()(i, k), l = log_variance_q.value()(i, k);
      expected += 0.5 * (m * m + std::exp(l) - 1 - l) / 2;
    }
    INFO("latent " << k);
    CHECK_THAT(found(k), WithinRel(expected, 1e-12));
  }
  CHECK_THAT(found.array().sum(), WithinRel((3.27706801473277 + 1.30975065359152) / 2, 1e-12));
}

TEST_CASE("a small divergence is exact in float", "[distributions]") {
  const Normal q{Variable(Tensor<float, 2>(Shape{1, 1}, 0.0f)), Variable(Tensor<float, 2>(Shape{1, 1}, 1e-3f))};
  const float found = kl_divergence(q, StandardNormal(1)).value()(0);  // l^2 / 4 + l^3 / 12 + ...
  CHECK_THAT(static_cast<double>(found), WithinRel(2.5008e-7, 0.001));
}

TEST_CASE("draws of Normal agree with its density and divergence", "[distributions]") {
  const Index n = 50'000;
  const Normal q{rows(n, {0.5, -1.0}), rows(n, {0.2, -1.5})}, p{rows(n, {0.1, 0.4}), rows(n, {-0.3, 0.5})};
  Rng rng(11);
  const auto z = q.sample(rng);
  check_mean(slice(z, 1, 1, 2).value(), -1);
  check_mean(square(slice(z, 1, 1, 2) + 1).value(), std::exp(-1.5));
  check_mean((-q.log_prob(z)).value(), q.entropy().value()(0));
  check_mean((q.log_prob(z) - p.log_prob(z)).value(), kl_divergence(q, p).value()(0));
  check_mean((q.log_prob(z) - StandardNormal<double>(2).log_prob(z)).value(),
             kl_divergence(q, StandardNormal<double>(2)).value()(0));
}

TEST_CASE("gradients flow through a draw into mean and log-variance", "[distributions]") {
  const auto m = watch(mean_q), l = watch(log_variance_q);
  Rng rng(3);
  const auto z = Normal{m, l}.sample(rng);
  const auto [dm, dl] = gradient(sum(square(z)), m, l);
  for (Index i = 0; i < z.size(); ++i) {  // z = m + exp(l / 2) e: dz/dm = 1, dz/dl = (z - m) / 2
    const double at = z.value().data()[i];
    CHECK_THAT(dm.value().data()[i], WithinRel(2 * at, 1e-12));
    CHECK_THAT(dl.value().data()[i], WithinRel(at * (at - m.value().data()[i]), 1e-12));
  }
  Rng same_noise(3);
  Tensor<double, 2> noise(z.shape());
  same_noise.fill_normal(noise.data(), noise.size());
  for (Index i = 0; i < z.size(); ++i) {
    const double sigma = std::exp(0.5 * l.value().data()[i]);
    CHECK_THAT(z.value().data()[i], WithinRel(m.value().data()[i] + sigma * noise.data()[i], 1e-12));
  }
  const auto again = [&](const auto& mean, const auto& log_variance) {
    Rng same(3);
    return Normal{mean, log_variance}.sample(same);
  };
  check_gradients("Normal::sample", again, numbers(Shape{2, 3}), numbers(Shape{2, 3}, 2));
}

TEST_CASE("log-variances are bounded, and their gradient is zero outside only", "[distributions]") {
  const auto l = watch(Tensor<double, 2>(Shape{1, 5}, {-1e9, -30, 0.5, 20, 1e9}));
  const Normal q{Variable(Tensor<double, 2>(Shape{1, 5}, 0.0)), l};
  CHECK(std::ranges::equal(q.log_variance().value().values(), std::array{-30.0, -30.0, 0.5, 20.0, 20.0}));
  const auto slope = gradient(sum(q.log_variance()), l);
  CHECK(std::ranges::equal(slope.value().values(), std::array{0.0, 1.0, 1.0, 1.0, 0.0}));
  CHECK(std::isfinite(sum(kl_divergence(q, StandardNormal<double>(5))).item()));

  const Normal bad{rows(1, {0.0}), rows(1, {not_a_number})};
  CHECK(std::isnan(kl_divergence(bad, StandardNormal<double>(1)).value()(0)));
}

TEST_CASE("Normal has the density, entropy and divergence of independent normals, with one variance or many",
          "[distributions]") {
  const Normal p{mean_p, one_log_variance};
  const auto check = [&](const auto& q, std::initializer_list<double> log_prob, double entropy, double second_entropy,
                         std::initializer_list<double> divergence) {
    check_values(q.log_prob(x), log_prob);
    check_values(q.entropy(), {entropy, second_entropy});
    check_values(kl_divergence(q, p), divergence);
    check_values(kl_divergence(q, q), {0, 0}, 0);
  };
  check(Normal{mean_q, one_log_variance}, {-4.75718281694782, -5.96306942439741}, 5.45681559961402, 5.45681559961402,
        {0.700953184022866, 0.262857444008574});
  check(Normal{mean_q, feature_log_variances}, {-3.79920242920698, -9.0351439092708}, 4.45681559961402,
        4.45681559961402, {1.41932651038752, 0.981230770373233});
  check(Normal{mean_q, 2 * log_variance_q}, {-5.20441164335624, -135.989324821949}, 3.85681559961402, 3.35681559961402,
        {2.50643950719829, 3.11923678301403});
}

TEST_CASE("Normal sums over all axes but the first", "[distributions]") {
  const Shape<4> shape{2, 2, 3, 2};
  const auto at = numbers(shape, 1), center = numbers(shape, 2);
  const Shape<2> flat{2, 12};
  const Normal image{Variable(center), one_log_variance};
  const Normal row{Variable(center.reshaped(flat)), one_log_variance};
  const auto expected = row.log_prob(at.reshaped(flat)), entropy = row.entropy();
  check_values(image.log_prob(at), {expected.value()(0), expected.value()(1)});
  check_values(image.entropy(), {entropy.value()(0), entropy.value()(1)});
  CHECK_THAT(entropy.value()(0), WithinAbs(12 * (0.4 + 1.41893853320467274), 1e-12));
}

TEST_CASE("gradients flow through Normal", "[distributions]") {
  const auto all = [](const auto& log_variance) {
    check_gradients(
        "Normal::log_prob",
        [](const auto& at, const auto& m, const auto& l) {
          return Normal{m, l}.log_prob(at);
        },
        numbers(Shape{2, 3}, 3), numbers(Shape{2, 3}), log_variance);
    check_gradients(
        "Normal::entropy",
        [](const auto& m, const auto& l) {
          return Normal{m, l}.entropy();
        },
        numbers(Shape{2, 3}), log_variance);
    check_gradients(
        "Normal::sample",
        [](const auto& m, const auto& l) {
          Rng rng(3);
          return Normal{m, l}.sample(rng);
        },
        numbers(Shape{2, 3}), log_variance);
    check_gradients(
        "kl_divergence",
        [](const auto& mq, const auto& lq, const auto& mp, const auto& lp) {
          return kl_divergence(Normal{mq, lq}, Normal{mp, lp});
        },
        numbers(Shape{2, 3}), log_variance, numbers(Shape{2, 3}, 4), numbers(Shape{3}, 5));
  };
  all(numbers(Shape<0>{}, 2));
  all(numbers(Shape{3}, 2));
  all(numbers(Shape{2, 3}, 2));
}

TEST_CASE("draws of Normal agree with its density", "[distributions]") {
  const Normal q{rows(50'000, {0.5, -1.0}), Variable(Tensor<double, 1>(Shape{2}, {0.6, -1.4}))};
  Rng rng(13);
  const auto z = q.sample(rng);
  check_mean(slice(z, 1, 0, 1).value(), 0.5);
  check_mean(square(slice(z, 1, 1, 2) + 1).value(), std::exp(-1.4));
  check_mean((-q.log_prob(z)).value(), q.entropy().value()(0));
}

TEST_CASE("log-variances of features are bounded likewise", "[distributions]") {
  const auto l = watch(Tensor<double, 1>(Shape{3}, {-1e9, 0.5, 1e9}));
  const Normal q{rows(1, {0, 0, 0}), l};
  CHECK(std::ranges::equal(q.log_variance().value().values(), std::array{-30.0, 0.5, 20.0}));
  CHECK(std::ranges::equal(gradient(sum(q.log_variance()), l).value().values(), std::array{0.0, 1.0, 0.0}));
}

TEST_CASE("PointMass draws its value and nothing from the generator", "[distributions]") {
  Rng rng(1);
  const Rng::State before = rng.state();
  const auto value = watch(numbers(Shape{2, 3}));
  const PointMass q{value};
  CHECK(q.sample(rng).node().get() == value.node().get());
  CHECK(q.mean().node().get() == value.node().get());
  CHECK(rng.state() == before);
}

TEST_CASE("continuous distributions refuse shapes that do not fit", "[distributions]") {
  CHECK_THROWS_MATCHES(StandardNormal(0), ArgumentError, Message("StandardNormal: expected size >= 1 but got 0"));
  CHECK_THROWS_MATCHES(StandardUniform(-1), ArgumentError, Message("StandardUniform: expected size >= 1 but got -1"));
  CHECK_THROWS_MATCHES(StandardNormal<double>(2).log_prob(x), ShapeError,
                       Message("StandardNormal::log_prob: expected z of shape [N, 2] but got [2, 3]"));
  CHECK_THROWS_MATCHES(StandardUniform<double>(2).log_prob(x), ShapeError,
                       Message("StandardUniform::log_prob: expected z of shape [N, 2] but got [2, 3]"));
  const Normal q{mean_q, log_variance_q}, wide{rows(2, {0, 0, 0, 0}), rows(2, {0, 0, 0, 0})};
  CHECK_THROWS_MATCHES(q.log_prob(rows(1, {0, 0, 0})), ShapeError,
                       Message("Normal::log_prob: expected x of the shape of the mean, [2, 3], but got [1, 3]"));
  CHECK_THROWS_MATCHES(
      kl_divergence(q, StandardNormal<double>(2)), ShapeError,
      Message("kl_divergence: expected a posterior of 2 latents as in the prior but got shape [2, 3]"));
  CHECK_THROWS_MATCHES(kl_divergence(q, wide), ShapeError,
                       Message("kl_divergence: expected distributions of equal shape but got [2, 3] and [2, 4]"));
  CHECK_THROWS_MATCHES(
      (Normal{mean_q, Variable(Tensor<double, 1>(Shape{2}, 0.0))}), ShapeError,
      Message("Normal: expected a log-variance that can be stretched to the mean's shape [2, 3] but got [2]"));
}
