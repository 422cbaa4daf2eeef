// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>
#include <vector>

#include "eigenesis/metrics/features.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The normal distribution with the mean [F] and covariance [F, F] of samples.
struct GaussianFit {
  Tensor<double, 1> mean;        // [F]
  Tensor<double, 2> covariance;  // [F, F]
};

/// The mean of features [N, F] and their covariance sum((x - mean) (x - mean)^T) / (N - 1).
/// Throws ShapeError unless N >= 2 and F >= 1, DataError for a feature that is not finite.
template <class Scalar>
GaussianFit fit_gaussian(const Tensor<Scalar, 2>& features) {
  const auto [n, f] = features.shape().sizes;
  require(n >= 2 && f >= 1, "fit_gaussian: expected features of shape [N, F] with N >= 2 and F >= 1 but got ",
          features.shape());
  Tensor<double, 2> x = detail::checked_features("fit_gaussian", features);
  GaussianFit fit{Tensor<double, 1>(Shape{f}), Tensor<double, 2>(Shape{f, f})};
  detail::sum_rows(x.data(), n, f, fit.mean.data());
  for (double& mean : fit.mean.values()) mean /= static_cast<double>(n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < f; ++j) x(i, j) -= fit.mean(j);
  detail::gemm(true, false, f, f, n, x.data(), x.data(), fit.covariance.data());
  for (double& covariance : fit.covariance.values()) covariance /= static_cast<double>(n - 1);
  return fit;
}

namespace detail {

// Templates, so that only programs that call them pay for Eigen's decompositions. Singular values are computed by hand:
// Eigen's BDCSVD costs 45 s of compile time, and eigenvalues of the squared matrix lose half of the digits.

/// L [F, F] with L L^T = s, a covariance [F, F]; variances that are 0 but for rounding count as 0.
template <class = void>
Tensor<double, 2> cholesky_factor(const Tensor<double, 2>& s) {
  const Eigen::LDLT<Tensor<double, 2>::Matrix> ldlt(s.matrix());  // s = P^T L D L^T P, for singular s too
  const Eigen::VectorXd d = ldlt.vectorD();
  const double negligible = d.maxCoeff() * static_cast<double>(d.size()) * std::numeric_limits<double>::epsilon();
  Tensor<double, 2> factor(s.shape());
  factor.matrix() = ldlt.matrixL();
  factor.matrix() *= (d.array() > negligible).select(d.array(), 0).sqrt().matrix().asDiagonal();
  factor.matrix() = ldlt.transpositionsP().transpose() * factor.matrix();
  return factor;
}

/// Householder's reflection I - v v^T that takes x [n] to a multiple of the first unit vector: x becomes v. Returns the
/// multiple.
inline double reflection(double* x, Index n) {
  double square = 0;
  for (Index i = 0; i < n; ++i) square += x[i] * x[i];
  const double length = std::sqrt(square), scale = std::sqrt(length * (length + std::abs(x[0])));
  const double multiple = -std::copysign(length, x[0]);
  x[0] -= multiple;
  for (Index i = 0; i < n; ++i) x[i] = scale == 0 ? 0 : x[i] / scale;
  return multiple;
}

/// The eigenvalues of a symmetric tridiagonal matrix take the place of its diagonal d [n]; e [n] holds what stands
/// beside the diagonal, its last number has no meaning. QL with implicit shifts (Martin and Wilkinson 1968).
inline void tridiagonal_eigenvalues(double* d, double* e, Index n) {
  double largest = 0;
  for (Index i = 0; i < n; ++i) largest = std::max({largest, std::abs(d[i]), i + 1 < n ? std::abs(e[i]) : 0});
  const double negligible = largest * std::numeric_limits<double>::epsilon();
  for (Index first = 0; first < n; ++first)
    for (int sweep = 0; sweep < 60; ++sweep) {
      Index last = first;
      while (last + 1 < n && !(std::abs(e[last]) <= negligible)) ++last;
      if (last == first) break;
      const double half = (d[first + 1] - d[first]) / (2 * e[first]);
      double g = d[last] - d[first] + e[first] / (half + std::copysign(std::hypot(half, 1), half));
      double sine = 1, cosine = 1, shift = 0;
      Index i = last - 1;
      for (; i >= first; --i) {
        const double f = sine * e[i], b = cosine * e[i], r = std::hypot(f, g);
        e[i + 1] = r;
        if (r == 0) break;
        sine = f / r;
        cosine = g / r;
        g = d[i + 1] - shift;
        const double t = (d[i] - g) * sine + 2 * cosine * b;
        shift = sine * t;
        d[i + 1] = g + shift;
        g = cosine * t - b;
      }
      d[i + 1] -= shift;
      if (i < first) e[first] = g;
      e[last] = 0;
    }
}

/// The sum of the singular values of m [rows, columns], rows <= columns: reflections leave a diagonal and what stands
/// below it; these in turn, beside a diagonal of zeros, have the eigenvalues +-(singular values) (Golub and Kahan
/// 1965).
inline double nuclear_norm(Tensor<double, 2> m) {
  const Index rows = m.shape(0), columns = m.shape(1);
  std::vector<double> beside;
  Tensor<double, 1> column(Shape{rows}), sum(Shape{columns});
  for (Index k = 0; k < rows; ++k) {
    double* const pivot = &m(k, k);
    const Index right = columns - k, below = rows - k - 1;
    beside.push_back(reflection(pivot, right));
    for (Index i = 1; i <= below; ++i) {
      double* const row = pivot + i * columns;
      double product = 0;
      for (Index j = 0; j < right; ++j) product += row[j] * pivot[j];
      for (Index j = 0; j < right; ++j) row[j] -= product * pivot[j];
      column(i - 1) = row[0];
    }
    if (below == 0) break;
    beside.push_back(reflection(column.data(), below));
    std::fill_n(sum.data(), right, 0.0);
    for (Index i = 1; i <= below; ++i)
      for (Index j = 1; j < right; ++j) sum(j) += column(i - 1) * pivot[i * columns + j];
    for (Index i = 1; i <= below; ++i)
      for (Index j = 1; j < right; ++j) pivot[i * columns + j] -= column(i - 1) * sum(j);
  }
  beside.push_back(0);
  std::vector<double> eigenvalues(beside.size());
  tridiagonal_eigenvalues(eigenvalues.data(), beside.data(), std::ssize(beside));
  double result = 0;
  for (const double value : eigenvalues) result += std::abs(value) / 2;
  return result;
}

}  // namespace detail

/// The squared Frechet (Wasserstein-2) distance of two normal distributions (Dowson and Landau 1982),
///   |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^(1/2) S2 S1^(1/2))^(1/2)),
/// in squares of the features' unit. Covariances must be symmetric and positive semidefinite. Throws ShapeError unless
/// both have F >= 1 features.
double frechet_distance(const std::same_as<GaussianFit> auto& a, const std::same_as<GaussianFit> auto& b) {
  // A template: programs that do not call it need not compile its product.
  const Index f = a.mean.size();
  for (const GaussianFit* fit : {&a, &b})
    require(f >= 1 && fit->mean.size() == f && fit->covariance.shape() == Shape{f, f},
            "frechet_distance: expected means [F] and covariances [F, F] with one F >= 1 but got ", a.mean.shape(),
            ", ", a.covariance.shape(), ", ", b.mean.shape(), " and ", b.covariance.shape());
  double distance = 0;
  for (Index j = 0; j < f; ++j) {
    const double difference = a.mean(j) - b.mean(j);
    distance += difference * difference + a.covariance(j, j) + b.covariance(j, j);
  }
  // With S = L L^T the last trace is the sum of the singular values of L1^T L2: no root of a matrix is needed, nothing
  // is squared that would lose digits, and covariances may lack full rank.
  const Tensor<double, 2> left = detail::cholesky_factor(a.covariance), right = detail::cholesky_factor(b.covariance);
  Tensor<double, 2> product(Shape{f, f});
  detail::gemm(true, false, f, f, f, left.data(), right.data(), product.data());
  distance -= 2 * detail::nuclear_norm(std::move(product));
  return distance < 0 ? 0 : distance;  // by rounding
}

/// The Frechet distance of the normal distributions fitted to features real [N, F] and fake [M, F]: the FID of Heusel
/// et al. 2017, if the features are those of their network. It is biased upwards, the more so the fewer the samples:
/// state N and M beside it. Throws ShapeError unless N, M >= 2 and both have F >= 1 features, DataError for a feature
/// that is not finite.
template <class Scalar>
double frechet_distance(const Tensor<Scalar, 2>& real, const Tensor<Scalar, 2>& fake) {
  require(real.shape(1) == fake.shape(1), "frechet_distance: expected features of one width but got ", real.shape(),
          " and ", fake.shape());
  return frechet_distance(fit_gaussian(real), fit_gaussian(fake));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
