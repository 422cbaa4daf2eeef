// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <numbers>

#include "catch.hpp"

using namespace eigenesis;
using std::numbers::ln2;

namespace {

/// The density of N(mean, deviation^2), not normalised, on 6001 points of [-30, 30].
std::vector<double> normal_density(double mean, double deviation) {
  std::vector<double> density;
  for (int i = -3000; i <= 3000; ++i) {
    const double t = (0.01 * i - mean) / deviation;
    density.push_back(std::exp(-t * t / 2));
  }
  return density;
}

/// ln(s2 / s1) + (s1^2 + (m1 - m2)^2) / (2 s2^2) - 1/2.
double normal_kl(double m1, double s1, double m2, double s2) {
  return std::log(s2 / s1) + (s1 * s1 + (m1 - m2) * (m1 - m2)) / (2 * s2 * s2) - 0.5;
}

}  // namespace

TEST_CASE("The divergence KL of two normals on a grid is that of the closed form", "[metrics]") {
  const auto [m1, s1, m2, s2] = GENERATE(std::array{0.0, 1.0, 1.0, 1.0}, std::array{-1.0, 0.9, 2.0, 3.0},
                                         std::array{2.0, 3.0, -1.0, 2.0}, std::array{0.3, 0.7, 0.3, 0.7});
  const auto p = normal_density(m1, s1), q = normal_density(m2, s2);
  CHECK_THAT(kl_divergence(p, q), WithinAbs(normal_kl(m1, s1, m2, s2), 1e-9));
  CHECK_THAT(kl_divergence(q, p), WithinAbs(normal_kl(m2, s2, m1, s1), 1e-9));
}

TEST_CASE("Divergences of histograms follow from their shares", "[metrics]") {
  const std::vector<double> p{1, 1, 2, 0}, q{3, 1, 2, 2};  // shares 1/4, 1/4, 1/2, 0 and 3/8, 1/8, 1/4, 1/4
  CHECK_THAT(kl_divergence(p, q), WithinAbs(0.25 * std::log(2.0 / 3) + 0.75 * ln2, 1e-15));
  CHECK(kl_divergence(q, p) == std::numeric_limits<double>::infinity());
  CHECK(kl_divergence(p, p) == 0);
  const double middle[] = {5.0 / 16, 3.0 / 16, 3.0 / 8, 1.0 / 8};
  CHECK_THAT(jensen_shannon_divergence(p, q),
             WithinAbs((kl_divergence(p, middle) + kl_divergence(q, middle)) / 2, 1e-15));
}

TEST_CASE("The Jensen-Shannon divergence gives the optimal discriminator's loss", "[metrics]") {
  const auto [distance, loss] = GENERATE(std::pair(0.5, 1.325672), std::pair(1.0, 1.163451), std::pair(2.0, 0.712633),
                                         std::pair(4.0, 0.120854), std::pair(0.0, 2 * ln2));
  const auto p = normal_density(0, 1), q = normal_density(distance, 1);
  CHECK_THAT(2 * ln2 - 2 * jensen_shannon_divergence(p, q), WithinAbs(loss, 6e-7));
  CHECK(jensen_shannon_divergence(p, q) == jensen_shannon_divergence(q, p));
}

TEST_CASE("Disjoint supports have the Jensen-Shannon divergence ln 2, however far apart", "[metrics]") {
  const Index distance = GENERATE(0, 1, 50);
  std::vector<double> p(100), q(100);
  for (std::size_t i = 0; i < 7; ++i) {
    p[10 + i] = static_cast<double>(i + 1);
    q[17 + static_cast<std::size_t>(distance) + i] = 0.3;
  }
  CHECK_THAT(jensen_shannon_divergence(p, q), WithinAbs(ln2, 1e-15));
  CHECK(kl_divergence(p, q) == std::numeric_limits<double>::infinity());
}

TEST_CASE("Divergences name wrong arguments", "[metrics]") {
  const std::vector<double> p{1, 2}, three{1, 2, 3}, negative{1, -0.5}, unknown{NAN, 1}, none{0, 0};
  CHECK_THROWS_MATCHES(kl_divergence(p, three), ShapeError,
                       Message("kl_divergence: expected as many numbers of both but got 2 and 3"));
  CHECK_THROWS_MATCHES(jensen_shannon_divergence(three, p), ShapeError,
                       Message("jensen_shannon_divergence: expected as many numbers of both but got 3 and 2"));
  CHECK_THROWS_MATCHES(kl_divergence(p, negative), DataError,
                       Message("kl_divergence: expected finite numbers >= 0 but got -0.5"));
  CHECK_THROWS_MATCHES(jensen_shannon_divergence(unknown, p), DataError,
                       Message("jensen_shannon_divergence: expected finite numbers >= 0 but got nan"));
  CHECK_THROWS_MATCHES(kl_divergence(none, p), DataError,
                       Message("kl_divergence: expected numbers of finite sum > 0 but got 0"));
}
