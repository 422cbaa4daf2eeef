// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include "eigenesis/training/fit_loop.hpp"

// Training, by one loop for any trainer. A trainer is one step of training, its losses, and what the next step depends
// on:
//   struct DenoiserTrainer {
//     Loss step(const Tensor<float, 2>& batch, Rng& rng);            // one update; returns the losses before it
//     Loss evaluate(const Tensor<float, 2>& batch, Rng& rng) const;  // if held-out data are to be evaluated
//     static void fields(auto& self, auto&& field);                  // models and optimizers: what is saved
//   };
// Its losses are any struct of doubles that lists them in `fields`; `Loss` is one of a single number. A trainer may
// also have a `name` for messages and a `title` for the progress line. One whose step takes several batches says how
// many, `Index batches_per_step() const`, and asks for them: step(next_batch, rng).
namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

template <class Losses, class Trainer, class Data>
FitHistory<Losses> fit(Trainer& trainer, const Data& data, const FitOptions<Losses>& options, Rng& rng,
                       const HeldOut<Losses>* held_out) {
  Ranks* const ranks = options.distributed.get();
  try {
    if (held_out) held_out->losses(1);  // what cannot be evaluated is found now
    return FitLoop<Losses, Trainer, Data>(ranks, trainer, data, options, rng, held_out).run();
  } catch (...) {
    if (ranks) ranks->report();
    throw;
  }
}

}  // namespace detail

/// Trains on `data`, whatever the trainer takes batches of: a tensor [N, ...], Conditioned or another struct of tensors
/// with one first axis, Transformed of one of these, or anything with `sample(n, rng)`. Throws ArgumentError for
/// options that do not fit, and what trainer.step throws.
template <class Trainer, class Data>
FitHistory<LossesOf<Trainer, Data>> fit(Trainer& trainer, const Data& data,
                                        const FitOptions<LossesOf<Trainer, Data>>& options, Rng& rng) {
  return detail::fit<LossesOf<Trainer, Data>>(trainer, data, options, rng, nullptr);
}
/// The same, and evaluates on held-out data after each epoch, with the same random numbers each time. A held-out loss
/// that is NaN throws DataError if a number of these data is not finite, else NumericError.
template <class Trainer, class Data, class HeldOut>
FitHistory<LossesOf<Trainer, Data>> fit(Trainer& trainer, const Data& data, const HeldOut& held_out,
                                        const FitOptions<LossesOf<Trainer, Data>>& options, Rng& rng) {
  static_assert(
      requires(Batches<HeldOut> & batches) { trainer.evaluate(batches.next(rng), rng); },
      "eigenesis: a trainer needs evaluate(batch, rng) for held-out data of this kind");
  const detail::HeldOutOf<LossesOf<Trainer, Data>, Trainer, HeldOut> evaluated(trainer, held_out);
  return detail::fit<LossesOf<Trainer, Data>>(trainer, data, options, rng, &evaluated);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
