// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eigenesis/layers/pass.hpp"
#include "eigenesis/training/own_parameters.hpp"
#include "eigenesis/training/resume.hpp"

// The one training loop, for any trainer. A trainer is one step of training, its losses, and what the next step depends
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

/// Gives the losses on the first batches of held-out data.
template <class Losses>
using HeldOutLosses = std::function<Losses(Index most_batches)>;

/// The loop. `held_out` is empty without such data; `ranks` are those of this training, if there are several.
template <class Losses, class Trainer, class Data>
FitHistory<Losses> fit_on(Ranks* ranks, Trainer& trainer, const Data& data, const FitOptions<Losses>& options, Rng& rng,
                          const HeldOutLosses<Losses>& held_out) {
  static_assert(
      HasNamedDoubles<Losses>,
      "eigenesis: the step of a trainer returns a struct of doubles that lists them in `fields`; Loss for one");
  const std::string name = fit_name<Trainer>();
  if (held_out) held_out(1);  // what cannot be evaluated is found now
  const bool drop_last = options.drop_last || TakesSeveralBatches<Trainer>;
  const Index rank = ranks ? ranks->rank() : 0, rank_count = ranks ? ranks->ranks() : 1;
  Batches<Data> batches(data,
                        {.batch_size = options.batch_size, .drop_last = drop_last, .rank = rank, .ranks = rank_count},
                        name.c_str());
  Index batches_per_step = 1;
  if constexpr (TakesSeveralBatches<Trainer>) batches_per_step = trainer.batches_per_step();
  const Duration duration = plan(name, batches, options.steps, options.epochs, batches_per_step);
  if constexpr (!Batches<Data>::endless)
    require<ArgumentError>(duration.steps < batches.steps_per_epoch() ||
                               batches.samples() % (rank_count * options.batch_size) / rank_count != 1 || drop_last ||
                               (ranks && ranks->synchronises()) || !mixes_samples(trainer),
                           name, ": expected more than one sample in each batch for BatchNorm but the last of ",
                           batches.samples(), " samples would be alone with batch_size = ", options.batch_size,
                           "; set drop_last");
  const Checkpoint* const checkpoint =
      options.checkpoint && !options.checkpoint->path.empty() ? &*options.checkpoint : nullptr;
  if (ranks) {
    if constexpr (!HasFields<Trainer>)
      fail<ArgumentError>(name, ": expected a trainer with `fields` for a training on several ranks");
    Index samples = 0;
    if constexpr (!Batches<Data>::endless) samples = batches.samples();
    ranks->begin({name, samples, checksum_of_few(data), options.steps, options.epochs, options.batch_size, drop_last,
                  checkpoint},
                 rng);
  }
  const Rng::State begin = rng.state();
  FitHistory<Losses> own_history;
  FitProgress<Losses> run{.history = options.history ? *options.history : own_history,
                          .batch_size = options.batch_size,
                          .epoch_steps = options.steps > 0 ? 0 : duration.steps,
                          .begin = begin,
                          .ranks = rank_count};
  FitState<Losses>& state = run.state;
  Losses::fields(state.held_out, [](std::string_view, double& value) { value = std::nan(""); });
  FitHistory<Losses>& history = run.history;
  Index& done = run.done;
  require<ArgumentError>(checkpoint || !options.checkpoint || options.checkpoint->start != Start::resume, name,
                         ": expected the path of a checkpoint to resume from but got none");
  if (options.checkpoint) {
    const Checkpoint& given = *options.checkpoint;
    require<ArgumentError>(HasFields<Trainer>, name, ": expected a trainer with `fields` for a checkpoint");
    require<ArgumentError>(given.every >= 0 && given.keep >= 1, name,
                           ": expected a checkpoint with every >= 0 and keep >= 1 but got ", given.every, " and ",
                           given.keep);
    require<ArgumentError>(checkpoint || (given.every == 0 && given.keep == 1), name,
                           ": expected the path of a checkpoint to keep but got none");
  }
  Progress progress = ranks ? ranks->progress(options.progress) : options.progress;
  Watching watching(ranks ? ranks->watchers(options.watch) : options.watch, progress,
                    {.title = title<Trainer>(),
                     .epochs = duration.epochs,
                     .steps_per_epoch = duration.steps,
                     .discriminator_wins_at_zero = discriminator_wins_at_zero<Trainer>()});
  const auto compare_ranks = [&] {
    if constexpr (HasFields<Trainer>)
      if (ranks) ranks->expect_same(saved_fields(trainer));
  };
  const auto save = [&] {
    if (checkpoint && watching) watching.save();
    compare_ranks();
    if constexpr (HasFields<Trainer>)
      if (checkpoint && rank == 0) {
        FitMemory memory = run.remember(batches, rng);
        std::vector<SavedField> fields = saved_fields(trainer, &memory.kinds);
        checkpoint->functions.save(checkpoint->path, checkpoint->keep, std::move(fields), memory);
      }
  };
  const auto stop_together = [&] {
    if (ranks) state.stop = ranks->agree(state.stop, rng);
  };
  FitHistory<Losses> before = std::exchange(history, {});
  bool resumed = false;
  try {
    if constexpr (HasFields<Trainer>) {
      if (checkpoint && rank == 0)
        resumed = resume(name, *checkpoint, trainer, data, batches, run, rng, held_out != nullptr);
      if (ranks) resumed = adopt_start(*ranks, resumed, trainer, data, batches, run, rng);
    }
  } catch (...) {
    history = std::move(before);
    throw;
  }
  const double steps = static_cast<double>(duration.steps) * static_cast<double>(duration.epochs);
  history.steps.reserve(static_cast<std::size_t>(std::min(steps, 1e6)));  // more may be asked for than will be made

  const bool over = state.epoch >= duration.epochs && (done == 0 || done >= duration.steps);
  require<ArgumentError>(!over || run.begin == begin, name, ": expected a training that is not over in ",
                         checkpoint ? checkpoint->path : "",
                         " but it has been there already; give the next one another path, more epochs, or Start::anew");
  TrainerFields fields;
  if constexpr (HasFields<Trainer>)
    fields = {&trainer, [](void* of) { return saved_fields(*static_cast<Trainer*>(of)); }};
  watching.begin({name, checkpoint ? checkpoint->path : "", state.step, resumed, run.begin, named(state.losses),
                  held_out != nullptr},
                 fields);
  if (watching) show_past(watching, history, duration.steps);
  state.stop = watching.stop();
  stop_together();
  if (state.step == 0) save();  // what cannot be written is found now
  struct FinishLine {
    Progress& shown;
    ~FinishLine() {
      try {
        shown.finish();
      } catch (...) {  // of a user's output, while another exception may be on its way
      }
    }
  } finish_line{progress};
  progress.start(title<Trainer>(), duration.epochs, duration.steps);

  const Index every = checkpoint ? checkpoint->every : 0;
  bool first = true;
  while ((state.epoch < duration.epochs || (done > 0 && done < duration.steps)) && !state.stop) {
    if (done == 0 || done >= duration.steps) {
      ++state.epoch;
      done = 0;
      run.mean = run.recent = {};
    } else if (options.steps > 0) {  // more steps than the checkpoint was for; they are one epoch
      history.epochs.clear();
      history.held_out.clear();
    }
    progress.step(state.epoch, done, {});
    CachedVector<NamedValue> shown;
    while (done < duration.steps && !state.stop) {
      NextBatch<Batches<Data>> next{batches, rng, ranks};
      {
        const StepScope scope(ranks, state.step, rng);
        std::optional<ParametersMayBe> own;
        if constexpr (HasFields<const Trainer>) allow_own_parameters(own, trainer, name, checkpoint != nullptr);
        std::optional<NotedUpdates> noted;
        watching.updates.clear();
        if (watching.reads_updates(state.step + 1)) noted.emplace(watching.updates);
        const LayerCall training(trainer, Pass::training(rng));
        try {
          state.losses = one_step(trainer, next, rng);
        } catch (const Error& error) {
          expect_finite(name, data, error);
          throw;
        }
      }
      if (ranks) {
        CachedVector<NamedValue> losses = named(state.losses);
        next.samples = ranks->end_step(losses, next.samples);
        set_values(state.losses, losses);
      }
      if (options.steps > 0 && done % 100 == 0) run.recent = {};  // a mean since step 0 would soon hardly move
      run.mean.add(state.losses, next.samples);
      run.recent.add(state.losses, next.samples);
      ++done;
      ++state.step;
      history.steps.push_back(state.losses);
      if (options.on_step && rank == 0) options.on_step(state);
      if (watching) {
        watching.note_stop(state.stop);
        watching.step(state.step, state.epoch, named(state.losses));
        state.stop = state.stop || watching.stop();
      }
      stop_together();
      if (first || state.step % 100 == 0) compare_ranks();
      first = false;
      if (done < duration.steps && (state.stop || (every > 0 && state.step % every == 0))) save();
      shown = named(run.recent.mean());
      watching.add_gradient_norms(shown);
      if (done < duration.steps) progress.step(state.epoch, done, shown);
    }
    const bool whole = done == duration.steps;
    state.losses = run.mean.mean();
    history.epochs.push_back(state.losses);
    if (held_out) {
      if (rank == 0) state.held_out = held_out(std::numeric_limits<Index>::max());
      if (ranks) {
        CachedVector<NamedValue> losses = named(state.held_out);
        ranks->adopt("the losses on held-out data", losses);
        set_values(state.held_out, losses);
      }
      Losses::fields(state.held_out, [&](std::string_view loss, const double& value) {
        require<NumericError>(!std::isnan(value), name, ": expected held-out losses that are numbers but got nan for ",
                              loss, " in epoch ", state.epoch);
      });
      history.held_out.push_back(state.held_out);
      shown.push_back({"held_out", named(state.held_out).front().value});
    }
    if (options.on_epoch && rank == 0) options.on_epoch(state);
    if (watching) {
      const auto tested = held_out ? named(state.held_out) : CachedVector<NamedValue>();
      watching.note_stop(state.stop);
      watching.epoch(state.step, state.epoch, named(state.losses), tested);
      state.stop = state.stop || watching.stop();
    }
    stop_together();
    if (whole) save();
    progress.step(state.epoch, done, shown);
  }
  if (first) progress.step(state.epoch, duration.steps, {});  // the checkpoint was of a finished training
  watching.end();
  stop_together();
  if (ranks) ranks->end();
  return history;
}

template <class Losses, class Trainer, class Data>
FitHistory<Losses> fit(Trainer& trainer, const Data& data, const FitOptions<Losses>& options, Rng& rng,
                       const HeldOutLosses<Losses>& held_out) {
  Ranks* const ranks = options.distributed.get();
  try {
    return fit_on<Losses>(ranks, trainer, data, options, rng, held_out);
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
  return detail::fit<LossesOf<Trainer, Data>>(trainer, data, options, rng, {});
}
/// The same, and evaluates on held-out data after each epoch, with the same random numbers each time. Throws
/// NumericError for a held-out loss that is NaN.
template <class Trainer, class Data, class HeldOut>
FitHistory<LossesOf<Trainer, Data>> fit(Trainer& trainer, const Data& data, const HeldOut& held_out,
                                        const FitOptions<LossesOf<Trainer, Data>>& options, Rng& rng) {
  static_assert(
      requires(Batches<HeldOut> & batches) { trainer.evaluate(batches.next(rng), rng); },
      "eigenesis: a trainer needs evaluate(batch, rng) for held-out data of this kind");
  return detail::fit<LossesOf<Trainer, Data>>(trainer, data, options, rng, [&](Index most_batches) {
    return detail::on_held_out(detail::fit_name<Trainer>(),
                               [&] { return detail::evaluate(trainer, held_out, Rng(0), 1000, most_batches); });
  });
}

}  // namespace eigenesis::inline EIGENESIS_ABI
