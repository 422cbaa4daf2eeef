// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/distributions/standard_normal.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Independent normals given by their means [N, ...] and the logarithm of their standard deviation, which may be one
/// number [], one for each feature [F], or one for each element; fixed or learned. Log-scales are bounded to [-15, 10];
/// outside, their gradient is zero. Throws ShapeError unless the log-scale can be stretched to the mean's shape.
template <class Scalar = float, int Rank = 2, int ScaleRank = 0>
class Normal {
 public:
  Normal(Variable<Scalar, Rank> mean, const Variable<Scalar, ScaleRank>& log_scale)
      : mean_(std::move(mean)), log_scale_(clamp(log_scale, -15, 10)) {
    require(detail::stretches_to(log_scale.shape(), mean_.shape()),
            "Normal: expected a log-scale that can be stretched to the mean's shape ", mean_.shape(), " but got ",
            log_scale.shape());
  }

  const Variable<Scalar, Rank>& mean() const { return mean_; }
  /// ln sigma, bounded.
  const Variable<Scalar, ScaleRank>& log_scale() const { return log_scale_; }

  /// mean + sigma * noise, [N, ...]: differentiable with respect to mean and log-scale.
  Variable<Scalar, Rank> sample(Rng& rng) const {
    Tensor<Scalar, Rank> noise(mean_.shape());
    rng.fill_normal(noise.data(), noise.size());
    return map([](auto m, auto s, auto e) { return m + s * e; }, mean_, exp(log_scale_), Variable(std::move(noise)));
  }
  /// sum(-((x - mean) / sigma)^2 / 2 - ln sigma - ln(2 pi) / 2) in nats, x [N, ...] -> [N]. Throws ShapeError.
  Variable<Scalar, 1> log_prob(const Variable<Scalar, Rank>& x) const {
    require(x.shape() == mean_.shape(), "Normal::log_prob: expected x of shape ", mean_.shape(), " but got ",
            x.shape());
    const auto terms = map([](auto t, auto m, auto inverse, auto l) { return -0.5 * square((t - m) * inverse) - l; }, x,
                           mean_, exp(-log_scale_), log_scale_);
    return sum_per_sample(terms) - features() * detail::half_log_two_pi;
  }
  /// sum(ln sigma + (1 + ln(2 pi)) / 2) in nats, [N].
  Variable<Scalar, 1> entropy() const {
    return sum_per_sample(broadcast(log_scale_, mean_.shape())) + features() * (0.5 + detail::half_log_two_pi);
  }

 private:
  double features() const {
    double product = 1;
    for (int axis = 1; axis < Rank; ++axis) product *= static_cast<double>(mean_.shape(axis));
    return product;
  }

  Variable<Scalar, Rank> mean_;
  Variable<Scalar, ScaleRank> log_scale_;
};

/// KL(q || p) = sum(ln(sp / sq) + (sq^2 + (mq - mp)^2) / (2 sp^2) - 1/2) in nats, [N].
/// Throws ShapeError for unequal shapes.
template <class Scalar, int Rank, int ScaleRankQ, int ScaleRankP>
Variable<Scalar, 1> kl_divergence(const Normal<Scalar, Rank, ScaleRankQ>& q,
                                  const Normal<Scalar, Rank, ScaleRankP>& p) {
  require(q.mean().shape() == p.mean().shape(), "kl_divergence: expected distributions of equal shape but got ",
          q.mean().shape(), " and ", p.mean().shape());
  const auto term = [](auto mq, auto lq, auto mp, auto lp) {
    const auto log_ratio = 2 * (lq - lp);
    return 0.5 * (square(mq - mp) * exp(-2 * lp) + (expm1(log_ratio) - log_ratio));
  };
  return sum_per_sample(map(term, q.mean(), q.log_scale(), p.mean(), p.log_scale()));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
