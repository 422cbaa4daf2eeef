// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/distributions/standard_normal.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Independent normals given by their means and log-variances, both [N, L]: the posterior q(z | x) of a VAE (Kingma and
/// Welling 2014). Log-variances are bounded to [-30, 20]; outside, their gradient is zero.
/// Throws ShapeError for unequal shapes.
template <class Scalar = float>
class DiagonalNormal {
 public:
  DiagonalNormal(Variable<Scalar, 2> mean, const Variable<Scalar, 2>& log_variance)
      : mean_(std::move(mean)), log_variance_(clamp(log_variance, -30, 20)) {
    require(mean_.shape() == log_variance.shape(), "DiagonalNormal: expected a log-variance of the mean's shape ",
            mean_.shape(), " but got ", log_variance.shape());
  }

  const Variable<Scalar, 2>& mean() const { return mean_; }
  /// ln sigma^2, bounded.
  const Variable<Scalar, 2>& log_variance() const { return log_variance_; }

  /// mean + sigma * noise, [N, L]: one draw for each row, differentiable with respect to mean and log-variance.
  Variable<Scalar, 2> sample(Rng& rng) const {
    Tensor<Scalar, 2> noise(mean_.shape());
    rng.fill_normal(noise.data(), noise.size());
    return map([](auto m, auto l, auto e) { return m + exp(0.5 * l) * e; }, mean_, log_variance_,
               Variable(std::move(noise)));
  }
  /// ln q(x) in nats, x [N, L] -> [N]. Throws ShapeError.
  Variable<Scalar, 1> log_prob(const Variable<Scalar, 2>& x) const {
    require(x.shape() == mean_.shape(), "DiagonalNormal::log_prob: expected x of shape ", mean_.shape(), " but got ",
            x.shape());
    const auto terms =
        map([](auto t, auto m, auto l) { return -0.5 * (square(t - m) * exp(-l) + l); }, x, mean_, log_variance_);
    return sum(terms, 1) - latents() * detail::half_log_two_pi;
  }
  /// sum(1 + ln(2 pi) + ln sigma^2) / 2 in nats, [N].
  Variable<Scalar, 1> entropy() const {
    return 0.5 * sum(log_variance_, 1) + latents() * (0.5 + detail::half_log_two_pi);
  }

 private:
  double latents() const { return static_cast<double>(mean_.shape(1)); }

  Variable<Scalar, 2> mean_, log_variance_;
};

/// KL(q || N(0, I)) = sum(mean^2 + sigma^2 - 1 - ln sigma^2) / 2 in nats, [N] (Kingma and Welling 2014, appendix B).
/// Throws ShapeError unless both have as many latents.
template <class Scalar>
Variable<Scalar, 1> kl_divergence(const DiagonalNormal<Scalar>& q, const StandardNormal<Scalar>& p) {
  require(q.mean().shape(1) == p.size, "kl_divergence: expected a posterior of ", p.size,
          " latents as in the prior but got shape ", q.mean().shape());
  return sum(map([](auto m, auto l) { return 0.5 * (square(m) + (expm1(l) - l)); }, q.mean(), q.log_variance()), 1);
}

/// KL(q || p) = sum(ln(sp^2 / sq^2) + (sq^2 + (mq - mp)^2) / sp^2 - 1) / 2 in nats, [N].
/// Throws ShapeError for unequal shapes.
template <class Scalar>
Variable<Scalar, 1> kl_divergence(const DiagonalNormal<Scalar>& q, const DiagonalNormal<Scalar>& p) {
  require(q.mean().shape() == p.mean().shape(), "kl_divergence: expected distributions of equal shape but got ",
          q.mean().shape(), " and ", p.mean().shape());
  const auto term = [](auto mq, auto lq, auto mp, auto lp) {
    const auto log_ratio = lq - lp;
    return 0.5 * (square(mq - mp) * exp(-lp) + (expm1(log_ratio) - log_ratio));
  };
  return sum(map(term, q.mean(), q.log_variance(), p.mean(), p.log_variance()), 1);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
