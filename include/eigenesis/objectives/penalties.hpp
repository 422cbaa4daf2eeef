// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/core/rng.hpp"
#include "eigenesis/ops/reduce.hpp"

// What GanTrainer adds to the discriminator's loss. A penalty of one's own is a struct with one call operator, here the
// mean square of D's logits, which keeps them from drifting (Karras et al. 2018, appendix A.1):
//   struct Drift {
//     auto operator()(const auto& discriminator, const auto& real, const auto& /*fake*/, Rng& /*rng*/) const {
//       return 1e-3 * mean(square(discriminator(real)));
//     }
//   };
// `discriminator` is a function of samples, [N, ...] -> [N, 1], that leaves running averages alone; `real` and `fake`
// are the constants [N, ...] that D is trained on in this step, instance noise included; the result is a number [].
// With `static constexpr bool needs_separate_samples = true` a D with BatchNorm, which mixes samples, is refused. Who
// wants it nonetheless says so: struct MixedR1 : R1 { static constexpr bool needs_separate_samples = false; };
// Gradients of D with respect to samples are those of watch(x), and the optimizer differentiates them once more.
namespace eigenesis::inline EIGENESIS_ABI {

namespace detail {

/// |d discriminator(x[i]) / d x[i]|^2 for each sample, over all its axes, x [N, ...] -> [N]. The gradient of the sum of
/// all logits has them all at once, if each logit depends on its own sample only: not with BatchNorm in D.
auto squared_gradient_norm(const auto& discriminator, const auto& samples) {
  const auto x = watch(samples);
  return sum_per_sample(square(gradient(sum(discriminator(x)), x)));
}

}  // namespace detail

/// Adds nothing.
struct NoPenalty {};

/// gamma / 2 * mean_i |grad_x D(x_i)|^2 over real samples: D becomes flat around the data, and a GAN that would circle
/// around its fixed point comes to rest there (Mescheder et al. 2018, equation 9). Throws ArgumentError for gamma < 0.
struct R1 {
  static constexpr bool needs_separate_samples = true;
  double gamma = 10;  // half of it is the weight

  auto operator()(const auto& discriminator, const auto& real, const auto&, Rng&) const {
    require<ArgumentError>(gamma >= 0 && std::isfinite(gamma), "R1: expected a finite gamma >= 0 but got ", gamma);
    return gamma / 2 * mean(detail::squared_gradient_norm(discriminator, real));
  }
};

/// weight * mean_i (|grad_x D(x_i)| - 1)^2 at x_i = real_i + e_i (fake_i - real_i), with e_i uniform in [0, 1], one for
/// each sample: keeps a critic's slope near 1, as the Wasserstein distance demands (WGAN-GP, Gulrajani et al. 2017,
/// equation 3). Not for a D with BatchNorm. Throws ArgumentError for weight < 0, ShapeError unless real and fake have
/// the same shape.
struct GradientPenalty {
  static constexpr bool needs_separate_samples = true;
  double weight = 10;  // of the penalty, beside the loss of D

  template <class Scalar, int Rank>
  Variable<Scalar, 0> operator()(const auto& discriminator, const Variable<Scalar, Rank>& real,
                                 const Variable<Scalar, Rank>& fake, Rng& rng) const {
    require<ArgumentError>(weight >= 0 && std::isfinite(weight),
                           "GradientPenalty: expected a finite weight >= 0 but got ", weight);
    require(real.shape() == fake.shape(), "GradientPenalty: expected fake samples of the shape of real ones, ",
            real.shape(), ", but got ", fake.shape());
    Shape<Rank> one_each;
    one_each.sizes.fill(1);
    one_each[0] = real.shape(0);
    Tensor<Scalar, Rank> e(one_each);
    rng.fill_uniform(e.data(), e.size(), 0, 1);
    const auto between =
        map([](auto r, auto f, auto t) { return r + t * (f - r); }, real, fake, Variable(std::move(e)));
    // The slope of a root is infinite at 0, where a D of relu or one that starts with zeros may well be.
    const auto distance = [](auto squared_norm) { return square(sqrt(squared_norm + 1e-12) - 1); };
    return weight * mean(map(distance, detail::squared_gradient_norm(discriminator, between)));
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
