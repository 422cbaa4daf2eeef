// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/watchers.hpp>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

/// Losses as it is told, and a gradient of the given norm.
struct ToldTrainer {
  struct Losses {
    double discriminator = 0;
    static void fields(auto& self, auto&& field) { field("discriminator", self.discriminator); }
  };
  std::function<double(Index)> loss = [](Index) { return 1.0; };
  double norm = 1;
  Parameter<double, 1> weight = Parameter<double, 1>(Tensor<double, 1>(Shape{1}, 0.0));
  Sgd<double> optimizer{{.learning_rate = 0}};

  Losses step(const Tensor<double, 2>&, Rng&) {
    optimizer.minimize(norm * sum(weight), *this);
    return {loss(optimizer.steps())};
  }
  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("optimizer", self.optimizer);
  }
};

struct Warnings : Watcher {
  std::vector<std::string> sentences;
  void warning(TrainingView&, std::string_view sentence) override { sentences.emplace_back(sentence); }
};

std::vector<std::string> warnings(HealthOptions options, ToldTrainer trainer = {}, Index steps = 4) {
  Warnings seen;
  Rng rng(1);
  fit(trainer, Tensor<double, 2>(Shape{2, 1}, 0.0),
      {.steps = steps, .batch_size = 2, .watch = {Health{std::move(options)}, &seen}}, rng);
  return seen.sentences;
}
using Sentences = std::vector<std::string>;

Tensor<float, 2> normal_rows(Index n, float scale = 1) {
  Rng rng(7);
  Tensor<float, 2> rows = StandardNormal(3).sample(n, rng);
  for (float& x : rows.values()) x *= scale;
  return rows;
}

}  // namespace

TEST_CASE("Health tells when the discriminator has won, and again if it does so again", "[training]") {
  const HealthOptions options{.least_loss = 0.1, .loss_steps = 3};
  const auto low = [](Index from, Index to, Index again = 100) {
    return [=](Index step) { return (step >= from && step <= to) || step >= again ? 0.05 : 0.5; };
  };
  const std::string sentence =
      ": the discriminator's loss is below 0.1 for 3 steps; it tells all samples from data, and the generator gets "
      "little gradient";
  CHECK(warnings(options, {low(2, 3)}, 8).empty());
  CHECK(warnings(options, {low(2, 6)}, 8) == Sentences{"Health, step 4" + sentence});
  CHECK(warnings(options, {low(2, 4, 6)}, 8) == Sentences{"Health, step 4" + sentence, "Health, step 8" + sentence});
}

TEST_CASE("Health does not repeat what an earlier run warned of", "[training]") {
  const TemporaryDirectory folder;
  const auto run = [&](Index stop) {
    Warnings seen;
    Rng rng(1);
    ToldTrainer trainer{[](Index) { return 0.05; }};
    fit(trainer, Tensor<double, 2>(Shape{2, 1}, 0.0),
        {.steps = 12,
         .batch_size = 2,
         .on_step = [&](auto& now) { now.stop = now.step == stop; },
         .checkpoint = Checkpoint{.path = folder / "run.ckpt"},
         .watch = {Health{{.least_loss = 0.1, .loss_steps = 4}}, &seen}},
        rng);
    return seen.sentences.size();
  };
  CHECK(run(3) == 0);
  CHECK(run(6) == 1);  // three of the four steps are past
  CHECK(run(9) == 0);
  CHECK(run(0) == 0);
}

TEST_CASE("Health does not warn again of a model that it looked at before the checkpoint", "[training]") {
  const TemporaryDirectory folder;
  const auto run = [&](Index stop) {
    Warnings seen;
    Rng rng(1);
    ToldTrainer trainer;
    const auto kl = [&] {  // latents carry nothing from step 4 to 9
      const Index step = trainer.optimizer.steps();
      return Tensor<float, 1>(Shape{1}, step >= 4 && step < 10 ? 0.0f : 1.0f);
    };
    fit(trainer, Tensor<double, 2>(Shape{2, 1}, 0.0),
        {.steps = 12,
         .batch_size = 2,
         .on_step = [&](auto& now) { now.stop = now.step == stop; },
         .checkpoint = Checkpoint{.path = folder / "run.ckpt"},
         .watch = {Health{{.every = 2, .kl = kl}}, &seen}},
        rng);
    return seen.sentences;
  };
  const Sentences once{"Health, step 4: 1 of 1 latents have a KL below 0.01 nats; they carry nothing of x"};
  CHECK(run(2).empty());
  CHECK(run(4) == once);
  CHECK(run(6).empty());
  CHECK(run(8).empty());
  CHECK(run(12).empty());
}

TEST_CASE("Health knows which objectives are 0 where D has won", "[training]") {
  // A discriminator that cannot move, on data and samples far apart, and one for which they are alike.
  const auto sentences = [](auto objective, float weight) {
    Rng rng(3);
    Generator generator{Linear(1, 1, rng), StandardNormal(1)};
    Discriminator discriminator{Linear(1, 1, rng)};
    generator.network.weight = Parameter<float, 2>(Tensor<float, 2>(Shape{1, 1}, 0.0f));
    generator.network.bias = Parameter<float, 1>(Tensor<float, 1>(Shape{1}, -1.0f));
    discriminator.network.weight = Parameter<float, 2>(Tensor<float, 2>(Shape{1, 1}, weight));
    discriminator.network.bias = Parameter<float, 1>(Tensor<float, 1>(Shape{1}, 0.0f));
    GanTrainer trainer{generator, discriminator, objective, Sgd<>{{.learning_rate = 0}}};
    Warnings seen;
    trainer.fit(Tensor<float, 2>(Shape{4, 1}, 1.0f),
                {.steps = 5, .batch_size = 4, .watch = {Health{{.loss_steps = 3}}, &seen}}, rng);
    return seen.sentences;
  };
  const Sentences won{
      "Health, step 3: the discriminator's loss is below 0.01 for 3 steps; it tells all samples from data, and the "
      "generator gets little gradient"};
  CHECK(sentences(NonSaturating{}, 10) == won);
  CHECK(sentences(Hinge{}, 10) == won);
  CHECK(sentences(Relativistic{}, 10) == won);
  CHECK(sentences(NonSaturating{}, 0).empty());
  CHECK(sentences(Wasserstein{}, 10).empty());  // its loss is -20
  CHECK(sentences(Wasserstein{}, 0).empty());   // 0: it tells nothing apart
}

TEST_CASE("Health does not look at samples of a training that failed", "[training]") {
  Warnings seen;
  Rng rng(1);
  ToldTrainer trainer{[](Index step) { return step < 3 ? 1.0 : throw NumericError("diverged"); }};
  int looks = 0;
  const auto nan = [&] {
    ++looks;
    return Tensor<float, 2>(Shape{4, 1}, std::nanf(""));
  };
  CHECK_THROWS_WITH(fit(trainer, Tensor<double, 2>(Shape{2, 1}, 0.0),
                        {.steps = 9, .batch_size = 2, .watch = {Health{{.samples = nan, .data = nan}}, &seen}}, rng),
                    "diverged");
  CHECK(looks == 0);
}

TEST_CASE("Health warns of the greatest gradient of a step, again only after a calm time", "[training]") {
  // Each step makes two updates, the first with a great gradient.
  struct Alternating : ToldTrainer {
    Index calm_from = 1000, calm_to = 1000;
    Losses step(const Tensor<double, 2>&, Rng&) {
      const Index now = optimizer.steps() / 2 + 1;
      const bool calm = now >= calm_from && now < calm_to;
      optimizer.minimize((calm ? 1.0 : 200.0) * sum(weight), *this);
      optimizer.minimize(1.0 * sum(weight), *this);
      return {1};
    }
  };
  const auto warned = [](Index calm_from, Index calm_to) {
    Alternating trainer;
    trainer.calm_from = calm_from;
    trainer.calm_to = calm_to;
    Warnings seen;
    Rng rng(1);
    fit(trainer, Tensor<double, 2>(Shape{2, 1}, 0.0), {.steps = 300, .batch_size = 2, .watch = {Health{}, &seen}}, rng);
    return seen.sentences.size();
  };
  CHECK(warned(1000, 1000) == 1);
  CHECK(warned(50, 149) == 1);  // 99 calm steps
  CHECK(warned(50, 150) == 2);
}

TEST_CASE("Health tells of gradients that explode, by model and norm", "[training]") {
  CHECK(warnings({}, {.norm = 99}).empty());
  CHECK(warnings({}, {.norm = 101}) ==
        Sentences{"Health, step 1: the gradient of ToldTrainer has norm 101, above 100; a lower learning rate or "
                  "clip_norm may help"});
}

TEST_CASE("Health tells samples that are copies or spread too little from good ones", "[training]") {
  const auto data = [] { return normal_rows(50); };
  const auto options = [&](std::function<Tensor<float, 2>()> samples) {
    return HealthOptions{.every = 2, .samples = std::move(samples), .data = data};
  };
  CHECK(warnings(options([] { return normal_rows(40); })).empty());
  const Sentences few = warnings(options([] {
    Tensor<float, 2> rows = normal_rows(40);
    for (Index i = 0; i < 40; ++i)
      for (Index j = 0; j < 3; ++j) rows(i, j) = rows(i % 4, j);  // four modes
    return rows;
  }));
  CHECK(few == Sentences{"Health, step 2: 40 of 40 samples are nearly copies of another one; has the model collapsed "
                         "onto a few modes?"});
  // Data of eight points, each five times: samples of the same points are no worse, of two points they are.
  const auto points = [](Index modes) {
    Tensor<float, 2> rows(Shape{40, 2});
    for (Index i = 0; i < 40; ++i) {
      rows(i, 0) = static_cast<float>(i % modes % 2);
      rows(i, 1) = modes == 2 ? static_cast<float>(i % 2 * 7) : static_cast<float>(i % modes);
    }
    return rows;
  };
  const auto few_points = [&](Index modes) {
    return warnings({.every = 2, .samples = [=] { return points(modes); }, .data = [=] { return points(8); }});
  };
  CHECK(few_points(8).empty());
  CHECK(few_points(2) == Sentences{"Health, step 2: 40 of 40 samples are nearly copies of another one; has the model "
                                   "collapsed onto a few modes?"});
  const Sentences narrow = warnings(options([] { return normal_rows(40, 0.2f); }));
  REQUIRE(narrow.size() == 1);
  CHECK_THAT(narrow[0], Catch::Matchers::StartsWith("Health, step 2: the samples spread by 0.2"));
  CHECK_THROWS_WITH(warnings(options([] { return normal_rows(1); })),
                    "Health: expected two or more samples and data, of equal width, but got [1, 3] and [50, 3]");
  CHECK_THROWS_WITH(Health({.samples = data}),
                    "Health: expected both samples and data to compare them with, or neither");
}

TEST_CASE("Health tells of latents that carry nothing; kl_per_latent is the closed form", "[training]") {
  // KL(N(m, s^2) || N(0, 1)) = (m^2 + s^2 - 1 - ln s^2) / 2 of two samples and three latents.
  const Tensor<float, 2> mean(Shape{2, 3}, {0, 1, 0, 0, -1, 0.1f}), log_variance(Shape{2, 3}, {0, 0, 0, 0, -1, 0});
  const Normal<float> posterior{Variable(mean), Variable(log_variance)};
  const Tensor<float, 1> kl = kl_per_latent(posterior);
  CHECK(kl(0) == 0);
  CHECK_THAT(kl(1), Catch::Matchers::WithinRel((0.5 + (1 + std::exp(-1.0) - 1 + 1) / 2) / 2, 1e-6));
  CHECK_THAT(kl(2), Catch::Matchers::WithinRel(0.01 / 4, 1e-5));
  CHECK(warnings({.every = 1, .kl = [&] { return kl; }}) ==
        Sentences{"Health, step 1: 2 of 3 latents have a KL below 0.01 nats; they carry nothing of x"});
  CHECK(warnings({.every = 500, .kl = [&] { return kl; }}).size() == 1);  // at the end of a shorter training
  CHECK(warnings({.every = 1, .kl = [] { return Tensor<float, 1>(Shape{2}, {0.5f, 0.02f}); }}).empty());
}

TEST_CASE("Health tells of Relu units that are silent for all samples", "[training]") {
  Rng rng(1);
  Sequential network{Linear(2, 4, rng), Relu{}, Linear(4, 3, rng), Relu{}};
  Linear<float>& first = std::get<0>(network.layers);
  const auto biases = [&](Tensor<float, 1> values) { first.bias = Parameter<float, 1>(std::move(values)); };
  const Tensor<float, 2> x = [&] {
    Rng draws(2);
    return StandardUniform(2).sample(20, draws);
  }();
  biases(Tensor<float, 1>(Shape{4}, {100, -100, -100, 100}));
  const auto found = silent_units(network, x);
  REQUIRE(found.size() == 2);
  CHECK(found[0].layer == "1");
  CHECK(found[0].units == 4);
  CHECK(found[0].silent == std::vector<Index>{1, 2});
  CHECK(found[1].layer == "3");
  CHECK(found[1].units == 3);
  const HealthOptions options{.every = 1, .units = [&] { return std::vector{silent_units(network, x)[0]}; }};
  CHECK(warnings(options).empty());  // half of them are not more than half
  biases(Tensor<float, 1>(Shape{4}, {100, -100, -100, -100}));
  CHECK(warnings(options) == Sentences{"Health, step 1: 3 of 4 units of 1 (Relu) give 0 for all samples; no gradient "
                                       "passes them"});
}
