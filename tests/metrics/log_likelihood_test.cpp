// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <numbers>

#include "catch.hpp"
#include "models/weights.hpp"

using namespace eigenesis;

namespace {

// A linear model whose marginal is known: z ~ N(0, I), x ~ N(z W, s^2 I) with orthogonal rows of W, so that x ~ N(0, C)
// where C has the eigenvalue |w|^2 + s^2 along each row w and s^2 across, and the true posterior is diagonal:
// mean x w / (|w|^2 + s^2), variance s^2 / (|w|^2 + s^2).
constexpr double scale = 0.6;
const Tensor<double, 2> to_x(Shape{2, 3}, {0.5, 1, 1, 0.8, -0.8, 0.4});
const double eigenvalues[] = {2.25 + 0.36, 1.44 + 0.36};

struct Posterior {
  double shift = 0, variance_factor = 1;  // from the true one
  Variable<double, 2> mean(const Variable<double, 2>& x) const {
    Tensor<double, 2> to_z(Shape{3, 2});
    for (Index i = 0; i < 3; ++i)
      for (Index k = 0; k < 2; ++k) to_z(i, k) = to_x(k, i) / eigenvalues[k];
    return matmul(x, Variable(to_z)) + shift;
  }
  Variable<double, 2> log_variance(const Variable<double, 2>& x) const {
    Tensor<double, 1> row(Shape{2});
    for (Index k = 0; k < 2; ++k) row(k) = std::log(variance_factor * scale * scale / eigenvalues[k]);
    return broadcast(Variable(row), Shape{x.shape(0), Index{2}});
  }
  /// KL(this || true), for each sample.
  double divergence() const {
    double result = 0;
    for (const double eigenvalue : eigenvalues)
      result += (variance_factor - 1 - std::log(variance_factor) + shift * shift * eigenvalue / (scale * scale)) / 2;
    return result;
  }
};

auto linear_vae(Posterior posterior, int* encoded = nullptr, bool* recorded = nullptr) {
  const auto trunk = [encoded](const auto& x) {
    if (encoded != nullptr) ++*encoded;
    return x;
  };
  const Parameter<double, 2> weight(to_x);
  const auto network = [recorded, weight](const auto& z) {
    const auto x = matmul(z, weight);
    if (recorded != nullptr) *recorded = *recorded || x.differentiable();
    return x;
  };
  return Vae{Encoder{trunk, [posterior](const auto& x) { return posterior.mean(x); },
                     [posterior](const auto& x) { return posterior.log_variance(x); }},
             Decoder{network, NormalLikelihood{.standard_deviation = scale}}, StandardNormal<double>(2)};
}

double marginal(const double* x) {
  double exponent = 0, square = 0, log_determinant = std::log(scale * scale);
  for (Index i = 0; i < 3; ++i) square += x[i] * x[i];
  for (Index k = 0; k < 2; ++k) {
    const double norm = eigenvalues[k] - scale * scale;
    const double along = x[0] * to_x(k, 0) + x[1] * to_x(k, 1) + x[2] * to_x(k, 2);
    exponent += along * along / norm / eigenvalues[k];
    square -= along * along / norm;
    log_determinant += std::log(eigenvalues[k]);
  }
  return -(exponent + square / (scale * scale) + log_determinant + 3 * std::log(2 * std::numbers::pi)) / 2;
}

Tensor<double, 2> ten_points() {
  Rng rng(1);
  Tensor<double, 2> x(Shape{10, 3});
  rng.fill_normal(x.data(), x.size());
  return x;
}

/// Stands in for a VAE of the prior N(0, 1) that is its own posterior, with p(x | z) = 1 for z > threshold and 0 below.
struct Half {
  double threshold;
  StandardNormal<double> prior{1};

  Normal<double> encoder(const Variable<double, 2>& x) const {
    const Variable<double, 2> zeros = Tensor<double, 2>(Shape{x.shape(0), Index{1}}, 0.0);
    return {zeros, zeros};
  }
  struct Likelihood {
    double threshold;
    Variable<double, 2> z;
    Variable<double, 1> log_prob(const Variable<double, 2>&) const {
      const double never = -std::numeric_limits<double>::infinity();
      return sum(map([=, this](auto t) { return select(t > threshold, 0 * t, never); }, z), 1);
    }
  };
  Likelihood decoder(const Variable<double, 2>& z) const { return {threshold, z}; }
};

}  // namespace

TEST_CASE("With the true posterior a single code gives the log-likelihood exactly", "[metrics]") {
  const Index samples = GENERATE(1, 7), batch_size = GENERATE(4, 10);  // the last batch of 4 is one of 2
  const Tensor<double, 2> x = ten_points();
  Rng rng(2);
  const auto found = importance_log_likelihood(linear_vae({}), x, rng, {.samples = samples, .batch_size = batch_size});
  REQUIRE(found.size() == 10);
  for (Index i = 0; i < 10; ++i) CHECK_THAT(found(i), WithinAbs(marginal(x.data() + 3 * i), 1e-12));
}

TEST_CASE("The bound rises from the ELBO to the log-likelihood as more codes are drawn", "[metrics]") {
  const Posterior posterior{.shift = 0.3, .variance_factor = 1.5};
  const auto vae = linear_vae(posterior);
  const double row[] = {0.7, -1.1, 0.4}, exact = marginal(row);
  const Index n = 20'000;
  Tensor<double, 2> x(Shape{n, 3});
  for (Index i = 0; i < n; ++i) std::copy_n(row, 3, x.data() + 3 * i);
  Rng rng(3);
  struct Bound {
    double mean, error;  // and the standard deviation of the mean
  };
  const auto bound = [&](Index samples) {
    const auto found = importance_log_likelihood(vae, x, rng, {.samples = samples, .batch_size = n});
    const double mean = found.array().mean();
    return Bound{mean, std::sqrt((found.array() - mean).square().mean() / static_cast<double>(n))};
  };
  const Bound one = bound(1), five = bound(5), fifty = bound(50);
  CHECK_THAT(one.mean, WithinAbs(exact - posterior.divergence(), 5 * one.error));
  CHECK(five.mean > one.mean + 5 * (one.error + five.error));
  CHECK(fifty.mean > five.mean + 5 * (five.error + fifty.error));
  CHECK(exact > fifty.mean + 5 * fifty.error);
  CHECK_THAT(fifty.mean, WithinAbs(exact, 0.02));
  // The mean of many weights is unbiased before the logarithm is taken.
  const auto many = importance_log_likelihood(vae, Tensor<double, 2>(Shape{1, 3}, row), rng, {.samples = 20'000});
  CHECK_THAT(many(0), WithinAbs(exact, 0.05));
}

TEST_CASE("Each x is encoded once and nothing is recorded", "[metrics]") {
  int encoded = 0;
  bool recorded = false;
  const auto vae = linear_vae({.shift = 0.1}, &encoded, &recorded);
  Rng rng(4);
  importance_log_likelihood(vae, ten_points(), rng, {.samples = 25, .batch_size = 4});
  CHECK(encoded == 3);
  CHECK_FALSE(recorded);
}

TEST_CASE("Codes that cannot have given x count as weight 0", "[metrics]") {
  const Tensor<double, 2> x(Shape{3, 1}, 0.0);
  Rng rng(5);
  const auto half = importance_log_likelihood(Half{0}, x, rng, {.samples = 10'000});
  for (Index i = 0; i < 3; ++i) CHECK_THAT(half(i), WithinAbs(-std::numbers::ln2, 0.05));
  const auto none = importance_log_likelihood(Half{100}, x, rng, {.samples = 10});
  for (Index i = 0; i < 3; ++i) CHECK(none(i) == -std::numeric_limits<double>::infinity());
}

TEST_CASE("Weights that are no numbers give an estimate that is none", "[metrics]") {
  Tensor<double, 2> x = ten_points();
  x(7, 1) = NAN;
  Rng rng(6);
  const auto found = importance_log_likelihood(linear_vae({}), x, rng, {.samples = 3});
  for (Index i = 0; i < 10; ++i) CHECK(std::isnan(found(i)) == (i == 7));
}

TEST_CASE("importance_log_likelihood names wrong arguments", "[metrics]") {
  Rng rng(1);
  CHECK_THROWS_MATCHES(importance_log_likelihood(linear_vae({}), ten_points(), rng, {.samples = 0}), ArgumentError,
                       Message("importance_log_likelihood: expected samples >= 1 but got 0"));
  CHECK_THROWS_MATCHES(importance_log_likelihood(linear_vae({}), ten_points(), rng, {.batch_size = 0}), ArgumentError,
                       Message("Batches: expected batch_size >= 1 but got 0"));
  CHECK_THROWS_MATCHES(importance_log_likelihood(linear_vae({}), Tensor<double, 2>(Shape{0, 3}, 0.0), rng), DataError,
                       Message("Batches: expected at least one sample but got data of shape [0, 3]"));
}
