// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/reduce.hpp"

// What discriminator and generator minimise: two functions of logits, [N, 1] -> []. One of one's own is a struct like
// these; its generator_loss may also ask for (real_logits, fake_logits). With D = sigmoid(logit): -log D =
// softplus(-logit) and -log(1 - D) = softplus(logit), which never overflow.
namespace eigenesis::inline EIGENESIS_ABI {

namespace detail {

/// -mean(log D(real)) - mean(log(1 - D(fake))): 2 ln 2 - 2 JS(data, generator) for the optimal discriminator.
auto binary_cross_entropy(const auto& real_logits, const auto& fake_logits) {
  return mean(softplus(-real_logits)) + mean(softplus(fake_logits));
}

/// Of two batches whose samples are compared one by one: stretched, they would be compared each with all.
void require_pairs(const char* function, const auto& real_logits, const auto& fake_logits) {
  require(std::ranges::equal(real_logits.shape().sizes, fake_logits.shape().sizes), function,
          ": expected as many fake as real logits but got ", fake_logits.shape(), " and ", real_logits.shape());
}

}  // namespace detail

/// The original game: G minimises mean(log(1 - D(fake))), whose gradient vanishes where D is sure that the samples are
/// fake (Goodfellow et al. 2014, equation 1).
struct Minimax {
  /// What D minimises, of logits [N, 1]; a number.
  auto discriminator_loss(const auto& real_logits, const auto& fake_logits) const {
    return detail::binary_cross_entropy(real_logits, fake_logits);
  }
  /// What G minimises, of logits [N, 1]; a number.
  auto generator_loss(const auto& fake_logits) const { return -mean(softplus(fake_logits)); }
};

/// G minimises -mean(log D(fake)) instead: the same fixed point, but a strong gradient where D is sure that the samples
/// are fake (Goodfellow et al. 2014, section 3).
struct NonSaturating {
  /// What D minimises, of logits [N, 1]; a number.
  auto discriminator_loss(const auto& real_logits, const auto& fake_logits) const {
    return detail::binary_cross_entropy(real_logits, fake_logits);
  }
  /// What G minimises, of logits [N, 1]; a number.
  auto generator_loss(const auto& fake_logits) const { return mean(softplus(-fake_logits)); }
};

/// D minimises mean((logit(real) - 1)^2) / 2 + mean(logit(fake)^2) / 2, G mean((logit(fake) - 1)^2) / 2: logits far
/// from their target pull, even on the right side (Mao et al. 2017, equation 9).
struct LeastSquares {
  /// What D minimises, of logits [N, 1]; a number.
  auto discriminator_loss(const auto& real_logits, const auto& fake_logits) const {
    return (mean(square(real_logits - 1)) + mean(square(fake_logits))) / 2;
  }
  /// What G minimises, of logits [N, 1]; a number.
  auto generator_loss(const auto& fake_logits) const { return mean(square(fake_logits - 1)) / 2; }
};

/// D minimises mean(max(0, 1 - logit(real))) + mean(max(0, 1 + logit(fake))), G -mean(logit(fake)): D rests where
/// samples are beyond a margin of 1 (Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17).
struct Hinge {
  /// What D minimises, of logits [N, 1]; a number.
  auto discriminator_loss(const auto& real_logits, const auto& fake_logits) const {
    return mean(relu(1 - real_logits)) + mean(relu(1 + fake_logits));
  }
  /// What G minimises, of logits [N, 1]; a number.
  auto generator_loss(const auto& fake_logits) const { return -mean(fake_logits); }
};

/// D minimises mean(score(fake)) - mean(score(real)), G -mean(score(fake)); D is a critic, whose scores have no bounds.
/// Of all critics whose slope is at most 1 the best one's loss is minus the Wasserstein distance (Arjovsky et al. 2017,
/// equation 2); GradientPenalty keeps it about there, without it scores grow forever.
struct Wasserstein {
  static constexpr bool is_critic = true;  // its loss has no least value: at 0, D has not won
  /// What D minimises, of scores [N, 1]; a number.
  auto discriminator_loss(const auto& real_scores, const auto& fake_scores) const {
    return mean(fake_scores) - mean(real_scores);
  }
  /// What G minimises, of scores [N, 1]; a number.
  auto generator_loss(const auto& fake_scores) const { return -mean(fake_scores); }
};

/// D minimises mean(softplus(-(logit(real) - logit(fake)))), G mean(softplus(-(logit(fake) - logit(real)))): D tells
/// which of two samples is the real one, and G moves as long as fake ones lose (Jolicoeur-Martineau 2019, section 4.1).
/// Throws ShapeError unless there are as many fake as real logits.
struct Relativistic {
  /// What D minimises, of logits [N, 1]; a number.
  auto discriminator_loss(const auto& real_logits, const auto& fake_logits) const {
    detail::require_pairs("Relativistic::discriminator_loss", real_logits, fake_logits);
    return mean(softplus(fake_logits - real_logits));
  }
  /// What G minimises, of logits [N, 1]; a number.
  auto generator_loss(const auto& real_logits, const auto& fake_logits) const {
    detail::require_pairs("Relativistic::generator_loss", real_logits, fake_logits);
    return mean(softplus(real_logits - fake_logits));
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
