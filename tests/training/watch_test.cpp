// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/watchers.hpp>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;
using Catch::Matchers::Message;

namespace {

/// Moves its number by one in each step; the held-out loss is what a function of the steps says.
struct CurveTrainer {
  std::function<double(Index)> curve = [](Index) { return 1.0; };
  Parameter<double, 1> weight = Parameter<double, 1>(Tensor<double, 1>(Shape{2}, 0.0));
  Sgd<double> optimizer{{.learning_rate = 1}};

  Loss step(const Tensor<double, 2>&, Rng&) {
    optimizer.minimize(sum(weight), *this);
    return {-weight.value()(0)};
  }
  Loss evaluate(const Tensor<double, 2>&, Rng&) { return {curve(std::max<Index>(1, optimizer.steps()))}; }
  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("optimizer", self.optimizer);
  }
};

struct Events : Watcher {
  std::vector<std::string> seen;
  std::vector<Update> updates;
  void note(const TrainingView& now, const char* what) {
    std::string text = std::string(what) + " " + std::to_string(now.step) + (now.past ? " past" : "");
    for (const auto values : {now.losses, now.held_out})
      for (const NamedValue& value : values)
        text += " " + std::string(value.name) + "=" + std::to_string(static_cast<int>(value.value));
    seen.push_back(text);
  }
  void begin(TrainingView& now) override { note(now, now.resumed ? "resume" : "begin"); }
  void step(TrainingView& now) override {
    note(now, "step");
    updates.insert(updates.end(), now.updates.begin(), now.updates.end());
    if (now.step == 3 && !now.past) now.warn("Three.");
  }
  void epoch(TrainingView& now) override { note(now, "epoch"); }
  void save(TrainingView& now) override { seen.push_back("save " + std::to_string(now.step)); }
  void end(TrainingView& now) override { seen.push_back("end " + std::to_string(now.step)); }
  void warning(TrainingView&, std::string_view sentence) override {
    seen.push_back("warning " + std::string(sentence));
  }
};

struct Hears : Watcher {
  std::vector<std::string> sentences;
  void warning(TrainingView&, std::string_view sentence) override { sentences.emplace_back(sentence); }
};

/// Two models of one kind.
struct Number {
  Parameter<double, 0> value = Parameter<double, 0>(Tensor<double, 0>(Shape<0>{}, 0));
  static void fields(auto& self, auto&& field) { field("value", self.value); }
};
struct Inner {
  Sgd<double> first_optimizer{{.learning_rate = 1}};
  static void fields(auto& self, auto&& field) { field("first_optimizer", self.first_optimizer); }
};
struct TwoNumbers {
  Number a, b;
  Sgd<double> first{{.learning_rate = 1}}, second{{.learning_rate = 1}};
  Inner other;
  Loss step(const Tensor<double, 2>&, Rng&) {
    first.minimize(2.0 * a.value, a);
    second.minimize(3.0 * b.value, b);
    return {};
  }
  static void fields(auto& self, auto&& field) {
    field("a", self.a);
    field("b", self.b);
    field("first_optimizer", self.second);
    field("first", self.first);
    field("other", self.other);
  }
};

const Tensor<double, 2> four_samples(Shape{4, 1}, 0.0);

}  // namespace

TEST_CASE("Watchers are told what happens, and the past of a training that goes on", "[training]") {
  const TemporaryDirectory folder;
  std::string shown;
  const ProgressOutput output{.write = [&](std::string_view text) { shown += text; },
                              .seconds = [] { return 0.0; },
                              .columns = [] { return 0; }};
  const auto train = [&](Index stop_after, Events& events) {
    Rng rng(1);
    CurveTrainer trainer;
    fit(trainer, four_samples, four_samples,
        {.epochs = 2,
         .batch_size = 2,
         .progress = ProgressBar("", output),
         .on_step = [&](auto& now) { now.stop = now.step == stop_after; },
         .checkpoint = Checkpoint{.path = folder / "run.ckpt"},
         .watch = {&events}},
        rng);
  };
  Events first, second;
  train(3, first);
  CHECK(first.seen == std::vector<std::string>{"begin 0", "save 0", "step 1 loss=1", "step 2 loss=2",
                                               "epoch 2 loss=1 loss=1", "save 2", "step 3 loss=3", "warning Three.",
                                               "save 3", "epoch 3 loss=3 loss=1", "end 3"});
  CHECK_THAT(shown, Catch::Matchers::Contains("Three.\n"));
  train(-1, second);
  CHECK(second.seen == std::vector<std::string>{"resume 3", "step 1 past loss=1", "step 2 past loss=2",
                                                "epoch 2 past loss=1 loss=1", "step 3 past loss=3", "step 4 loss=4",
                                                "epoch 4 loss=3 loss=1", "save 4", "end 4"});
  REQUIRE(first.updates.size() == 3);
  CHECK(first.updates[0].model == "CurveTrainer");
  CHECK(first.updates[0].learning_rate == 1);
  CHECK(first.updates[0].gradient_norm == std::sqrt(2.0));  // of a sum of two weights
}

TEST_CASE("The end is told when a training throws, and a watcher's exception ends it", "[training]") {
  Rng rng(1);
  CurveTrainer trainer;
  Events events;
  const auto fails = [](auto& now) {
    if (now.step == 2) throw std::runtime_error("stop");
  };
  CHECK_THROWS_WITH(fit(trainer, four_samples, {.steps = 5, .on_step = fails, .watch = {&events}}, rng), "stop");
  CHECK(events.seen.back() == "end 1");
  struct Fails : Watcher {
    void step(TrainingView&) override { throw std::runtime_error("watcher"); }
  };
  CHECK_THROWS_WITH(fit(trainer, four_samples, {.steps = 5, .watch = {Fails{}, &events}}, rng), "watcher");
  CHECK(events.seen.back() == "end 1");
  CHECK(events.seen[events.seen.size() - 2] == "epoch 1 loss=3");  // all that follows a stop
}

TEST_CASE("What a watcher throws ends a training with a checkpoint", "[training]") {
  const TemporaryDirectory folder;
  struct Fails : Watcher {
    Index in = 0;
    void step(TrainingView& now) override {
      if (now.step == in && !now.past) throw std::runtime_error("watcher");
    }
  };
  for (const Index in : {3, 4}) {  // in an epoch of two steps, and at its end
    const std::string path = folder / std::to_string(in);
    const auto train = [&](std::vector<WatcherRef> watch) {
      Rng rng(1);
      CurveTrainer trainer;
      return fit(trainer, four_samples, four_samples,
                 {.epochs = 3, .batch_size = 2, .checkpoint = Checkpoint{.path = path}, .watch = std::move(watch)},
                 rng);
    };
    Fails fails;
    fails.in = in;
    CHECK_THROWS_WITH(train({&fails}), "watcher");
    Events events;
    const auto history = train({&events});
    CHECK(events.seen.front() == "resume " + std::to_string(in));
    CHECK(history.steps.size() == 6);
    CHECK(history.epochs.size() == 3);
    CHECK(history.held_out.size() == 3);
  }
}

TEST_CASE("All watchers are told the end whoever throws, and none whose begin threw", "[training]") {
  struct Fails : Watcher {
    std::string where;
    void begin(TrainingView&) override {
      if (where == "begin") throw std::runtime_error(where);
    }
    void end(TrainingView&) override { throw std::runtime_error(where == "begin" ? "told" : where); }
  };
  Rng rng(1);
  CurveTrainer trainer;
  Events before, after;
  Fails fails;
  fails.where = "end";
  CHECK_THROWS_WITH(fit(trainer, four_samples, {.steps = 2, .watch = {&before, &fails, &after}}, rng), "end");
  CHECK(before.seen.back() == "end 2");
  CHECK(after.seen.back() == "end 2");
  const auto diverges = [](auto& now) {
    if (now.step == 2) throw NumericError("diverged");
  };
  CHECK_THROWS_WITH(
      fit(trainer, four_samples, {.steps = 5, .on_step = diverges, .watch = {&before, &fails, &after}}, rng),
      "diverged");
  CHECK(before.seen.back() == "end 1");
  CHECK(after.seen.back() == "end 1");
  fails.where = "begin";
  Events never;
  CHECK_THROWS_WITH(fit(trainer, four_samples, {.steps = 5, .watch = {&before, &fails, &never}}, rng), "begin");
  CHECK(before.seen.back() == "end 0");
  CHECK(never.seen.empty());
  CHECK_THROWS_MATCHES(fit(trainer, four_samples, {.steps = 1, .watch = {static_cast<Watcher*>(nullptr)}}, rng),
                       ArgumentError, Message("fit: expected watchers but got nullptr"));
}

TEST_CASE("A file has one watcher, and the checkpoint's none", "[training]") {
  const TemporaryDirectory folder;
  Rng rng(1);
  CurveTrainer trainer;
  const auto fails = [&](std::vector<WatcherRef> watch, const std::string& path) {
    CHECK_THROWS_MATCHES(
        fit(trainer, four_samples, four_samples,
            {.epochs = 2, .checkpoint = Checkpoint{.path = folder / "run"}, .watch = std::move(watch)}, rng),
        ArgumentError,
        Message("fit: expected another file for each watcher and the checkpoint but got " + path + " twice"));
  };
  fails({KeepBest{folder / "best", trainer}, KeepBest{folder / "best", trainer}}, folder / "best");
  fails({KeepBest{folder / "run", trainer}}, folder / "run");
  fails({Log{folder / "run.csv"}, Log{folder / "run.csv"}}, folder / "run.csv");
  const std::string here = std::filesystem::current_path().string();
  const std::string inside = std::filesystem::relative(folder.path(), here).string();
  std::filesystem::create_directory_symlink(folder.path(), folder / "link");
  for (const std::string& path : {folder / "./run", folder / "link/run", inside + "/run"})
    fails({KeepBest{path, trainer}}, path);  // no file is there yet
  fails({TensorBoard{folder / "logs/a/"}, TensorBoard{folder / "./logs/a"}}, folder / "./logs/a");
  CHECK(folder.file_count() == 1);  // the link
  write_bytes(folder / "one", {});
  std::filesystem::create_hard_link(folder / "one", folder / "two");
  fails({KeepBest{folder / "one", trainer}, KeepBest{folder / "two", trainer}}, folder / "two");
}

TEST_CASE("The norm of a gradient is that before clipping, by the optimizer of each model", "[training]") {
  Rng rng(1);
  struct ClippedTrainer : CurveTrainer {
    ClippedTrainer() { optimizer = Sgd<double>{{.learning_rate = 0.5, .clip_norm = 0.1}}; }
  } trainer;
  Events events;
  fit(trainer, four_samples, {.steps = 1, .watch = {&events}}, rng);
  REQUIRE(events.updates.size() == 1);
  CHECK(events.updates[0].gradient_norm == std::sqrt(2.0));
  CHECK(events.updates[0].learning_rate == 0.5);
  CHECK(events.updates[0].model == "CurveTrainer");

  // Of two numbers whose gradients are 2 and 3 in each step.
  struct Named : Watcher {
    std::vector<std::string> seen, listed;
    void begin(TrainingView& now) override { listed.assign(now.optimizers.begin(), now.optimizers.end()); }
    void step(TrainingView& now) override {
      for (const Update& update : now.updates)
        seen.push_back(std::string(update.name) + " " + std::to_string(static_cast<int>(update.gradient_norm)));
    }
  };
  Named named, without_fields;
  TwoNumbers two;
  fit(two, four_samples, {.steps = 1, .watch = {&named}}, rng);
  CHECK(named.listed == std::vector<std::string>{"first_optimizer", "first", "other.first"});
  CHECK(named.seen == std::vector<std::string>{"first 2", "first_optimizer 3"});
  struct NoFields {
    TwoNumbers numbers;
    Loss step(const Tensor<double, 2>& x, Rng& draws) { return numbers.step(x, draws); }
  } none;
  fit(none, four_samples, {.steps = 2, .watch = {&without_fields}}, rng);
  CHECK(without_fields.seen == std::vector<std::string>{"Number 2", "Number_2 3", "Number 2", "Number_2 3"});
}

TEST_CASE("EarlyStopping waits for a better epoch as long as its patience, over several runs too", "[training]") {
  const TemporaryDirectory folder;
  // Least in epoch 3; 1.9 in epoch 5 is better by less than 0.2.
  const auto curve = [](Index epoch) { return std::vector{5.0, 3.0, 2.0, 2.5, 1.9, 2.0, 2.0, 2.0}.at(epoch - 1); };
  const auto epochs = [&](EarlyStoppingOptions options, Index most = 8, const std::string& path = "") {
    Rng rng(1);
    CurveTrainer trainer{curve};
    return std::ssize(
        fit(trainer, four_samples, four_samples,
            {.epochs = most, .checkpoint = Checkpoint{.path = path}, .watch = {EarlyStopping{std::move(options)}}}, rng)
            .epochs);
  };
  CHECK(epochs({.patience = 1}) == 4);
  CHECK(epochs({.patience = 2}) == 7);
  CHECK(epochs({.patience = 2, .min_change = 0.2}) == 5);
  CHECK(epochs({.patience = 3}) == 8);
  CHECK(epochs({.patience = 2, .measure = {.loss = "loss", .of_training = true}}) == 3);  // it rises by one each epoch
  CHECK(epochs({.patience = 2, .measure = {.function = [n = 9]() mutable { return --n; }}}) == 8);
  CHECK(epochs({.patience = 2, .min_change = 0.2}, 4, folder / "run.ckpt") == 4);
  CHECK(epochs({.patience = 2, .min_change = 0.2}, 8, folder / "run.ckpt") == 5);

  CHECK_THROWS_MATCHES(epochs({.measure = {.loss = "kl"}}), ArgumentError,
                       Message("EarlyStopping: expected the name of a loss (loss) but got kl"));
  CHECK_THROWS_MATCHES(epochs({.patience = 0}), ArgumentError,
                       Message("EarlyStopping: expected patience >= 1 and min_change >= 0 but got 0 and 0"));
  Rng rng(1);
  CurveTrainer trainer;
  CHECK_THROWS_MATCHES(fit(trainer, four_samples, {.steps = 9, .watch = {EarlyStopping{}}}, rng), ArgumentError,
                       Message("EarlyStopping: expected a training of several epochs but got one, as .steps make; a "
                               ".metric of the measure may be taken more often"));
  CHECK_THROWS_MATCHES(fit(trainer, four_samples, {.epochs = 2, .watch = {EarlyStopping{}}}, rng), ArgumentError,
                       Message("EarlyStopping: expected held-out data but got none; set .of_training, a .function or a "
                               ".metric of the measure"));
  for (const Measure& wrong : {Measure{.loss = "kl"}, Measure{.loss = "kl", .of_training = true}})
    CHECK_THROWS_MATCHES(
        fit(trainer, four_samples, four_samples, {.epochs = 2, .watch = {EarlyStopping{{.measure = wrong}}}}, rng),
        ArgumentError, Message("EarlyStopping: expected the name of a loss (loss) but got kl"));
  CHECK(trainer.optimizer.steps() == 0);  // all of it was found before the first step
  const std::function<double()> number = [] { return 1.0; };
  for (const Measure& two :
       {Measure{.loss = "loss", .function = number}, Measure{.loss = "loss", .metric = "FID"},
        Measure{.of_training = true, .metric = "FID"}, Measure{.function = number, .metric = "FID"}})
    CHECK_THROWS_MATCHES(
        EarlyStopping({.measure = two}), ArgumentError,
        Message("EarlyStopping: expected a measure by one of a loss, a .function and a .metric but got "
                "two"));
}

TEST_CASE("EarlyStopping by a metric or a function goes on with its patience", "[training]") {
  const TemporaryDirectory folder;
  const std::vector<double> values{5, 3, 2, 2.5, 1, 4, 4, 4, 4, 4};  // the least is in epoch 5
  for (const bool by_metric : {true, false}) {
    const auto epochs = [&](Index most, const std::string& path, bool greatest = false) {
      Rng rng(1);
      CurveTrainer trainer;
      const auto value = [&] { return values.at(static_cast<std::size_t>(trainer.optimizer.steps() - 1)); };
      EarlyStopping stop{{.patience = 3,
                          .measure = by_metric ? Measure{.metric = "value", .greatest = greatest}
                                               : Measure{.function = value, .greatest = greatest}}};
      const auto history = fit(trainer, four_samples,
                               {.epochs = 10,
                                .on_step = [&](auto& now) { now.stop = now.step == most; },
                                .checkpoint = Checkpoint{.path = path},
                                .watch = {&stop, Metric{"value", value}}},
                               rng);
      return std::ssize(history.steps);
    };
    REQUIRE(epochs(10, "") == 8);
    for (Index first = 1; first <= 8; ++first) {
      const std::string path = folder / ("run" + std::to_string(first) + (by_metric ? "m" : "f"));
      INFO("stopped after " << first << " epochs, by a " << (by_metric ? "metric" : "function"));
      CHECK(epochs(first, path) == first);
      CHECK(epochs(10, path) == 8);
      CHECK(epochs(10, path) == 8);  // it is over
    }
    const std::string path = folder / (by_metric ? "each m" : "each f");  // stopped after each epoch
    for (Index n = 1; n <= 10; ++n) CHECK(epochs(n, path) == std::min<Index>(n, 8));
    CHECK(epochs(7, folder / (by_metric ? "other m" : "other f")) == 7);
    CHECK(epochs(10, folder / (by_metric ? "other m" : "other f"), true) == 10);  // another measure: it begins anew
  }
}

TEST_CASE("Watchers of one class are told what each had to remember", "[training]") {
  struct Counter : Watcher {
    double steps = 0;
    std::vector<double> remembered() const override { return {steps, 0.5}; }
    void remember(TrainingView&, std::span<const double> numbers) override {
      REQUIRE(numbers.size() == 2);
      steps += numbers[0];
    }
    void step(TrainingView& now) override { steps += now.past ? 0 : 1; }
  };
  const TemporaryDirectory folder;
  const auto counts = [&](Index steps, std::vector<double> start, bool with_other) {
    Rng rng(1);
    CurveTrainer trainer;
    Counter a, b;
    Hears other;
    a.steps = start[0];
    b.steps = start[1];
    std::vector<WatcherRef> watchers{&a, &b};
    if (with_other) watchers.insert(watchers.begin(), &other);
    fit(trainer, four_samples,
        {.steps = steps, .checkpoint = Checkpoint{.path = folder / "run"}, .watch = std::move(watchers)}, rng);
    return std::vector{a.steps, b.steps};
  };
  CHECK(counts(2, {0, 100}, false) == std::vector<double>{2, 102});
  CHECK(counts(5, {0, 0}, true) == std::vector<double>{5, 105});
  CHECK(counts(6, {0, 0}, false) == std::vector<double>{6, 106});
}

TEST_CASE("EarlyStopping says so where it ended a training in an earlier run", "[training]") {
  const TemporaryDirectory folder;
  Hears hears;
  const auto steps = [&](Index epochs) {
    Rng rng(1);
    CurveTrainer trainer;  // the held-out loss is always 1
    hears.sentences.clear();
    return fit(trainer, four_samples, four_samples,
               {.epochs = epochs,
                .checkpoint = Checkpoint{.path = folder / "run.ckpt"},
                .watch = {EarlyStopping{{.patience = 2}}, &hears}},
               rng)
        .steps.size();
  };
  const std::vector<std::string> ends{
      "EarlyStopping: 2 measurements in a row were not better than 1, the training ends after step 3"};
  CHECK(steps(5) == 3);
  CHECK(hears.sentences == ends);
  CHECK(steps(9) == 3);
  CHECK(hears.sentences == ends);
}

TEST_CASE("The greatest of a measure is the best if asked for", "[training]") {
  const TemporaryDirectory folder;
  const std::string best = folder / "best.safetensors", checkpoint = folder / "run.ckpt";
  const auto curve = [](Index epoch) { return std::vector{1.0, 3.0, 2.0, 2.5, 2.9, 9.0}.at(epoch - 1); };
  const auto epochs = [&](Index most) {
    Rng rng(1);
    CurveTrainer trainer{curve};
    return fit(trainer, four_samples, four_samples,
               {.epochs = most,
                .checkpoint = Checkpoint{.path = checkpoint},
                .watch = {KeepBest{best, trainer, {.greatest = true}},
                          EarlyStopping{{.patience = 3, .measure = {.greatest = true}}}}},
               rng)
        .epochs.size();
  };
  const auto weight = [&] {
    CurveTrainer kept;
    kept.optimizer.prepare(kept);
    load_safetensors(best, kept);
    return kept.weight.value()(0);
  };
  CHECK(epochs(4) == 4);
  CHECK(weight() == -2);
  CHECK(epochs(6) == 5);  // 2, 2.5 and 2.9 are less than 3
  CHECK(weight() == -2);
}

TEST_CASE("KeepBest keeps the weights of the best epoch", "[training]") {
  const TemporaryDirectory folder;
  const std::string best = folder / "best.safetensors";
  const auto curve = [](Index epoch) { return std::vector{5.0, 3.0, 4.0, 3.5}.at(epoch - 1); };
  const auto train = [&](Index epochs) {
    Rng rng(1);
    CurveTrainer trainer{curve};
    fit(trainer, four_samples, four_samples,
        {.epochs = epochs, .checkpoint = Checkpoint{.path = folder / "run.ckpt"}, .watch = {KeepBest{best, trainer}}},
        rng);
  };
  const auto weight = [&] {
    CurveTrainer trainer;
    Rng rng(1);
    trainer.optimizer.prepare(trainer);
    load_safetensors(best, trainer);
    return trainer.weight.value()(0);
  };
  train(3);
  CHECK(weight() == -2);
  train(4);  // it goes on, and epoch 4 is better than 3 only
  CHECK(weight() == -2);
}

TEST_CASE("What is left of an epoch behind a stop is not measured as an epoch", "[training]") {
  const TemporaryDirectory folder;
  CurveTrainer trainer{[](Index) { return 1.0; }};
  Rng rng(1);
  Index measured = 0;
  const auto count = [&] { return static_cast<double>(++measured); };
  fit(trainer, four_samples,
      {.epochs = 3,
       .batch_size = 2,
       .on_step = [](auto& now) { now.stop = now.step == 3; },
       .watch = {KeepBest{folder / "best.safetensors", trainer, {.function = count}}}},
      rng);
  CHECK(measured == 1);  // after the first epoch
}

TEST_CASE("KeepBest goes on from the measure in its file", "[training]") {
  const TemporaryDirectory folder;
  const std::string best = folder / "best.safetensors", run = folder / "run.ckpt";
  std::vector<double> measures{4, 1, 5, 3, 0.5};
  std::size_t next = 0;
  const auto train = [&](Index epochs, Measure measure, const std::string& checkpoint) {
    Rng rng(1);
    CurveTrainer trainer;
    if (measure.metric.empty() && !measure.of_training) measure.function = [&] { return measures.at(next++); };
    fit(trainer, four_samples,
        {.epochs = epochs,
         .checkpoint = Checkpoint{.path = checkpoint},
         .watch = {KeepBest{best, trainer, std::move(measure)}}},
        rng);
  };
  const auto weight = [&] {
    CurveTrainer trainer;
    trainer.optimizer.prepare(trainer);
    load_safetensors(best, trainer);
    return trainer.weight.value()(0);
  };
  train(2, {}, run);
  CHECK(weight() == -2);
  train(3, {}, run);  // 5 is not less than 1
  CHECK(weight() == -2);
  train(5, {}, run);
  CHECK(next == 5);
  CHECK(weight() == -5);

  std::filesystem::remove(best);  // without a file it begins anew
  next = 3;
  train(6, {}, run);
  CHECK(weight() == -6);
  std::filesystem::remove(best);  // so by a loss, which grew in all steps
  train(7, {.of_training = true}, run);
  CHECK(weight() == -7);

  write_bytes(best, read_bytes(run));
  CHECK_THROWS_MATCHES(
      train(8, {}, run), DataError,
      Message("KeepBest: expected a whole file that a KeepBest wrote, or none, but got another or a damaged one: " +
              best + "; give this training another path, or remove the file"));
  std::filesystem::remove(best);
  {
    Rng rng(2);  // another training
    CurveTrainer trainer;
    fit(trainer, four_samples, {.epochs = 2, .watch = {KeepBest{best, trainer, {.of_training = true}}}}, rng);
  }
  const Bytes of_other = read_bytes(best);
  CHECK_THROWS_MATCHES(train(8, {}, run), DataError,
                       Message("KeepBest: expected the best of this training but got that of another one in " + best +
                               "; give this training another path, or remove the file"));
  CHECK(read_bytes(best) == of_other);

  const Bytes text{'t', 'e', 'x', 't'};
  write_bytes(best, text);
  CHECK_THROWS_MATCHES(
      train(2, {}, ""), DataError,
      Message("KeepBest: expected a whole file that a KeepBest wrote, or none, but got another or a damaged one: " +
              best + "; give this training another path, or remove the file"));
  CHECK(read_bytes(best) == text);
  std::filesystem::remove(best);
  CurveTrainer lost;
  Rng lost_rng(1);
  CHECK_THROWS_MATCHES(
      fit(lost, four_samples, {.epochs = 2, .watch = {KeepBest{"no/folder/best", lost, {.of_training = true}}}},
          lost_rng),
      Error, Message("KeepBest: expected a writable file but got 'No such file or directory' for no/folder/best"));
  CHECK(lost.optimizer.steps() == 0);

  // One object serves several trainings.
  Rng rng(1);
  CurveTrainer trainer;
  KeepBest keep{best, trainer, {.of_training = true}};
  fit(trainer, four_samples, {.epochs = 2, .watch = {&keep}}, rng);
  CHECK(weight() == -1);
  fit(trainer, four_samples, {.epochs = 2, .watch = {&keep}}, rng);
  CHECK(weight() == -3);

  // Losses grow; a training that is stopped in its first epoch has its weights there.
  std::filesystem::remove(best);
  CurveTrainer other;
  fit(other, four_samples,
      {.epochs = 2,
       .batch_size = 1,
       .on_step = [](auto& now) { now.stop = now.step == 2; },
       .watch = {KeepBest{best, other, {.of_training = true}}}},
      rng);
  CHECK(weight() == -2);
}

TEST_CASE("KeepBest refuses a model that nobody trains, and files of others", "[training]") {
  const TemporaryDirectory folder;
  const std::string best = folder / "best.safetensors", run = folder / "run.ckpt";
  Rng rng(1);
  CurveTrainer trainer, other;
  const auto keep = [&](
                        const CurveTrainer& model, std::function<void()> change = [] {}) {
    fit(trainer, four_samples,
        {.epochs = 2,
         .on_step = [&](auto&) { change(); },
         .checkpoint = Checkpoint{.path = run, .start = Start::anew},
         .watch = {KeepBest{best, model, {.of_training = true}}}},
        rng);
  };
  CHECK_THROWS_MATCHES(keep(other), ArgumentError,
                       Message("KeepBest: expected the trainer's model, or another one that changes, but got one that "
                               "is as it was; a trainer has copies of a MovingAverage and an optimizer: "
                               "trainer.average.model"));
  CHECK(!std::filesystem::exists(best));
  other.optimizer.prepare(other);
  keep(other, [&] { other.weight = trainer.weight; });  // an average of one's own
  keep(trainer);
  const Bytes there = read_bytes(best);

  save_safetensors(best, trainer);  // weights that somebody else keeps there
  const Bytes weights = read_bytes(best);
  CHECK_THROWS_MATCHES(
      keep(trainer), DataError,
      Message("KeepBest: expected a whole file that a KeepBest wrote, or none, but got another or a damaged one: " +
              best + "; give this training another path, or remove the file"));
  CHECK(read_bytes(best) == weights);
  write_bytes(best, there);
  keep(trainer);

  const auto at_earlier = [&](Index checkpoints) {
    fit(trainer, four_samples,
        {.epochs = 2,
         .checkpoint = Checkpoint{.path = best, .start = Start::anew, .keep = checkpoints},
         .watch = {KeepBest{best + ".2", trainer, {.of_training = true}}}},
        rng);
  };
  std::filesystem::remove(best);
  at_earlier(1);
  for (const Index checkpoints : {2, 3})  // of two, the older one has this name while they move up
    CHECK_THROWS_MATCHES(
        at_earlier(checkpoints), ArgumentError,
        Message("fit: expected another file for each watcher and the checkpoint but got " + best + ".2 twice"));
}

TEST_CASE("EarlyStopping and KeepBest go by a metric, in steps too", "[training]") {
  const TemporaryDirectory folder;
  const std::string best = folder / "best.safetensors";
  Rng rng(1);
  CurveTrainer trainer;
  std::vector<Index> measured;
  Metric distance{"distance",
                  [&] {
                    measured.push_back(trainer.optimizer.steps());
                    return std::abs(trainer.weight.value()(0) + 6);
                  },
                  {.every = 2}};
  const auto history = fit(trainer, four_samples,
                           {.steps = 50,
                            .watch = {EarlyStopping{{.patience = 3, .measure = {.metric = "distance"}}},
                                      KeepBest{best, trainer, {.metric = "distance"}}, std::move(distance)}},
                           rng);
  CHECK(history.steps.size() == 12);
  CHECK(measured == std::vector<Index>{2, 4, 6, 8, 10, 12});
  CurveTrainer kept;
  kept.optimizer.prepare(kept);
  load_safetensors(best, kept);
  CHECK(kept.weight.value()(0) == -6);
  CHECK_THROWS_MATCHES(
      fit(trainer, four_samples, {.steps = 9, .watch = {KeepBest{best, trainer, {.of_training = true}}}}, rng),
      ArgumentError,
      Message("KeepBest: expected a training of several epochs but got one, as .steps make; a .metric of the measure "
              "may be taken more often"));
  CHECK_THROWS_MATCHES(
      fit(trainer, four_samples, {.steps = 9, .watch = {KeepBest{best, trainer, {.metric = "FID"}}}}, rng),
      ArgumentError, Message("KeepBest: expected the name of a Metric but got FID"));
}

TEST_CASE("A metric that is measured once or never tells no best model, and one that is NaN is named", "[training]") {
  const TemporaryDirectory folder;
  Rng rng(1);
  CurveTrainer trainer;
  const auto fails = [&](FitOptions<Loss> options, Index every, const std::string& said) {
    options.batch_size = 2;
    options.watch = {EarlyStopping{{.measure = {.metric = "FID"}}},
                     Metric{"FID", [] { return 1.0; }, {.every = every}}};
    CHECK_THROWS_MATCHES(
        fit(trainer, four_samples, options, rng), ArgumentError,
        Message("EarlyStopping: expected a metric that is measured more than once but got FID, " + said));
  };
  fails({.steps = 10}, 0, "measured after the only epoch, of 10 steps");
  fails({.steps = 10}, 6, "measured every 6 steps, of 10 steps");
  fails({.steps = 10}, 11, "measured every 11 steps, of 10 steps");
  fails({.epochs = 2}, 3, "measured every 3 steps, of 4 steps");
  CHECK(trainer.optimizer.steps() == 0);
  const auto nan = [] { return std::nan(""); };
  const auto diverges = [&](FitOptions<Loss> options, Index every, const std::string& where) {
    options.batch_size = 2;
    options.watch = {EarlyStopping{{.measure = {.metric = "FID"}}}, Metric{"FID", nan, {.every = every}}};
    CHECK_THROWS_MATCHES(fit(trainer, four_samples, options, rng), NumericError,
                         Message("EarlyStopping: expected a number in " + where + " but got nan"));
  };
  diverges({.steps = 10}, 5, "step 5");
  diverges({.epochs = 2}, 0, "epoch 1");
}

TEST_CASE("Watchers know losses, held-out data and metrics before the first step", "[training]") {
  struct Asks : Watcher {
    std::vector<std::string> seen;
    void begin(TrainingView& now) override {
      seen = now.loss_names;
      seen.push_back(now.has_held_out ? "held out" : "none");
      for (const PlannedMetric& metric : now.planned_metrics)
        seen.push_back(metric.name + " " + std::to_string(metric.every));
    }
  } asks;
  Rng rng(1);
  CurveTrainer trainer;
  const auto number = [] { return 1.0; };
  fit(trainer, four_samples, four_samples,
      {.steps = 1, .watch = {&asks, Metric{"FID", number, {.every = 3}}, Metric{"KID", number}}}, rng);
  CHECK(asks.seen == std::vector<std::string>{"loss", "held out", "FID 3", "KID 0"});
  fit(trainer, four_samples, {.steps = 1, .watch = {&asks}}, rng);
  CHECK(asks.seen == std::vector<std::string>{"loss", "none"});
}

TEST_CASE("TimeLimit ends a training after the step in hand", "[training]") {
  Rng rng(1);
  CurveTrainer trainer;
  Hears hears;
  CHECK(fit(trainer, four_samples, {.steps = 1000, .watch = {TimeLimit{1e-9}, &hears}}, rng).steps.size() == 1);
  CHECK(hears.sentences == std::vector<std::string>{"TimeLimit: 1e-09 s are over, the training ends after step 1"});
  CHECK(fit(trainer, four_samples, {.steps = 10, .watch = {TimeLimit{1e9}}}, rng).steps.size() == 10);
  CHECK_THROWS_MATCHES(TimeLimit(0), ArgumentError, Message("TimeLimit: expected seconds > 0 but got 0"));
}

TEST_CASE("A signal ends a training after the step in hand, with a checkpoint", "[training]") {
  const TemporaryDirectory folder;
  static int before = 0;
  std::signal(SIGINT, [](int) { ++before; });
  const auto train = [&](Index interrupted_in) {
    Rng rng(1);
    CurveTrainer trainer;
    return fit(trainer, four_samples,
               {.steps = 10,
                .on_step =
                    [&](auto& now) {
                      if (now.step == interrupted_in) std::raise(SIGINT);
                    },
                .checkpoint = Checkpoint{.path = folder / "run.ckpt"},
                .watch = {StopOnInterrupt{}}},
               rng)
        .steps.size();
  };
  CHECK(train(4) == 4);
  CHECK(StopOnInterrupt::interrupted());
  CHECK(before == 0);
  std::raise(SIGINT);  // it means what it meant
  CHECK(before == 1);
  CHECK(train(-1) == 10);
  CHECK_FALSE(StopOnInterrupt::interrupted());
  std::signal(SIGINT, SIG_DFL);

  // In a program of its own: the number of steps, or the signal that ended it, negative.
  const auto outcome = [](int signal, int times, bool ignored) {
    const pid_t child = fork();
    if (child == 0) {
      std::signal(signal, ignored ? SIG_IGN : SIG_DFL);
      Rng rng(1);
      CurveTrainer trainer;
      const auto raises = [&](auto& now) {
        for (int i = 0; i < (now.step == 3 ? times : 0); ++i) std::raise(signal);
      };
      const auto history =
          fit(trainer, four_samples, {.steps = 10, .on_step = raises, .watch = {StopOnInterrupt{}}}, rng);
      _exit(static_cast<int>(history.steps.size()));
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  };
  for (const int signal : {SIGINT, SIGTERM}) {
    CHECK(outcome(signal, 1, false) == 3);
    CHECK(outcome(signal, 2, false) == -signal);
    CHECK(outcome(signal, 1, true) == 10);
  }

  Rng rng(1);
  CurveTrainer trainer;
  std::signal(SIGINT, [](int) { ++before; });
  const auto diverges = [](auto&) { throw NumericError("diverged"); };
  CHECK_THROWS_WITH(fit(trainer, four_samples, {.steps = 1, .on_step = diverges, .watch = {StopOnInterrupt{}}}, rng),
                    "diverged");
  std::raise(SIGINT);
  CHECK(before == 2);
  std::signal(SIGINT, SIG_DFL);
  CHECK_THROWS_MATCHES(fit(trainer, four_samples, {.steps = 1, .watch = {StopOnInterrupt{}, StopOnInterrupt{}}}, rng),
                       Error, Message("StopOnInterrupt: expected one training at a time but another one has it"));
  CHECK(fit(trainer, four_samples, {.steps = 1, .watch = {StopOnInterrupt{}}}, rng).steps.size() == 1);
}
