// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

struct Terms {
  Variable<double, 1> log_likelihood, divergence;
  auto elbo(double beta) const { return log_likelihood - beta * divergence; }
};

}  // namespace

TEST_CASE("Elbo weighs the divergence by beta and its schedule", "[objectives]") {
  const Terms terms{Tensor<double, 1>(Shape{3}, {-3.0, 1.5, 0.25}), Tensor<double, 1>(Shape{3}, {0.5, 2.0, 4.0})};
  CHECK_THAT(Elbo{}.loss(terms, 7).item(), WithinAbs((3.5 + 0.5 + 3.75) / 3, 1e-12));
  CHECK(Elbo{}.beta_in(7) == 1);
  CHECK(Elbo{4}.beta_in(0) == 4);
  const Elbo warm{4, LinearWarmUp{10}};
  for (const Index step : {0, 3, 9, 20}) {
    const double beta = 4 * LinearWarmUp{10}(step);
    CHECK(warm.beta_in(step) == beta);
    CHECK_THAT(warm.loss(terms, step).item(), WithinAbs((1.25 + beta * 6.5) / 3, 1e-12));
  }
  for (const double wrong : {-0.5, static_cast<double>(INFINITY), static_cast<double>(NAN)})
    CHECK_THROWS_AS(Elbo{wrong}.beta_in(2), ArgumentError);
  CHECK(Elbo{0}.beta_in(2) == 0);
  CHECK(Elbo{}.is_default());
  CHECK_FALSE(Elbo{4}.is_default());
  CHECK_FALSE(Elbo{.schedule = LinearWarmUp{10}}.is_default());
}

TEST_CASE("InstanceNoise adds sigma times normal numbers, and draws nothing without", "[objectives]") {
  Rng rng(9), same(9);
  const Variable<double, 2> x(Tensor<double, 2>(Shape{2, 3}, {1, 2, 3, -4, 5, 0.5}));
  const InstanceNoise noise{0.5, LinearDecay{10}};
  Tensor<double, 2> drawn(x.shape());
  for (const Index step : {0, 4, 9}) {
    const auto y = noise(x, step, rng);
    same.fill_normal(drawn.data(), drawn.size());
    const double sigma = 0.5 * LinearDecay{10}(step);
    CHECK(noise.sigma_in(step) == sigma);
    for (Index i = 0; i < x.size(); ++i)
      CHECK_THAT(y.value().data()[i], WithinAbs(x.value().data()[i] + sigma * drawn.data()[i], 1e-12));
  }
  CHECK(InstanceNoise{1}.sigma_in(3) == 1);
  CHECK_FALSE(std::ranges::equal(InstanceNoise{1}(x, 3, rng).value().values(), x.value().values()));
  const Rng::State before = rng.state();
  CHECK(std::ranges::equal(InstanceNoise{}(x, 3, rng).value().values(), x.value().values()));
  CHECK(rng.state() == before);
  for (const double wrong : {-0.5, static_cast<double>(INFINITY), static_cast<double>(NAN)})
    CHECK_THROWS_AS(InstanceNoise{wrong}.sigma_in(2), ArgumentError);
}
