// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <utility>

#include "eigenesis/files/apng.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/pictures/animation_inl.hpp"
#include "eigenesis/training/film.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

struct FilmFrames {
  Animation animation;
  std::uint32_t training = 0;     // its id
  std::vector<Index> steps = {};  // of each frame
  Index unit = 1;                 // steps from one frame that could be taken to the next
  Index stride = 1;               // of so many of these, one is
  bool written = false;

  /// "film 2 of 1234: 0 200 400": the stride, the training, and the steps.
  std::string text() const {
    std::string result = "film " + std::to_string(stride) + " of " + std::to_string(training) + ":";
    for (const Index step : steps) result += " " + std::to_string(step);
    return result;
  }
  /// Takes what was read from a file, up to a step.
  void go_on_from(Animation read, Index last, const std::string& path) {
    std::string_view rest = read.text;
    const auto number = [&](std::string_view before) {
      Index value = -1;
      if (rest.starts_with(before)) {
        rest.remove_prefix(before.size());
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
        if (error == std::errc()) rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
      }
      require<DataError>(value >= 0, "Film: expected the film of a training but got another animation in ", path);
      return value;
    };
    stride = number("film ");
    const Index other = number(" of ");
    require<DataError>(other == training, "Film: expected the film of this training but got that of another one in ",
                       path, "; give this one another file, or remove that one");
    require<DataError>(stride > 0 && rest.starts_with(":"),
                       "Film: expected the film of a training but got another animation in ", path);
    rest.remove_prefix(1);
    for (std::size_t i = 0; i < read.frames.size(); ++i) steps.push_back(number(" "));
    while (!steps.empty() && steps.back() > last) steps.pop_back();
    if (ends_early()) steps.pop_back();  // the end of a training that goes on now
    read.frames.resize(steps.size());
    animation = std::move(read);
  }
  /// Whether the frame of a step is to be taken; makes room for it.
  bool due(Index step, Index most) {
    for (; is_due(step) && std::ssize(steps) >= most; stride *= 2) {
      std::size_t kept = 0;
      for (std::size_t i = 0; i < steps.size(); ++i) {
        if (steps[i] / unit % (2 * stride) != 0 || steps[i] % unit != 0) continue;
        steps[kept] = steps[i];
        if (i != kept) animation.frames[kept] = std::move(animation.frames[i]);
        ++kept;
      }
      steps.resize(kept);
      animation.frames.resize(kept);
    }
    return is_due(step);
  }

 private:
  /// Whether the last frame is nearer to the one before than others are.
  bool ends_early() const {
    const std::size_t n = steps.size();
    return n > 1 && !is_due(steps[n - 1]) && (n < 3 || steps[n - 1] - steps[n - 2] < steps[n - 2] - steps[n - 3]);
  }
  bool is_due(Index step) const { return step % unit == 0 && step / unit % stride == 0; }
};

}  // namespace detail

EIGENESIS_ONCE Film::Film(std::string path, std::function<Picture()> draw, FilmOptions options)
    : path_(std::move(path)), draw_(std::move(draw)), options_(options) {
  detail::check_animation("Film", path_, {options_.frames_per_second, options_.loops});
  require<ArgumentError>(static_cast<bool>(draw_), "Film: expected a function that draws but got none");
  require<ArgumentError>(options_.every >= 0 && options_.most >= 2, "Film: expected every >= 0 and most >= 2 but got ",
                         options_.every, " and ", options_.most);
}
EIGENESIS_ONCE void Film::begin(TrainingView& now) {
  frames_.reset();  // of an earlier training
  detail::expect_writable("Film", path_);
  if (!now.resumed && detail::file_exists(path_)) {
    const detail::Bytes there = detail::read_file("Film", path_, 200);  // the text stands behind the header
    const std::string_view begin(reinterpret_cast<const char*>(there.data()), there.size());
    require<DataError>(there.empty() || begin.find(std::string(detail::animation_keyword) + "film ") != begin.npos,
                       "Film: expected the film of a training or no file but got another file: ", path_);
  }
  auto frames = std::make_shared<detail::FilmFrames>();
  frames->training = now.id;
  frames->unit = options_.every > 0 ? options_.every : now.steps_per_epoch;
  if (now.resumed && detail::file_exists(path_))
    frames->go_on_from(detail::decode_apng("Film", detail::read_file("Film", path_), path_), now.step, path_);
  frames_ = std::move(frames);
  if (frames_->steps.empty()) take(now);
}
EIGENESIS_ONCE void Film::step(TrainingView& now) {
  if (!now.past && options_.every > 0 && frames_->due(now.step, options_.most)) take(now);
}
EIGENESIS_ONCE void Film::epoch(TrainingView& now) {
  if (now.past || now.step % now.steps_per_epoch != 0) return;  // nor a part of an epoch: it may go on
  const bool due = options_.every == 0 && frames_->due(now.step, options_.most);
  if (due || now.epoch == now.epochs) take(now);
}
EIGENESIS_ONCE void Film::save(TrainingView&) { write(); }
EIGENESIS_ONCE void Film::end(TrainingView&) {
  if (frames_) write();
  frames_.reset();
}
EIGENESIS_ONCE void Film::take(TrainingView& now) {
  if (!frames_->steps.empty() && frames_->steps.back() == now.step) return;
  const auto draw = [&] { detail::add_frame("Film", frames_->animation, draw_(), path_); };
  if (!drawing_.succeeds(now, "a frame of " + path_, draw)) return;
  frames_->steps.push_back(now.step);
  frames_->written = false;
}
EIGENESIS_ONCE void Film::write() {
  if (frames_->written || frames_->steps.empty()) return;
  frames_->animation.text = frames_->text();
  detail::write_file(
      "Film", path_,
      detail::encode_apng(frames_->animation, detail::animation_times({options_.frames_per_second, options_.loops})));
  frames_->written = true;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
