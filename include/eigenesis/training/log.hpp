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
/// A row has kind (step or epoch), step, epoch, seconds of the run, the losses by their names (of an epoch: means over
/// it, and held_out_... on held-out data), and for each model the learning rate and the norm of its gradient before
/// clipping. Where there is no number, a cell of the CSV file is empty. Warnings are rows of JSON; a CSV file has none.
///
/// A file is never overwritten. A training that goes on from a checkpoint goes on in its file: rows that are there
/// already are not written again. A training that begins refuses a file that has rows. Rows are brought to the system
/// at least once a second and before each checkpoint. Throws ArgumentError for a name that ends neither in .csv nor in
/// .jsonl and for every < 0, DataError for a file that is no log of this training, Error for one that cannot be
/// written.
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

 private:
  std::string path_;
  LogOptions options_;
  std::shared_ptr<detail::LogFile> file_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/log_inl.hpp"
#endif
