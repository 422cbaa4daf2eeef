// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "eigenesis/layers/safetensors.hpp"
#include "eigenesis/training/watch.hpp"

// What ends a training, and what keeps its best model.
namespace eigenesis::inline EIGENESIS_ABI {

/// Which number tells the best model: the least one, or the greatest. Losses and a function are compared after each
/// epoch, a metric when it is measured. A loss, a function and a metric exclude each other.
struct Measure {
  std::string loss = {};                  // the name of a held-out loss; the first one without
  bool of_training = false;               // the mean over the epoch's training samples instead
  std::function<double()> function = {};  // this instead, where losses tell little, as a GAN's
  std::string metric = {};                // or what a Metric of this name measures, the only one that `.steps` can have
  bool greatest = false;                  // the more the better, as of an accuracy
};

namespace detail {

/// The best of a measure so far.
class BestMeasure {
 public:
  /// Throws ArgumentError for a measure that is two.
  BestMeasure(const char* function, Measure measure);

  /// Begins again, with what was the best. Throws ArgumentError for a measure that the training does not have, or not
  /// more than once.
  void begin(const TrainingView& now, std::optional<double> value = {});
  /// If the measure is there now, whether it is better than all before, by more than `change`. Throws NumericError for
  /// NaN.
  std::optional<bool> improves(const TrainingView& now, double change);
  /// Its numbers, for one that goes on, if past losses do not tell them.
  std::vector<double> remembered() const;
  /// Goes on with numbers of the same measure.
  void remember(std::span<const double> numbers);
  /// Tells measures apart.
  std::uint32_t id() const;
  /// The best, or before the first measurement what anything is better than.
  double value() const {
    const double infinity = std::numeric_limits<double>::infinity();
    return value_.value_or(measure_.greatest ? -infinity : infinity);
  }
  bool measured_once() const { return value_.has_value(); }
  /// How often it was not better since it was.
  Index waiting() const { return waiting_; }

 private:
  std::optional<double> measured(const TrainingView& now) const;

  const char* function_;
  Measure measure_;
  std::optional<double> value_;
  Index waiting_ = 0;
};

}  // namespace detail

/// When an EarlyStopping ends a training.
struct EarlyStoppingOptions {
  Index patience = 5;     // epochs, or measurements of a metric, without a better one before the training ends
  double min_change = 0;  // what counts as better
  Measure measure = {};   // what should improve; the held-out loss by default
};
/// Ends a training that no longer improves: after `patience` epochs in a row whose held-out loss is not below the least
/// so far by more than `min_change` (Prechelt 1998). A training that goes on counts those before, and may end at once.
/// Throws ArgumentError for patience < 1, min_change < 0, a measure that is two; before the first step for one that the
/// training does not have, a training of a single epoch, as `.steps` make, unless by a metric, and a metric that is not
/// measured more than once; NumericError for a measure that is NaN.
class EarlyStopping : public Watcher {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  void begin(TrainingView& now) override;
  void step(TrainingView& now) override;
  void epoch(TrainingView& now) override;
  std::vector<double> remembered() const override { return best_.remembered(); }
  std::string memory_name() const override { return detail::id_text(best_.id()); }
  void remember(TrainingView& now, std::span<const double> numbers) override;
  bool reads_updates(Index) const override { return false; }

 private:
  void look(TrainingView& now);
  void stop_if_over(TrainingView& now) const;

  EarlyStoppingOptions options_;
  detail::BestMeasure best_;
};

/// Keeps the weights of the best epoch so far in a safetensors file: KeepBest{"best.safetensors", vae}. The model is
/// that of the trainer, or an average of it; it has to outlive the training. The measure stands among the file's
/// metadata, so that a training that goes on with it replaces the file by a better one only; if there is no file, the
/// best of what follows is kept. A training that begins replaces an earlier file. A GAN that is trained for `.steps` is
/// measured by a Metric:
///   .watch = {Metric{"FID", [&] { return ...; }, {.every = 1000}},
///             KeepBest{"best.safetensors", trainer.average.model, {.metric = "FID"}}}
/// Throws ArgumentError for a measure that is two; before the first step for one that the training does not have, a
/// training of a single epoch, as `.steps` make, unless by a metric, and a metric that is not measured more than once;
/// NumericError for a measure that is NaN; DataError for a file that a training goes on with and that is not from its
/// own KeepBest or was the best by another measure (another function is not noticed), or that a training would replace
/// and that no KeepBest wrote; Error if it cannot be written; at the first measurement ArgumentError for a model that
/// is not the trainer's and that nobody has changed. A training that is stopped within its first epoch has its weights
/// there, until an epoch is over.
class KeepBest : public Watcher {
 public:
  template <class Model>
  KeepBest(std::string path, const Model& model, Measure measure = {})
      : path_(std::move(path)),
        fields_([&model] { return detail::saved_fields(model); }),
        best_("KeepBest", std::move(measure)) {}
  template <class Model>
  KeepBest(std::string path, const Model&& model, Measure measure = {}) = delete;  // it would be gone
  void begin(TrainingView& now) override;
  void step(TrainingView& now) override;
  void epoch(TrainingView& now) override;
  bool reads_updates(Index) const override { return false; }
  std::string path() const override { return path_; }

 private:
  void look(const TrainingView& now);
  Index checksum() const;

  std::string path_;
  std::function<std::vector<detail::SavedField>()> fields_;
  detail::BestMeasure best_;
  std::string training_ = {};            // its id
  std::optional<Index> untrained_ = {};  // a checksum of a model that is not the trainer's, at first
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
/// is one; a second Ctrl-C ends the program at once. A signal that is ignored, as SIGINT in the background of a shell,
/// stays so. The signals mean before and after the training what they meant. One training at a time can have it: for
/// another, begin() throws Error.
class StopOnInterrupt : public Watcher {
 public:
  /// Whether a signal came in the last training that had one: what follows may be left out.
  static bool interrupted();
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
