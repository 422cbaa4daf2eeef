// SPDX-License-Identifier: MIT
// Watchers of a training that stops in their own functions, that goes on, or that was asked for without an end.
#include <cmath>
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/report.hpp>
#include <eigenesis/training/watchers.hpp>
#include <filesystem>
#include <fstream>
#include <limits>

#include "catch.hpp"
#include "counting_trainer.hpp"
#include "files.hpp"
#include "screen.hpp"

using namespace eigenesis;
using Catch::Matchers::Contains;
using Catch::Matchers::Message;

namespace {

struct Fixture {
  TemporaryDirectory folder;
  std::string path = folder / "run.safetensors";
  Screen screen;                // of the last training
  Index steps_at_the_end = -1;  // of the optimizer, whatever fit throws

  /// Four samples in batches of two: two steps an epoch.
  Index train(Index epochs, std::vector<WatcherRef> watch, Index stop_after = -1, Index every = 0,
              FitHistory<Loss>* history = nullptr) {
    Rng rng(1);
    CountingTrainer trainer;
    screen.text.clear();
    struct AtTheEnd {
      const CountingTrainer& trainer;
      Index& steps;
      ~AtTheEnd() { steps = trainer.optimizer.steps(); }
    } at_the_end{trainer, steps_at_the_end};
    return std::ssize(fit(trainer, Tensor<double, 2>(Shape{4, 1}, 0.0),
                          {.epochs = epochs,
                           .batch_size = 2,
                           .progress = screen.bar(),
                           .on_step = [&](auto& now) { now.stop = now.step == stop_after; },
                           .checkpoint = Checkpoint{.path = path, .every = every},
                           .watch = std::move(watch),
                           .history = history},
                          rng)
                          .steps);
  }
  std::string text_of(const std::string& file) const {
    const Bytes bytes = read_bytes(file);
    return {bytes.begin(), bytes.end()};
  }
};

/// How often a part is in a text.
Index count(const std::string& text, const std::string& part) {
  Index n = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

int steps_seen = 0;

class PrivatePath : public Watcher {
  std::string path = "not a file";

 public:
  void step(TrainingView&) override { ++steps_seen; }
};
struct PathWithSetter : Watcher {
  std::string own;
  std::string path() const override { return own; }
  void path(std::string value) { own = std::move(value); }
  void step(TrainingView&) override { ++steps_seen; }
};
struct EpochNumber : Watcher {
  Index epoch = 0;
  void step(TrainingView&) override { ++steps_seen; }
};
class PrivateStep : public Watcher {
  void step(TrainingView&) override { ++steps_seen; }
};
struct VirtualBase : virtual Watcher {
  void step(TrainingView&) override { ++steps_seen; }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "Watchers of all forms are told of steps", "[training]") {
  steps_seen = 0;
  PathWithSetter with_setter;
  EpochNumber with_number;
  PrivateStep with_private_step;
  train(1, {PrivatePath{}, &with_setter, &with_number, &with_private_step, PrivateStep{}, VirtualBase{}});
  CHECK(steps_seen == 12);
}

TEST_CASE_METHOD(Fixture, "The last losses are there before a checkpoint and at the end", "[training]") {
  struct Looks : Watcher {
    std::vector<double> seen;
    void look(const TrainingView& now) { seen.push_back(now.losses.empty() ? 0 : now.losses[0].value); }
    void save(TrainingView& now) override { look(now); }
    void end(TrainingView& now) override { look(now); }
  };
  struct TakesMemory : Watcher {  // where the losses of fit were
    detail::CachedVector<NamedValue> own;
    void save(TrainingView&) override { own = {{"mine", 777}}; }
  };
  Looks looks;
  train(2, {TakesMemory{}, &looks}, -1, 1);
  CHECK(looks.seen == std::vector<double>{0, 1, 1.5, 3, 3.5, 3.5});  // steps, and means over the epochs
}

TEST_CASE_METHOD(Fixture, "A training ends where save() asks for it, or throws", "[training]") {
  struct Stops : Watcher {
    Index at;
    bool throws;
    Stops(Index step, bool by_exception) : at(step), throws(by_exception) {}
    void save(TrainingView& now) override {
      if (now.step != at) return;
      if (throws) throw std::runtime_error("disk");
      now.stop = true;
    }
  };
  for (const Index at : {0, 1, 2, 3}) {
    INFO("save() of step " << at);
    std::filesystem::remove(path);
    CHECK(train(3, {Stops{at, false}}, -1, 1) == at);
    std::filesystem::remove(path);
    CHECK_THROWS_WITH(train(3, {Stops{at, true}}, -1, 1), "disk");
    CHECK(steps_at_the_end == at);
    CHECK(train(3, {}, -1, 1) == 6);
  }
}

TEST_CASE_METHOD(Fixture, "An exception from remembered() ends a training with a checkpoint", "[training]") {
  struct Forgets : Watcher {
    double steps = 0;
    bool fails = true;
    void step(TrainingView& now) override { steps += now.past ? 0 : 1; }
    std::vector<double> remembered() const override {
      if (fails && steps == 3) throw std::runtime_error("forgot");
      return {steps};
    }
    void remember(TrainingView&, std::span<const double> numbers) override { steps = numbers[0]; }
  };
  Forgets first, second;
  CHECK_THROWS_WITH(train(3, {&first}, -1, 1), "forgot");
  second.fails = false;
  CHECK(train(3, {&second}, -1, 1) == 6);
  CHECK(steps_at_the_end == 6);
  CHECK(second.steps == 2 + 3);  // what was known last, and the steps of the second run
}

TEST_CASE_METHOD(Fixture, "A watcher that remembers nothing keeps its place among those of its class", "[training]") {
  std::vector<double> values{5, 1, 4, 4, 4, 4, 4, 4, 4, 4};
  const auto epochs = [&](Index stop_after) {
    Index measured = 0;
    const auto value = [&] { return values.at(static_cast<std::size_t>(measured)); };
    struct Counts : Watcher {
      Index& measured;
      explicit Counts(Index& n) : measured(n) {}
      void step(TrainingView& now) override { measured = now.step / 2; }
    };
    return train(9,
                 {Counts{measured}, EarlyStopping{{.patience = 8, .measure = {.of_training = true}}},
                  EarlyStopping{{.patience = 3, .measure = {.metric = "value"}}}, Metric{"value", value}},
                 stop_after) /
           2;
  };
  REQUIRE(epochs(-1) == 4);
  for (const Index stopped : {2, 4, 6}) {
    std::filesystem::remove(path);
    CHECK(epochs(stopped) == stopped / 2);
    CHECK(epochs(-1) == 4);
  }
}

TEST_CASE_METHOD(Fixture, "A training without an end can be stopped, and goes on", "[training]") {
  const Index most = std::numeric_limits<Index>::max();
  CHECK(train(most,
              {EarlyStopping{{.measure = {.metric = "value"}}}, Metric{"value", [] { return 1.0; }, {.every = 1}}},
              3) == 3);
  CHECK(train(most, {}, 5) == 5);
  CHECK(count(screen.text, "\n") <= 1);  // no line for each step, where a tenth of the training has one
}

TEST_CASE_METHOD(Fixture, "A training that is refused leaves trainer and history as they were", "[training]") {
  train(3, {}, 3);
  FitHistory<Loss> history{.steps = {{7}}, .epochs = {}, .held_out = {}};
  CHECK_THROWS_AS(train(3, {EarlyStopping{}}, -1, 0, &history), ArgumentError);  // without held-out data
  CHECK(steps_at_the_end == 0);
  REQUIRE(history.steps.size() == 1);
  CHECK(history.steps[0].loss == 7);
}

TEST_CASE_METHOD(Fixture, "A training that ends before a step of its own shows how far it is", "[training]") {
  train(10, {}, 3);
  struct Stops : Watcher {
    void begin(TrainingView& now) override { now.stop = true; }
  };
  CHECK(train(10, {Stops{}}) == 3);
  CHECK_THAT(screen.text, !Contains("100%"));
  train(10, {});
  CHECK(train(10, {}) == 20);  // over
  CHECK_THAT(screen.text, Contains("100%"));
}

TEST_CASE_METHOD(Fixture, "A watcher is given once", "[training]") {
  EarlyStopping one{{.measure = {.of_training = true}}};
  CHECK_THROWS_MATCHES(train(2, {&one, &one}), ArgumentError,
                       Message("fit: expected each watcher once but got one twice"));
}

TEST_CASE_METHOD(Fixture, "KeepBest goes on with the same measure, and from a stop in the first epoch", "[training]") {
  const std::string best = folder / "best.safetensors";
  const auto train_with = [&](Measure measure, Index epochs, Index stop_after) {
    Rng rng(1);
    CountingTrainer trainer;
    fit(trainer, Tensor<double, 2>(Shape{6, 1}, 0.0),
        {.epochs = epochs,
         .batch_size = 2,
         .on_step = [&](auto& now) { now.stop = now.step == stop_after; },
         .checkpoint = Checkpoint{.path = path},
         .watch = {KeepBest{best, trainer, std::move(measure)},
                   Metric{"steps", [&] { return double(trainer.optimizer.steps()); }}}},
        rng);
  };
  const auto weight = [&] {
    CountingTrainer kept;
    kept.optimizer.prepare(kept);
    load_safetensors(best, kept);
    return -kept.weight.value()(0);
  };
  train_with({.of_training = true}, 3, 1);
  CHECK(weight() == 1);
  train_with({.of_training = true}, 3, 2);
  CHECK(weight() == 2);  // the first epoch is not over yet
  train_with({.of_training = true}, 3, 4);
  CHECK(weight() == 3);  // the first epoch
  const Bytes before = read_bytes(best);
  CHECK_THROWS_MATCHES(train_with({.metric = "steps"}, 3, -1), DataError,
                       Message("KeepBest: expected the best by the same measure but got that by another one in " +
                               best + "; give this training another path, or remove the file"));
  CHECK_THROWS_AS(train_with({.of_training = true, .greatest = true}, 3, -1), DataError);
  CHECK(read_bytes(best) == before);
  train_with({.of_training = true}, 3, -1);
  CHECK(weight() == 3);
}

TEST_CASE_METHOD(Fixture, "A warning is kept once, however often a training goes on", "[training]") {
  const std::string log = folder / "run.jsonl", report = folder / "run.html";
  struct WarnsAtBegin : Watcher {
    void begin(TrainingView& now) override {
      if (now.step > 0) now.warn("it began at " + std::to_string(now.step));
    }
    void end(TrainingView& now) override { now.warn("it ended at " + std::to_string(now.step)); }
  };
  const auto stopped = [&](bool keeps) {
    std::vector<WatcherRef> watch{EarlyStopping{{.patience = 2, .measure = {.metric = "one"}}},
                                  Metric{"one", [] { return 1.0; }}, Log{log}, Report{report}};
    if (keeps) watch.push_back(WarnsAtBegin{});
    return train(9, std::move(watch));
  };
  for (int run = 0; run < 4; ++run) REQUIRE(stopped(false) == 6);
  const std::string ended = "EarlyStopping: 2 measurements in a row were not better than 1";
  CHECK(count(text_of(log), ended) == 1);
  CHECK(count(text_of(log), "\"kind\":\"step\"") == 6);
  CHECK(count(text_of(report), "w 6 3 \"" + ended) == 1);
  for (int run = 0; run < 2; ++run) REQUIRE(stopped(true) == 6);  // and what is new is not lost
  for (const char* sentence : {"it began at 6", "it ended at 6"}) {
    CHECK(count(text_of(report), std::string("\"") + sentence) == 2 - (sentence[3] == 'b'));
    CHECK(count(text_of(log), std::string("\"") + sentence) == 2 - (sentence[3] == 'b'));
  }
}

TEST_CASE_METHOD(Fixture, "A log that does not fit stays as it is, whoever warns", "[training]") {
  const std::string log = folder / "run.jsonl";
  struct Warns : Watcher {
    void begin(TrainingView& now) override { now.warn("here"); }
  };
  train(3, {Log{log}}, 3);
  std::string rows = text_of(log);
  const std::size_t at = rows.find("\"loss\":3,");
  REQUIRE(at != rows.npos);
  rows.replace(at, 8, "\"loss\":4");
  rows += "{\"kind\":\"st";
  std::ofstream(log) << rows;
  CHECK_THROWS_AS(train(3, {Warns{}, Log{log}}), DataError);
  CHECK(text_of(log) == rows);
}

TEST_CASE_METHOD(Fixture, "A log has the warnings before a failure, and no longer holds its file", "[training]") {
  struct Warns : Watcher {
    Index at;
    explicit Warns(Index step) : at(step) {}
    void warn(TrainingView& now) const {
      if (now.step == at) now.warn("strange");
    }
    void begin(TrainingView& now) override { warn(now); }
    void step(TrainingView& now) override { warn(now); }
  };
  struct Fails : Watcher {
    void measure(TrainingView& now) override {
      if (now.step == 2) throw std::runtime_error("failed");
    }
  };
  for (const Index every : {0, 1})
    for (const Index at : {0, 1}) {
      const std::string log = folder / (std::to_string(every) + std::to_string(at) + ".jsonl");
      std::filesystem::remove(path);
      Log keeps{log, {.every = every}};
      CHECK_THROWS_WITH(train(3, {&keeps, Warns{at}, Fails{}}, 2), "failed");
      INFO("every " << every << ", in step " << at);
      CHECK(count(text_of(log), "strange") == 1);
      train(3, {Log{log, {.every = every}}});  // another object has it
    }
}

TEST_CASE_METHOD(Fixture, "The metric of a part of an epoch does not stay in a report", "[training]") {
  const std::string report = folder / "run.html";
  const auto watch = [&] { return std::vector<WatcherRef>{Metric{"m", [] { return 2.0; }}, Report{report}}; };
  train(3, watch(), 3);
  CHECK(count(text_of(report), "\nm ") == 2);
  train(3, watch());
  CHECK(count(text_of(report), "\nm ") == 3);
  CHECK(count(text_of(report), "\nm 3 ") == 0);
}

TEST_CASE_METHOD(Fixture, "Watchers of one class may be given in another order", "[training]") {
  const auto train_in_order = [&](Index epochs, bool first) {
    const EarlyStopping u{{.patience = 3, .measure = {.metric = "u"}}}, v{{.patience = 6, .measure = {.metric = "v"}}};
    return train(epochs, {first ? EarlyStopping(u) : EarlyStopping(v), first ? EarlyStopping(v) : EarlyStopping(u),
                          Metric{"u", [] { return 1.0; }}, Metric{"v", [] { return 2.0; }}});
  };
  CHECK(train_in_order(2, true) == 4);
  CHECK(train_in_order(9, false) == 8);  // four epochs: the first, and three that were not better
}

TEST_CASE_METHOD(Fixture, "KeepBest says that its file is gone", "[training]") {
  const std::string best = folder / "best.safetensors";
  const auto train_keeping = [&](Index epochs) {
    Rng rng(1);
    CountingTrainer trainer;
    screen.text.clear();
    fit(trainer, Tensor<double, 2>(Shape{4, 1}, 0.0),
        {.epochs = epochs,
         .batch_size = 2,
         .progress = screen.bar(),
         .checkpoint = Checkpoint{.path = path},
         .watch = {KeepBest{best, trainer, {.of_training = true}}}},
        rng);
  };
  train_keeping(2);
  std::filesystem::remove(best);
  train_keeping(3);
  CHECK_THAT(screen.text, Contains("KeepBest: there is no file of the steps so far, " + best +
                                   "; the best is that of the steps from here"));
  train_keeping(4);
  CHECK_THAT(screen.text, !Contains("KeepBest"));
}

TEST_CASE_METHOD(Fixture, "A training that does not begin leaves no rows in its log", "[training]") {
  struct Warns : Watcher {
    void begin(TrainingView& now) override { now.warn("careful"); }
  };
  struct Fails : Watcher {
    void begin(TrainingView&) override { throw ArgumentError("bad option"); }
  };
  const std::string log = folder / "run.jsonl";
  CHECK_THROWS_WITH(train(1, {Log{log}, Warns{}, Fails{}}), "bad option");
  CHECK(text_of(log).empty());
  const std::string good = std::exchange(path, folder / "none/run.safetensors");
  CHECK_THROWS_AS(train(1, {Log{log}, Warns{}}), Error);
  CHECK(text_of(log).empty());
  path = good;
  train(1, {Log{log}, Warns{}});
  CHECK(count(text_of(log), "careful") == 1);
}
