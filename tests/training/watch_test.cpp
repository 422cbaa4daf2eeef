// SPDX-License-Identifier: MIT
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
                                               "save 3", "end 3"});
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
}

TEST_CASE("The norm of a gradient is that before clipping, for each model", "[training]") {
  Rng rng(1);
  struct ClippedTrainer : CurveTrainer {
    ClippedTrainer() { optimizer = Sgd<double>{{.learning_rate = 0.5, .clip_norm = 0.1}}; }
  } trainer;
  Events events;
  fit(trainer, four_samples, {.steps = 1, .watch = {&events}}, rng);
  REQUIRE(events.updates.size() == 1);
  CHECK(events.updates[0].gradient_norm == std::sqrt(2.0));
  CHECK(events.updates[0].learning_rate == 0.5);
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
                       Message("EarlyStopping: expected a training of several epochs but got one; .steps make one"));
  CHECK_THROWS_MATCHES(fit(trainer, four_samples, {.epochs = 2, .watch = {EarlyStopping{}}}, rng), ArgumentError,
                       Message("EarlyStopping: expected held-out data but got none; set .of_training or a .function "
                               "of the measure"));
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

TEST_CASE("TimeLimit ends a training after the step in hand", "[training]") {
  Rng rng(1);
  CurveTrainer trainer;
  CHECK(fit(trainer, four_samples, {.steps = 1000, .watch = {TimeLimit{1e-9}}}, rng).steps.size() == 1);
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
  CHECK(StopOnInterrupt::came());
  CHECK(before == 0);
  std::raise(SIGINT);  // it means what it meant
  CHECK(before == 1);
  CHECK(train(-1) == 10);
  CHECK_FALSE(StopOnInterrupt::came());
  std::signal(SIGINT, SIG_DFL);

  Rng rng(1);
  CurveTrainer trainer;
  CHECK_THROWS_MATCHES(fit(trainer, four_samples, {.steps = 1, .watch = {StopOnInterrupt{}, StopOnInterrupt{}}}, rng),
                       Error, Message("StopOnInterrupt: expected one training at a time but another one has it"));
  CHECK(fit(trainer, four_samples, {.steps = 1, .watch = {StopOnInterrupt{}}}, rng).steps.size() == 1);
}
