// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <limits>
#include <string>

#include "eigenesis/layers/safetensors.hpp"
#include "eigenesis/training/watch.hpp"

// What ends a training, and what keeps its best model.
namespace eigenesis::inline EIGENESIS_ABI {

/// Which number is to become small. It is compared after each epoch.
struct Measure {
  std::string loss = {};                  // the name of a held-out loss; the first one without
  bool of_training = false;               // the mean over the epoch's training samples instead
  std::function<double()> function = {};  // this instead, where losses tell little, as a GAN's; not known of past runs
};

namespace detail {

/// The least of a measure so far.
class Least {
 public:
  Least(const char* function, Measure measure) : function_(function), measure_(std::move(measure)) {}

  /// Whether this epoch has less than all before, by more than `change`. Throws ArgumentError for a measure that the
  /// training does not have, NumericError for NaN.
  bool improves(const TrainingView& now, double change);
  double value() const { return value_; }
  Index epoch() const { return epoch_; }

 private:
  const char* function_;
  Measure measure_;
  double value_ = std::numeric_limits<double>::infinity();
  Index epoch_ = 0;
};

}  // namespace detail

/// When an EarlyStopping ends a training.
struct EarlyStoppingOptions {
  Index patience = 5;     // epochs without a better one before the training ends
  double min_change = 0;  // what counts as better
  /// What should become small; the held-out loss by default.
  Measure measure = {};
};
/// Ends a training that no longer improves: after `patience` epochs in a row whose held-out loss is not below the least
/// so far by more than `min_change` (Prechelt 1998). Throws ArgumentError for patience < 1, min_change < 0, and a
/// training of a single epoch, as one of `.steps` is.
class EarlyStopping : public Watcher {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  void begin(TrainingView& now) override;
  void epoch(TrainingView& now) override;
  bool reads_updates(Index) const override { return false; }

 private:
  EarlyStoppingOptions options_;
  detail::Least least_;
};

/// Keeps the weights of the best epoch so far in a safetensors file: KeepBest{"best.safetensors", vae}. The model is
/// that of the trainer, or an average of it; it has to outlive the training. In a training that goes on, the file is
/// that of the runs before. Throws Error if it cannot be written.
class KeepBest : public Watcher {
 public:
  template <class Model>
  KeepBest(std::string path, const Model& model, Measure measure = {})
      : save_([path = std::move(path), &model] { save_safetensors(path, model); }),
        least_("KeepBest", std::move(measure)) {}
  template <class Model>
  KeepBest(std::string path, const Model&& model, Measure measure = {}) = delete;  // it would be gone
  void epoch(TrainingView& now) override;
  bool reads_updates(Index) const override { return false; }

 private:
  std::function<void()> save_;
  detail::Least least_;
};

/// Ends a training after the step in which so many seconds of this run are over. Throws ArgumentError unless > 0.
class TimeLimit : public Watcher {
 public:
  explicit TimeLimit(double seconds);
  void step(TrainingView& now) override;
  bool reads_updates(Index) const override { return false; }

 private:
  double seconds_;
};

/// Ends a training after the step in hand when Ctrl-C is pressed (SIGINT) or SIGTERM comes, with a checkpoint if there
/// is one; a second Ctrl-C ends the program at once. The signals mean before and after the training what they meant.
/// One training at a time can have it: for another, begin() throws Error.
class StopOnInterrupt : public Watcher {
 public:
  /// Whether a signal came in the last training that had one: what follows may be left out.
  static bool came();
  void begin(TrainingView& now) override;
  void step(TrainingView& now) override;
  void end(TrainingView& now) override;
  bool reads_updates(Index) const override { return false; }
  bool on_every_rank() const override { return true; }

 private:
  bool listening_ = false;
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/stopping_inl.hpp"
#endif
