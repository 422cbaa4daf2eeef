// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/watchers.hpp>
#include <sstream>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;
using Catch::Matchers::Message;

namespace {

/// A GAN on two numbers, whose gradients and losses are no round numbers.
struct SmallGan {
  Rng rng{3};
  Generator<Linear<float>, StandardNormal<float>> generator{Linear(1, 2, rng), StandardNormal(1)};
  Discriminator<Linear<float>> discriminator{Linear(2, 1, rng)};

  FitHistory<GanLosses> train(std::vector<AWatcher> watch, Index epochs = 2, const std::string& checkpoint = "",
                              Index stop_after = -1, Rng seed = Rng(5)) {
    GanTrainer trainer{generator, discriminator, NonSaturating{}};
    return trainer.fit(
        Tensor<float, 2>(Shape{12, 2}, 1.0f),
        {.epochs = epochs,
         .batch_size = 4,
         .on_step = [&](auto& now) { now.stop = now.step == stop_after; },
         .checkpoint = checkpoint.empty() ? std::optional<Checkpoint>() : Checkpoint{.path = checkpoint, .every = 2},
         .watch = std::move(watch)},
        seed);
  }
};

std::vector<std::string> lines_of(const std::string& path) {
  const Bytes bytes = read_bytes(path);
  std::istringstream text(std::string(bytes.begin(), bytes.end()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line)
    if (c == ',')
      cells.emplace_back();
    else
      cells.back() += c;
  return cells;
}
/// Without the times.
std::vector<std::string> timeless(std::vector<std::string> lines) {
  for (std::string& line : lines) {
    std::vector<std::string> cells = cells_of(line);
    cells.at(3) = "";
    line.clear();
    for (const std::string& cell : cells) line += cell + ",";
  }
  return lines;
}
void add_text(const std::string& path, const std::string& text) {
  Bytes bytes = read_bytes(path);
  bytes.insert(bytes.end(), text.begin(), text.end());
  write_bytes(path, bytes);
}

}  // namespace

TEST_CASE("A CSV log has a row for each step and epoch, with the doubles of the history", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.csv";
  const auto history = SmallGan().train({Log{path}});
  const std::vector<std::string> lines = lines_of(path);
  REQUIRE(lines.size() == 1 + 6 + 2);
  CHECK(lines[0] ==
        "kind,step,epoch,seconds,discriminator,generator,held_out_discriminator,held_out_generator,"
        "learning_rate_Discriminator,gradient_norm_Discriminator,learning_rate_Generator,gradient_norm_Generator");
  const std::vector<std::size_t> rows_of_steps{1, 2, 3, 5, 6, 7};
  for (std::size_t i = 0; i < 6; ++i) {
    const auto cells = cells_of(lines[rows_of_steps[i]]);
    REQUIRE(cells.size() == 12);
    CHECK(cells[0] == "step");
    CHECK(cells[1] == std::to_string(i + 1));
    CHECK(cells[2] == std::to_string(1 + i / 3));
    CHECK(std::stod(cells[4]) == history.steps[i].discriminator);  // all its bits
    CHECK(std::stod(cells[5]) == history.steps[i].generator);
    CHECK(cells[6].empty());
    CHECK(std::stod(cells[8]) == 2e-4);
    CHECK(std::stod(cells[9]) > 0);
    CHECK(std::stod(cells[11]) > 0);
  }
  const auto epoch = cells_of(lines[4]);
  CHECK(epoch[0] == "epoch");
  CHECK(std::stod(epoch[4]) == history.epochs[0].discriminator);
  CHECK(epoch[8].empty());
}

TEST_CASE("A JSON log has an object on each line, and the warnings", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.jsonl";
  struct Warns : Watcher {
    void step(TrainingView& now) override {
      if (now.step == 4) now.warn("a \"word\"\n");
    }
  };
  const auto history = SmallGan().train({Log{path, {.every = 2}}, Warns{}});
  const std::vector<std::string> lines = lines_of(path);
  REQUIRE(lines.size() == 3 + 1 + 2);
  CHECK_THAT(lines[0], Catch::Matchers::StartsWith(R"({"kind":"step","step":2,"epoch":1,"seconds":)"));
  CHECK_THAT(lines[0],
             Catch::Matchers::Contains("\"generator\":" + detail::shortest(history.steps[1].generator) + ","));
  CHECK_THAT(lines[1], Catch::Matchers::StartsWith(R"({"kind":"epoch","step":3,"epoch":1,"seconds":)"));
  CHECK(lines[3] == R"({"kind":"warning","step":4,"epoch":2,"warning":"a \"word\"\u000a"})");
  CHECK_THAT(lines[5], Catch::Matchers::StartsWith(R"({"kind":"epoch","step":6,"epoch":2,)"));
}

TEST_CASE("A log goes on where a training goes on, whenever it was killed", "[training]") {
  const TemporaryDirectory folder;
  for (const std::string ending : {".csv", ".jsonl"}) {
    const std::string whole = folder / "whole" + ending, path = folder / "run" + ending,
                      run = folder / "run" + ending + ".ckpt";
    SmallGan().train({Log{whole}});
    const std::vector<std::string> expected = timeless(lines_of(whole));
    for (Index stopped = 1; stopped <= 6; ++stopped) {
      SmallGan().train({Log{path}}, 2, run, stopped);
      Bytes then = read_bytes(run);
      SmallGan().train({Log{path}}, 2, run);
      CHECK(timeless(lines_of(path)) == expected);

      write_bytes(run, then);  // it was killed before a checkpoint of the end, in the middle of a row
      add_text(path, lines_of(path).back().substr(0, 7));
      SmallGan().train({Log{path}}, 2, run);
      CHECK(timeless(lines_of(path)) == expected);
      std::filesystem::remove(path);
      std::filesystem::remove(run);
    }
  }
}

TEST_CASE("A log refuses what is not its own", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.csv", run = folder / "run.ckpt";
  const auto message = [&](auto&& f) {
    try {
      f();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  SmallGan().train({Log{path}}, 2, run, 3);
  const Bytes log = read_bytes(path);
  CHECK(message([&] { SmallGan().train({Log{path}}); }) ==
        "Log: expected an empty file for a training that begins but got rows in " + path +
            "; give it another path, or remove the file");
  CHECK(read_bytes(path) == log);
  std::vector<std::string> lines = lines_of(path);
  lines[3].insert(lines[3].rfind("step,3,1,") + 9, "1.5,9");  // seconds and the digits of another loss
  write_bytes(path, {});
  for (const std::string& line : lines) add_text(path, line + "\n");
  CHECK_THAT(message([&] { SmallGan().train({Log{path}}, 2, run); }),
             Catch::Matchers::StartsWith("Log: expected the rows of this training in " + path +
                                         " but in step 3 its discriminator is "));
  write_bytes(path, Bytes{'a', 'b', 'c', '\n'});
  CHECK(message([&] { SmallGan().train({Log{path}}); }) == "Log: expected a log but got another file: " + path);
  write_bytes(path, Bytes{'a', 'b', 'c'});  // without a whole row nothing can be told, but it is no log either
  CHECK(message([&] { SmallGan().train({Log{path}}); }) == "Log: expected a log but got another file: " + path);
  CHECK(read_bytes(path).size() == 3);
  std::filesystem::remove(path);
  CHECK(message([&] {
          SmallGan().train({Log{path}, Log{path}});
        }) == "Log: expected a file for this training only but another one is writing " + path);
  CHECK(message([&] { Log("run.txt"); }) == "Log: expected a name that ends in .csv or .jsonl but got run.txt");
  CHECK(message([&] { Log("run.csv", {.every = -1}); }) == "Log: expected every >= 0 but got -1");
  CHECK(message([&] { SmallGan().train({Log{folder / "none/run.csv"}}); }) ==
        "Log: expected a file that can be written but got 'No such file or directory' for " + folder / "none/run.csv");
}

TEST_CASE("A log does not change a training", "[training]") {
  const TemporaryDirectory folder;
  const auto with = SmallGan().train({Log{folder / "run.csv"}}), without = SmallGan().train({});
  for (std::size_t i = 0; i < 6; ++i) CHECK(with.steps[i].generator == without.steps[i].generator);
}
