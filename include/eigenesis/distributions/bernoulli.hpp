// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/pointwise.hpp"
#include "eigenesis/kernels/reductions.hpp"
#include "eigenesis/ops/reduce.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// Whether all elements lie in [low, high]; NaN does not.
template <class Scalar>
bool all_within(const Scalar* x, Index n, Scalar low, Scalar high) {
  std::atomic<bool> within{true};
  run_ranges(n, piece_size, [&](Index first, Index last) {
    constexpr Index block = 1024;
    alignas(64) Scalar negated[block];
    for (Index i = first; i < last; i += block) {
      const Index count = std::min(block, last - i);
      pointwise<Scalar>(Operation::negate)(negated, x + i, nullptr, nullptr, Scalar{0}, count);
      if (!(max_piece(x + i, count, isa()) <= high && max_piece(negated, count, isa()) <= -low)) within = false;
    }
  });
  return within;
}

}  // namespace detail

/// Independent coins given by the logits ln(p / (1 - p)) [N, ...]: the likelihood of pixels in [0, 1].
template <class Scalar = float, int Rank = 2>
class Bernoulli {
 public:
  explicit Bernoulli(Variable<Scalar, Rank> logits) : logits_(std::move(logits)) {}

  /// The logits [N, ...].
  const Variable<Scalar, Rank>& logits() const { return logits_; }
  /// The probabilities of 1, sigmoid(logits).
  Variable<Scalar, Rank> mean() const { return sigmoid(logits_); }

  /// sum(x logit - softplus(logit)) in nats, x [N, ...] -> [N]. Values between 0 and 1 are taken as they are, as most
  /// VAEs do with grey pixels, though then it is no log-probability. Throws ShapeError; DataError outside of [0, 1].
  Variable<Scalar, 1> log_prob(const Variable<Scalar, Rank>& x) const {
    require(x.shape() == logits_.shape(), "Bernoulli::log_prob: expected x of the shape of the logits, ",
            logits_.shape(), ", but got ", x.shape());
    if (!detail::all_within(x.value().data(), x.size(), Scalar{0}, Scalar{1})) refuse(x.value());
    return sum_per_sample(map([](auto t, auto l) { return t * l - softplus(l); }, x, logits_));
  }
  /// Zeros and ones, [N, ...].
  Tensor<Scalar, Rank> sample(Rng& rng) const {
    const NoGradient no_gradient;
    Tensor<Scalar, Rank> uniform(logits_.shape());
    rng.fill_uniform(uniform.data(), uniform.size(), Scalar{0}, Scalar{1});
    return map([](auto u, auto l) { return select(l == l, u < sigmoid(l), l); }, Variable(std::move(uniform)), logits_)
        .value();
  }
  /// sum(softplus(logit) - p logit) in nats, [N].
  Variable<Scalar, 1> entropy() const {
    return sum_per_sample(map([](auto l) { return softplus(l) - l * sigmoid(l); }, logits_));
  }

 private:
  [[gnu::cold, gnu::noinline]] static void refuse(const Tensor<Scalar, Rank>& x) {
    const Scalar* const found =
        std::find_if_not(x.data(), x.data() + x.size(), [](Scalar t) { return t >= 0 && t <= 1; });
    detail::fail<DataError>("Bernoulli::log_prob: expected x in [0, 1] but got ", *found, " in row ",
                            (found - x.data()) / (x.size() / x.shape(0)));
  }

  Variable<Scalar, Rank> logits_;
};

/// KL(q || p) = sum(q (ln q - ln p) + (1 - q) (ln(1 - q) - ln(1 - p))) in nats, [N].
/// Throws ShapeError for unequal shapes.
template <class Scalar, int Rank>
Variable<Scalar, 1> kl_divergence(const Bernoulli<Scalar, Rank>& q, const Bernoulli<Scalar, Rank>& p) {
  require(q.logits().shape() == p.logits().shape(), "kl_divergence: expected distributions of equal shape but got ",
          q.logits().shape(), " and ", p.logits().shape());
  return sum_per_sample(map([](auto lq, auto lp) { return sigmoid(lq) * (lq - lp) + softplus(lp) - softplus(lq); },
                            q.logits(), p.logits()));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
