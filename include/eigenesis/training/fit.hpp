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

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/training/fit_progress.hpp"
#include "eigenesis/training/own_parameters.hpp"

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
      "eigenesis: a trainer needs step(batch, rng) for batches of such data");
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

namespace detail {

/// After a step that failed: throws DataError if a number in the data is not finite, which tells more.
template <class Data>
[[gnu::cold]] void expect_finite(const std::string& name, const Data& data, const Error& error) {
  if constexpr (HasRows<Data>)
    for_each_tensor(data, [&](std::string_view field, const auto& tensor) {
      const auto* const end = tensor.data() + tensor.size();
      const auto* const bad = std::find_if_not(tensor.data(), end, [](auto x) { return std::isfinite(x); });
      if (bad != end)
        fail<DataError>(name, ": expected finite data but got ", *bad, " in row ",
                        (bad - tensor.data()) / (tensor.size() / tensor.shape(0)), " of ", field, " (", error.what(),
                        ")");
    });
}

/// What f() returns. Its errors become a DataError about held-out data.
template <class F>
auto on_held_out(const std::string& name, F&& f) {
  try {
    return f();
  } catch (const Error& error) {
    fail<DataError>(name, ": expected held-out data that can be evaluated but: ", error.what());
  }
}

/// Makes the state of the trainer's optimizers, whose numbers are then overwritten.
template <class Trainer, class Data>
[[gnu::cold, gnu::noinline]] void make_state(Trainer& trainer, const Data& data, Index batch_size) {
  if constexpr (requires { trainer.prepare(); }) {
    trainer.prepare();
  } else {  // a step makes it
    Rng any(0);
    Batches<Data> some(data, {.batch_size = batch_size, .drop_last = TakesSeveralBatches<Trainer>});
    NextBatch<Batches<Data>> next{some, any};
    one_step(trainer, next, any);
  }
}

/// Goes on from a checkpoint; whether there is one.
template <class Trainer, class Data, class Losses>
[[gnu::cold]] bool resume(const std::string& name, const Checkpoint& checkpoint, Trainer& trainer, const Data& data,
                          Batches<Data>& batches, FitProgress<Losses>& run, Rng& rng, bool held_out) {
  const std::string& path = checkpoint.path;
  const bool there = file_exists(path);
  const bool earlier = !there && checkpoint.start != Start::anew && file_exists(earlier_file(path, 1));
  require<ArgumentError>(!earlier, name, ": expected a checkpoint in ", path, " but only an earlier one is there, ",
                         earlier ? earlier_file(path, 1) : "", "; copy it to the path, or begin with Start::anew");
  require<ArgumentError>(there || checkpoint.start != Start::resume, name, ": expected a checkpoint to resume from in ",
                         path, " but there is no such file");
  if (!there || checkpoint.start == Start::anew) return false;
  try {
    const CheckpointFunctions& functions = checkpoint.functions;
    FitMemory memory = functions.read_numbers(path, checkpoint.keep, run.remember(batches, rng), checkpoint.reshard);
    if (memory.number(FitMemory::step) == 0) return true;  // stopped before its first step: begin
    const Index evaluated = memory.number(FitMemory::held_out), epochs = memory.number(FitMemory::epochs);
    require<DataError>(evaluated == (held_out ? epochs : 0), "it has held-out losses of ", evaluated, " of its ",
                       epochs, " epochs, here held-out data are ", held_out ? "given" : "not given");
    const KeptNumbers kept = functions.keep(saved_fields(trainer));
    try {
      make_state(trainer, data, run.batch_size);
      std::string kinds;
      std::vector<SavedField> fields = saved_fields(trainer, &kinds);
      functions.read(path, memory, std::move(fields), kinds, loss_count<Losses>());
    } catch (...) {
      functions.put_back(saved_fields(trainer), kept);
      throw;
    }
    run.go_on_from(memory, batches, rng);
    return true;
  } catch (const DataError& error) {
    constexpr bool can_prepare = requires { trainer.prepare(); };
    const bool misses_state = std::string_view(error.what()).find("prepare(model)") != std::string_view::npos;
    fail<DataError>(name, ": expected a checkpoint of this training in ", path, " but: ", error.what(),
                    can_prepare || !misses_state ? ""
                                                 : ", and a trainer whose first step does not use all of its "
                                                   "optimizers needs a function prepare() that does so");
  }
}

/// Shows watchers what a checkpoint tells of earlier runs.
template <class Losses>
[[gnu::cold]] void show_past(Watching& watching, const FitHistory<Losses>& history, Index epoch_steps) {
  Index step = 0, epoch = 1;
  for (const Losses& losses : history.steps) {
    watching.step(++step, epoch, named(losses), true);
    if (step != epoch * epoch_steps) continue;
    const auto i = static_cast<std::size_t>(epoch++ - 1);
    if (i >= history.epochs.size()) continue;
    const auto tested = i < history.held_out.size() ? named(history.held_out[i]) : CachedVector<NamedValue>();
    watching.epoch(step, epoch - 1, named(history.epochs[i]), tested, true);
  }
}

/// All ranks begin with what rank 0 has; whether it goes on from a checkpoint.
template <class Trainer, class Data, class Losses>
[[gnu::cold]] bool adopt_start(Ranks& ranks, bool resumed, Trainer& trainer, const Data& data, Batches<Data>& batches,
                               FitProgress<Losses>& run, Rng& rng) {
  FitMemory memory = run.remember(batches, rng);
  ranks.adopt(memory);
  if (memory.number(FitMemory::step) > run.state.step) make_state(trainer, data, run.batch_size);
  ranks.adopt(saved_fields(trainer));
  run.go_on_from(memory, batches, rng);
  return ranks.any("the start", resumed);
}

/// Losses that other ranks had a part in.
template <class Losses>
void set_values(Losses& losses, std::span<const NamedValue> values) {
  Losses::fields(losses, [next = values.begin()](std::string_view, double& value) mutable { value = (next++)->value; });
}

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
