// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/parameter.hpp"
#include "eigenesis/distributions/bernoulli.hpp"
#include "eigenesis/distributions/normal.hpp"

// A likelihood makes a distribution over x of what the network of a decoder gives, [N, ...] -> p(x | z). One of one's
// own is a struct like these; if it learns something, it lists it as a layer does.
namespace eigenesis::inline EIGENESIS_ABI {

/// The network gives logits; x in [0, 1].
struct BernoulliLikelihood {
  template <class Scalar, int Rank>
  Bernoulli<Scalar, Rank> operator()(const Variable<Scalar, Rank>& logits) const {
    return Bernoulli<Scalar, Rank>(logits);
  }
};

/// The network gives means of normals, all of one fixed standard deviation.
/// Throws ArgumentError unless it lies in [1e-6, 1e4].
struct NormalLikelihood {
  double standard_deviation = 1;  // in the unit of x

  template <class Scalar, int Rank>
  Normal<Scalar, Rank, 0> operator()(const Variable<Scalar, Rank>& mean) const {
    require<ArgumentError>(standard_deviation >= 1e-6 && standard_deviation <= 1e4,
                           "NormalLikelihood: expected a standard deviation in [1e-6, 1e4] but got ",
                           standard_deviation);
    const double log_variance = 2 * std::log(standard_deviation);
    return {mean, Variable<Scalar, 0>(Tensor<Scalar, 0>({}, static_cast<Scalar>(log_variance)))};
  }
  std::string details() const { return detail::text(standard_deviation); }
};

/// The network gives means of normals, all of one standard deviation, which is learned and begins at 1.
template <class Scalar = float>
struct LearnedNormalLikelihood {
  Parameter<Scalar, 0> log_standard_deviation;  // natural logarithm

  template <int Rank>
  Normal<Scalar, Rank, 0> operator()(const Variable<Scalar, Rank>& mean) const {
    return {mean, 2 * log_standard_deviation};
  }
  static void fields(auto& self, auto&& field) { field("log_standard_deviation", self.log_standard_deviation); }
};

/// The normal of variance 1/2 without its constant, ln(pi) / 2 nats for each number of x.
template <class Scalar = float, int Rank = 2>
class SquaredErrorNormal {
 public:
  explicit SquaredErrorNormal(Variable<Scalar, Rank> mean) : mean_(std::move(mean)) {}

  /// The mean [N, ...].
  const Variable<Scalar, Rank>& mean() const { return mean_; }
  /// mean + noise / sqrt(2), [N, ...].
  Variable<Scalar, Rank> sample(Rng& rng) const {
    Tensor<Scalar, Rank> noise(mean_.shape());
    rng.fill_normal(noise.data(), noise.size());
    return mean_ + std::sqrt(0.5) * Variable(std::move(noise));
  }
  /// -sum((x - mean)^2), x [N, ...] -> [N]. Throws ShapeError.
  Variable<Scalar, 1> log_prob(const Variable<Scalar, Rank>& x) const {
    require(x.shape() == mean_.shape(), "SquaredError::log_prob: expected x of the shape of the mean, ", mean_.shape(),
            ", but got ", x.shape());
    return sum_per_sample(map([](auto t, auto m) { return -square(t - m); }, x, mean_));
  }

 private:
  Variable<Scalar, Rank> mean_;
};

/// The network gives x itself; -log p(x | z) is the squared error of a sample, summed over its features.
struct SquaredError {
  template <class Scalar, int Rank>
  SquaredErrorNormal<Scalar, Rank> operator()(const Variable<Scalar, Rank>& mean) const {
    return SquaredErrorNormal<Scalar, Rank>(mean);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
