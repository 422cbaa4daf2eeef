// SPDX-License-Identifier: MIT
#include <chrono>
#include <clocale>
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/watchers.hpp>
#include <regex>
#include <sstream>
#include <thread>
#include <variant>

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

  FitHistory<GanLosses> train(std::vector<WatcherRef> watch, Index epochs = 2, const std::string& checkpoint = "",
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
/// null, a number, or a string.
using JsonValue = std::variant<std::nullptr_t, double, std::string>;
using Json = std::map<std::string, JsonValue>;
/// An object without others in it, by the grammar of RFC 8259; throws for anything else.
Json json_of(const std::string& line) {
  std::size_t at = 0;
  const auto expect = [&](bool good) {
    if (!good) throw std::runtime_error("no JSON at character " + std::to_string(at) + ": " + line);
  };
  const auto take = [&](char c) { return at < line.size() && line[at] == c && ++at; };
  const auto string = [&] {
    std::string text;
    expect(take('"'));
    while (!take('"')) {
      expect(at < line.size() && static_cast<unsigned char>(line[at]) >= 0x20);
      if (!take('\\')) {
        text += line[at++];
        continue;
      }
      const std::string_view names = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
      if (const auto i = names.find(line.at(at)); i != names.npos) {
        text += meant[i];
        ++at;
      } else {
        expect(take('u'));
        text += static_cast<char>(std::stoi(line.substr(at, 4), nullptr, 16));
        at += 4;
      }
    }
    return text;
  };
  const std::regex number("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?");
  Json object;
  expect(take('{'));
  do {
    const std::string name = string();
    expect(take(':') && !object.contains(name));
    std::smatch found;
    const auto here = line.begin() + static_cast<std::ptrdiff_t>(at);
    if (line.compare(at, 4, "null") == 0) {
      object[name] = nullptr;
      at += 4;
    } else if (std::regex_search(here, line.end(), found, number, std::regex_constants::match_continuous)) {
      object[name] = std::stod(found.str());
      at += static_cast<std::size_t>(found.length());
    } else {
      object[name] = string();
    }
  } while (take(','));
  expect(take('}') && at == line.size());
  return object;
}
void write_lines(const std::string& path, const std::vector<std::string>& lines) {
  std::ofstream file(path);
  for (const std::string& line : lines) file << line << "\n";
}
/// The message of an Error, or "nothing".
std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

/// Losses as a function tells them, of two models of one kind; the second is updated in even steps.
struct ToldLosses {
  double loss = 0, extra = 0;
  static void fields(auto& self, auto&& field) {
    field("loss", self.loss);
    field("extra", self.extra);
  }
};
struct TwoLinears {
  Rng rng{3};
  Linear<float> first{2, 2, rng}, second{2, 1, rng};
  Sgd<> of_first{{.learning_rate = 0.25}}, optimizer_of_second{{.learning_rate = 0.5}};
  Tensor<double, 0> steps = Tensor<double, 0>(Shape<0>{}, 0);
  std::function<double(Index)> extra = [](Index step) { return static_cast<double>(step); };

  TwoLinears() { prepare(); }  // a checkpoint may come before the second one is updated
  ToldLosses step(const Tensor<float, 2>& x, Rng&) {
    const auto now = static_cast<Index>(steps.data()[0] += 1);
    of_first.minimize(mean(square(first(Variable(x)))), first);
    if (now % 2 == 0) optimizer_of_second.minimize(100.0f * mean(square(second(Variable(x)))), second);
    return {1.0 / static_cast<double>(now), extra(now)};
  }
  void prepare() {
    of_first.prepare(first);
    optimizer_of_second.prepare(second);
  }
  static void fields(auto& self, auto&& field) {
    field("first", self.first);
    field("second", self.second);
    field("of_first", self.of_first);
    field("optimizer_of_second", self.optimizer_of_second);
    field("steps", self.steps);
  }
};
struct Strange {
  struct Losses {
    double loss = 0.5;
    static void fields(auto& self, auto&& field) { field("a, \"b\"", self.loss); }
  };
  Losses step(const Tensor<float, 2>&, Rng&) { return {}; }
};
struct Taken {
  struct Losses {
    double loss = 0.5;
    static void fields(auto& self, auto&& field) { field("step", self.loss); }
  };
  Losses step(const Tensor<float, 2>&, Rng&) { return {}; }
};
struct Killed {};
/// Twelve samples, three steps an epoch; stopped after a step, or killed in one, if these are > 0.
struct RunOptions {
  Index epochs = 4, steps = 0, every = 0, stop = 0, killed = 0;
  std::uint64_t seed = 1;
};
template <class Trainer>
void train(Trainer& trainer, const std::string& checkpoint, std::vector<WatcherRef> watch, RunOptions options = {}) {
  Rng seed(options.seed);
  try {
    fit(trainer, Tensor<float, 2>(Shape{12, 2}, 1.0f),
        {.steps = options.steps,
         .epochs = options.steps > 0 ? 0 : options.epochs,
         .batch_size = 4,
         .on_step =
             [&](auto& now) {
               now.stop = now.step == options.stop;
               if (now.step == options.killed) throw Killed{};
             },
         .checkpoint = Checkpoint{.path = checkpoint, .every = options.every},
         .watch = std::move(watch)},
        seed);
  } catch (const Killed&) {
  }
}
/// Kind and step of each row: "step 1", "epoch 3".
std::vector<std::string> places(const std::string& path) {
  std::vector<std::string> result;
  for (const std::string& line : lines_of(path))
    if (path.ends_with(".jsonl")) {
      const Json row = json_of(line);
      result.push_back(std::get<std::string>(row.at("kind")) + " " +
                       std::to_string(static_cast<int>(std::get<double>(row.at("step")))));
    } else if (const auto cells = cells_of(line); cells[0] != "kind") {
      result.push_back(cells[0] + " " + cells[1]);
    }
  return result;
}
using Places = std::vector<std::string>;

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
        "learning_rate_generator,gradient_norm_generator,learning_rate_discriminator,gradient_norm_discriminator,"
        "training");
  const std::vector<std::size_t> rows_of_steps{1, 2, 3, 5, 6, 7};
  for (std::size_t i = 0; i < 6; ++i) {
    const auto cells = cells_of(lines[rows_of_steps[i]]);
    REQUIRE(cells.size() == 13);
    CHECK(cells[0] == "step");
    CHECK(cells[1] == std::to_string(i + 1));
    CHECK(cells[2] == std::to_string(1 + i / 3));
    CHECK(std::stod(cells[4]) == history.steps[i].discriminator);  // all its bits
    CHECK(std::stod(cells[5]) == history.steps[i].generator);
    CHECK(cells[6].empty());
    CHECK(std::stod(cells[8]) == 2e-4);
    CHECK(std::stod(cells[9]) > 0);
    CHECK(std::stod(cells[11]) > 0);
    CHECK(cells[12].size() == 9);
    CHECK(cells[12] == cells_of(lines[1])[12]);
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
  std::vector<Json> rows;
  for (const std::string& line : lines_of(path)) rows.push_back(json_of(line));
  REQUIRE(rows.size() == 3 + 1 + 2);
  const auto is = [&](std::size_t i, const char* kind, double step, double epoch) {
    CHECK(std::get<std::string>(rows[i].at("kind")) == kind);
    CHECK(std::get<double>(rows[i].at("step")) == step);
    CHECK(std::get<double>(rows[i].at("epoch")) == epoch);
  };
  is(0, "step", 2, 1);
  is(1, "epoch", 3, 1);
  is(2, "step", 4, 2);
  is(3, "warning", 4, 2);
  is(4, "step", 6, 2);
  is(5, "epoch", 6, 2);
  CHECK(std::get<double>(rows[0].at("generator")) == history.steps[1].generator);
  CHECK(std::get<double>(rows[5].at("generator")) == history.epochs[1].generator);
  CHECK(std::get<double>(rows[0].at("learning_rate_discriminator")) == 2e-4);
  CHECK_FALSE(rows[0].contains("held_out_generator"));
  CHECK(std::get<std::string>(rows[3].at("warning")) == "a \"word\"\n");
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
  SmallGan().train({Log{path}}, 2, run, 2);  // the last row is that of the part of an epoch
  const Bytes log = read_bytes(path);
  CHECK(message([&] { SmallGan().train({Log{path}}); }) ==
        "Log: expected an empty file for a training that begins but got rows in " + path +
            "; give it another path, or remove the file");
  CHECK(read_bytes(path) == log);
  std::vector<std::string> lines = lines_of(path);
  const std::string loss = cells_of(lines[2])[4];
  lines[2].replace(lines[2].find(loss), loss.size(), "9" + loss);
  write_lines(path, lines);
  CHECK_THAT(message([&] { SmallGan().train({Log{path}}, 2, run); }),
             Catch::Matchers::StartsWith("Log: expected the rows of this training in " + path +
                                         " but in step 2 its discriminator is 9" + loss + ", here it is " + loss));
  CHECK(lines_of(path) == lines);  // it stays as it is
  write_bytes(path, Bytes{'a', 'b', 'c', '\n'});
  CHECK(message([&] { SmallGan().train({Log{path}}); }) == "Log: expected a log but got another file: " + path);
  write_bytes(path, Bytes{'a', 'b', 'c'});  // without a whole row nothing can be told, but it is no log either
  CHECK(message([&] { SmallGan().train({Log{path}}); }) == "Log: expected a log but got another file: " + path);
  CHECK(read_bytes(path).size() == 3);
  std::filesystem::remove(path);
  CHECK(message([&] {
          SmallGan().train({Log{path}, Log{path}});
        }) == "GanTrainer::fit: expected another file for each watcher and the checkpoint but got " + path + " twice");
  CHECK_FALSE(std::filesystem::exists(path));
  struct Other : Watcher {
    std::string log;
    void step(TrainingView&) override {
      CHECK(message([&] { SmallGan().train({Log{log}}); }) == expected());
    }
    std::string expected() const {
      return "Log: expected a file for this training only but another one is writing " + log;
    }
  } other;
  other.log = path;
  SmallGan().train({Log{path}, &other}, 1);
  std::filesystem::remove(path);
  CHECK(message([&] { Log("run.txt"); }) == "Log: expected a name that ends in .csv or .jsonl but got run.txt");
  CHECK(message([&] { Log("run.csv", {.every = -1}); }) == "Log: expected every >= 0 but got -1");
  CHECK(message([&] { SmallGan().train({Log{folder / "none/run.csv"}}); }) ==
        "Log: expected a file that can be written but got 'No such file or directory' for " + folder / "none/run.csv");
}

TEST_CASE("A log has rows of whole and of broken epochs, and goes on from them", "[training]") {
  const TemporaryDirectory folder;
  for (const std::string ending : {".csv", ".jsonl"})
    for (const Index every : {0, 1}) {
      const std::string name = std::to_string(every) + ending, path = folder / "run" + name, run = folder / name + "c";
      TwoLinears first, second;
      train(first, run, {Log{path, {.every = every}}}, {.epochs = 2, .stop = 2});
      CHECK(places(path) == (every ? Places{"step 1", "step 2", "epoch 2"} : Places{"epoch 2"}));
      train(second, run, {Log{path, {.every = every}}}, {.epochs = 2});
      CHECK(places(path) ==
            (every ? Places{"step 1", "step 2", "step 3", "epoch 3", "step 4", "step 5", "step 6", "epoch 6"}
                   : Places{"epoch 3", "epoch 6"}));
    }
}

TEST_CASE("A log loses the rows beyond the checkpoint, and regains those that are missing", "[training]") {
  const TemporaryDirectory folder;
  const Places all{"step 1", "step 2",  "step 3", "epoch 3", "step 4", "step 5",
                   "step 6", "epoch 6", "step 7", "step 8",  "step 9", "epoch 9"};
  for (const std::string ending : {".csv", ".jsonl"}) {
    const std::string path = folder / "run" + ending, run = folder / "run" + ending + ".ckpt";
    // Killed in step 8 after a checkpoint of step 6; then with another rate, and so other numbers.
    TwoLinears first, second;
    first.extra = second.extra = [](Index step) { return step % 2 ? std::nan("") : 1.0 / 3; };
    train(first, run, {Log{path}}, {.epochs = 3, .killed = 8});
    CHECK(places(path).back() == "step 7");
    second.extra = [&](Index step) { return step > 6 ? 7.0 : first.extra(step); };
    train(second, run, {Log{path}}, {.epochs = 3});
    CHECK(places(path) == all);
    CHECK(lines_of(path)[ending == ".csv" ? 9 : 8].find(ending == ".csv" ? ",7," : "\"extra\":7,") !=
          std::string::npos);

    // A power cut took the end of the file, another one all.
    for (const std::size_t left : {4, 0}) {
      std::filesystem::remove(path);
      std::filesystem::remove(run);
      TwoLinears cut, on;
      cut.extra = on.extra = first.extra;
      train(cut, run, {Log{path}}, {.epochs = 3, .stop = 7});
      std::vector<std::string> lines = lines_of(path);
      lines.resize(left);
      write_lines(path, lines);
      train(on, run, {Log{path}}, {.epochs = 3});
      CHECK(places(path) == all);
    }
  }
}

TEST_CASE("A log of more than 2 GiB goes on", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.csv", run = folder / "run.ckpt";
  TwoLinears first, second;
  train(first, run, {Log{path}}, {.epochs = 3, .stop = 7});
  const std::vector<std::string> lines = lines_of(path);
  write_lines(path, {lines[0]});
  std::filesystem::resize_file(path, 3'000'000'000);  // a hole, which takes no room on the disk
  std::ofstream end(path, std::ios::app);
  for (std::size_t i = 1; i < lines.size(); ++i) end << (i == 1 ? "\n" : "") << lines[i] << "\n";
  end.close();
  train(second, run, {Log{path}}, {.epochs = 3});
  std::ifstream file(path);
  file.seekg(3'000'000'001);
  Places found;
  for (std::string line; std::getline(file, line);) found.push_back(cells_of(line)[0] + " " + cells_of(line)[1]);
  CHECK(found == Places{"step 1", "step 2", "step 3", "epoch 3", "step 4", "step 5", "step 6", "epoch 6", "step 7",
                        "step 8", "step 9", "epoch 9"});
}

TEST_CASE("A row of NaN does not end a training that goes on", "[training]") {
  const TemporaryDirectory folder;
  for (const std::string ending : {".csv", ".jsonl"}) {
    const std::string path = folder / "run" + ending, run = folder / "run" + ending + ".ckpt";
    for (const Index stop : {2, 0}) {
      TwoLinears trainer;
      trainer.extra = [](Index step) { return step == 2 ? std::nan("") : HUGE_VAL; };
      train(trainer, run, {Log{path}}, {.epochs = 1, .stop = stop});
    }
    CHECK(places(path) == Places{"step 1", "step 2", "step 3", "epoch 3"});
    if (ending == ".jsonl") {
      CHECK(std::holds_alternative<std::nullptr_t>(json_of(lines_of(path)[1]).at("extra")));
      CHECK(std::get<double>(json_of(lines_of(path)[1]).at("loss")) == 0.5);
    } else {
      CHECK(cells_of(lines_of(path)[1])[5] == "inf");
      CHECK(cells_of(lines_of(path)[2])[5] == "nan");
    }
  }
}

TEST_CASE("A log keeps two models of one kind apart, also one that is updated later", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.csv", lines = folder / "run.jsonl";
  TwoLinears trainer, other;
  train(trainer, folder / "run.ckpt", {Log{path}, Log{lines}}, {.epochs = 1, .stop = 1});
  train(other, folder / "run.ckpt", {Log{path}, Log{lines}}, {.epochs = 1});
  const auto table = lines_of(path);
  CHECK(table[0] ==
        "kind,step,epoch,seconds,loss,extra,held_out_loss,held_out_extra,learning_rate_of_first,"
        "gradient_norm_of_first,learning_rate_optimizer_of_second,gradient_norm_optimizer_of_second,training");
  REQUIRE(table.size() == 5);
  CHECK(cells_of(table[1])[8] == "0.25");
  CHECK(cells_of(table[1])[10].empty());
  CHECK(cells_of(table[2])[8] == "0.25");
  CHECK(cells_of(table[2])[10] == "0.5");
  CHECK(std::stod(cells_of(table[2])[9]) != std::stod(cells_of(table[2])[11]));
  CHECK_FALSE(json_of(lines_of(lines)[0]).contains("learning_rate_optimizer_of_second"));
  CHECK(std::get<double>(json_of(lines_of(lines)[1]).at("learning_rate_optimizer_of_second")) == 0.5);
}

TEST_CASE("The seconds of a log go on where a training goes on", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.csv";
  struct Waits : Watcher {
    void step(TrainingView& now) override {
      if (!now.past) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  };
  for (const Index stop : {3, 0}) {
    TwoLinears trainer;
    train(trainer, folder / "run.ckpt", {Waits{}, Log{path}}, {.epochs = 2, .stop = stop});
  }
  double before = 0;
  for (const std::string& line : lines_of(path)) {
    if (line.starts_with("kind")) continue;
    const double seconds = std::stod(cells_of(line)[3]);
    CHECK(seconds >= before);
    before = seconds;
  }
  CHECK(before >= 6 * 0.02 - 0.002);
}

TEST_CASE("A log of another training is told by its rows, though nothing can be compared", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.csv";
  TwoLinears trainer, other, again;
  train(trainer, folder / "a.ckpt", {Log{path, {.every = 0}}});
  const auto lines = lines_of(path);
  train(other, folder / "b.ckpt", {}, {.stop = 2, .seed = 2});
  CHECK_THAT(message([&] {
               train(again, folder / "b.ckpt", {Log{path, {.every = 0}}}, {.seed = 2});
             }),
             Catch::Matchers::StartsWith("Log: expected rows of this training, t"));
  CHECK(lines_of(path) == lines);
}

TEST_CASE("Names of losses and metrics are quoted in CSV, and are no other column's", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.csv";
  const Tensor<float, 2> data(Shape{4, 1}, 1.0f);
  Rng rng(1);
  Strange strange;
  fit(strange, data, {.steps = 1, .watch = {Log{path}, Log{folder / "run.jsonl"}}}, rng);
  CHECK_THAT(lines_of(path)[0], Catch::Matchers::StartsWith(
                                    "kind,step,epoch,seconds,\"a, \"\"b\"\"\",\"held_out_a, \"\"b\"\"\",training"));
  CHECK(std::get<double>(json_of(lines_of(folder / "run.jsonl")[0]).at("a, \"b\"")) == 0.5);
  Taken taken;
  for (const std::string name : {"taken.csv", "taken.jsonl"})
    CHECK(message([&] { fit(taken, data, {.steps = 1, .watch = {Log{folder / name}}}, rng); }) ==
          "Log: expected losses and metrics of different names, none of which is another column's, but got step "
          "twice for " +
              (folder / name));
}

TEST_CASE("A metric has a row in each step in which it is measured, and reaches all watchers", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.csv";
  int measured = 0;
  const auto metrics = [&] {
    return std::vector<WatcherRef>{Log{path, {.every = 0}}, Log{folder / "run.jsonl", {.every = 0}},
                                 Metric{"FID", [&] { return 10.0 - ++measured; }, {.every = 2}},
                                 Metric{"of epochs", [] { return 0.125; }}};
  };
  TwoLinears first, second;
  train(first, folder / "run.ckpt", metrics(), {.epochs = 2, .stop = 4});
  train(second, folder / "run.ckpt", metrics(), {.epochs = 2});
  CHECK(measured == 3);
  CHECK(places(path) == Places{"step 2", "epoch 3", "step 4", "step 6", "epoch 6"});
  const auto lines = lines_of(path);
  REQUIRE(cells_of(lines[0])[8] == "FID");
  CHECK(cells_of(lines[1])[8] == "9");
  CHECK(cells_of(lines[2])[8].empty());
  CHECK(cells_of(lines[2])[9] == "0.125");
  CHECK(cells_of(lines[4])[8] == "7");
  CHECK(std::get<double>(json_of(lines_of(folder / "run.jsonl")[3]).at("FID")) == 7);
  CHECK(message([&] { Metric("", [] { return 0.0; }); }) == "Metric: expected a name and a function but got no name");
  CHECK(message([&] { Metric("a", {}); }) == "Metric: expected a name and a function but got no function");
  CHECK(message([&] { Metric("a", [] { return 0.0; }, {.every = -1}); }) == "Metric: expected every >= 0 but got -1");
  TwoLinears third;
  CHECK(message([&] {
          train(third, "", {Metric{"a", [] { return 0.0; }}, Metric{"a", [] { return 0.0; }}});
        }) == "fit: expected metrics of different names, none of which is a loss's, but got a twice");
  CHECK(message([&] { train(third, "", {Metric{"loss", [] { return 0.0; }}}); }) ==
        "fit: expected metrics of different names, none of which is a loss's, but got loss twice");
}

TEST_CASE("Logs have points where the locale has commas", "[training]") {
  const TemporaryDirectory folder;
  const std::string before = std::setlocale(LC_ALL, nullptr);
  const char* found = nullptr;
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8", "ru_RU.UTF-8"})
    if (!found) found = std::setlocale(LC_ALL, name);
  if (!found) WARN("no locale with a decimal comma on this machine");
  TwoLinears trainer;
  train(trainer, "", {Log{folder / "run.csv"}, Log{folder / "run.jsonl"}}, {.epochs = 1});
  std::setlocale(LC_ALL, before.c_str());
  for (const std::string& line : lines_of(folder / "run.csv")) CHECK(cells_of(line).size() == 13);
  for (const std::string& line : lines_of(folder / "run.jsonl")) CHECK_NOTHROW(json_of(line));
}

TEST_CASE("A log does not change a training", "[training]") {
  const TemporaryDirectory folder;
  const auto with = SmallGan().train({Log{folder / "run.csv"}}), without = SmallGan().train({});
  for (std::size_t i = 0; i < 6; ++i) CHECK(with.steps[i].generator == without.steps[i].generator);
}
