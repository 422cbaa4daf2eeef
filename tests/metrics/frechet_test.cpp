// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;
using Matrix = Tensor<double, 2>::Matrix;

namespace {

GaussianFit gaussian(std::initializer_list<double> mean, const Matrix& covariance) {
  return {Tensor<double, 1>(Shape{static_cast<Index>(mean.size())}, mean), Tensor<double, 2>(covariance)};
}
GaussianFit centred(const Matrix& covariance) {
  return {Tensor<double, 1>(Shape{covariance.rows()}, 0.0), Tensor<double, 2>(covariance)};
}
Matrix two_by_two(double a, double b, double c) {
  Matrix m(2, 2);
  m << a, b, b, c;
  return m;
}
Matrix random_matrix(Index rows, Index columns, Rng& rng) {
  Tensor<double, 2> x(Shape{rows, columns});
  rng.fill_normal(x.data(), x.size());
  return x.matrix();
}
template <class Scalar = double>
Tensor<Scalar, 2> random_features(Index n, Index f, Rng& rng) {
  Tensor<Scalar, 2> x(Shape{n, f});
  rng.fill_normal(x.data(), x.size());
  return x;
}

}  // namespace

TEST_CASE("fit_gaussian divides by N - 1", "[metrics]") {
  const Tensor<float, 2> features(Shape{3, 2}, {1, 10, 2, 10, 6, 16});
  const GaussianFit fit = fit_gaussian(features);
  CHECK(fit.mean(0) == 3);
  CHECK(fit.mean(1) == 12);
  CHECK(fit.covariance(0, 0) == 7);  // (4 + 1 + 9) / 2
  CHECK(fit.covariance(0, 1) == 9);  // (4 + 2 + 12) / 2
  CHECK(fit.covariance(1, 0) == 9);
  CHECK(fit.covariance(1, 1) == 12);  // (4 + 4 + 16) / 2
}

TEST_CASE("The Frechet distance of one feature is (m1 - m2)^2 + (s1 - s2)^2", "[metrics]") {
  const auto variance = [](double s) { return Matrix::Constant(1, 1, s * s).eval(); };
  CHECK_THAT(frechet_distance(gaussian({1}, variance(2)), gaussian({-2}, variance(0.5))), WithinAbs(11.25, 1e-14));
  CHECK_THAT(frechet_distance(gaussian({1}, variance(0)), gaussian({-2}, variance(0.5))), WithinAbs(9.25, 1e-14));
  CHECK(frechet_distance(gaussian({1}, variance(0)), gaussian({-2}, variance(0))) == 9);
  const Tensor<float, 2> real(Shape{2, 1}, {0, 2}), fake(Shape{3, 1}, {4, 7, 10});  // variances 2 and 9
  CHECK_THAT(frechet_distance(real, fake), WithinAbs(36 + (3 - std::sqrt(2)) * (3 - std::sqrt(2)), 1e-13));
}

TEST_CASE("The Frechet distance of commuting covariances compares their standard deviations", "[metrics]") {
  Rng rng(1);
  const Index f = 7;
  Matrix rotation = Matrix::Identity(f, f);  // a product of Householder's reflections
  for (int i = 0; i < 3; ++i) {
    const Matrix v = random_matrix(f, 1, rng).normalized();
    rotation = rotation * (Matrix::Identity(f, f) - 2 * v * v.transpose());
  }
  const Matrix s1 = random_matrix(f, 1, rng).cwiseAbs(), s2 = random_matrix(f, 1, rng).cwiseAbs();
  const auto covariance = [&](const Matrix& s) -> Matrix {
    return rotation * s.cwiseAbs2().col(0).asDiagonal() * rotation.transpose();
  };
  CHECK_THAT(frechet_distance(centred(covariance(s1)), centred(covariance(s2))),
             WithinAbs((s1 - s2).squaredNorm(), 1e-13));
}

TEST_CASE("The Frechet distance of two features has a closed form", "[metrics]") {
  // tr((S1 S2)^(1/2)) = sqrt(tr(S1 S2) + 2 sqrt(det(S1) det(S2))), whether they commute or not.
  const Matrix s1 = two_by_two(2, 0.5, 1), s2 = two_by_two(1, -0.8, 3);
  const double root = std::sqrt((s1 * s2).trace() + 2 * std::sqrt((2 - 0.25) * (3 - 0.64)));
  CHECK_THAT(frechet_distance(gaussian({1, -1}, s1), gaussian({0.5, 3}, s2)),
             WithinAbs(16.25 + 3 + 4 - 2 * root, 1e-13));
}

TEST_CASE("The Frechet distance is what the optimal transport x -> A x moves", "[metrics]") {
  // Of N(0, A S A) from N(0, S) for a symmetric positive definite A: the mean of |A x - x|^2 = tr((A - 1) S (A - 1)).
  const Index f = GENERATE(3, 16, 129), rank = GENERATE(1, 3, 200);
  Rng rng(2);
  const Matrix b = random_matrix(f, f, rng), l = random_matrix(f, std::min(f, rank), rng);
  const Matrix a = 0.3 * Matrix::Identity(f, f) + b * b.transpose() / static_cast<double>(f), s = l * l.transpose();
  const Matrix away = a - Matrix::Identity(f, f);
  INFO(f << " features, covariances of rank " << std::min(f, rank));
  const double expected = (away * s * away).trace();
  CHECK_THAT(frechet_distance(centred(s), centred(a * s * a)), WithinRel(expected, 1e-9));
  CHECK_THAT(frechet_distance(centred(a * s * a), centred(s)), WithinRel(expected, 1e-9));
}

TEST_CASE("Frechet distances of covariances without full rank", "[metrics]") {
  const auto line = [](const Matrix& u) { return centred(u * u.transpose()); };  // |u|^2 + |v|^2 - 2 |u v|
  Matrix u(3, 1), v(3, 1), w(3, 1);
  u << 1, 2, 2;
  v << 3, 0, -1;
  w << 0, -1, 1;  // orthogonal to u
  CHECK_THAT(frechet_distance(line(u), line(v)), WithinAbs(9 + 10 - 2, 1e-13));
  CHECK_THAT(frechet_distance(line(u), line(w)), WithinAbs(9 + 2, 1e-13));
  CHECK_THAT(frechet_distance(line(u), line(u)), WithinAbs(0, 1e-13));
  CHECK(frechet_distance(line(u), centred(Matrix::Zero(3, 3))) == 9);

  Rng rng(3);
  const Tensor<float, 2> few = random_features<float>(5, 40, rng);
  CHECK_THAT(frechet_distance(few, few), WithinAbs(0, 1e-12));
}

TEST_CASE("The Frechet distance of features is 0 from themselves and knows a shift and a scale", "[metrics]") {
  Rng rng(4);
  const Index f = 33;
  const Tensor<float, 2> x = random_features<float>(300, f, rng);
  CHECK_THAT(frechet_distance(x, x), WithinAbs(0, 1e-12));
  Tensor<float, 2> shifted = x, doubled = x;
  shifted.array() += 0.5f;
  doubled.array() *= 2;
  CHECK_THAT(frechet_distance(x, shifted), WithinRel(0.25 * f, 1e-6));  // float features are rounded
  const GaussianFit fit = fit_gaussian(x);
  const double expected = fit.mean.array().square().sum() + fit.covariance.matrix().trace();
  CHECK_THAT(frechet_distance(x, doubled), WithinRel(expected, 1e-12));
  CHECK(frechet_distance(x, doubled) == frechet_distance(fit, fit_gaussian(doubled)));
}

TEST_CASE("The Frechet distance is the same for any number of threads", "[metrics]") {
  Rng rng(5);
  const auto x = random_features(500, 96, rng), y = random_features(450, 96, rng);
  const int before = num_threads();
  set_num_threads(1);
  const double alone = frechet_distance(x, y);
  set_num_threads(3);
  CHECK(frechet_distance(x, y) == alone);
  set_num_threads(before);
}

TEST_CASE("The Frechet distance names wrong arguments", "[metrics]") {
  Tensor<float, 2> x(Shape{4, 2}, 1.0f);
  CHECK_THROWS_MATCHES(
      frechet_distance(Tensor<float, 2>(Shape{1, 2}, 1.0f), x), ShapeError,
      Message("fit_gaussian: expected features of shape [N, F] with N >= 2 and F >= 1 but got [1, 2]"));
  CHECK_THROWS_MATCHES(
      fit_gaussian(Tensor<float, 2>(Shape{4, 0}, 1.0f)), ShapeError,
      Message("fit_gaussian: expected features of shape [N, F] with N >= 2 and F >= 1 but got [4, 0]"));
  CHECK_THROWS_MATCHES(frechet_distance(x, Tensor<float, 2>(Shape{4, 3}, 1.0f)), ShapeError,
                       Message("frechet_distance: expected features of one width but got [4, 2] and [4, 3]"));
  x(2, 1) = NAN;
  CHECK_THROWS_MATCHES(fit_gaussian(x), DataError,
                       Message("fit_gaussian: expected finite features but got nan in sample 2"));
}
