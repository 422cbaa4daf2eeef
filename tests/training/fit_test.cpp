// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "models/weights.hpp"
#include "training/screen.hpp"

using namespace eigenesis;

namespace {

/// Trains nothing; the loss of step i is i, its square a second loss. Notes the sizes of its batches.
struct CountingTrainer {
  struct Losses {
    double count = 0, square = 0;
    static void fields(auto& self, auto&& field) {
      field("count", self.count);
      field("square", self.square);
    }
  };
  std::vector<Index> sizes = {};

  Losses step(const Tensor<float, 2>& batch, Rng&) {
    sizes.push_back(batch.shape(0));
    const double i = static_cast<double>(sizes.size());
    return {i, i * i};
  }
  Losses evaluate(const Tensor<float, 2>& batch, Rng&) const { return {static_cast<double>(batch.shape(0)), 0}; }
};

struct ThrowingTrainer {
  Loss step(const Tensor<float, 2>&, Rng&) { throw NumericError("not finite"); }
};

/// A trainer of one's own with a network, on batches of two tensors.
struct Regression {
  Linear<>& network;
  Sgd<> optimizer{{.learning_rate = 0.1}};

  Loss step(const auto& batch, Rng& rng) {
    const auto loss =
        mean(square(call(network, Variable(batch.samples), Pass::training(rng)) - Variable(batch.conditions)));
    optimizer.minimize(loss, network);
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) {
    field("network", self.network);
    field("optimizer", self.optimizer);
  }
};

using Options = FitOptions<CountingTrainer::Losses>;

/// What is called in 2 epochs of 2 steps if the given call asks for the end: "1.1" for step 1 in epoch 1, "end1".
std::string calls(const std::string& stop_after, Progress progress) {
  std::string noted;
  const auto note = [&](const std::string& call, auto& now) {
    noted += call + " ";
    now.stop = now.stop || call == stop_after;
  };
  CountingTrainer trainer;
  const Tensor<float, 2> data(Shape{4, 1}, 0.0f);
  Rng rng(1);
  fit(trainer, data,
      {.epochs = 2,
       .batch_size = 2,
       .progress = std::move(progress),
       .on_step = [&](auto& now) { note(std::to_string(now.epoch) + "." + std::to_string(now.step), now); },
       .on_epoch = [&](auto& now) { note("end" + std::to_string(now.epoch), now); }},
      rng);
  return noted;
}

}  // namespace

TEST_CASE("fit calls steps and ends of epochs in order", "[training]") {
  CHECK(calls("", {}) == "1.1 1.2 end1 2.3 2.4 end2 ");
}

TEST_CASE("fit stops where it is asked to, and ends the epoch", "[training]") {
  CHECK(calls("1.1", {}) == "1.1 end1 ");
  CHECK(calls("1.2", {}) == "1.1 1.2 end1 ");
  CHECK(calls("end1", {}) == "1.1 1.2 end1 ");
  CHECK(calls("2.3", {}) == "1.1 1.2 end1 2.3 end2 ");
}

TEST_CASE("fit shows every epoch to its end", "[training]") {
  const std::string first =
      "epoch 1/2  50% 1/2 [00:00<?, ? it/s] count 1 square 1\n"
      "epoch 1/2 100% 2/2 [00:00<?, ? it/s] count 1.5 square 2.5\n";
  Screen screen;
  calls("", screen.bar());
  CHECK(screen.text == first +
                           "epoch 2/2  50% 1/2 [00:00<?, ? it/s] count 3 square 9\n"
                           "epoch 2/2 100% 2/2 [00:00<?, ? it/s] count 3.5 square 12.5\n");
  Screen stopped;
  calls("end1", stopped.bar());
  CHECK(stopped.text == first);
}

TEST_CASE("fit ends its line when a step throws", "[training]") {
  std::string written;
  const ProgressBar terminal("test",
                             {[&](std::string_view text) { written += text; }, [] { return 0.0; }, [] { return 200; }});
  ThrowingTrainer trainer;
  Rng rng(1);
  CHECK_THROWS_AS(fit(trainer, ring_of_gaussians(8), {.steps = 2, .progress = terminal}, rng), NumericError);
  CHECK(written == "\rtest   0%|          | 0/2 [00:00<?, ? it/s]\x1b[K\n");
}

TEST_CASE("The history of fit holds every step, the means of epochs, and held-out losses", "[training]") {
  const Tensor<float, 2> data(Shape{5, 1}, 0.0f), held_out(Shape{3, 1}, 0.0f);
  Rng rng(1);
  CountingTrainer trainer;
  const auto history = fit(trainer, data, held_out, {.epochs = 2, .batch_size = 4}, rng);
  CHECK(trainer.sizes == std::vector<Index>{4, 1, 4, 1});
  REQUIRE(history.steps.size() == 4);
  REQUIRE(history.epochs.size() == 2);
  REQUIRE(history.held_out.size() == 2);
  CHECK(history.steps[3].square == 16);
  CHECK_THAT(history.epochs[0].square, WithinRel((4 * 1 + 1 * 4) / 5.0, 1e-15));  // every sample weighted alike
  CHECK_THAT(history.epochs[1].square, WithinRel((4 * 9 + 1 * 16) / 5.0, 1e-15));
  CHECK(history.held_out[0].count == 3);

  CountingTrainer dropping;
  fit(dropping, data, {.epochs = 2, .batch_size = 4, .drop_last = true}, rng);
  CHECK(dropping.sizes == std::vector<Index>{4, 4});

  const std::vector<Series> lines = series(history.steps);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].name == "count");
  CHECK(lines[1].name == "square");
  CHECK(lines[1].values == std::vector<double>{1, 4, 9, 16});
}

TEST_CASE("fit refuses options that do not fit, in the name of the trainer if it has one", "[training]") {
  CountingTrainer trainer;
  Rng rng(1);
  const Tensor<float, 2> data(Shape{5, 1}, 0.0f);
  CHECK_THROWS_MATCHES(fit(trainer, data, {}, rng), ArgumentError,
                       Message("fit: expected either steps > 0 or epochs > 0 but got steps = 0 and epochs = 0"));
  CHECK_THROWS_MATCHES(fit(trainer, ring_of_gaussians(8), {.epochs = 2}, rng), ArgumentError,
                       Message("fit: expected steps for an endless source but got epochs = 2"));
}

TEST_CASE("fit trains a trainer of one's own on batches of two tensors", "[training]") {
  // y = 2 x - 1.
  Rng rng(1);
  Conditioned data{Tensor<float, 2>(Shape{64, 1}), Tensor<float, 2>(Shape{64, 1})};
  rng.fill_normal(data.samples.data(), 64);
  data.conditions.array() = 2 * data.samples.array() - 1;
  Linear network(1, 1, rng);
  Regression trainer{network};
  const auto history = fit(trainer, data, {.epochs = 100, .batch_size = 16}, rng);
  CHECK_THAT(network.weight.value()(0, 0), WithinAbs(2.0, 1e-4));
  CHECK_THAT(network.bias.value()(0), WithinAbs(-1.0, 1e-4));
  CHECK(history.epochs.back().loss < 1e-7);
  CHECK(history.steps.size() == 400);
}

TEST_CASE("The fields of a trainer are all that its next step depends on", "[training]") {
  const auto ring = ring_of_gaussians(8);
  const auto make_generator = [](Rng& rng) {
    return Generator{Sequential{Linear(2, 8, rng), BatchNorm(8), Relu{}, Linear(8, 2, rng)}, StandardNormal(2)};
  };
  const auto make_discriminator = [](Rng& rng) {
    return Discriminator{Sequential{Linear(2, 8, rng), LeakyRelu{0.2}, Dropout(0.2), Linear(8, 1, rng)}};
  };
  const auto numbers_of = [](const auto& trainer) {
    std::vector<double> all;
    for_each_state(
        trainer, [&](const FieldPath&, const auto& t) { all.insert(all.end(), t.values().begin(), t.values().end()); });
    return all;
  };
  Rng rng(1);
  auto generator = make_generator(rng);
  auto discriminator = make_discriminator(rng);
  const InstanceNoise noise{.sigma = 0.3, .schedule = LinearDecay{20}};
  const GanOptions options{.discriminator_steps = 2};
  GanTrainer trainer{generator, discriminator, NonSaturating{}, noise, MovingAverage{generator}, options};
  trainer.fit(ring, {.steps = 5, .batch_size = 8}, rng);

  // Another trainer, of other weights, is given all the numbers of the first.
  Rng other(2);
  auto generator_again = make_generator(other);
  auto discriminator_again = make_discriminator(other);
  GanTrainer again{generator_again, discriminator_again, NonSaturating{}, noise, MovingAverage{generator_again},
                   options};
  again.generator_optimizer.prepare(generator_again);
  again.discriminator_optimizer.prepare(discriminator_again);
  const std::vector<double> state = numbers_of(trainer);
  std::size_t i = 0;
  for_each_state(again, [&]<class Scalar, int Rank>(const FieldPath&, Tensor<Scalar, Rank>& t) {
    for (Index j = 0; j < t.size(); ++j) t.data()[j] = static_cast<Scalar>(state.at(i++));
  });
  CHECK(i == state.size());

  Rng same = rng;
  trainer.fit(ring, {.steps = 7, .batch_size = 8}, rng);
  again.fit(ring, {.steps = 7, .batch_size = 8}, same);
  CHECK(numbers_of(trainer) == numbers_of(again));
  CHECK(numbers_of(trainer) != state);
}

namespace {

/// A layer that leaves one of its parameters out of its fields.
struct Forgetful {
  Linear<> listed, forgotten;
  explicit Forgetful(Rng& rng) : listed(3, 5, rng), forgotten(5, 3, rng) {}
  auto operator()(const auto& x) const { return forgotten(tanh(listed(x))); }
  static void fields(auto& self, auto&& field) { field("listed", self.listed); }
};

/// Trains one of two layers that its loss depends on.
struct WithFeatures {
  Linear<>& learned;
  Linear<>& features;
  Adam<> optimizer{};
  Loss step(const Tensor<float, 2>& batch, Rng&) {
    const auto loss = mean(square(features(learned(Variable(batch)))));
    optimizer.minimize(loss, learned);
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) { field("learned", self.learned); }
};

std::string not_in_fields(const std::string& function) {
  return function +
         ": expected a loss that depends on parameters in the trainer's fields only but it also depends on one of "
         "shape [3] that is in none; does a layer leave it out of its fields, or does a lambda hold a layer? "
         "Parameters that shall not learn: hold_fixed(model)";
}

}  // namespace

TEST_CASE("a parameter that no field names is refused before the first update", "[training]") {
  Rng rng(3);
  const Tensor<float, 2> data = StandardNormal(3).sample(8, rng);
  const auto refused = [](auto&& train, const std::string& function) {
    CHECK_THROWS_MATCHES(train(), ArgumentError, Message(not_in_fields(function)));
  };

  Autoencoder autoencoder{Encoder{Tanh{}, Forgetful(rng)}, Decoder{Linear(3, 3, rng), SquaredError{}}};
  AutoencoderTrainer trainer{autoencoder};
  refused([&] { trainer.fit(data, {.epochs = 1}, rng); }, "AutoencoderTrainer::fit");
  refused([&] { trainer.step(data, rng); }, "AutoencoderTrainer::step");
  CHECK(trainer.optimizer.steps() == 0);

  Linear<> held(5, 3, rng);
  Linear<> first(3, 5, rng);
  Vae vae{Encoder{Sequential{first, [&](const auto& x) { return held(x); }}, Linear(3, 2, rng), Linear(3, 2, rng)},
          Decoder{Linear(2, 3, rng), SquaredError{}}, StandardNormal(2)};
  VaeTrainer vae_trainer{vae};
  refused([&] { vae_trainer.fit(data, {.epochs = 1}, rng); }, "VaeTrainer::fit");
  hold_fixed(held);  // declared to be no part of the training
  CHECK_NOTHROW(vae_trainer.fit(data, {.epochs = 1}, rng));

  Generator generator{Linear(2, 3, rng), StandardNormal(2)};
  Discriminator discriminator{Sequential{Forgetful(rng), Linear(3, 1, rng)}};
  GanTrainer gan{generator, discriminator, NonSaturating{}, R1{}};
  refused([&] { gan.fit(data, {.steps = 1, .batch_size = 4}, rng); }, "GanTrainer::fit");
  refused([&] { gan.train_discriminator(data, rng); }, "GanTrainer::train_discriminator");

  hold_fixed(held, false);
  WithFeatures own{first, held};
  refused([&] { fit(own, data, {.epochs = 1}, rng); }, "fit");
}

TEST_CASE("a last batch of one sample is refused before the first step if the model has a BatchNorm", "[training]") {
  Rng rng(3);
  const Tensor<float, 2> data = StandardNormal(3).sample(9, rng);
  Autoencoder autoencoder{Encoder{Sequential{Linear(3, 4, rng), BatchNorm(4)}, Linear(4, 2, rng)},
                          Decoder{Linear(2, 3, rng), SquaredError{}}};
  AutoencoderTrainer trainer{autoencoder};
  CHECK_THROWS_MATCHES(
      trainer.fit(data, {.epochs = 1, .batch_size = 4}, rng), ArgumentError,
      Message("AutoencoderTrainer::fit: expected more than one sample in each batch for BatchNorm but the last of 9 "
              "samples would be alone with batch_size = 4; set drop_last"));
  CHECK(trainer.optimizer.steps() == 0);
  trainer.fit(data, {.epochs = 1, .batch_size = 4, .drop_last = true}, rng);
  CHECK(trainer.optimizer.steps() == 2);
  CHECK_NOTHROW(trainer.fit(data, {.steps = 2, .batch_size = 4}, rng));  // it would be the third
  CHECK_NOTHROW(trainer.fit(data, {.epochs = 1, .batch_size = 5}, rng));
}

TEST_CASE("the history outlasts a fit that throws", "[training]") {
  CountingTrainer trainer;
  const Tensor<float, 2> data(Shape{4, 1}, 0.0f);
  Rng rng(1);
  FitHistory<CountingTrainer::Losses> history;
  const auto fails_in_epoch_2 = [](auto& now) {
    if (now.epoch == 2) throw std::runtime_error("stop");
  };
  CHECK_THROWS_AS(
      fit(trainer, data, {.epochs = 3, .batch_size = 2, .on_step = fails_in_epoch_2, .history = &history}, rng),
      std::runtime_error);
  REQUIRE(history.steps.size() == 3);
  CHECK(history.steps[2].count == 3);
  REQUIRE(history.epochs.size() == 1);
  CHECK(history.epochs[0].count == 1.5);
}

TEST_CASE("Data that are not finite and held-out data that do not fit are named", "[training]") {
  Rng rng(1);
  Autoencoder model{Encoder{Sequential{Linear(3, 2, rng), Tanh{}}, Linear(2, 2, rng)},
                    Decoder{Linear(2, 3, rng), SquaredError{}}};
  AutoencoderTrainer trainer{model};
  Tensor<float, 2> data = StandardNormal(3).sample(40, rng);
  const std::string message = "AutoencoderTrainer::fit: expected held-out data that can be evaluated but: ";
  const auto refused = [&](const auto& held_out, const std::string& reason) {
    CHECK_THROWS_WITH(trainer.fit(data, held_out, {.epochs = 1}, rng), Catch::Matchers::Contains(message + reason));
  };
  refused(Tensor<float, 2>(Shape{4, 2}, 1.0f),
          "Linear: expected x of shape [N, 3] but got [4, 2], in layer encoder.trunk.0 (Linear)");
  refused(Tensor<float, 2>(Shape{0, 3}), "evaluate: expected at least one sample");
  CHECK(trainer.optimizer.steps() == 0);  // before the first step
  data(17, 1) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(
      trainer.fit(data, {.epochs = 1}, rng),
      Catch::Matchers::StartsWith("AutoencoderTrainer::fit: expected finite data but got inf in row 17 of samples ("));
}

TEST_CASE("Without held-out data, their losses are no numbers", "[training]") {
  CountingTrainer trainer;
  Rng rng(1);
  int epochs = 0;
  fit(trainer, Tensor<float, 2>(Shape{4, 1}, 0.0f),
      {.epochs = 2,
       .batch_size = 2,
       .on_epoch =
           [&](auto& now) {
             CHECK(std::isnan(now.held_out.count));
             ++epochs;
           }},
      rng);
  CHECK(epochs == 2);
}

namespace {

struct Forgets {
  Sequential<Linear<float>, BatchNorm<float>>& network;
  Adam<> optimizer{};
  Loss step(const Tensor<float, 2>& x, Rng&) {
    const auto loss = mean(square(network(Variable(x)) - Variable(x)));
    optimizer.minimize(loss, network);
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) { field("network", self.network), field("optimizer", self.optimizer); }
};

}  // namespace

TEST_CASE("In a trainer of one's own, too, a layer that needs the Pass has to get it", "[training]") {
  Rng rng(1);
  Sequential network{Linear(3, 3, rng), BatchNorm(3)};
  Forgets trainer{network};
  CHECK_THROWS_WITH(fit(trainer, StandardNormal(3), {.steps = 1}, rng),
                    Catch::Matchers::Contains("expected the Pass of the training but got none"));
}

namespace {

struct NoLoss {
  static void fields(auto&, auto&&) {}
};
struct NoLossTrainer {
  NoLoss step(const Tensor<float, 2>&, Rng&) { return {}; }
};

}  // namespace

TEST_CASE("Losses without a number are refused", "[training]") {
  Rng rng(1);
  NoLossTrainer trainer;
  CHECK_THROWS_MATCHES(fit(trainer, StandardNormal(2), {.steps = 1, .batch_size = 4}, rng), ArgumentError,
                       Message("fit: expected losses with a number in `fields` but got none"));
}
