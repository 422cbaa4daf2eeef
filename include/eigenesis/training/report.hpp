// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eigenesis/training/drawn_picture.hpp"
#include "eigenesis/training/report_explorer.hpp"
#include "eigenesis/training/watch.hpp"

// A training as one HTML file. A program that wants one includes this header; the umbrella does not.
namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {
class ReportState;
}

/// Something to know about a training: {"seed", 1}, {"data", "MNIST"}.
struct ReportFact {
  std::string name;   // "seed"
  std::string value;  // "1"
  template <class T>
  ReportFact(std::string what, const T& is) : name(std::move(what)), value(detail::text(is)) {}
};

/// What a Report shows, and how often it is written.
struct ReportOptions {
  double every_seconds = 10;                // from one writing to the next
  std::string title = {};                   // the trainer's without
  std::vector<ReportFact> facts = {};       // beside those that the library knows
  std::string model = {};                   // summary(model), to be shown
  std::vector<DrawnPicture> pictures = {};  // drawn each time it is written
  Index updates_every = 0;  // steps from one learning rate and gradient norm of each optimizer to the next; 0: none
  Index frames = 40;        // of each picture that are kept; beyond, the older ones are thinned out
  std::optional<Explorer> explorer = {};  // Explorer{vae}: what latents decode to
};

/// Keeps an HTML file about a training, which any browser opens from the disk, without a network:
///   #include <eigenesis/training/report.hpp>
///   .watch = {Report{"run.html", {.pictures = {{"samples", [&] { return draw_grid(vae.decode(z)); }}},
///                                 .explorer = Explorer{vae}}}}
/// It shows the losses, metrics, pictures over time, what latents decode to, warnings, and facts of the run. It is
/// written before the first step, then every `every_seconds` seconds and at the end, each time as a whole new file with
/// new pictures; and before each checkpoint, with the pictures that it has. Beyond 2000 steps, neighbours of a curve
/// are joined; mean, least and greatest value of each group stay. Of learning rates and gradient norms, which
/// `updates_every` asks for, every second one goes instead; of a metric, too, in a training that goes on.
///
/// A training that goes on from a checkpoint shows its past, with the pictures, warnings and metrics of the file that
/// is there. Its time is that of all runs, of each up to the checkpoint. One that begins replaces an earlier report.
/// Throws ArgumentError for a name that does not end in .html, for every_seconds < 0, updates_every < 0, frames < 2,
/// and pictures without a name or a function or of one name, DataError for a file that is no report, and, where a
/// training goes on, for that of another one and a part of one, Error for one that cannot be written.
class Report : public Watcher {
 public:
  explicit Report(std::string path, ReportOptions options = {});
  void begin(TrainingView& now) override;
  void step(TrainingView& now) override;
  void epoch(TrainingView& now) override;
  void save(TrainingView& now) override;
  void end(TrainingView& now) override;
  void warning(TrainingView& now, std::string_view sentence) override;
  bool reads_updates(Index step) const override {
    return options_.updates_every > 0 && step % options_.updates_every == 0;
  }
  /// Its file.
  std::string path() const override { return path_; }

 private:
  void write(TrainingView& now);

  std::string path_;
  ReportOptions options_;
  std::shared_ptr<detail::ReportState> state_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/report_inl.hpp"
#endif
