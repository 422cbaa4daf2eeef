// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

#include "eigenesis/layers/pass.hpp"
#include "eigenesis/training/fit_progress.hpp"

// What fit asks of a trainer: steps on batches, their losses, losses on held-out data, names.
namespace eigenesis::inline EIGENESIS_ABI {

namespace detail {

/// Gives batches one by one, and counts their samples.
template <class Batches>
struct NextBatch {
  Batches& batches;
  Rng& rng;
  Ranks* ranks = nullptr;  // if there are others, which have the other rows
  Index samples = 0;

  auto operator()() {
    if (ranks) [[unlikely]] {
      rng.draw_rows({}, {});  // the order of an epoch is drawn alike
      ranks->begin_batch(batches.next_rows(rng), rng);
    }
    auto batch = batches.next(rng);
    samples += row_count("fit", batch);
    return batch;
  }
};

/// Whether a layer somewhere in the fields normalises by the batch, as BatchNorm does.
template <class T>
bool mixes_samples(const T& object) {
  bool found = requires { T::mixes_samples; };
  if constexpr (is_sequence_v<T>)
    for (const auto& each : object) found = found || mixes_samples(each);
  else if constexpr (HasFields<const T>)
    T::fields(object,
              [&](std::string_view, const auto& field, InFiles = {}) { found = found || mixes_samples(field); });
  return found;
}

template <class Trainer>
concept TakesSeveralBatches = requires(const Trainer& trainer) {
  trainer.batches_per_step();
};

/// One step. A trainer that says how many `batches_per_step()` it takes asks for them itself: step(next_batch, rng).
template <class Trainer, class Batches>
auto one_step(Trainer& trainer, NextBatch<Batches>& next, Rng& rng) {
  static_assert(
      TakesSeveralBatches<Trainer> || requires { trainer.step(next(), rng); },
      "eigenesis: a trainer needs step(batch, rng) for batches of such data, with their scalar (float, double) and "
      "number of axes");
  if constexpr (TakesSeveralBatches<Trainer>)
    return trainer.step(next, rng);
  else
    return trainer.step(next(), rng);
}

/// "VaeTrainer::fit", or "fit" for a trainer without a name.
template <class Trainer>
std::string fit_name() {
  if constexpr (requires { Trainer::name; })
    return std::string(Trainer::name) + "::fit";
  else
    return "fit";
}

/// "VAE", or nothing for a trainer without one.
template <class Trainer>
const char* title() {
  if constexpr (requires { Trainer::title; })
    return Trainer::title;
  else
    return "";
}

/// Whether a loss `discriminator` of 0 means that D tells all samples from data; a trainer may say that it does not.
template <class Trainer>
constexpr bool discriminator_wins_at_zero() {
  if constexpr (requires { Trainer::discriminator_wins_at_zero; })
    return Trainer::discriminator_wins_at_zero;
  else
    return true;
}

/// How long a training takes.
struct Duration {
  Index steps;  // in each epoch
  Index epochs;
};

/// A number of steps makes one epoch; epochs are passes over a finite data set, where a step takes `batches_per_step`
/// batches. Exactly one of the two numbers is > 0.
template <class Batches>
Duration plan(const std::string& name, const Batches& batches, Index steps, Index epochs, Index batches_per_step) {
  require<ArgumentError>(steps >= 0 && epochs >= 0 && (steps > 0) != (epochs > 0), name,
                         ": expected either steps > 0 or epochs > 0 but got steps = ", steps, " and epochs = ", epochs);
  if (steps > 0) return {.steps = steps, .epochs = 1};
  if constexpr (Batches::endless)
    fail<ArgumentError>(name, ": expected steps for an endless source but got epochs = ", epochs);
  else
    return {.steps = std::max<Index>(1, batches.steps_per_epoch() / batches_per_step), .epochs = epochs};
}

}  // namespace detail

/// The losses of a trainer on batches of such data.
template <class Trainer, class Data>
using LossesOf = decltype(detail::one_step(std::declval<Trainer&>(), std::declval<detail::NextBatch<Batches<Data>>&>(),
                                           std::declval<Rng&>()));

namespace detail {

/// The mean losses of the first batches of data.
template <class Trainer, class Data>
auto evaluate(Trainer& trainer, const Data& data, Rng rng, Index batch_size, Index most_batches) {
  const NoGradient no_gradient;
  Batches<Data> batches(data, {.batch_size = batch_size, .shuffle = false}, "evaluate");
  NextBatch<Batches<Data>> next{batches, rng};
  batches.begin_epoch(rng);
  MeanLosses<decltype(trainer.evaluate(next(), rng))> mean;
  for (Index i = 0; i < std::min(most_batches, batches.steps_per_epoch()); ++i) {
    next.samples = 0;
    const auto losses = trainer.evaluate(next(), rng);
    mean.add(losses, next.samples);
  }
  return mean.mean();
}

}  // namespace detail

/// The mean of trainer.evaluate(batch, rng) over held-out data, every sample weighted alike; records nothing. The
/// generator is a copy: equal data and seeds give equal losses, and evaluation leaves a training as it is.
template <class Trainer, class Data>
auto evaluate(Trainer& trainer, const Data& data, Rng rng, Index batch_size = 1000) {
  return detail::evaluate(trainer, data, rng, batch_size, std::numeric_limits<Index>::max());
}

}  // namespace eigenesis::inline EIGENESIS_ABI
