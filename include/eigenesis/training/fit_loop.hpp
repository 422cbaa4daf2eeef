// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eigenesis/layers/pass.hpp"
#include "eigenesis/training/held_out.hpp"
#include "eigenesis/training/own_parameters.hpp"
#include "eigenesis/training/resume.hpp"

// The one training loop: what fit() does.
namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// One training.
template <class Losses, class Trainer, class Data>
class FitLoop {
  static_assert(
      HasNamedDoubles<Losses>,
      "eigenesis: the step of a trainer returns a struct of doubles that lists them in `fields`; Loss for one");

 public:
  /// `held_out` is nullptr without such data; `ranks` are those of this training, if there are several. Throws
  /// ArgumentError for options that do not fit.
  FitLoop(Ranks* ranks, Trainer& trainer, const Data& data, const FitOptions<Losses>& options, Rng& rng,
          const HeldOut<Losses>* held_out)
      : ranks_(ranks),
        trainer_(trainer),
        data_(data),
        options_(options),
        rng_(rng),
        held_out_(held_out),
        batches_(data, {.batch_size = options.batch_size, .drop_last = drop_last_, .rank = rank_, .ranks = rank_count_},
                 name_.c_str()),
        duration_(plan(name_, batches_, options.steps, options.epochs, batches_per_step())),
        progress_(ranks ? ranks->progress(options.progress) : options.progress),
        watching_(ranks ? ranks->watchers(options.watch) : options.watch, progress_,
                  {.title = title<Trainer>(),
                   .epochs = duration_.epochs,
                   .steps_per_epoch = duration_.steps,
                   .discriminator_wins_at_zero = discriminator_wins_at_zero<Trainer>()}) {
    Losses::fields(state_.held_out, [](std::string_view, double& value) { value = std::nan(""); });
    require<ArgumentError>(loss_count<Losses>() > 0, name_, ": expected losses with a number in `fields` but got none");
    check_last_batch();
    if (checkpoint_ || ranks_) run_.data = checksum(data_);
    if (checkpoint_) {
      if (held_out_) run_.held_out_data = held_out_->checksum();
      data_text_ = transforms(data_) + (held_out_ ? held_out_->transforms() : "") + (drops_last() ? "drop_last\n" : "");
    }
    if (ranks_) join_ranks();
  }

  FitHistory<Losses> run() {
    begin();
    struct FinishLine {
      Progress& shown;
      ~FinishLine() {
        try {
          shown.finish();
        } catch (...) {  // of a user's output, while another exception may be on its way
        }
      }
    } finish_line{progress_};
    progress_.start(title<Trainer>(), duration_.epochs, duration_.steps);
    while (!over() && !state_.stop) epoch();
    if (first_) progress_.step(state_.epoch, over() ? duration_.steps : run_.done, {});  // no step was to be made
    watching_.end();
    stop_together();
    if (ranks_) ranks_->end();
    return options_.history ? history_ : std::move(own_history_);
  }

 private:
  /// Steps of the epoch are made, and others are left.
  bool in_epoch() const { return run_.done > 0 && run_.done < duration_.steps; }
  bool over() const { return state_.epoch >= duration_.epochs && !in_epoch(); }

  Index batches_per_step() const {
    if constexpr (TakesSeveralBatches<Trainer>)
      return trainer_.batches_per_step();
    else
      return 1;
  }

  /// Whether an epoch leaves samples out.
  bool drops_last() const {
    if constexpr (Batches<Data>::endless)
      return false;
    else
      return drop_last_ && batches_.samples() % (rank_count_ * options_.batch_size) != 0;
  }

  void check_last_batch() const {
    if constexpr (!Batches<Data>::endless) {
      const Index last = batches_.samples() % (rank_count_ * options_.batch_size) / rank_count_;
      require<ArgumentError>(duration_.steps < batches_.steps_per_epoch() || last != 1 || drop_last_ ||
                                 (ranks_ && ranks_->synchronises()) || !mixes_samples(trainer_),
                             name_, ": expected more than one sample in each batch for BatchNorm but the last of ",
                             batches_.samples(), " samples would be alone with batch_size = ", options_.batch_size,
                             "; set drop_last");
    }
  }

  void join_ranks() {
    if constexpr (!HasFields<Trainer>)
      fail<ArgumentError>(name_, ": expected a trainer with `fields` for a training on several ranks");
    Index samples = 0;
    if constexpr (!Batches<Data>::endless) samples = batches_.samples();
    ranks_->begin({name_, samples, run_.data, options_.steps, options_.epochs, options_.batch_size, drop_last_,
                   checkpoint_ ? &*checkpoint_ : nullptr},
                  rng_);
  }

  /// Up to the first step: from a checkpoint, if there is one. If it throws, history and generator are as they were,
  /// and so is the trainer, unless it took the numbers of rank 0.
  void begin() {
    const Rng::State begin = run_.begin = rng_.state();
    FitHistory<Losses> before = std::exchange(history_, {});
    std::optional<KeptNumbers> kept;  // the trainer's, before a file is read
    if constexpr (HasFields<Trainer>) {
      expect_names(name_, saved_fields(trainer_));
      if (checkpoint_) run_.begin_weights = checksum(saved_fields(trainer_), true);
      if (checkpoint_.is_to_be_read()) kept = checkpoint_->functions.keep(saved_fields(trainer_));
    }
    const Index begin_weights = run_.begin_weights;
    try {
      const bool resumed = start(kept);
      require<ArgumentError>(!over() || run_.begin == begin, name_, ": expected a training that is not over in ",
                             checkpoint_.path(),
                             " but it has been there already; give the next one another path, more epochs, or "
                             "Start::anew");
      tell_watchers(resumed);
      if (resumed && run_.isa != isa())
        progress_.print_above("Checkpoint: the training went on another instruction set before (EIGENESIS_ISA=" +
                              std::string(isa_name(run_.isa)) + "); what follows differs from there by rounding");
      if (resumed && run_.isa == isa() && run_.begin == begin && run_.begin_weights != begin_weights)
        progress_.print_above(
            "Checkpoint: the training began with other weights than the trainer has here; it goes on "
            "with those in " +
            checkpoint_.path());
      const Index steps = all_steps(duration_.epochs, duration_.steps);  // more may be asked for than will be made
      history_.steps.reserve(static_cast<std::size_t>(std::min<Index>(steps, 1'000'000)));
      if constexpr (HasFields<Trainer>)
        if (checkpoint_) checkpoint_.note_parts(trainer_);
      state_.stop = watching_.stop();
      stop_together();
      if (state_.step == 0) save();  // what cannot be written is found now
    } catch (...) {
      history_ = std::move(before);
      rng_ = Rng(begin);
      if constexpr (HasFields<Trainer>)
        if (kept) checkpoint_->functions.put_back(saved_fields(trainer_), *kept);
      throw;
    }
  }

  /// Whether the training goes on from a checkpoint.
  bool start([[maybe_unused]] const std::optional<KeptNumbers>& kept) {
    bool resumed = false;
    if constexpr (HasFields<Trainer>) {
      if (checkpoint_ && rank_ == 0) {
        checkpoint_.begin();
        resumed = resume(name_, *checkpoint_, trainer_, data_, batches_, run_, rng_, held_out_ != nullptr,
                         all_steps(duration_.epochs, duration_.steps), data_text_, kept.value_or(KeptNumbers()));
      }
      if (ranks_) resumed = adopt_start(*ranks_, resumed, trainer_, data_, batches_, run_, rng_);
    }
    return resumed;
  }

  /// That the training begins, and what earlier runs did.
  void tell_watchers(bool resumed) {
    TrainerFields fields;
    if constexpr (HasFields<Trainer>)
      fields = {&trainer_, [](void* of) { return saved_fields(*static_cast<Trainer*>(of)); }};
    watching_.begin({name_, checkpoint_.path(), state_.step, state_.epoch, resumed, run_.begin, named(state_.losses),
                     held_out_ != nullptr, run_.watchers, checkpoint_ ? checkpoint_->keep : 0},
                    fields);
    if (watching_) show_past(watching_, history_, duration_.steps);
  }

  /// An epoch, or what is left of it.
  void epoch() {
    if (!in_epoch()) {
      ++state_.epoch;
      run_.done = 0;
      run_.mean = run_.recent = {};
    } else if (options_.steps > 0) {  // more steps than the checkpoint was for; they are one epoch
      history_.epochs.clear();
      history_.held_out.clear();
    }
    progress_.step(state_.epoch, run_.done, {});
    CachedVector<NamedValue> shown;
    while (run_.done < duration_.steps && !state_.stop) {
      step();
      shown = named(run_.recent.mean());
      watching_.add_gradient_norms(shown);
      if (run_.done < duration_.steps) progress_.step(state_.epoch, run_.done, shown);
    }
    state_.losses = run_.mean.mean();
    history_.epochs.push_back(state_.losses);
    if (held_out_) {
      evaluate_held_out();
      shown.push_back({"held_out", named(state_.held_out).front().value});
    }
    if (options_.on_epoch && rank_ == 0) options_.on_epoch(state_);
    if (watching_) {
      const auto tested = held_out_ ? named(state_.held_out) : CachedVector<NamedValue>();
      watching_.note_stop(state_.stop);
      watching_.epoch(state_.step, state_.epoch, named(state_.losses), tested);
      state_.stop = state_.stop || watching_.stop();
    }
    stop_together();
    if (run_.done == duration_.steps) save();
    progress_.step(state_.epoch, run_.done, shown);
  }

  void step() {
    const bool first = std::exchange(first_, false);
    NextBatch<Batches<Data>> next{batches_, rng_, ranks_};
    train(next);
    if (ranks_) {
      CachedVector<NamedValue> losses = named(state_.losses);
      next.samples = ranks_->end_step(losses, next.samples);
      set_values(state_.losses, losses);
    }
    if (options_.steps > 0 && run_.done % 100 == 0) run_.recent = {};  // a mean since step 0 would soon hardly move
    run_.mean.add(state_.losses, next.samples);
    run_.recent.add(state_.losses, next.samples);
    ++run_.done;
    ++state_.step;
    history_.steps.push_back(state_.losses);
    if (options_.on_step && rank_ == 0) options_.on_step(state_);
    if (watching_) {
      watching_.note_stop(state_.stop);
      watching_.step(state_.step, state_.epoch, named(state_.losses));
      state_.stop = state_.stop || watching_.stop();
    }
    stop_together();
    if (first || state_.step % 100 == 0) compare_ranks();
    if constexpr (HasFields<Trainer>)
      if (first && checkpoint_) checkpoint_.note_sizes(trainer_);
    if (run_.done < duration_.steps && (state_.stop || checkpoint_.due(state_.step))) save();
  }

  /// The trainer's step.
  void train(NextBatch<Batches<Data>>& next) {
    const StepScope scope(ranks_, state_.step, rng_);
    std::optional<ParametersMayBe> own;
    if constexpr (HasFields<const Trainer>) allow_own_parameters(own, trainer_, name_, static_cast<bool>(checkpoint_));
    std::optional<NotedUpdates> noted;
    watching_.updates.clear();
    if (watching_.reads_updates(state_.step + 1)) noted.emplace(watching_.updates);
    const LayerCall training(trainer_, Pass::training(rng_));
    try {
      state_.losses = one_step(trainer_, next, rng_);
      const NamedValue first = named(state_.losses).front();  // of others, NaN may say that there is none in this step
      require<NumericError>(!std::isnan(first.value), name_, ": expected a loss that is a number but got nan for ",
                            first.name, " in step ", state_.step + 1);
    } catch (const Error& error) {
      expect_finite(name_, "data", data_, error);
      if constexpr (HasFields<Trainer>) expect_finite_fields(saved_fields(trainer_), error);
      throw;
    }
  }

  void evaluate_held_out() {
    if (rank_ == 0) state_.held_out = held_out_->losses(std::numeric_limits<Index>::max());
    if (ranks_) {
      CachedVector<NamedValue> losses = named(state_.held_out);
      ranks_->adopt("the losses on held-out data", losses);
      set_values(state_.held_out, losses);
    }
    try {
      Losses::fields(state_.held_out, [&](std::string_view loss, const double& value) {
        require<NumericError>(!std::isnan(value), name_, ": expected held-out losses that are numbers but got nan for ",
                              loss, " in epoch ", state_.epoch);
      });
    } catch (const Error& error) {
      held_out_->expect_finite(error);
      throw;
    }
    history_.held_out.push_back(state_.held_out);
  }

  void save() {
    if (checkpoint_ && watching_) {
      run_.watchers = watching_.save();
      state_.stop = state_.stop || watching_.stop();
    }
    compare_ranks();
    if constexpr (HasFields<Trainer>)
      if (checkpoint_ && rank_ == 0)
        checkpoint_.template save<Losses>(name_, trainer_, run_.remember(batches_, rng_), data_text_);
    stop_together();
  }

  void compare_ranks() {
    if constexpr (HasFields<Trainer>)
      if (ranks_) ranks_->expect_same(saved_fields(trainer_));
  }
  /// Where one rank stops, all do.
  void stop_together() {
    if (ranks_) state_.stop = ranks_->agree(state_.stop, rng_);
  }

  const std::string name_ = fit_name<Trainer>();  // for messages
  Ranks* const ranks_;
  Trainer& trainer_;
  const Data& data_;
  const FitOptions<Losses>& options_;
  Rng& rng_;
  const HeldOut<Losses>* const held_out_;

  const bool drop_last_ = options_.drop_last || TakesSeveralBatches<Trainer>;
  const Index rank_ = ranks_ ? ranks_->rank() : 0, rank_count_ = ranks_ ? ranks_->ranks() : 1;
  CheckpointFile checkpoint_{name_, options_.checkpoint, HasFields<Trainer>};
  std::string data_text_;  // what they go through
  Batches<Data> batches_;
  const Duration duration_;
  Progress progress_;
  Watching watching_;

  FitHistory<Losses> own_history_, &history_ = options_.history ? *options_.history : own_history_;
  FitProgress<Losses> run_ = {.history = history_,
                              .batch_size = options_.batch_size,
                              .epoch_steps = options_.steps > 0 ? 0 : duration_.steps,
                              .begin = {},
                              .ranks = rank_count_};
  FitState<Losses>& state_ = run_.state;
  bool first_ = true;  // step of this run
};

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI
