// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "eigenesis/pictures/animation.hpp"
#include "eigenesis/training/drawn_picture.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {
struct FilmFrames;
}

/// How a Film is made.
struct FilmOptions {
  Index every = 0;   // steps from one frame to the next; 0: one after each epoch
  Index most = 300;  // frames, and the last. A film that would have more drops every second one, and takes half as many
                     // from then on
  double frames_per_second = 10;  // from 0.02 to 1000
  Index loops = 0;                // how often it is shown; 0: again and again
};

/// A film of a training, an animated PNG file as save_animation writes it. The function draws a frame, always of the
/// same size:
///   .watch = {Film{"film.png", [&] { return draw_grid(generator.decode(latents)); }, {.every = 100}}}
/// There is a frame before the first step, one in each `every` steps, or one after each epoch, and one after the last
/// epoch. The file is written before each checkpoint and at the end. A training that begins overwrites an earlier film.
/// One that goes on from a checkpoint takes the frames up to there from the file; if there is no file, the film begins
/// there. A frame that cannot be drawn, or has another size, is left out with a warning. Throws ArgumentError for a name
/// that does not end in .png and options that do not fit, DataError for a file that is no film, or not of the training
/// that goes on, Error for one that cannot be written.
class Film : public Watcher {
 public:
  Film(std::string path, std::function<Picture()> draw, FilmOptions options = {});
  void begin(TrainingView& now) override;
  void step(TrainingView& now) override;
  void epoch(TrainingView& now) override;
  void save(TrainingView& now) override;
  void end(TrainingView& now) override;
  bool reads_updates(Index) const override { return false; }
  /// Its file.
  std::string path() const override { return path_; }

 private:
  void take(TrainingView& now);
  void write();

  std::string path_;
  std::function<Picture()> draw_;
  FilmOptions options_;
  std::shared_ptr<detail::FilmFrames> frames_;
  detail::Drawing drawing_{"Film"};
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/film_inl.hpp"
#endif
