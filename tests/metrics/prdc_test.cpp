// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

Tensor<float, 2> on_a_line(std::initializer_list<float> places) {
  return {Shape{static_cast<Index>(places.size()), Index{1}}, places};
}

void check(const Prdc& found, const Prdc& expected) {
  CHECK_THAT(found.precision, WithinAbs(expected.precision, 1e-12));
  CHECK_THAT(found.recall, WithinAbs(expected.recall, 1e-12));
  CHECK_THAT(found.density, WithinAbs(expected.density, 1e-12));
  CHECK_THAT(found.coverage, WithinAbs(expected.coverage, 1e-12));
}

Tensor<float, 2> normal_features(Index n, Index f, Rng& rng) {
  Tensor<float, 2> x(Shape{n, f});
  rng.fill_normal(x.data(), x.size());
  return x;
}

}  // namespace

TEST_CASE("Precision, recall, density and coverage of points on a line", "[metrics]") {
  const auto real = on_a_line({0, 1, 3, 9, 40, 41}), fake = on_a_line({0.5f, 4, 20, 21});
  // k = 1: radii 1, 1, 2, 6, 1, 1 and 3.5, 3.5, 1, 1
  check(precision_recall_density_coverage(real, fake, 1), {2.0 / 4, 3.0 / 6, 4.0 / 4, 4.0 / 6});
  // k = 2: radii 3, 2, 3, 8, 31, 32 and 19.5, 16, 16, 17
  check(precision_recall_density_coverage(real, fake, 2), {4.0 / 4, 4.0 / 6, 9.0 / 8, 6.0 / 6});
}

TEST_CASE("Samples at exactly the radius are near, those that repeat as well", "[metrics]") {
  const auto real = on_a_line({0, 0, 0, 5}), fake = on_a_line({0, 0, 7, 9});
  check(precision_recall_density_coverage(real, fake, 1), {1, 1, 10.0 / 4, 1});
  check(precision_recall_density_coverage(on_a_line({0, 1, 2}), on_a_line({10, 11, 12}), 1), {0, 0, 0, 0});
}

TEST_CASE("Copies of the real samples are near themselves and k more each", "[metrics]") {
  Rng rng(1);
  const Tensor<float, 2> x = normal_features(700, 37, rng);
  const Index k = GENERATE(1, 5);
  check(precision_recall_density_coverage(x, x, k), {1, 1, static_cast<double>(k + 1) / static_cast<double>(k), 1});
}

TEST_CASE("Precision, recall, density and coverage agree with the code of the authors", "[metrics]") {
  // compute_prdc of the package prdc 0.2 on the same features.
  const auto [k, expected] =
      GENERATE(std::pair(1, Prdc{0.07666666666666666, 0.14285714285714285, 0.085, 0.045714285714285714}),
               std::pair(3, Prdc{0.30333333333333334, 0.34, 0.21777777777777776, 0.17285714285714285}),
               std::pair(5, Prdc{0.4266666666666667, 0.53, 0.27366666666666667, 0.30428571428571427}),
               std::pair(10, Prdc{0.6816666666666666, 0.7985714285714286, 0.38383333333333336, 0.6014285714285714}));
  Tensor<double, 2> real(Shape{700, 5}), fake(Shape{600, 5});
  const auto wave = [](double i, double j) { return std::sin(0.7 * i * (j + 1) + 0.003 * i * i * (j + 2)); };
  for (Index i = 0; i < 700; ++i)
    for (Index j = 0; j < 5; ++j) {
      const auto row = static_cast<double>(i), column = static_cast<double>(j);
      real(i, j) = wave(row, column);
      if (i < 600) fake(i, j) = 0.8 * wave(row, column) + 0.1 * column + 0.2 * std::cos(1.3 * row + column);
    }
  INFO("k = " << k);
  check(precision_recall_density_coverage(real, fake, k), expected);
}

TEST_CASE("Samples of the same distribution cover as much as theory says", "[metrics]") {
  Rng rng(2);
  const Index n = 3000, m = 2000, k = 5;
  const auto found = precision_recall_density_coverage(normal_features(n, 4, rng), normal_features(m, 4, rng), k);
  double missed = 1;  // (N - 1) ... (N - k) / ((N + M - 1) ... (N + M - k))
  for (Index i = 1; i <= k; ++i) missed *= static_cast<double>(n - i) / static_cast<double>(n + m - i);
  CHECK_THAT(found.coverage, WithinAbs(1 - missed, 0.02));  // of 0.9222
  CHECK_THAT(found.density, WithinAbs(1, 0.05));
}

TEST_CASE("Precision, recall, density and coverage are the same for any number of threads", "[metrics]") {
  Rng rng(3);
  const auto real = normal_features(600, 8, rng), fake = normal_features(500, 8, rng);
  const int before = num_threads();
  set_num_threads(1);
  const Prdc alone = precision_recall_density_coverage(real, fake);
  set_num_threads(3);
  const Prdc together = precision_recall_density_coverage(real, fake);
  set_num_threads(before);
  CHECK(alone.precision == together.precision);
  CHECK(alone.recall == together.recall);
  CHECK(alone.density == together.density);
  CHECK(alone.coverage == together.coverage);
}

TEST_CASE("Precision, recall, density and coverage name wrong arguments", "[metrics]") {
  Tensor<float, 2> x(Shape{6, 2}, 1.0f), y(Shape{5, 2}, 1.0f);
  CHECK_THROWS_MATCHES(precision_recall_density_coverage(x, Tensor<float, 2>(Shape{5, 3}, 1.0f)), ShapeError,
                       Message("precision_recall_density_coverage: expected features of shapes [N, F] and [M, F] with "
                               "F >= 1 but got [6, 2] and [5, 3]"));
  CHECK_THROWS_MATCHES(precision_recall_density_coverage(x, y, 5), ArgumentError,
                       Message("precision_recall_density_coverage: expected 1 <= neighbours < samples but got 5 "
                               "neighbours of 6 real and 5 fake samples"));
  CHECK_THROWS_MATCHES(precision_recall_density_coverage(x, y, 0), ArgumentError,
                       Message("precision_recall_density_coverage: expected 1 <= neighbours < samples but got 0 "
                               "neighbours of 6 real and 5 fake samples"));
  y(3, 0) = INFINITY;
  CHECK_THROWS_MATCHES(precision_recall_density_coverage(x, y, 1), DataError,
                       Message("precision_recall_density_coverage: expected finite features but got inf in sample 3"));
}
