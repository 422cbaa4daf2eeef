// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "eigenesis/core/schedules.hpp"
#include "eigenesis/ops/reduce.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// What a VaeTrainer minimises: -mean(log p(x | z) - beta KL(q(z | x) || p(z))), in nats. With beta = 1 it is the
/// negative evidence lower bound (Kingma and Welling 2014); other weights trade reconstruction for codes near the prior
/// (Higgins et al. 2017); a weight that rises from 0 keeps codes from collapsing early: `{.schedule =
/// LinearWarmUp{5000}}`. One of one's own has the same `loss`.
struct Elbo {
  double beta = 1;         // weight of the divergence,
  Schedule schedule = {};  // times this function of the step, counted from 0
  bool is_default() const { return beta == 1 && !schedule; }

  /// The weight in a step. Throws ArgumentError unless it is finite and >= 0.
  double beta_in(Index step) const {
    const double result = beta * (schedule ? schedule(step) : 1);
    require<ArgumentError>(result >= 0 && std::isfinite(result), "Elbo: expected a finite beta >= 0 but got ", result,
                           " in step ", step);
    return result;
  }
  /// `terms` has log p(x | z) and KL of each sample, [N]: the ElboTerms of a model.
  auto loss(const auto& terms, Index step) const { return -mean(terms.elbo(beta_in(step))); }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
