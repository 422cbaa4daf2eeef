// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/files/apng.hpp>
#include <eigenesis/training/watchers.hpp>

#include "catch.hpp"
#include "counting_trainer.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

/// Four steps an epoch. A frame shows the number of steps that the model has had.
void train(const std::string& film, FilmOptions options, Index epochs, const std::string& checkpoint = "",
           Index stop_after = -1, std::uint64_t seed = 1) {
  CountingTrainer trainer;
  const auto draw = [&] { return Picture{1, 1, 1, {static_cast<std::uint8_t>(-trainer.weight.value()(0))}}; };
  Rng rng(seed);
  fit(trainer, Tensor<double, 2>(Shape{8, 1}, 0.0),
      {.epochs = epochs,
       .batch_size = 2,
       .on_step = [&](auto& now) { now.stop = now.step == stop_after; },
       .checkpoint = checkpoint.empty() ? std::nullopt : std::optional(Checkpoint{.path = checkpoint}),
       .watch = {Film{film, draw, options}}},
      rng);
}

/// The numbers that the frames of a film show.
std::vector<int> frames_of(const std::string& path) {
  const detail::Animation animation = detail::decode_apng("test", read_bytes(path), path);
  std::vector<int> numbers;
  for (std::size_t i = 0; i < animation.frames.size(); ++i)
    numbers.push_back(detail::unpack_frame("test", animation, i, path).at(0));
  return numbers;
}

using Numbers = std::vector<int>;

}  // namespace

TEST_CASE("A film has a frame before the first step, every n-th step, and after the last epoch", "[training]") {
  const TemporaryDirectory directory;
  const std::string film = directory / "film.png";
  train(film, {.every = 3}, 4);
  CHECK(frames_of(film) == Numbers{0, 3, 6, 9, 12, 15, 16});
  train(film, {}, 4);  // overwrites the other one
  CHECK(frames_of(film) == Numbers{0, 4, 8, 12, 16});
}

TEST_CASE("A film that would be too long drops every second frame", "[training]") {
  const TemporaryDirectory directory;
  const std::string film = directory / "film.png";
  train(film, {.every = 1, .most = 5}, 4);  // 0 1 2 3 4, then 0 2 4 6 8, then 0 4 8 12 16
  CHECK(frames_of(film) == Numbers{0, 4, 8, 12, 16});
  train(film, {.every = 1, .most = 4}, 4);  // 0 1 2 3, 0 2 4 6, 0 4 8 12, 0 8 16
  CHECK(frames_of(film) == Numbers{0, 8, 16});
  train(film, {.most = 2}, 5);  // epochs: 0 4, 0 8, 0 16, and the last
  CHECK(frames_of(film) == Numbers{0, 16, 20});
}

TEST_CASE("The film of a training that goes on is that of one that was never stopped", "[training]") {
  const TemporaryDirectory directory;
  for (const FilmOptions& options : {FilmOptions{.every = 1}, FilmOptions{}, FilmOptions{.every = 1, .most = 4}}) {
    const std::string whole = directory / "whole.png", film = directory / "film.png", run = directory / "run.ckpt";
    train(whole, options, 3);
    for (Index stopped = 1; stopped <= 12; ++stopped) {
      std::filesystem::remove(run);
      train(film, options, 3, run, stopped);
      train(film, options, 3, run);
      CHECK(frames_of(film) == frames_of(whole));
    }
  }
}

TEST_CASE("The film of a training that is prolonged has frames at equal distances", "[training]") {
  const TemporaryDirectory directory;
  for (const FilmOptions& options :
       {FilmOptions{.every = 3, .most = 8}, FilmOptions{.most = 4}, FilmOptions{.every = 5}}) {
    const std::string whole = directory / "whole.png", film = directory / "film.png", run = directory / "run.ckpt";
    train(whole, options, 8);
    for (const Index before : {1, 2, 4, 7}) {
      std::filesystem::remove(run);
      train(film, options, before, run);
      train(film, options, 8, run);
      INFO("every " << options.every << ", at most " << options.most << ", prolonged after " << before << " epochs");
      CHECK(frames_of(film) == frames_of(whole));
    }
  }
}

TEST_CASE("A film whose drawing fails once has frames at equal distances from there on", "[training]") {
  const TemporaryDirectory directory;
  const std::string film = directory / "film.png";
  Rng rng(1);
  CountingTrainer trainer;
  const auto draw = [&] {
    const auto steps = static_cast<std::uint8_t>(-trainer.weight.value()(0));
    if (steps == 2) throw DataError("not now");
    return Picture{1, 1, 1, {steps}};
  };
  fit(trainer, Tensor<double, 2>(Shape{2, 1}, 0.0),
      {.steps = 16, .batch_size = 2, .watch = {Film{film, draw, {.every = 1, .most = 6}}}}, rng);
  CHECK(frames_of(film) == Numbers{0, 4, 8, 12, 16});
}

TEST_CASE("Frames beyond the checkpoint are drawn again, and a film may begin later", "[training]") {
  const TemporaryDirectory directory;
  const std::string film = directory / "film.png", run = directory / "run.ckpt";
  train(film, {.every = 2}, 3, run, 5);
  const Bytes of_five = read_bytes(run);
  train(film, {.every = 2}, 3, run, 9);
  CHECK(frames_of(film) == Numbers{0, 2, 4, 6, 8});
  write_bytes(run, of_five);
  train(film, {.every = 3}, 3, run);
  CHECK(frames_of(film) == Numbers{0, 2, 4, 6, 9, 12});
  write_bytes(run, of_five);
  std::filesystem::remove(film);
  train(film, {.every = 3}, 3, run);
  CHECK(frames_of(film) == Numbers{5, 6, 9, 12});
}

TEST_CASE("The film is there before a checkpoint is", "[training]") {
  const TemporaryDirectory directory;
  struct Looks : Watcher {
    std::string path;
    std::vector<std::size_t> found;
    void save(TrainingView&) override { found.push_back(frames_of(path).size()); }
  } looks;
  looks.path = directory / "film.png";
  CountingTrainer trainer;
  Rng rng(1);
  fit(trainer, Tensor<double, 2>(Shape{8, 1}, 0.0),
      {.epochs = 2,
       .batch_size = 2,
       .checkpoint = Checkpoint{.path = directory / "run.ckpt"},
       .watch = {Film{looks.path,
                      [] {
                        return Picture{1, 1, 1, {0}};
                      },
                      {.every = 2}},
                 &looks}},
      rng);
  CHECK(looks.found == std::vector<std::size_t>{1, 3, 5});
}

TEST_CASE("Film refuses what does not fit, and leaves the file", "[training]") {
  const TemporaryDirectory directory;
  const std::string film = directory / "film.png", run = directory / "run.ckpt";
  const auto message = [](auto&& f) {
    try {
      f();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  train(film, {}, 2, run, 6);
  const Bytes checkpoint = read_bytes(run);
  train(film, {}, 2, "", -1, 2);
  const Bytes of_another = read_bytes(film);
  CHECK(message([&] { train(film, {}, 2, run); }) ==
        "Film: expected the film of this training but got that of another one in " + film +
            "; give this one another file, or remove that one");
  CHECK(read_bytes(film) == of_another);
  save_animation(film, {Picture{1, 1, 1, {0}}});
  const Bytes other = read_bytes(film);
  CHECK(message([&] { train(film, {}, 2, run); }) ==
        "Film: expected the film of a training but got another animation in " + film);
  CHECK(read_bytes(film) == other);
  save_png(film, Picture{1, 1, 1, {0}});
  CHECK(message([&] { train(film, {}, 2, run); }) ==
        "Film: expected an animation that this library wrote but its chunks are others in " + film);
  write_bytes(film, {'a'});
  CHECK(message([&] { train(film, {}, 2, run); }) ==
        "Film: expected an animation that this library wrote but got another kind of file in " + film);
  CHECK(read_bytes(film) == Bytes{'a'});
  CHECK(read_bytes(run) == checkpoint);

  const auto draw = [] { return Picture{1, 1, 1, {0}}; };
  write_bytes(film, {'t', 'e', 'x', 't'});
  CHECK(message([&] { train(film, {}, 1); }) ==
        "Film: expected the film of a training or no file but got another file: " + film);
  CHECK(read_bytes(film) == Bytes{'t', 'e', 'x', 't'});
  save_png(film, Picture{1, 1, 1, {0}});
  CHECK(message([&] { train(film, {}, 1); }) ==
        "Film: expected the film of a training or no file but got another file: " + film);
  save_animation(film, {Picture{1, 1, 1, {0}}});  // which no Film wrote
  CHECK(message([&] { train(film, {}, 1); }) ==
        "Film: expected the film of a training or no file but got another file: " + film);
  CHECK(read_bytes(film) == other);
  CHECK(message([&] { train("no/folder/film.png", {}, 1); }) ==
        "Film: expected a writable file but got 'No such file or directory' for no/folder/film.png");
  CHECK(message([&] { Film("film.gif", draw); }) == "Film: expected a file name that ends in .png but got film.gif");
  CHECK(message([&] { Film("film.png", {}); }) == "Film: expected a function that draws but got none");
  CHECK(message([&] { Film("film.png", draw, {.every = -1}); }) ==
        "Film: expected every >= 0 and most >= 2 but got -1 and 300");
  CHECK(message([&] { Film("film.png", draw, {.most = 1}); }) ==
        "Film: expected every >= 0 and most >= 2 but got 0 and 1");
  CHECK(message([&] { Film("film.png", draw, {.frames_per_second = 1e9}); }) ==
        "Film: expected frames_per_second in [0.02, 1000] and loops in [0, 2^31 - 1] but got 1e+09 and 0");
}

TEST_CASE("A frame that cannot be drawn is left out with a warning, and the training goes on", "[training]") {
  const TemporaryDirectory directory;
  const std::string film = directory / "film.png";
  struct Hears : Watcher {
    std::vector<std::string> sentences;
    void warning(TrainingView& now, std::string_view sentence) override {
      sentences.push_back(std::to_string(now.step) + " " + std::string(sentence));
    }
  } hears;
  CountingTrainer trainer;
  const auto draw = [&] {
    const auto number = static_cast<std::uint8_t>(-trainer.weight.value()(0));
    if (number == 2 || number == 3) throw NumericError("nan in a pixel");
    return number == 5 ? Picture{1, 2, 1, {0, 0}} : Picture{1, 1, 1, {number}};
  };
  Rng rng(1);
  const auto history = fit(trainer, Tensor<double, 2>(Shape{8, 1}, 0.0),
                           {.epochs = 2, .batch_size = 2, .watch = {Film{film, draw, {.every = 1}}, &hears}}, rng);
  CHECK(history.steps.size() == 8);
  CHECK(frames_of(film) == Numbers{0, 1, 4, 6, 7, 8});
  CHECK(hears.sentences ==
        std::vector<std::string>{"2 Film: expected to draw a frame of " + film + " but got 'nan in a pixel'",
                                 "5 Film: expected to draw a frame of " + film +
                                     " but got 'Film: expected pictures of one size, 1 x 1, but got one of 1 x 2'"});
}

// For tests/training/film_reader.py, into the folder that EIGENESIS_WRITE_FILM names: a film of a training that was
// stopped and went on, thinned out, in colour.
TEST_CASE("A film of a training for Pillow is written", "[.film]") {
  const char* const given = std::getenv("EIGENESIS_WRITE_FILM");
  REQUIRE(given != nullptr);
  const std::string folder = given;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const Tensor<double, 2> data(Shape{8, 1}, 0.0);
  for (const Index stop_after : {7, -1}) {
    CountingTrainer trainer;
    const auto draw = [&] {
      const auto step = static_cast<std::uint8_t>(-trainer.weight.value()(0));
      return Picture{1, 2, 3, {step, 1, 2, 3, step, static_cast<std::uint8_t>(255 - step)}};
    };
    Rng rng(1);
    fit(trainer, data,
        {.epochs = 5,
         .batch_size = 2,
         .on_step = [&](auto& now) { now.stop = now.step == stop_after; },
         .checkpoint = Checkpoint{.path = folder + "/run.ckpt"},
         .watch = {Film{folder + "/film.png", draw, {.every = 1, .most = 8, .frames_per_second = 29.97, .loops = 2}}}},
        rng);
  }
}
