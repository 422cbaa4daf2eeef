// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/optimizers/update.hpp"
#include "eigenesis/training/progress.hpp"

// Who watches a training: logs, early stopping, health, reports. What fit does with them stands in watch_inl.hpp.
namespace eigenesis::inline EIGENESIS_ABI {

/// A training, as a watcher sees it.
struct TrainingView {
  std::string title;  // the trainer's, "VAE"
  Index step = 0;     // so far
  Index epoch = 0;    // counted from 1
  /// Of the whole training.
  Index epochs = 1;
  /// Of the trainer.
  Index steps_per_epoch = 1;
  double seconds = 0;    // since this run began
  std::uint32_t id = 0;  // tells trainings apart that began with other random numbers; stays where one goes on
  bool resumed = false;  // from a checkpoint
  bool past = false;     // an earlier run made this step or epoch, a checkpoint tells of it
  std::span<const NamedValue> losses = {};    // of the step; in epoch(), means over the epoch
  std::span<const NamedValue> held_out = {};  // in epoch(), if there are held-out data
  std::span<const Update> updates = {};       // of the optimizers in the step; none of the past
  bool stop = false;                          // set it, and the training ends after this step

  /// A sentence that stands above the progress line, or on stderr, and that all watchers are told.
  void warn(std::string sentence) { warnings.push_back(std::move(sentence)); }
  std::vector<std::string> warnings = {};  // that were not told yet
};

/// Derive from it to watch a training, and override what is needed. A training that goes on from a checkpoint shows
/// its past steps and epochs first, so that a watcher needs no memory of its own.
///   struct Stopwatch : Watcher {
///     void epoch(TrainingView& now) override { std::printf("%s: %.1f s\n", now.title.c_str(), now.seconds); }
///   };
///   trainer.fit(data, {.epochs = 10, .watch = {Stopwatch{}, Log{"run.csv"}}}, rng);
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void begin(TrainingView&) {}  // before the first step of this run; `step` tells how many there were
  virtual void step(TrainingView&) {}   // after each step
  virtual void epoch(TrainingView&) {}  // after each whole epoch and its evaluation
  virtual void save(TrainingView&) {}   // before a checkpoint is written
  virtual void end(TrainingView&) {}    // after the last step, also if an exception ends the training
  /// After a sentence of warn(), by whomever.
  virtual void warning(TrainingView&, std::string_view) {}
  /// Whether it reads `updates` in this step. If nobody does, the norms of gradients are not computed.
  virtual bool reads_updates(Index /*step*/) const { return true; }
  /// Of a training on several ranks, whether it watches on each of them. Others watch on rank 0.
  virtual bool on_every_rank() const { return false; }
};

/// One of those who watch: a value, or a pointer to one that outlives the training.
class AWatcher {
 public:
  template <class W>
  requires std::derived_from<W, Watcher> AWatcher(W watcher) : watcher_(std::make_shared<W>(std::move(watcher))) {}
  AWatcher(Watcher* watcher) : watcher_(watcher, [](Watcher*) {}) {}

  /// The watcher.
  Watcher* operator->() const { return watcher_.get(); }

 private:
  std::shared_ptr<Watcher> watcher_;
};

namespace detail {

/// Tells the watchers of one training what happens.
class Watching {
 public:
  Watching(std::vector<AWatcher> watchers, Progress& progress, TrainingView training);
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  ~Watching();  // the end, if it was not told

  explicit operator bool() const { return !watchers_.empty(); }
  bool stop() const { return training_.stop; }
  bool reads_updates(Index step) const;

  /// `began_with`: the random numbers with which the training began, in whichever run.
  void begin(Index step, bool resumed, const Rng::State& began_with);
  /// `losses` of step `step` of epoch `epoch`.
  void step(Index step, Index epoch, std::span<const NamedValue> losses, bool past = false);
  void epoch(Index step, Index epoch, std::span<const NamedValue> losses, std::span<const NamedValue> held_out,
             bool past = false);
  void save();
  void end();

  CachedVector<Update> updates;  // of the step

 private:
  void tell(void (Watcher::*what)(TrainingView&));

  std::vector<AWatcher> watchers_;
  Progress& progress_;
  TrainingView training_;
  double began_;
  bool begun_ = false;
};

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/watch_inl.hpp"
#endif
