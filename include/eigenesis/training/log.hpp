// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "eigenesis/training/watch.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {
class LogFile;
}

/// Options of a Log.
struct LogOptions {
  Index every = 1;  // steps from one row to the next; 0: epochs only
};

/// Keeps the numbers of a training in a file, one row for every step (or n-th step) and one for every epoch:
///   .watch = {Log{"run.csv"}}                      for spreadsheets, pandas, gnuplot
///   .watch = {Log{"run.jsonl", {.every = 100}}}    one JSON object a line
/// A row has kind (step or epoch), step, epoch, seconds of training, the losses by their names (of an epoch: means over
/// it, and held_out_... on held-out data), metrics by their names, for each optimizer learning_rate and gradient_norm
/// before clipping (learning_rate_generator for one that the trainer's fields have as generator_optimizer), and
/// training, which tells rows of several trainings apart. Steps in which a Metric is measured have a row in any case.
/// Where there is no number, a cell of the CSV file is empty; JSON has null for NaN and infinities. Warnings are rows
/// of JSON; a CSV file has none.
///
/// A training that begins refuses a file that has rows. One that goes on from a checkpoint goes on in its file: rows
/// beyond the checkpoint are taken away, as their steps are made again; rows that are missing, or all if there is no
/// file, are written again from what the checkpoint knows, the losses. Its last row is compared with the checkpoint.
/// Rows are brought to the system at least once a second and before each checkpoint. Throws ArgumentError for a name
/// that ends neither in .csv nor in .jsonl, for every < 0, and for losses or metrics with names of other columns;
/// DataError for a file that is no log of this training, which stays as it is, or whose columns lack some; Error for
/// one that cannot be written.
class Log : public Watcher {
 public:
  explicit Log(std::string path, LogOptions options = {});
  void begin(TrainingView& now) override;
  void step(TrainingView& now) override;
  void epoch(TrainingView& now) override;
  void save(TrainingView& now) override;
  void end(TrainingView& now) override;
  void warning(TrainingView& now, std::string_view sentence) override;
  bool reads_updates(Index step) const override;

  std::string path() const override { return path_; }

 private:
  void add(TrainingView& now, bool epoch);

  std::string path_;
  LogOptions options_;
  std::shared_ptr<detail::LogFile> file_;
  bool over_ = false;  // the training
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/log_inl.hpp"
#endif
