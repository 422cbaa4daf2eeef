// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

Tensor<float, 2> on_a_line(std::initializer_list<float> places) {
  return {Shape{static_cast<Index>(places.size()), Index{1}}, places};
}

}  // namespace

TEST_CASE("Samples of the mixture itself cover all of its modes", "[metrics]") {
  Rng rng(1);
  const Index n = 20'000;
  const auto ring = ring_of_gaussians(8);
  const ModeCoverage found = mode_coverage(ring, ring.sample(n, rng));
  CHECK(found.covered == 8);
  // Five standard deviations of a share p of n samples are 5 sqrt(p (1 - p) / n).
  CHECK_THAT(found.share, WithinAbs(1 - std::exp(-4.5), 0.0037));
  // 2 n KL is distributed as chi squared with 7 degrees of freedom: of mean 7 and below 32 in all but 4e-5 of cases.
  CHECK(found.divergence > 0);
  CHECK(found.divergence < 32.0 / (2 * static_cast<double>(n)));
  REQUIRE(found.samples.size() == 8);
  for (const Index samples : found.samples) CHECK_THAT(static_cast<double>(samples), WithinAbs(2472, 5 * 47));

  const auto line = mixture_of_gaussians({1, 3}, {-2, 2}, {0.5, 0.2});
  CHECK_THAT(mode_coverage(line, line.sample(n, rng)).share, WithinAbs(std::erf(3 / std::sqrt(2)), 0.0019));
}

TEST_CASE("The divergence of modes grows as they are lost", "[metrics]") {
  const auto ring = ring_of_gaussians(8);
  const auto collapsed = [&](Index modes) {
    Tensor<float, 2> x(Shape{8, 2});
    for (Index i = 0; i < 8; ++i) x.matrix().row(i) = ring.modes().matrix().row(i % modes);
    return mode_coverage(ring, x);
  };
  for (const Index modes : {1, 2, 4, 8}) {
    INFO(modes << " modes are left");
    const ModeCoverage found = collapsed(modes);
    CHECK(found.covered == modes);
    CHECK(found.share == 1);
    CHECK_THAT(found.divergence, WithinAbs(std::log(8.0 / static_cast<double>(modes)), 1e-15));
  }
  // Shares 1/2 and 1/2 of weights 1/4 and 3/4.
  CHECK_THAT(mode_coverage(mixture_of_gaussians({1, 3}, {0, 9}, {1, 1}), on_a_line({0, 1, 8, 9})).divergence,
             WithinAbs(0.5 * std::log(2) + 0.5 * std::log(2.0 / 3), 1e-15));
}

TEST_CASE("A sample belongs to the mode that is nearest in standard deviations, if within the radius", "[metrics]") {
  const auto mixture = mixture_of_gaussians({1, 1}, {0, 4}, {2, 0.5});
  // 2.75 is 1.375 deviations from the first mode, 2.5 from the second; -6 is exactly 3 away.
  const auto x = on_a_line({2.75f, 3.75f, -6, -6.01f, 6.5f, NAN});
  const ModeCoverage found = mode_coverage(mixture, x);
  CHECK(found.samples == std::vector<Index>{2, 1});
  CHECK(found.share == 0.5);
  CHECK(found.covered == 2);
  CHECK_THAT(found.divergence, WithinAbs(std::log(4.0 / 3) * 2 / 3 + std::log(2.0 / 3) / 3, 1e-15));
  CHECK(mode_coverage(mixture, x, {.least_samples = 2}).covered == 1);
  CHECK(mode_coverage(mixture, x, {.radius = 1}).samples == std::vector<Index>{0, 1});
}

TEST_CASE("Samples far from all modes cover none", "[metrics]") {
  const ModeCoverage found = mode_coverage(ring_of_gaussians(8), Tensor<double, 2>(Shape{5, 2}, 0.3));
  CHECK(found.covered == 0);
  CHECK(found.share == 0);
  CHECK(found.divergence == std::numeric_limits<double>::infinity());
}

TEST_CASE("mode_coverage names wrong arguments", "[metrics]") {
  const auto ring = ring_of_gaussians(8);
  const Tensor<float, 2> x(Shape{3, 2}, 0.0f);
  CHECK_THROWS_MATCHES(mode_coverage(ring, Tensor<float, 2>(Shape{3, 1}, 0.0f)), ShapeError,
                       Message("mode_coverage: expected samples of shape [N, 2] but got [3, 1]"));
  CHECK_THROWS_MATCHES(mode_coverage(ring, Tensor<float, 2>(Shape{0, 2}, 0.0f)), DataError,
                       Message("mode_coverage: expected at least one sample but got shape [0, 2]"));
  CHECK_THROWS_MATCHES(mode_coverage(ring, x, {.radius = 0}), ArgumentError,
                       Message("mode_coverage: expected radius > 0 and least_samples >= 1 but got 0 and 1"));
  CHECK_THROWS_MATCHES(mode_coverage(ring, x, {.least_samples = 0}), ArgumentError,
                       Message("mode_coverage: expected radius > 0 and least_samples >= 1 but got 3 and 0"));
}
