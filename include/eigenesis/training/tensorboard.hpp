// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "eigenesis/training/drawn_picture.hpp"
#include "eigenesis/training/watch.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {
class EventFile;
}

/// What a TensorBoard keeps.
struct TensorBoardOptions {
  Index every = 1;                          // steps from one point of the curves to the next; 0: epochs only
  std::vector<DrawnPicture> pictures = {};  // drawn after each epoch
  Index pictures_every = 0;                 // and after each so many steps, if not 0
};

/// Keeps the numbers and pictures of a training in event files, which TensorBoard shows while it runs:
///   .watch = {TensorBoard{"logs/run1", {.every = 10, .pictures = {{"samples", [&] { return draw_grid(...); }}}}}}
///   tensorboard --logdir logs
/// Curves over the step are step/... (losses), epoch/... (their means over an epoch), held_out/..., learning_rate/...
/// and gradient_norm/... for each optimizer (Update::name), and metrics by their names, all as floats, as TensorBoard
/// has no others. Warnings are not kept. A picture that cannot be drawn is warned of, once. A part of an epoch, in
/// which a training was stopped, has no point in epoch/ and held_out/, as it may go on.
///
/// The folder is made if it is not there. No file is ever overwritten. A training that begins refuses a folder that has
/// event files. A training that goes on from a checkpoint writes a further file, which begins with a mark (SessionLog
/// START) that makes TensorBoard drop what the earlier files have beyond the checkpoint, unless no step is left. Events
/// are brought to the system at least once a second and before each checkpoint. Throws ArgumentError for an empty
/// folder name, every < 0, pictures_every < 0, a picture without a name or a function or two of one name, and a metric
/// whose name begins like one of its own curves, DataError for a folder with event files of others, other trainings
/// too, Error for one that cannot be written or that another training writes to.
class TensorBoard : public Watcher {
 public:
  explicit TensorBoard(std::string folder, TensorBoardOptions options = {});
  void begin(TrainingView& now) override;
  void step(TrainingView& now) override;
  void epoch(TrainingView& now) override;
  void save(TrainingView& now) override;
  void end(TrainingView& now) override;
  bool reads_updates(Index step) const override;
  std::string path() const override { return folder_; }

 private:
  void add_metrics(const TrainingView& now);
  void draw(TrainingView& now);

  std::string folder_;
  TensorBoardOptions options_;
  std::shared_ptr<detail::EventFile> file_;
  Index first_step_ = 0;  // of the run: how many there were
  Index drawn_ = 0;       // the last step with pictures
  detail::Drawing drawing_{"TensorBoard"};
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/tensorboard_inl.hpp"
#endif
