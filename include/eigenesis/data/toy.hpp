// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/core/tensor.hpp"
#include "eigenesis/machine/float_state.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A mixture of isotropic normal distributions, p(x) = sum_k w_k N(x; m_k, s_k^2 I).
class GaussianMixture {
 public:
  /// Weights [K], which need not sum to one, means [K, d] and standard deviations [K].
  /// Throws ShapeError unless there are K >= 1 of each, ArgumentError unless all weights and standard deviations are
  /// > 0.
  GaussianMixture(std::vector<double> weights, Tensor<float, 2> means, std::vector<double> standard_deviations)
      : weights_(std::move(weights)), means_(std::move(means)), standard_deviations_(std::move(standard_deviations)) {
    const Index k = means_.shape(0);
    require(k >= 1 && std::ssize(weights_) == k && std::ssize(standard_deviations_) == k,
            "GaussianMixture: expected as many weights and standard deviations as means but got ", weights_.size(),
            ", ", standard_deviations_.size(), " and ", k);
    for (const double w : weights_)
      require<ArgumentError>(w > 0 && std::isfinite(w), "GaussianMixture: expected weights > 0 but got ", w);
    for (const double s : standard_deviations_)
      require<ArgumentError>(s > 0 && std::isfinite(s), "GaussianMixture: expected standard deviations > 0 but got ",
                             s);
    double sum = 0;
    for (const double w : weights_) sum += w;
    for (double& w : weights_) w /= sum;
  }

  /// n independent samples [n, d].
  Tensor<float, 2> sample(Index n, Rng& rng) const {
    const Index d = means_.shape(1);
    Tensor<float, 2> x(Shape{n, d});
    rng.fill_normal(x.data(), x.size());
    for (Index i = 0; i < n; ++i) {
      const std::size_t k = component(rng.uniform());
      const auto standard_deviation = static_cast<float>(standard_deviations_[k]);
      for (Index j = 0; j < d; ++j) x(i, j) = means_(k, j) + detail::rounded(standard_deviation * x(i, j));
    }
    return x;
  }

  /// log p(x) in nats, x [N, d] -> [N]. Throws ShapeError for another d.
  template <class Scalar>
  Tensor<Scalar, 1> log_prob(const Tensor<Scalar, 2>& x) const {
    const Index d = means_.shape(1);
    require(x.shape(1) == d, "GaussianMixture::log_prob: expected x of shape [N, ", d, "] but got ", x.shape());
    Tensor<Scalar, 1> result(Shape{x.shape(0)});
    std::vector<double> terms(weights_.size());
    for (Index i = 0; i < x.shape(0); ++i) {
      double greatest = -std::numeric_limits<double>::infinity();
      for (std::size_t k = 0; k < terms.size(); ++k) {
        double square = 0;
        for (Index j = 0; j < d; ++j) {
          const double difference = static_cast<double>(x(i, j)) - static_cast<double>(means_(k, j));
          square += detail::rounded(difference * difference);
        }
        const double s = standard_deviations_[k];
        terms[k] = std::log(weights_[k]) - square / (2 * s * s) -
                   detail::rounded(static_cast<double>(d) * std::log(s * std::sqrt(2 * std::numbers::pi)));
        greatest = terms[k] > greatest || std::isnan(terms[k]) ? terms[k] : greatest;
      }
      double sum = 0;
      for (const double term : terms) sum += std::exp(term - greatest);
      result(i) = static_cast<Scalar>(std::isfinite(greatest) ? greatest + std::log(sum) : greatest);
    }
    return result;
  }

  /// The means of the components [K, d].
  const Tensor<float, 2>& modes() const { return means_; }
  /// The standard deviations of the components [K].
  std::span<const double> standard_deviations() const { return standard_deviations_; }
  /// The weights of the components [K], which sum to one.
  std::span<const double> weights() const { return weights_; }
  /// Nothing is learned: a mixture may be the prior of a model.
  static void fields(auto&, auto&&) {}

 private:
  std::size_t component(double u) const {
    std::size_t k = 0;
    while (k + 1 < weights_.size() && (u -= weights_[k]) >= 0) ++k;
    return k;
  }

  std::vector<double> weights_;
  Tensor<float, 2> means_;
  std::vector<double> standard_deviations_;
};

/// Equal Gaussians on a circle, the first at (radius, 0). Source: Metz et al. 2017, section 3.1 (radius 2, standard
/// deviation 0.02).
inline GaussianMixture ring_of_gaussians(Index modes = 8, double radius = 2, double standard_deviation = 0.02) {
  require<ArgumentError>(modes >= 1, "ring_of_gaussians: expected modes >= 1 but got ", modes);
  require<ArgumentError>(std::isfinite(radius), "ring_of_gaussians: expected a finite radius but got ", radius);
  Tensor<float, 2> means(Shape{modes, Index{2}});
  for (Index k = 0; k < modes; ++k) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(modes);
    means(k, 0) = static_cast<float>(radius * std::cos(angle));
    means(k, 1) = static_cast<float>(radius * std::sin(angle));
  }
  const auto count = static_cast<std::size_t>(modes);
  return {std::vector<double>(count, 1.0), std::move(means), std::vector<double>(count, standard_deviation)};
}

/// Equal Gaussians on a square grid around the origin. Source: Srivastava et al. 2017, section 4.1.
inline GaussianMixture grid_of_gaussians(Index modes_per_side = 5, double spacing = 2,
                                         double standard_deviation = 0.05) {
  require<ArgumentError>(modes_per_side >= 1 && modes_per_side <= 32768,
                         "grid_of_gaussians: expected modes_per_side in [1, 32768] but got ", modes_per_side);
  const Index modes = modes_per_side * modes_per_side;
  Tensor<float, 2> means(Shape{modes, Index{2}});
  const double middle = static_cast<double>(modes_per_side - 1) / 2;
  for (Index k = 0; k < modes; ++k) {
    means(k, 0) = static_cast<float>(spacing * (static_cast<double>(k % modes_per_side) - middle));
    means(k, 1) = static_cast<float>(spacing * (static_cast<double>(k / modes_per_side) - middle));
  }
  const auto count = static_cast<std::size_t>(modes);
  return {std::vector<double>(count, 1.0), std::move(means), std::vector<double>(count, standard_deviation)};
}

/// A mixture on the real line: `mixture_of_gaussians({0.3, 0.7}, {-2, 1}, {0.5, 1})`; samples [n, 1].
inline GaussianMixture mixture_of_gaussians(std::vector<double> weights, const std::vector<double>& means,
                                            std::vector<double> standard_deviations) {
  Tensor<float, 2> modes(Shape{static_cast<Index>(means.size()), Index{1}});
  std::transform(means.begin(), means.end(), modes.data(), [](double mean) { return static_cast<float>(mean); });
  return {std::move(weights), std::move(modes), std::move(standard_deviations)};
}

/// Two interleaved half circles of radius 1 with normal noise; the upper around (0, 0), the lower around (1, 0.5).
/// Source: make_moons of scikit-learn.
struct TwoMoons {
  double standard_deviation = 0.1;  // of the noise
  /// n independent samples [n, 2].
  Tensor<float, 2> sample(Index n, Rng& rng) const;
};
/// The spiral (t cos t, t sin t) / 5, t uniform in [1.5 pi, 4.5 pi], with normal noise.
/// Source: make_swiss_roll of scikit-learn, seen from above, as Grathwohl et al. 2019 use it.
struct SwissRoll {
  double standard_deviation = 0.2;  // of the noise
  /// n independent samples [n, 2].
  Tensor<float, 2> sample(Index n, Rng& rng) const;
};
/// Arms of an ellipse each, bent the more the farther out. Source: Johnson et al. 2016, scaled by 2.
struct Pinwheel {
  Index arms = 5;                                                               // around the origin
  double radial_standard_deviation = 0.3, tangential_standard_deviation = 0.1;  // of an arm, before it is scaled
  double rate = 0.25;  // a point at the distance r along its arm is turned by rate * exp(r)
  /// n independent samples [n, 2].
  Tensor<float, 2> sample(Index n, Rng& rng) const;
};
/// Uniform on every second cell of a square board around the origin, the lower left cell among them.
struct Checkerboard {
  Index cells_per_side = 4;  // black and white ones
  double width = 8;          // of the board
  /// n independent samples [n, 2].
  Tensor<float, 2> sample(Index n, Rng& rng) const;
  /// log p(x) in nats, x [N, 2] -> [N]; minus infinity outside.
  template <class Scalar>
  Tensor<Scalar, 1> log_prob(const Tensor<Scalar, 2>& x) const;
};

/// Two moons of the given noise. Throws ArgumentError for a negative one.
inline TwoMoons two_moons(double standard_deviation = 0.1) {
  require<ArgumentError>(standard_deviation >= 0, "two_moons: expected standard_deviation >= 0 but got ",
                         standard_deviation);
  return {standard_deviation};
}
/// A Swiss roll of the given noise. Throws ArgumentError for a negative one.
inline SwissRoll swiss_roll(double standard_deviation = 0.2) {
  require<ArgumentError>(standard_deviation >= 0, "swiss_roll: expected standard_deviation >= 0 but got ",
                         standard_deviation);
  return {standard_deviation};
}
/// A pinwheel. Throws ArgumentError for arms < 1.
inline Pinwheel pinwheel(Index arms = 5) {
  require<ArgumentError>(arms >= 1, "pinwheel: expected arms >= 1 but got ", arms);
  return {arms};
}
/// A checkerboard. Throws ArgumentError for cells_per_side < 1 and width <= 0.
inline Checkerboard checkerboard(Index cells_per_side = 4, double width = 8) {
  require<ArgumentError>(cells_per_side >= 1 && width > 0,
                         "checkerboard: expected cells_per_side >= 1 and width > 0 but got ", cells_per_side, " and ",
                         width);
  return {cells_per_side, width};
}

namespace detail {

/// n points in the plane: `point(a, b)` gets two standard normal numbers and returns {x, y}.
template <class F>
Tensor<float, 2> sample_points(Index n, Rng& rng, F point) {
  Tensor<float, 2> points(Shape{n, Index{2}});
  rng.fill_normal(points.data(), points.size());
  for (Index i = 0; i < n; ++i) {
    const auto [x, y] = point(static_cast<double>(points(i, 0)), static_cast<double>(points(i, 1)));
    points(i, 0) = static_cast<float>(x);
    points(i, 1) = static_cast<float>(y);
  }
  return points;
}

}  // namespace detail

inline Tensor<float, 2> TwoMoons::sample(Index n, Rng& rng) const {
  return detail::sample_points(n, rng, [&](double a, double b) {
    const double t = 2 * std::numbers::pi * rng.uniform(), x = std::cos(t), y = std::sin(t);
    const bool upper = t < std::numbers::pi;
    return std::pair((upper ? x : 1 + x) + detail::rounded(standard_deviation * a),
                     (upper ? y : 0.5 + y) + detail::rounded(standard_deviation * b));
  });
}

inline Tensor<float, 2> SwissRoll::sample(Index n, Rng& rng) const {
  return detail::sample_points(n, rng, [&](double a, double b) {
    const double t = std::numbers::pi * (1.5 + detail::rounded(3 * rng.uniform()));
    return std::pair(t * std::cos(t) / 5 + detail::rounded(standard_deviation * a),
                     t * std::sin(t) / 5 + detail::rounded(standard_deviation * b));
  });
}

inline Tensor<float, 2> Pinwheel::sample(Index n, Rng& rng) const {
  require<ArgumentError>(arms >= 1, "Pinwheel: expected arms >= 1 but got ", arms);
  return detail::sample_points(n, rng, [&](double a, double b) {
    const double along = 1 + detail::rounded(radial_standard_deviation * a), across = tangential_standard_deviation * b;
    const double arm = 2 * std::numbers::pi * static_cast<double>(rng.below(arms)) / static_cast<double>(arms);
    const double angle = arm + detail::rounded(rate * std::exp(along)), c = std::cos(angle), s = std::sin(angle);
    using detail::rounded;
    return std::pair(2 * (rounded(along * c) - rounded(across * s)), 2 * (rounded(along * s) + rounded(across * c)));
  });
}

inline Tensor<float, 2> Checkerboard::sample(Index n, Rng& rng) const {
  require<ArgumentError>(cells_per_side >= 1, "Checkerboard: expected cells_per_side >= 1 but got ", cells_per_side);
  const double cell = width / static_cast<double>(cells_per_side);
  Tensor<float, 2> points(Shape{n, Index{2}});
  for (Index i = 0; i < n; ++i) {
    Index column = 0, row = 0;
    do {
      column = rng.below(cells_per_side);
      row = rng.below(cells_per_side);
    } while ((column + row) % 2 != 0);
    points(i, 0) =
        static_cast<float>(detail::rounded(cell * (static_cast<double>(column) + rng.uniform())) - width / 2);
    points(i, 1) = static_cast<float>(detail::rounded(cell * (static_cast<double>(row) + rng.uniform())) - width / 2);
  }
  return points;
}

template <class Scalar>
Tensor<Scalar, 1> Checkerboard::log_prob(const Tensor<Scalar, 2>& x) const {
  require(x.shape(1) == 2, "Checkerboard::log_prob: expected x of shape [N, 2] but got ", x.shape());
  const double cells = static_cast<double>(cells_per_side), cell = width / cells;
  const double filled = std::ceil(cells * cells / 2);
  Tensor<Scalar, 1> result(Shape{x.shape(0)});
  for (Index i = 0; i < x.shape(0); ++i) {
    const double column = std::floor((static_cast<double>(x(i, 0)) + width / 2) / cell);
    const double row = std::floor((static_cast<double>(x(i, 1)) + width / 2) / cell);
    const bool inside = column >= 0 && column < cells && row >= 0 && row < cells && std::fmod(column + row, 2) == 0;
    const bool unknown = std::isnan(column) || std::isnan(row);
    result(i) = static_cast<Scalar>(unknown  ? std::numeric_limits<double>::quiet_NaN()
                                    : inside ? -std::log(filled * cell * cell)
                                             : -std::numeric_limits<double>::infinity());
  }
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
