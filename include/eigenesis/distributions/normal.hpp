// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/distributions/standard_normal.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Independent normals given by their means [N, ...] and log-variances ln sigma^2, which may be one for each element,
/// one for each feature [F], or one number []; fixed or learned. With one for each latent this is the posterior q(z |
/// x) of a VAE (Kingma and Welling 2014). Log-variances are bounded to [-30, 20]; outside, their gradient is zero.
/// Throws ShapeError unless the log-variance can be stretched to the mean's shape.
template <class Scalar = float, int Rank = 2, int VarianceRank = Rank>
class Normal {
 public:
  Normal(Variable<Scalar, Rank> mean, const Variable<Scalar, VarianceRank>& log_variance)
      : mean_(std::move(mean)), log_variance_(clamp(log_variance, -30, 20)) {
    require(detail::stretches_to(log_variance.shape(), mean_.shape()),
            "Normal: expected a log-variance that can be stretched to the mean's shape ", mean_.shape(), " but got ",
            log_variance.shape());
  }

  /// The mean [N, ...].
  const Variable<Scalar, Rank>& mean() const { return mean_; }
  /// ln sigma^2, bounded.
  const Variable<Scalar, VarianceRank>& log_variance() const { return log_variance_; }
  /// sigma.
  Variable<Scalar, VarianceRank> standard_deviation() const { return exp(0.5 * log_variance_); }

  /// mean + sigma * noise, [N, ...]: one draw for each element, differentiable with respect to mean and log-variance.
  Variable<Scalar, Rank> sample(Rng& rng) const {
    Tensor<Scalar, Rank> noise(mean_.shape());
    rng.fill_normal(noise.data(), noise.size());
    return map([](auto m, auto l, auto e) { return m + exp(0.5 * l) * e; }, mean_, log_variance_,
               Variable(std::move(noise)));
  }
  /// sum(-(((x - mean) / sigma)^2 + ln sigma^2 + ln(2 pi)) / 2) in nats, x [N, ...] -> [N]. Throws ShapeError.
  Variable<Scalar, 1> log_prob(const Variable<Scalar, Rank>& x) const {
    require(x.shape() == mean_.shape(), "Normal::log_prob: expected x of the shape of the mean, ", mean_.shape(),
            ", but got ", x.shape());
    // exp(-l) is taken before it is stretched to the shape of x.
    const auto terms = map([](auto t, auto m, auto inverse, auto l) { return -0.5 * (square(t - m) * inverse + l); }, x,
                           mean_, exp(-log_variance_), log_variance_);
    return sum_per_sample(terms) - features() * detail::half_log_two_pi;
  }
  /// sum(1 + ln(2 pi) + ln sigma^2) / 2 in nats, [N].
  Variable<Scalar, 1> entropy() const {
    return 0.5 * sum_per_sample(broadcast(log_variance_, mean_.shape())) + features() * (0.5 + detail::half_log_two_pi);
  }

 private:
  double features() const {
    double product = 1;
    for (int axis = 1; axis < Rank; ++axis) product *= static_cast<double>(mean_.shape(axis));
    return product;
  }

  Variable<Scalar, Rank> mean_;
  Variable<Scalar, VarianceRank> log_variance_;
};

/// KL(q || N(0, I)) = sum(mean^2 + sigma^2 - 1 - ln sigma^2) / 2 in nats, [N] (Kingma and Welling 2014, appendix B).
/// Throws ShapeError unless both have as many latents.
template <class Scalar, int VarianceRank>
Variable<Scalar, 1> kl_divergence(const Normal<Scalar, 2, VarianceRank>& q, const StandardNormal<Scalar>& p) {
  require(q.mean().shape(1) == p.size, "kl_divergence: expected a posterior of ", p.size,
          " latents as in the prior but got shape ", q.mean().shape());
  return sum(map([](auto m, auto l) { return 0.5 * (square(m) + (expm1(l) - l)); }, q.mean(), q.log_variance()), 1);
}

/// The same for each latent, as a mean over the samples: [K]. A latent below about 0.01 nats carries nothing: the
/// posterior has collapsed onto the prior there (Bowman et al. 2016).
template <class Scalar, int VarianceRank>
Tensor<Scalar, 1> kl_per_latent(const Normal<Scalar, 2, VarianceRank>& q) {
  const NoGradient no_gradient;
  return mean(map([](auto m, auto l) { return 0.5 * (square(m) + (expm1(l) - l)); }, q.mean(), q.log_variance()), 0)
      .value();
}

/// KL(q || p) = sum(ln(sp^2 / sq^2) + (sq^2 + (mq - mp)^2) / sp^2 - 1) / 2 in nats, [N].
/// Throws ShapeError for unequal shapes.
template <class Scalar, int Rank, int VarianceRankQ, int VarianceRankP>
Variable<Scalar, 1> kl_divergence(const Normal<Scalar, Rank, VarianceRankQ>& q,
                                  const Normal<Scalar, Rank, VarianceRankP>& p) {
  require(q.mean().shape() == p.mean().shape(), "kl_divergence: expected distributions of equal shape but got ",
          q.mean().shape(), " and ", p.mean().shape());
  const auto term = [](auto mq, auto lq, auto mp, auto lp) {
    const auto log_ratio = lq - lp;
    return 0.5 * (square(mq - mp) * exp(-lp) + (expm1(log_ratio) - log_ratio));
  };
  return sum_per_sample(map(term, q.mean(), q.log_variance(), p.mean(), p.log_variance()));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
