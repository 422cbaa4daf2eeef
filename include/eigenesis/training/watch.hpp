// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/layers/safetensors.hpp"
#include "eigenesis/optimizers/update.hpp"
#include "eigenesis/training/progress.hpp"

// Who watches a training: logs, early stopping, health, reports. What fit does with them stands in watch_inl.hpp.
namespace eigenesis::inline EIGENESIS_ABI {

/// A metric that a training is going to have.
struct PlannedMetric {
  std::string name;  // by which it is kept
  Index every = 0;   // steps from one measurement to the next; 0: after each epoch
};

/// A training, as a watcher sees it.
struct TrainingView {
  std::string title;  // the trainer's, "VAE"
  Index step = 0;     // so far
  Index epoch = 0;    // counted from 1
  /// Of the whole training.
  Index epochs = 1;
  /// Of the trainer.
  Index steps_per_epoch = 1;
  double seconds = 0;        // since this run began
  std::uint32_t id = 0;      // tells trainings apart that began with other random numbers; stays where one goes on
  bool resumed = false;      // from a checkpoint
  bool past = false;         // an earlier run made this step or epoch, a checkpoint tells of it
  bool after_epoch = false;  // in epoch() and in measure() before it
  bool failed = false;       // in end(): an exception ends the training
  std::span<const NamedValue> losses = {};          // of the step; in epoch(), means over the epoch; later, the last
  std::span<const NamedValue> held_out = {};        // in epoch() and behind it, if there are held-out data
  std::vector<NamedValue> metrics = {};             // what watchers measure() in this step or after this epoch
  std::vector<std::string> loss_names = {};         // of `losses`, before the first step too
  bool has_held_out = false;                        // whether there are held-out data
  std::vector<PlannedMetric> planned_metrics = {};  // of all watchers, before the first step too
  std::vector<const void*> trained = {};            // where the numbers of the trainer's fields lie, if it has any
  std::span<const Update> updates = {};             // of the optimizers in the step; none of the past
  std::span<const std::string> optimizers = {};     // those of the trainer's fields, by the names that updates have
  bool discriminator_wins_at_zero = true;  // a loss `discriminator` of 0 means that D tells all samples from data
  bool stop = false;  // set it, and the training ends after this step; somebody may have set it already

  /// A sentence that stands above the progress line, or on stderr, and that all watchers are told.
  void warn(std::string sentence) { warnings.push_back(std::move(sentence)); }
  std::vector<std::string> warnings = {};  // that were not told yet
};

/// Derive from it to watch a training, and override what is needed. A training that goes on from a checkpoint shows
/// its past steps and epochs first, so that most watchers need no memory of their own; others have remembered(). An
/// exception from a watcher ends the training as `stop` does, with all that follows, a checkpoint too; then fit throws
/// it.
///   struct Stopwatch : Watcher {
///     void epoch(TrainingView& now) override { std::printf("%s: %.1f s\n", now.title.c_str(), now.seconds); }
///   };
///   trainer.fit(data, {.epochs = 10, .watch = {Stopwatch{}, Log{"run.csv"}}}, rng);
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void begin(TrainingView&) {}  // before the first step of this run; `step` tells how many there were
  /// After each step and each epoch, before anybody's step() or epoch(): adds to `metrics`.
  virtual void measure(TrainingView&) {}
  virtual void step(TrainingView&) {}   // after each step
  virtual void epoch(TrainingView&) {}  // after each epoch and its evaluation; the last one is a part if it was stopped
  virtual void save(TrainingView&) {}   // before a checkpoint is written
  virtual void end(TrainingView&) {}    // after the last step, also if an exception ends the training
  /// Numbers that it needs where a training goes on and that past losses do not tell. Checkpoints keep them.
  virtual std::vector<double> remembered() const { return {}; }
  /// After begin(), where a training goes on: the numbers of the watcher of the same class and memory_name(); of
  /// several, in their order.
  virtual void remember(TrainingView&, std::span<const double>) {}
  /// Tells the memories of watchers of one class apart, before their first step too.
  virtual std::string memory_name() const { return {}; }
  /// After a sentence of warn(), by whomever.
  virtual void warning(TrainingView&, std::string_view) {}
  /// Whether it reads `updates` in this step. If nobody does, the norms of gradients are not computed.
  virtual bool reads_updates(Index /*step*/) const { return true; }
  /// Of a training on several ranks, whether it watches on each of them. Others watch on rank 0.
  virtual bool on_every_rank() const { return false; }
  /// The file or folder that it alone writes, or none.
  virtual std::string path() const { return {}; }
  /// What its measure() is going to add. Names of losses, and those of other metrics, are taken.
  virtual std::vector<PlannedMetric> planned_metrics() const { return {}; }
};

/// One of those who watch: a temporary, or a pointer to one that outlives the training and can be read afterwards.
class WatcherRef {
 public:
  template <class Given, class W = std::remove_cvref_t<Given>>
  requires std::derived_from<W, Watcher> WatcherRef(Given&& watcher)
      : watcher_(std::make_shared<W>(std::forward<Given>(watcher))) {
    static_assert(!std::is_lvalue_reference_v<Given>,
                  "eigenesis: a watcher that has a name is given by its address, .watch = {&watcher}; a copy would "
                  "watch instead, and nobody could read it");
    expect_overrides<W>();
  }
  template <std::derived_from<Watcher> W>
  WatcherRef(W* watcher) : watcher_(watcher, [](Watcher*) {}) {
    require<ArgumentError>(watcher != nullptr, "fit: expected watchers but got nullptr");
    expect_overrides<W>();
  }

  /// The watcher.
  Watcher* operator->() const { return watcher_.get(); }
  /// For fit.
  const detail::WatchingFunctions& functions() const { return *functions_; }

 private:
  /// Whether a function of W overrides that of Watcher, which is of this type. Numbers and texts may have its name.
  template <class Function, class W, class Got>
  static consteval bool overrides(Got) {
    return !std::is_member_function_pointer_v<Got> || std::is_convertible_v<Got, Function W::*> ||
           std::is_same_v<Got, Function Watcher::*>;
  }
  /// Whether one of them is a template, step(auto& now), which overrides nothing.
  template <class W>
  static consteval bool is_template() {
    using V = TrainingView&;
    return requires(W & w, V v) { w.template begin<V>(v); }
    || requires(W & w, V v) { w.template measure<V>(v); }
    || requires(W & w, V v) { w.template step<V>(v); }
    || requires(W & w, V v) { w.template epoch<V>(v); }
    || requires(W & w, V v) { w.template save<V>(v); }
    || requires(W & w, V v) { w.template end<V>(v); };
  }
  /// Refuses functions that would never be called. What is private or has several overloads cannot be looked at.
  template <class W>
  static consteval void expect_overrides() {
    using Tells = void(TrainingView&);
    using Asks = std::vector<double>() const;
    constexpr bool wrong = requires { requires !overrides<Tells, W>(&W::begin); }
    || requires { requires !overrides<Tells, W>(&W::measure); }
    || requires { requires !overrides<Tells, W>(&W::step); }
    || requires { requires !overrides<Tells, W>(&W::epoch); }
    || requires { requires !overrides<Tells, W>(&W::save); }
    || requires { requires !overrides<Tells, W>(&W::end); }
    || requires { requires !overrides<void(TrainingView&, std::string_view), W>(&W::warning); }
    || requires { requires !overrides<void(TrainingView&, std::span<const double>), W>(&W::remember); }
    || is_template<W>();
    static_assert(!wrong,
                  "eigenesis: begin, measure, step, epoch, save and end of a Watcher take a TrainingView& (by "
                  "reference), warning one and a std::string_view, remember one and a std::span<const double>; with "
                  "others they would never be called");
    constexpr bool wrong_answer = requires { requires !overrides<Asks, W>(&W::remembered); }
    || requires { requires !overrides<bool(Index) const, W>(&W::reads_updates); }
    || requires { requires !overrides<bool() const, W>(&W::on_every_rank); }
    || requires { requires !overrides<std::string() const, W>(&W::path); }
    || requires { requires !overrides<std::string() const, W>(&W::memory_name); }
    || requires { requires !overrides<std::vector<PlannedMetric>() const, W>(&W::planned_metrics); };
    static_assert(!wrong_answer,
                  "eigenesis: what a Watcher is asked for is const: std::vector<double> remembered() const, bool "
                  "reads_updates(Index) const, bool on_every_rank() const, std::string path() const, "
                  "std::string memory_name() const, std::vector<PlannedMetric> planned_metrics() const; others would "
                  "never be called");
  }

  std::shared_ptr<Watcher> watcher_;
  const detail::WatchingFunctions* functions_ = &detail::watching_functions();
};

namespace detail {

/// The id of a training as files have it. A letter stands first: no program takes it for a number.
std::string id_text(std::uint32_t id);

/// The run that begins.
struct RunBegin {
  const std::string& function;  // for messages
  std::string checkpoint;       // its path, or none
  Index step, epoch;            // so far
  bool resumed;
  Rng::State began_with;
  std::span<const NamedValue> losses;  // their names
  bool has_held_out;
  std::span<const double> remembered;  // by the watchers of the run before
  Index keep;                          // how many checkpoints there are
};

/// Gives the fields of a trainer.
struct TrainerFields {
  void* trainer = nullptr;
  std::vector<SavedField> (*of)(void* trainer) = nullptr;
};

class WatchedRun;
class Watching;
/// What fit needs to tell watchers of a training. Only programs that have watchers have its code.
struct WatchingFunctions {
  std::shared_ptr<WatchedRun> (*make)(Watching&, const std::vector<WatcherRef>&, Progress&, const TrainingView&);
  bool (*reads_updates)(const WatchedRun&, Index step);
  void (*begin)(WatchedRun&, const RunBegin&, TrainerFields);
  void (*step)(WatchedRun&, Index step, Index epoch, std::span<const NamedValue> losses, bool past);
  void (*epoch)(WatchedRun&, Index step, Index epoch, std::span<const NamedValue> losses,
                std::span<const NamedValue> held_out, bool past);
  std::vector<double> (*save)(WatchedRun&);
  void (*end)(WatchedRun&);
  void (*add_gradient_norms)(WatchedRun&, CachedVector<NamedValue>&);
};

/// Tells the watchers of one training what happens, if there are any. What they throw ends it: it is kept, stop() is
/// true, and end() throws it.
class Watching {
 public:
  Watching(const std::vector<WatcherRef>& watchers, Progress& progress, const TrainingView& training)
      : watched_(!watchers.empty()),
        functions_(watched_ ? &watchers.front().functions() : progress.functions_for_gradient_norms()) {
    if (functions_) run_ = functions_->make(*this, watchers, progress, training);
  }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;

  explicit operator bool() const { return watched_; }
  bool stop() const { return stop_; }
  /// A callback or a watcher may have asked for the end.
  void note_stop(bool stop) { stop_ = stop_ || stop; }
  bool reads_updates(Index step) const { return run_ && functions_->reads_updates(*run_, step); }

  /// Throws ArgumentError if two watchers, or one and the checkpoint, would write one file, and if two metrics, or one
  /// and a loss, have one name.
  void begin(const RunBegin& run, TrainerFields fields) {
    if (run_) functions_->begin(*run_, run, fields);
  }
  /// `losses` of step `step` of epoch `epoch`.
  void step(Index step, Index epoch, std::span<const NamedValue> losses, bool past = false) {
    if (run_) functions_->step(*run_, step, epoch, losses, past);
  }
  void epoch(Index step, Index epoch, std::span<const NamedValue> losses, std::span<const NamedValue> held_out,
             bool past = false) {
    if (run_) functions_->epoch(*run_, step, epoch, losses, held_out, past);
  }
  /// What the watchers have to remember.
  std::vector<double> save() { return run_ ? functions_->save(*run_) : std::vector<double>(); }
  void end() {
    if (run_) functions_->end(*run_);
  }
  /// Adds what a progress line shows of the updates, if it does.
  void add_gradient_norms(CachedVector<NamedValue>& values) {
    if (run_) functions_->add_gradient_norms(*run_, values);
  }

  CachedVector<Update> updates;  // of the step

 private:
  bool watched_, stop_ = false;
  const WatchingFunctions* functions_;
  std::shared_ptr<WatchedRun> run_;  // goes first, and tells the end if it was not told
};

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/watch_inl.hpp"
#endif
