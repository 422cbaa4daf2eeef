// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/reduce.hpp"

// What discriminator and generator minimise: two functions of logits, [N, 1] -> []. One of one's own is a struct like
// these. With D = sigmoid(logit): -log D = softplus(-logit) and -log(1 - D) = softplus(logit), which never overflow.
namespace eigenesis::inline EIGENESIS_ABI {

namespace detail {

/// -mean(log D(real)) - mean(log(1 - D(fake))): 2 ln 2 - 2 JS(data, generator) for the optimal discriminator.
auto binary_cross_entropy(const auto& real_logits, const auto& fake_logits) {
  return mean(softplus(-real_logits)) + mean(softplus(fake_logits));
}

}  // namespace detail

/// The original game: G minimises mean(log(1 - D(fake))), whose gradient vanishes where D is sure that the samples are
/// fake (Goodfellow et al. 2014, equation 1).
struct Minimax {
  auto discriminator_loss(const auto& real_logits, const auto& fake_logits) const {
    return detail::binary_cross_entropy(real_logits, fake_logits);
  }
  auto generator_loss(const auto& fake_logits) const { return -mean(softplus(fake_logits)); }
};

/// G minimises -mean(log D(fake)) instead: the same fixed point, but a strong gradient where D is sure that the samples
/// are fake (Goodfellow et al. 2014, section 3).
struct NonSaturating {
  auto discriminator_loss(const auto& real_logits, const auto& fake_logits) const {
    return detail::binary_cross_entropy(real_logits, fake_logits);
  }
  auto generator_loss(const auto& fake_logits) const { return mean(softplus(-fake_logits)); }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
