// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

/// The integral of exp(log_prob) over [-reach, reach]^2 by the midpoint rule.
double integral(const auto& distribution, double reach, Index cells) {
  const double h = 2 * reach / static_cast<double>(cells);
  Tensor<double, 2> x(Shape{cells * cells, Index{2}});
  for (Index i = 0; i < cells * cells; ++i) {
    x(i, 0) = h * (static_cast<double>(i % cells) + 0.5) - reach;
    x(i, 1) = h * (static_cast<double>(i / cells) + 0.5) - reach;
  }
  return h * h * distribution.log_prob(x).array().exp().sum();
}

double normal_cdf(double x, double mean, double standard_deviation) {
  return 0.5 * std::erfc((mean - x) / (standard_deviation * std::sqrt(2.0)));
}

}  // namespace

TEST_CASE("ring_of_gaussians has distinct, equally spaced modes") {
  const GaussianMixture ring = ring_of_gaussians(8);
  REQUIRE(ring.modes().shape() == Shape<2>{8, 2});
  CHECK(ring.modes()(0, 0) == 2.0f);
  CHECK(ring.modes()(0, 1) == 0.0f);
  for (Index i = 0; i < 8; ++i) {
    CHECK(ring.standard_deviations()[static_cast<std::size_t>(i)] == 0.02);
    CHECK(ring.weights()[static_cast<std::size_t>(i)] == 0.125);
    const auto next = ring.modes().matrix().row((i + 1) % 8);
    CHECK_THAT((next - ring.modes().matrix().row(i)).norm(), WithinAbs(1.5307337f, 1e-6f));  // 4 sin(pi / 8)
  }
}

TEST_CASE("grid_of_gaussians lies around the origin") {
  const GaussianMixture grid = grid_of_gaussians(5);
  REQUIRE(grid.modes().shape() == Shape<2>{25, 2});
  CHECK(grid.modes()(0, 0) == -4.0f);
  CHECK(grid.modes()(0, 1) == -4.0f);
  CHECK(grid.modes()(7, 0) == 0.0f);
  CHECK(grid.modes()(7, 1) == -2.0f);
  CHECK(grid.modes()(24, 0) == 4.0f);
  CHECK(grid.standard_deviations()[3] == 0.05);
}

TEST_CASE("The density of a mixture") {
  SECTION("is the normal density for one component") {
    const GaussianMixture normal = mixture_of_gaussians({3}, {1}, {0.5});
    const auto log_prob = normal.log_prob(Tensor<double, 2>(Shape{3, 1}, {1.0, 2.0, INFINITY}));
    CHECK_THAT(log_prob(0), WithinAbs(-0.22579135264472744, 1e-14));  // -log(sqrt(2 pi) / 2)
    CHECK_THAT(log_prob(1), WithinAbs(-2.22579135264472744, 1e-14));
    CHECK(log_prob(2) == -INFINITY);
  }
  SECTION("does not underflow far away and passes NaN on") {
    const auto log_prob = ring_of_gaussians(8).log_prob(Tensor<float, 2>(Shape{2, 2}, {100.0f, 0.0f, NAN, 0.0f}));
    // -98^2 / (2 * 0.02^2) - log(2 pi 0.02^2) - log 8, computed in double
    CHECK_THAT(log_prob(0), WithinRel(-12004996.0933f, 1e-6f));
    CHECK(std::isnan(log_prob(1)));
  }
  SECTION("integrates to one") {
    CHECK_THAT(integral(ring_of_gaussians(8, 2, 0.2), 4, 200), WithinAbs(1.0, 1e-10));
    CHECK_THAT(integral(grid_of_gaussians(3, 2, 0.3), 5, 200), WithinAbs(1.0, 1e-10));
    CHECK_THAT(integral(GaussianMixture({1, 3}, Tensor<float, 2>(Shape{2, 2}, {-1, 0, 1, 1}), {0.3, 0.6}), 7, 300),
               WithinAbs(1.0, 1e-10));
    CHECK_THAT(integral(checkerboard(), 5, 500), WithinAbs(1.0, 1e-10));
    CHECK_THAT(integral(checkerboard(3, 6), 5, 500), WithinAbs(1.0, 1e-10));
  }
}

TEST_CASE("Samples of a mixture on the line have its moments and histogram") {
  const std::vector<double> weights{0.2, 0.5, 0.3}, means{-3, 0, 2}, standard_deviations{0.5, 1, 0.25};
  const GaussianMixture mixture = mixture_of_gaussians(weights, means, standard_deviations);
  Rng rng(11);
  constexpr Index n = 100'000;
  const Tensor<float, 2> x = mixture.sample(n, rng);
  REQUIRE(x.shape() == Shape<2>{n, 1});
  // Mean 0; variance 0.2 (0.25 + 9) + 0.5 + 0.3 (0.0625 + 4) = 3.56875; bounds of five standard errors.
  const double mean = x.array().cast<double>().mean();
  CHECK_THAT(mean, WithinAbs(0.0, 5 * std::sqrt(3.56875 / n)));
  CHECK_THAT(x.array().cast<double>().square().mean(), WithinAbs(3.56875, 0.06));

  double chi_square = 0;
  constexpr int bins = 40;
  for (int b = 0; b < bins; ++b) {
    const double low = -5 + 0.25 * b, high = low + 0.25;
    double expected = 0;
    for (std::size_t k = 0; k < 3; ++k)
      expected +=
          n * weights[k] *
          (normal_cdf(high, means[k], standard_deviations[k]) - normal_cdf(low, means[k], standard_deviations[k]));
    const auto inside = (x.array().cast<double>() >= low && x.array().cast<double>() < high).count();
    const double difference = static_cast<double>(inside) - expected;
    chi_square += difference * difference / expected;
  }
  CHECK(chi_square < 86.66);  // exceeded with probability 1e-5 for 39 to 40 degrees of freedom
}

TEST_CASE("Samples of a ring fall on all modes alike") {
  const GaussianMixture ring = ring_of_gaussians(8);
  Rng rng(5);
  constexpr Index n = 16'000;
  const Tensor<float, 2> x = ring.sample(n, rng);
  std::vector<int> counts(8);
  double square = 0;
  for (Index i = 0; i < n; ++i) {
    Index nearest = 0;
    const auto distances = (ring.modes().matrix().rowwise() - x.matrix().row(i)).rowwise().squaredNorm().eval();
    square += static_cast<double>(distances.minCoeff(&nearest));
    ++counts[static_cast<std::size_t>(nearest)];
  }
  for (const int count : counts) CHECK_THAT(count, WithinAbs(2000.0, 210.0));  // five standard deviations
  CHECK_THAT(square / n, WithinRel(2 * 0.02 * 0.02, 0.04));
}

TEST_CASE("two_moons without noise lies on two half circles") {
  Rng rng(3);
  const Tensor<float, 2> x = two_moons(0).sample(2000, rng);
  int upper = 0;
  for (Index i = 0; i < 2000; ++i) {
    const float first = std::hypot(x(i, 0), x(i, 1)), second = std::hypot(x(i, 0) - 1, x(i, 1) - 0.5f);
    const bool on_upper = std::abs(first - 1) < 1e-5f && x(i, 1) >= -1e-6f;
    const bool on_lower = std::abs(second - 1) < 1e-5f && x(i, 1) <= 0.5f + 1e-6f;
    REQUIRE((on_upper || on_lower));
    upper += on_upper;
  }
  CHECK_THAT(upper, WithinAbs(1000.0, 112.0));
}

TEST_CASE("swiss_roll without noise lies on its spiral") {
  Rng rng(3);
  const Tensor<float, 2> x = swiss_roll(0).sample(500, rng);
  for (Index i = 0; i < 500; ++i) {
    const double t = 5 * std::hypot(double(x(i, 0)), double(x(i, 1)));
    REQUIRE(t >= 1.5 * 3.14159);
    REQUIRE(t <= 4.5 * 3.1416);
    REQUIRE_THAT(x(i, 0), WithinAbs(t * std::cos(t) / 5, 1e-4));
    REQUIRE_THAT(x(i, 1), WithinAbs(t * std::sin(t) / 5, 1e-4));
  }
}

TEST_CASE("pinwheel without width lies on its arms") {
  Rng rng(3);
  Pinwheel wheel = pinwheel(5);
  wheel.tangential_standard_deviation = 0;
  const Tensor<float, 2> x = wheel.sample(1000, rng);
  std::vector<int> counts(5);
  for (Index i = 0; i < 1000; ++i) {
    const double along = std::hypot(double(x(i, 0)), double(x(i, 1))) / 2;
    const double arm = std::atan2(double(x(i, 1)), double(x(i, 0))) - 0.25 * std::exp(along);
    const double turns = arm * 5 / (2 * std::numbers::pi);
    REQUIRE_THAT(turns - std::round(turns), WithinAbs(0.0, 1e-5));
    ++counts[static_cast<std::size_t>((std::lround(turns) % 5 + 5) % 5)];
  }
  for (const int count : counts) CHECK_THAT(count, WithinAbs(200.0, 64.0));
}

TEST_CASE("checkerboard fills every second cell alike") {
  Rng rng(3);
  const Tensor<float, 2> x = checkerboard().sample(8000, rng);
  const auto log_prob = checkerboard().log_prob(x);
  std::vector<int> counts(16);
  for (Index i = 0; i < 8000; ++i) {
    REQUIRE_THAT(log_prob(i), WithinAbs(-3.4657359f, 1e-6f));  // 8 cells of 2 x 2: -log 32
    ++counts[static_cast<std::size_t>(std::floor(x(i, 0) / 2 + 2) + 4 * std::floor(x(i, 1) / 2 + 2))];
  }
  for (std::size_t cell = 0; cell < 16; ++cell)
    CHECK_THAT(counts[cell], WithinAbs((cell % 4 + cell / 4) % 2 == 0 ? 1000.0 : 0.0, 150.0));
  const auto outside = checkerboard().log_prob(Tensor<float, 2>(Shape{3, 2}, {-1, -3, 5, 5, NAN, 0}));
  CHECK(outside(0) == -INFINITY);
  CHECK(outside(1) == -INFINITY);
  CHECK(std::isnan(outside(2)));
}

TEST_CASE("The same seed gives the same toy data") {
  const auto check = [](const auto& source) {
    Rng first(9), second(9), other(10);
    const auto x = source.sample(50, first);
    CHECK((x.array() == source.sample(50, second).array()).all());
    CHECK((x.array() != source.sample(50, other).array()).any());
    CHECK((x.array() != source.sample(50, first).array()).any());
  };
  check(ring_of_gaussians());
  check(two_moons());
  check(swiss_roll());
  check(pinwheel());
  check(checkerboard());
}

TEST_CASE("Toy data name wrong arguments") {
  const Tensor<float, 2> means(Shape{2, 2}, 0.0f);
  CHECK_THROWS_MATCHES(
      GaussianMixture({1}, means, {1, 1}), ShapeError,
      Message("GaussianMixture: expected as many weights and standard deviations as means but got 1, 2 and 2"));
  CHECK_THROWS_MATCHES(GaussianMixture({1, 0}, means, {1, 1}), ArgumentError,
                       Message("GaussianMixture: expected weights > 0 but got 0"));
  CHECK_THROWS_MATCHES(GaussianMixture({1, 1}, means, {1, -2}), ArgumentError,
                       Message("GaussianMixture: expected standard deviations > 0 but got -2"));
  CHECK_THROWS_MATCHES(ring_of_gaussians().log_prob(Tensor<float, 2>(Shape{4, 3}, 0.0f)), ShapeError,
                       Message("GaussianMixture::log_prob: expected x of shape [N, 2] but got [4, 3]"));
  CHECK_THROWS_MATCHES(checkerboard().log_prob(Tensor<float, 2>(Shape{4, 1}, 0.0f)), ShapeError,
                       Message("Checkerboard::log_prob: expected x of shape [N, 2] but got [4, 1]"));
  CHECK_THROWS_MATCHES(ring_of_gaussians(0), ArgumentError,
                       Message("ring_of_gaussians: expected modes >= 1 but got 0"));
  CHECK_THROWS_MATCHES(grid_of_gaussians(0), ArgumentError,
                       Message("grid_of_gaussians: expected modes_per_side in [1, 32768] but got 0"));
  CHECK_THROWS_MATCHES(grid_of_gaussians(Index{1} << 32), ArgumentError,
                       Message("grid_of_gaussians: expected modes_per_side in [1, 32768] but got 4294967296"));
  CHECK_THROWS_MATCHES(two_moons(-1), ArgumentError, Message("two_moons: expected standard_deviation >= 0 but got -1"));
  CHECK_THROWS_MATCHES(swiss_roll(-1), ArgumentError,
                       Message("swiss_roll: expected standard_deviation >= 0 but got -1"));
  CHECK_THROWS_MATCHES(pinwheel(0), ArgumentError, Message("pinwheel: expected arms >= 1 but got 0"));
  CHECK_THROWS_MATCHES(checkerboard(0, 8), ArgumentError,
                       Message("checkerboard: expected cells_per_side >= 1 and width > 0 but got 0 and 8"));
}
