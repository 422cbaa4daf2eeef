// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <numbers>

#include "catch.hpp"
#include "models/weights.hpp"
#include "training/screen.hpp"

using namespace eigenesis;

namespace {

/// y = x * weight; counts how often the gradient of its weight is computed.
struct Scale {
  Parameter<float, 1> weight{Tensor<float, 1>(Shape{2}, 0.5f)};
  int* asked;
  Variable<float, 2> operator()(const Variable<float, 2>& x) const {
    const Variable<float, 1> w = weight;
    return record(Tensor<float, 2>(x.value().matrix() * w.value()(0)),
                  wrt(x, [w](const auto&, const auto& dy) { return dy * w; }),
                  wrt(weight, [x, count = asked](const auto&, const auto& dy) {
                    ++*count;
                    return sum(x * dy, 0);
                  }));
  }
  static void fields(auto& self, auto&& field) { field("weight", self.weight); }
};

/// Notes each loss that is asked for: "D" or "G".
struct NotedObjective {
  std::string* order;
  auto discriminator_loss(const auto& real, const auto& fake) const {
    *order += 'D';
    return NonSaturating{}.discriminator_loss(real, fake);
  }
  auto generator_loss(const auto& fake) const {
    *order += 'G';
    return NonSaturating{}.generator_loss(fake);
  }
};

/// The root of 0, whose gradient is not finite.
struct RootObjective {
  auto discriminator_loss(const auto& real, const auto& fake) const { return mean(real) - mean(fake); }
  auto generator_loss(const auto& fake) const { return mean(sqrt(0 * fake)); }
};

auto small_generator(Rng& rng) {
  return Generator{Sequential{Linear(2, 8, rng), BatchNorm(8), Relu{}, Linear(8, 2, rng)}, StandardNormal(2)};
}
auto small_discriminator(Rng& rng) {
  return Discriminator{Sequential{Linear(2, 8, rng), BatchNorm(8), LeakyRelu{0.2}, Linear(8, 1, rng)}};
}

Tensor<float, 2> normal_data(Index n, Rng& rng) { return StandardNormal(2).sample(n, rng); }

}  // namespace

TEST_CASE("Each phase of a GAN changes one model only", "[training]") {
  Rng rng(1);
  auto generator = small_generator(rng);
  auto discriminator = small_discriminator(rng);
  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  const auto generator_before = weights(generator), discriminator_before = weights(discriminator);

  trainer.train_discriminator(normal_data(16, rng), rng);
  CHECK(weights(generator) == generator_before);  // running averages and all
  const auto discriminator_after = weights(discriminator);
  REQUIRE(discriminator_after.size() == discriminator_before.size());
  for (std::size_t i = 0; i < discriminator_after.size(); ++i) {
    INFO("number " << i);
    // All but the bias before a normalisation, whose gradient is 0 but for rounding.
    if (i < 16 || i >= 24) CHECK(discriminator_after[i] != discriminator_before[i]);
  }

  trainer.train_generator(16, rng);
  CHECK(weights(discriminator) == discriminator_after);
  CHECK(weights(generator) != generator_before);
  CHECK(trainer.discriminator_optimizer.steps() == 1);
  CHECK(trainer.generator_optimizer.steps() == 1);
}

TEST_CASE("Each phase of a GAN records and differentiates one model only", "[training]") {
  Rng rng(1);
  int generator_asked = 0, discriminator_asked = 0;
  bool recorded = true;
  Generator generator{Sequential{Scale{.asked = &generator_asked}, Recorded{&recorded}}, StandardNormal(2)};
  Discriminator discriminator{Sequential{Scale{.asked = &discriminator_asked}, Linear(2, 1, rng)}};
  GanTrainer trainer{generator, discriminator, NonSaturating{}};

  trainer.train_discriminator(normal_data(4, rng), rng);
  CHECK_FALSE(recorded);
  CHECK(generator_asked == 0);
  CHECK(discriminator_asked == 2);  // for the real and the fake batch

  trainer.train_generator(4, rng);
  CHECK(recorded);
  CHECK(generator_asked == 1);
  CHECK(discriminator_asked == 2);
}

TEST_CASE("A discriminator normalises real and fake batches apart", "[training]") {
  Rng rng(1);
  std::vector<Index> batches;
  Generator generator{Linear(2, 2, rng), StandardNormal(2)};
  Discriminator discriminator{Sequential{[&batches](const auto& x) {
                                           batches.push_back(x.shape(0));
                                           return x;
                                         },
                                         Linear(2, 1, rng)}};
  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  trainer.train_discriminator(normal_data(6, rng), rng);
  CHECK(batches == std::vector<Index>{6, 6});
  trainer.train_generator(5, rng);
  CHECK(batches == std::vector<Index>{6, 6, 5});
}

TEST_CASE("fit alternates as many steps of each model as the options say", "[training]") {
  Rng rng(1);
  std::string order;
  auto generator = small_generator(rng);
  auto discriminator = small_discriminator(rng);
  const auto order_of = [&](const GanOptions& options) {
    order.clear();
    GanTrainer trainer{generator, discriminator, NotedObjective{&order}, options};
    const auto history = trainer.fit(ring_of_gaussians(8), {.steps = 3, .batch_size = 4}, rng);
    CHECK(history.steps.size() == 3);
    return order;
  };
  CHECK(order_of({}) == "DGDGDG");
  CHECK(order_of({.discriminator_steps = 3}) == "DDDGDDDGDDDG");
  CHECK(order_of({.discriminator_steps = 1, .generator_steps = 2}) == "DGGDGGDGG");
}

TEST_CASE("fit does what its phases do one by one", "[training]") {
  Rng rng(1);
  auto generator = small_generator(rng);
  auto discriminator = small_discriminator(rng);
  auto same_generator = generator;
  auto same_discriminator = discriminator;
  const auto ring = ring_of_gaussians(8);

  Rng for_fit(2), by_hand(2);
  GanTrainer trainer{generator, discriminator, Minimax{}, {.discriminator_steps = 2, .generator_steps = 3}};
  const auto history = trainer.fit(ring, {.steps = 4, .batch_size = 8}, for_fit);

  GanTrainer same_trainer{same_generator, same_discriminator, Minimax{}};
  for (std::size_t step = 0; step < 4; ++step) {
    double discriminator_loss = 0, generator_loss = 0;
    for (int i = 0; i < 2; ++i)
      discriminator_loss += same_trainer.train_discriminator(ring.sample(8, by_hand), by_hand);
    for (int i = 0; i < 3; ++i) generator_loss += same_trainer.train_generator(8, by_hand);
    CHECK(history.steps[step].discriminator == discriminator_loss / 2);
    CHECK(history.steps[step].generator == generator_loss / 3);
  }
  CHECK(weights(generator) == weights(same_generator));
  CHECK(weights(discriminator) == weights(same_discriminator));
}

TEST_CASE("An epoch of fit is a pass over the data", "[training]") {
  Rng rng(1);
  auto generator = small_generator(rng);
  auto discriminator = small_discriminator(rng);
  const Tensor<float, 2> data = normal_data(10, rng);  // two batches of 4, the rest is left out
  const auto rounds = [&](const GanOptions& options, FitOptions<GanLosses> fit_options) {
    GanTrainer trainer{generator, discriminator, NonSaturating{}, options};
    std::vector<Index> steps_per_epoch;
    fit_options.batch_size = 4;
    fit_options.on_epoch = [&](auto& progress) {
      steps_per_epoch.push_back(progress.step);
      CHECK(progress.epoch == std::ssize(steps_per_epoch));
    };
    const auto history = trainer.fit(data, fit_options, rng);
    CHECK(std::ssize(history.steps) == steps_per_epoch.back());
    return steps_per_epoch;
  };
  CHECK(rounds({}, {.epochs = 3}) == std::vector<Index>{2, 4, 6});
  CHECK(rounds({.discriminator_steps = 2}, {.epochs = 3}) == std::vector<Index>{1, 2, 3});
  CHECK(rounds({.discriminator_steps = 5}, {.epochs = 3}) == std::vector<Index>{1, 2, 3});
  CHECK(rounds({}, {.steps = 5}) == std::vector<Index>{5});
}

TEST_CASE("Callbacks of fit see losses and can stop it", "[training]") {
  Rng rng(1);
  auto generator = small_generator(rng);
  auto discriminator = small_discriminator(rng);
  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  std::vector<GanLosses> seen;
  Index steps = 0, epochs = 0;
  const auto history = trainer.fit(ring_of_gaussians(8),
                                   {.steps = 100,
                                    .batch_size = 8,
                                    .on_step =
                                        [&](auto& progress) {
                                          CHECK(progress.step == ++steps);
                                          CHECK(progress.epoch == 1);
                                          seen.push_back(progress.losses);
                                          progress.stop = steps == 7;
                                        },
                                    .on_epoch = [&](auto&) { ++epochs; }},
                                   rng);
  CHECK(steps == 7);
  CHECK(epochs == 1);
  REQUIRE(history.steps.size() == seen.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(history.steps[i].discriminator == seen[i].discriminator);
    CHECK(history.steps[i].generator == seen[i].generator);
  }

  Index at_stop = 0;
  trainer.fit(normal_data(16, rng),
              {.epochs = 10,
               .batch_size = 4,
               .on_epoch =
                   [&](auto& progress) {
                     progress.stop = progress.epoch == 2;
                     at_stop = progress.step;
                   }},
              rng);
  CHECK(at_stop == 8);
}

TEST_CASE("A GAN's progress shows the mean of both losses", "[training]") {
  Rng rng(1);
  auto generator = small_generator(rng);
  auto discriminator = small_discriminator(rng);
  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  Screen screen;
  const auto history = trainer.fit(ring_of_gaussians(8), {.steps = 2, .batch_size = 8, .progress = screen.bar()}, rng);
  const auto line = [&](std::size_t step) {
    GanLosses mean;
    for (std::size_t i = 0; i <= step; ++i) {
      mean.discriminator += history.steps[i].discriminator / static_cast<double>(step + 1);
      mean.generator += history.steps[i].generator / static_cast<double>(step + 1);
    }
    return " discriminator " + detail::significant(mean.discriminator, 4) + " generator " +
           detail::significant(mean.generator, 4) + "\n";
  };
  CHECK(screen.text == "GAN  50% 1/2 [00:00<?, ? it/s]" + line(0) + "GAN 100% 2/2 [00:00<?, ? it/s]" + line(1));
}

TEST_CASE("A GAN stops at numbers that are not finite before it changes a weight", "[training]") {
  Rng rng(1);
  auto generator = small_generator(rng);
  Discriminator discriminator{Sequential{Linear(2, 1, rng)}};
  const auto generator_before = weights(generator), discriminator_before = weights(discriminator);
  Tensor<float, 2> data = normal_data(8, rng);
  data(5, 1) = NAN;

  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  CHECK_THROWS_MATCHES(trainer.train_discriminator(data, rng), NumericError,
                       Message("GanTrainer::train_discriminator: Adam::minimize: expected a finite loss but got nan in "
                               "step 1 of learning rate 2e-04"));
  CHECK_THROWS_MATCHES(
      trainer.fit(data, {.steps = 2, .batch_size = 8}, rng), DataError,
      Message("GanTrainer::fit: expected finite data but got nan in row 5 of samples "
              "(GanTrainer::train_discriminator: Adam::minimize: expected a finite loss but got nan in "
              "step 1 of learning rate 2e-04)"));
  CHECK(weights(generator) == generator_before);
  CHECK(weights(discriminator) == discriminator_before);

  GanTrainer rooting{generator, discriminator, RootObjective{}};
  CHECK_THROWS_MATCHES(rooting.train_generator(4, rng), NumericError,
                       Message("GanTrainer::train_generator: Adam::minimize: expected a finite gradient of "
                               "network.0.weight but got nan in step 1"));
  CHECK(weights(discriminator) == discriminator_before);
}

TEST_CASE("GanTrainer tells options, penalties and optimizers apart", "[training]") {
  Rng rng(1);
  Generator generator{Linear(2, 2, rng), StandardNormal(2)};
  Discriminator discriminator{Linear(2, 1, rng)};
  using Plain = GanTrainer<decltype(generator), decltype(discriminator), Wasserstein>;
  const auto plain = [](const auto& trainer) { return std::is_same_v<std::remove_cvref_t<decltype(trainer)>, Plain>; };
  CHECK(plain(GanTrainer{generator, discriminator, Wasserstein{}, {}}));
  CHECK(plain(GanTrainer{generator, discriminator, Wasserstein{}, {.discriminator_steps = 2}}));
  CHECK(plain(GanTrainer{generator, discriminator, Wasserstein{}, NoPenalty{}}));
  CHECK(plain(GanTrainer{generator, discriminator, Wasserstein{}, Adam{}, Adam{}}));
  CHECK_FALSE(plain(GanTrainer{generator, discriminator, Wasserstein{}, R1{}, {.discriminator_steps = 2}}));
  CHECK_FALSE(plain(GanTrainer{generator, discriminator, Wasserstein{}, R1{}, Adam{}, Adam{}}));
}

TEST_CASE("GanTrainer refuses options that do not fit", "[training]") {
  Rng rng(1);
  auto generator = small_generator(rng);
  auto discriminator = small_discriminator(rng);
  CHECK_THROWS_MATCHES(
      (GanTrainer{generator, discriminator, Minimax{}, {.discriminator_steps = 0}}), ArgumentError,
      Message("GanTrainer: expected at least one step of each model but got discriminator_steps = 0 and "
              "generator_steps = 1"));
  CHECK_THROWS_MATCHES(
      (GanTrainer{generator, discriminator, Minimax{}, {.generator_steps = -2}}), ArgumentError,
      Message("GanTrainer: expected at least one step of each model but got discriminator_steps = 1 and "
              "generator_steps = -2"));
  GanTrainer trainer{generator, discriminator, Minimax{}};
  const auto ring = ring_of_gaussians(8);
  CHECK_THROWS_MATCHES(
      trainer.fit(ring, {}, rng), ArgumentError,
      Message("GanTrainer::fit: expected either steps > 0 or epochs > 0 but got steps = 0 and epochs = 0"));
  CHECK_THROWS_MATCHES(
      trainer.fit(ring, {.steps = 2, .epochs = 3}, rng), ArgumentError,
      Message("GanTrainer::fit: expected either steps > 0 or epochs > 0 but got steps = 2 and epochs = 3"));
  CHECK_THROWS_MATCHES(trainer.fit(ring, {.epochs = 3}, rng), ArgumentError,
                       Message("GanTrainer::fit: expected steps for an endless source but got epochs = 3"));
  CHECK_THROWS_MATCHES(trainer.fit(ring, {.steps = 3, .batch_size = 0}, rng), ArgumentError,
                       Message("GanTrainer::fit: expected batch_size >= 1 but got 0"));
}

// What is known of the game.

namespace {

/// A prior that adds nothing.
struct Zero {
  Tensor<double, 2> sample(Index n, Rng&) const { return Tensor<double, 2>(Shape{n, Index{1}}, 0.0); }
};
struct Shift {
  Parameter<double, 1> theta;
  auto operator()(const auto& z) const { return z + theta; }
  static void fields(auto& self, auto&& field) { field("theta", self.theta); }
};
struct Slope {
  Parameter<double, 1> psi;
  auto operator()(const auto& x) const { return x * psi; }
  static void fields(auto& self, auto&& field) { field("psi", self.psi); }
};
Parameter<double, 1> number(double value) { return Tensor<double, 1>(Shape{1}, value); }

enum class Updates { simultaneous, generator_first, discriminator_first };

/// The Dirac-GAN (Mescheder et al. 2018): all data at 0, all samples at theta, logits psi x. The norm of (theta, psi)
/// after 500 steps of size 0.2 from theta = 1.
template <class Objective, class Penalty = NoPenalty>
double dirac_gan(double psi, Updates updates, Penalty penalty = {}) {
  using DiracGenerator = Generator<Shift, Zero>;
  using DiracDiscriminator = Discriminator<Slope>;
  DiracGenerator generator{Shift{number(1)}, Zero{}};
  DiracDiscriminator discriminator{Slope{number(psi)}};
  const Tensor<double, 2> data(Shape{1, 1}, 0.0);
  const Sgd<double> descent{{.learning_rate = 0.2}};
  Rng rng(1);
  GanTrainer trainer{generator, discriminator, Objective{}, penalty, descent, descent};
  for (int step = 0; step < 500; ++step) {
    if (updates == Updates::simultaneous) {
      DiracGenerator old_generator = generator;
      GanTrainer against_old{old_generator, discriminator, Objective{}, penalty, descent, descent};
      DiracDiscriminator old_discriminator = discriminator;
      GanTrainer against_old_discriminator{generator, old_discriminator, Objective{}, penalty, descent, descent};
      against_old.train_discriminator(data, rng);
      against_old_discriminator.train_generator(1, rng);
    } else {
      if (updates == Updates::generator_first) trainer.train_generator(1, rng);
      trainer.train_discriminator(data, rng);
      if (updates == Updates::discriminator_first) trainer.train_generator(1, rng);
    }
  }
  return std::hypot(generator.network.theta.value()(0), discriminator.network.psi.value()(0));
}

constexpr double seven_digits = 4e-7;

}  // namespace

TEST_CASE("The Dirac-GAN ends where it is known to", "[training]") {
  using enum Updates;
  CHECK_THAT(dirac_gan<Minimax>(-1, simultaneous), WithinRel(3.096949, seven_digits));
  CHECK_THAT(dirac_gan<Minimax>(-1, generator_first), WithinRel(1.421019, seven_digits));
  CHECK_THAT(dirac_gan<Minimax>(-1, discriminator_first), WithinRel(1.412598, seven_digits));
  CHECK_THAT(dirac_gan<NonSaturating>(-1, simultaneous), WithinRel(0.6402071, seven_digits));
  CHECK_THAT(dirac_gan<NonSaturating>(-1, generator_first), WithinRel(0.2839234, seven_digits));
  CHECK_THAT(dirac_gan<NonSaturating>(-1, discriminator_first), WithinRel(0.2706304, seven_digits));
  const R1 r1{.gamma = 0.3};
  CHECK_THAT(dirac_gan<Minimax>(-1, simultaneous, r1), WithinRel(2.642656e-06, seven_digits));
  CHECK_THAT(dirac_gan<Minimax>(-1, generator_first, r1), WithinRel(2.300913e-07, seven_digits));
  CHECK_THAT(dirac_gan<Minimax>(-1, discriminator_first, r1), WithinRel(2.382703e-07, seven_digits));
  CHECK_THAT(dirac_gan<Minimax>(1, simultaneous), WithinRel(3.353400, seven_digits));
  CHECK_THAT(dirac_gan<Minimax>(1, generator_first), WithinRel(1.495455, seven_digits));
  CHECK_THAT(dirac_gan<Minimax>(1, discriminator_first), WithinRel(1.339214, seven_digits));
}

TEST_CASE("At equilibrium the discriminator loses 2 ln 2 and cannot do better", "[training]") {
  Rng rng(1);
  Generator generator{Sequential{Linear(1, 1, rng)}, StandardNormal(1)};
  const Generator data = generator;
  Discriminator discriminator{Sequential{Linear(1, 16, rng), Tanh{}, Linear(16, 1, rng)}};
  for_each_parameter(discriminator,
                     [](const FieldPath&, auto& parameter) { parameter.mutable_value().array().setZero(); });
  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  CHECK_THAT(trainer.train_discriminator(data.sample(512, rng), rng), WithinAbs(2 * std::numbers::ln2, 1e-6));

  discriminator = Discriminator{Sequential{Linear(1, 16, rng), Tanh{}, Linear(16, 1, rng)}};
  trainer.discriminator_optimizer.set_learning_rate(2e-3);
  double average = 0;
  for (int step = 1; step <= 600; ++step) {
    const double loss = trainer.train_discriminator(data.sample(512, rng), rng);
    if (step > 400) average += loss / 200;
  }
  CHECK_THAT(average, WithinAbs(2 * std::numbers::ln2, 0.005));
}

TEST_CASE("The optimal discriminator between two normals loses what the Jensen-Shannon divergence says", "[training]") {
  const auto [distance, expected] =
      GENERATE(std::pair(1.0f, 1.163451), std::pair(2.0f, 0.712633), std::pair(50.0f, 0.0));
  Rng rng(1);
  Generator generator{[distance = distance](const auto& z) { return z + distance; }, StandardNormal(1)};
  Discriminator discriminator{Sequential{Linear(1, 16, rng), Tanh{}, Linear(16, 1, rng)}};
  const Adam<float> adam{{.learning_rate = 5e-3}};
  GanTrainer trainer{generator, discriminator, Minimax{}, adam, adam};
  const StandardNormal data(1);
  for (int step = 0; step < 1500; ++step) trainer.train_discriminator(data.sample(512, rng), rng);
  trainer.discriminator_optimizer.set_learning_rate(0);
  const double loss = trainer.train_discriminator(data.sample(400'000, rng), rng);
  INFO("distance " << distance);
  CHECK_THAT(loss, WithinAbs(expected, 0.005));
}

TEST_CASE("GanTrainer refuses empty batches and less data than a batch", "[training]") {
  Rng rng(1);
  Generator generator{Linear(2, 2, rng), StandardNormal(2)};
  Discriminator discriminator{Linear(2, 1, rng)};
  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  CHECK_THROWS_MATCHES(
      trainer.train_discriminator(Tensor<float, 2>({0, 2}), rng), DataError,
      Message("GanTrainer::train_discriminator: expected at least one sample but got data of shape [0, 2]"));
  const Tensor<float, 2> data({50, 2}, 0.5f);
  CHECK_THROWS_MATCHES(
      trainer.fit(data, {.steps = 1, .batch_size = 128}, rng), ArgumentError,
      Message("GanTrainer::fit: expected at least batch_size = 128 samples with drop_last but got 50"));
}

// Instance noise.

namespace {

/// Real and fake samples are all 0; the discriminator notes what it sees.
struct NotedSamples {
  std::vector<Tensor<float, 2>>* seen;
  auto operator()(const Variable<float, 2>& x) const {
    seen->push_back(x.value());
    return x;
  }
};

double mean_square(const Tensor<float, 2>& x) { return x.array().cast<double>().square().mean(); }

}  // namespace

TEST_CASE("Instance noise fades by its schedule", "[training]") {
  CHECK(InstanceNoise{}.sigma_in(0) == 0);
  CHECK(InstanceNoise{.sigma = 0.5}.sigma_in(1'000'000) == 0.5);
  const InstanceNoise fading{.sigma = 0.5, .schedule = LinearDecay{2000}};
  CHECK(fading.sigma_in(0) == 0.5);
  CHECK(fading.sigma_in(500) == 0.375);
  CHECK(fading.sigma_in(1999) > 0);
  CHECK(fading.sigma_in(2000) == 0);
  CHECK(fading.sigma_in(3000) == 0);
  CHECK_THROWS_MATCHES((InstanceNoise{.sigma = -0.5}.sigma_in(7)), ArgumentError,
                       Message("InstanceNoise: expected a finite sigma >= 0 but got -0.5 in step 7"));
  CHECK_THROWS_MATCHES((InstanceNoise{.sigma = NAN}.sigma_in(0)), ArgumentError,
                       Message("InstanceNoise: expected a finite sigma >= 0 but got nan in step 0"));
  Rng rng(1);
  auto generator = small_generator(rng);
  auto discriminator = small_discriminator(rng);
  GanTrainer trainer{generator, discriminator, Minimax{}, InstanceNoise{.sigma = -1}};
  CHECK_THROWS_MATCHES(trainer.train_discriminator(normal_data(4, rng), rng), ArgumentError,
                       Message("InstanceNoise: expected a finite sigma >= 0 but got -1 in step 0"));
}

TEST_CASE("The discriminator sees real and fake samples through noise, in both phases", "[training]") {
  Rng rng(1);
  std::vector<Tensor<float, 2>> seen;
  Generator generator{Sequential{Linear(2, 2, rng), [](const auto& x) { return 0 * x; }}, StandardNormal(2)};
  Discriminator discriminator{Sequential{NotedSamples{&seen}, Linear(2, 1, rng)}};
  const Tensor<float, 2> data({20'000, 2}, 0.0f);
  const double sigma = 0.5;
  GanTrainer trainer{generator, discriminator, NonSaturating{},
                     InstanceNoise{.sigma = sigma, .schedule = LinearDecay{2}}};
  for (const double left : {1.0, 0.5, 0.0}) {
    seen.clear();
    trainer.train_discriminator(data, rng);
    trainer.train_generator(20'000, rng);
    REQUIRE(seen.size() == 3);  // real, fake, fake
    INFO("sigma " << sigma * left);
    for (const auto& x : seen) {
      // Five standard deviations of the mean square of 40 000 normal numbers: 5 sqrt(2 / 40 000) of it.
      CHECK_THAT(mean_square(x), WithinRel(sigma * left * sigma * left, 0.036));
      CHECK_THAT(static_cast<double>(x.array().mean()), WithinAbs(0, 5 * sigma * left / 200));
    }
    for (const int other : {1, 2}) {  // independent: the differences have twice the variance
      Tensor<float, 2> difference = seen[0];
      difference.array() -= seen[static_cast<std::size_t>(other)].array();
      CHECK_THAT(mean_square(difference), WithinRel(2 * sigma * left * sigma * left, 0.036));
    }
  }
}

TEST_CASE("Instance noise counts rounds: a round ends with its last step of the generator", "[training]") {
  Rng rng(1);
  auto generator = small_generator(rng);
  auto discriminator = small_discriminator(rng);
  std::vector<Index> rounds;
  const auto noted = [&](Index round) {
    rounds.push_back(round);
    return 1.0;
  };
  GanTrainer trainer{generator,
                     discriminator,
                     NonSaturating{},
                     InstanceNoise{.sigma = 0.1, .schedule = noted},
                     {.discriminator_steps = 2, .generator_steps = 3}};
  trainer.fit(ring_of_gaussians(8), {.steps = 2, .batch_size = 4}, rng);
  trainer.fit(ring_of_gaussians(8), {.steps = 1, .batch_size = 4}, rng);  // goes on
  std::vector<Index> expected;  // real and fake of two steps, then fake of three
  for (const Index round : {0, 1, 2}) expected.insert(expected.end(), 2 * 2 + 3, round);
  CHECK(rounds == expected);
}

TEST_CASE("Without instance noise, or once it has faded, a training keeps its bits", "[training]") {
  const auto trained = [](const InstanceNoise& noise) {
    Rng rng(1);
    auto generator = small_generator(rng);
    auto discriminator = small_discriminator(rng);
    GanTrainer trainer{generator, discriminator, NonSaturating{}, noise};
    trainer.fit(ring_of_gaussians(8), {.steps = 5, .batch_size = 16}, rng);
    auto all = weights(generator), more = weights(discriminator);
    all.insert(all.end(), more.begin(), more.end());
    all.push_back(static_cast<double>(rng.state().counter));
    return all;
  };
  const auto plain = trained({});
  CHECK(trained({.sigma = 0}) == plain);
  CHECK(trained({.sigma = 3, .schedule = ConstantSchedule{0}}) == plain);
  CHECK(trained({.sigma = 1e-3}) != plain);

  Generator generator{Shift{number(1)}, Zero{}};  // draws nothing
  Discriminator discriminator{Slope{number(1)}};
  GanTrainer trainer{generator, discriminator, NonSaturating{}, Adam<double>{}, Adam<double>{}};
  Rng rng(1);
  trainer.train_discriminator(Tensor<double, 2>({4, 1}, 0.0), rng);
  trainer.train_generator(4, rng);
  CHECK(rng.state() == Rng(1).state());
}

TEST_CASE("The generator's gradient flows through noisy samples", "[training]") {
  // loss = softplus(-psi (theta + sigma e)), so d loss / d theta = -psi sigmoid(-psi (theta + sigma e)).
  const double theta = 1, psi = -1, sigma = 0.5;
  Generator generator{Shift{number(theta)}, Zero{}};
  Discriminator discriminator{Slope{number(psi)}};
  const Sgd<double> descent{{.learning_rate = 0.2}};
  GanTrainer trainer{generator, discriminator, NonSaturating{}, descent, descent, InstanceNoise{.sigma = sigma}};
  Rng rng(3), same(3);
  Tensor<double, 2> noise(Shape{4, 1});
  same.fill_normal(noise.data(), noise.size());
  const double loss = trainer.train_generator(4, rng);
  double expected_loss = 0, gradient = 0;
  for (const double e : noise.values()) {
    const double logit = psi * (theta + sigma * e);
    expected_loss += std::log1p(std::exp(-logit)) / 4;
    gradient -= psi / (1 + std::exp(logit)) / 4;
  }
  CHECK_THAT(loss, WithinAbs(expected_loss, 1e-14));
  CHECK_THAT(generator.network.theta.value()(0), WithinAbs(theta - 0.2 * gradient, 1e-14));
}

TEST_CASE("Instance noise makes points overlap: the optimal discriminator's loss is that of two normals",
          "[training]") {
  const auto [distance, expected] = GENERATE(std::pair(1.0f, 1.163451), std::pair(2.0f, 0.712633));
  Rng rng(1);
  Generator generator{[distance = distance](const auto& z) { return 0 * z + distance; }, StandardNormal(1)};
  Discriminator discriminator{Sequential{Linear(1, 16, rng), Tanh{}, Linear(16, 1, rng)}};
  const Adam<float> adam{{.learning_rate = 5e-3}};
  GanTrainer trainer{generator, discriminator, Minimax{}, adam, adam, InstanceNoise{.sigma = 1}};
  for (int step = 0; step < 1500; ++step) trainer.train_discriminator(Tensor<float, 2>({512, 1}, 0.0f), rng);
  trainer.discriminator_optimizer.set_learning_rate(0);
  const double loss = trainer.train_discriminator(Tensor<float, 2>({400'000, 1}, 0.0f), rng);
  INFO("distance " << distance);
  CHECK_THAT(loss, WithinAbs(expected, 0.005));
}

// Penalties.

namespace {

// On a D with BatchNorm, which they refuse if they are not told otherwise.
struct AnyR1 : R1 {
  static constexpr bool needs_separate_samples = false;
};
struct AnyGradientPenalty : GradientPenalty {
  static constexpr bool needs_separate_samples = false;
};

/// Notes what a penalty is given; its value is 0.25 psi^2 for D = psi x.
struct NotedPenalty {
  std::vector<Tensor<double, 2>>* given;
  auto operator()(const auto& discriminator, const auto& real, const auto& fake, Rng&) const {
    given->push_back(real.value());
    given->push_back(fake.value());
    CHECK_FALSE(real.differentiable());
    CHECK_FALSE(fake.differentiable());
    const Variable one(Tensor<double, 2>(Shape{1, 1}, 1.0));
    return 0.25 * sum(square(discriminator(one)));
  }
};

}  // namespace

TEST_CASE("A penalty is added to the discriminator's loss in the same step", "[training]") {
  const double theta = 0.5, psi = -1.5;
  const Tensor<double, 2> data(Shape{4, 1}, 0.0);
  const Sgd<double> descent{{.learning_rate = 0.2}};
  std::vector<Tensor<double, 2>> given;
  Generator generator{Shift{number(theta)}, Zero{}};
  Discriminator discriminator{Slope{number(psi)}}, plain = discriminator;
  GanTrainer trainer{generator, discriminator, NonSaturating{}, NotedPenalty{&given}, descent, descent};
  GanTrainer without{generator, plain, NonSaturating{}, descent, descent};
  Rng rng(1);
  const double loss = trainer.train_discriminator(data, rng), loss_without = without.train_discriminator(data, rng);
  CHECK_THAT(loss - loss_without, WithinAbs(0.25 * psi * psi, 1e-14));
  CHECK_THAT(discriminator.network.psi.value()(0) - plain.network.psi.value()(0), WithinAbs(-0.2 * 0.5 * psi, 1e-14));
  CHECK(trainer.discriminator_optimizer.steps() == 1);
  REQUIRE(given.size() == 2);
  CHECK(given[0].shape() == Shape{4, 1});
  CHECK(given[0].array().isApproxToConstant(0));
  CHECK(given[1].array().isApproxToConstant(theta));
  trainer.train_generator(4, rng);  // which has no penalty
  CHECK(given.size() == 2);
}

TEST_CASE("A penalty sees samples through the noise that the discriminator sees", "[training]") {
  std::vector<Tensor<double, 2>> seen, given;
  Generator generator{Shift{number(1)}, Zero{}};
  Discriminator discriminator{Sequential{[&](const Variable<double, 2>& x) {
                                           seen.push_back(x.value());
                                           return x;
                                         },
                                         Slope{number(1)}}};
  GanTrainer trainer{generator,      discriminator,  NonSaturating{},          NotedPenalty{&given},
                     Adam<double>{}, Adam<double>{}, InstanceNoise{.sigma = 1}};
  Rng rng(1);
  trainer.train_discriminator(Tensor<double, 2>(Shape{4, 1}, 0.0), rng);
  REQUIRE(seen.size() == 3);  // real, fake, and what the penalty asks for
  REQUIRE(given.size() == 2);
  for (const std::size_t i : {0, 1}) CHECK((seen[i].array() == given[i].array()).all());
  CHECK(seen[0].array().square().sum() > 0);
}

TEST_CASE("A penalty leaves the discriminator's running averages alone", "[training]") {
  const auto averages = [](auto... penalty) {
    Rng rng(1);
    auto generator = small_generator(rng);
    auto discriminator = small_discriminator(rng);
    GanTrainer trainer{generator, discriminator, NonSaturating{}, penalty...};
    trainer.train_discriminator(Tensor<float, 2>({16, 2}, 0.5f), rng);
    std::vector<double> result;
    for_each_state(discriminator, [&](const FieldPath& path, const auto& tensor) {
      if (to_string(path).find("running") != std::string::npos)
        result.insert(result.end(), tensor.values().begin(), tensor.values().end());
    });
    return result;
  };
  CHECK(averages().size() == 16);
  CHECK(averages(AnyR1{}) == averages());
  CHECK(averages(AnyGradientPenalty{}) == averages());
}

TEST_CASE("A trainer takes its penalty after the objective, and options and optimizers after that", "[training]") {
  Rng rng(1);
  auto generator = small_generator(rng);
  Discriminator critic{Sequential{Linear(2, 8, rng), Relu{}, Linear(8, 1, rng)}};
  const GanOptions options{.discriminator_steps = 2};
  const Adam<float> adam{{.learning_rate = 1e-3}};
  const RmsProp<float> rmsprop{{.learning_rate = 1e-3}};
  GanTrainer plain{generator, critic, Hinge{}, options};
  GanTrainer both{generator, critic, Hinge{}, adam, rmsprop, options};
  GanTrainer penalized{generator, critic, Wasserstein{}, GradientPenalty{.weight = 10}, {.discriminator_steps = 5}};
  GanTrainer with_options{generator, critic, LeastSquares{}, R1{}, options};
  GanTrainer with_optimizers{generator, critic, Wasserstein{}, GradientPenalty{}, adam, rmsprop};
  GanTrainer with_all{generator, critic, Wasserstein{}, GradientPenalty{}, adam, rmsprop, options};
  const auto takes = [&](auto& trainer, Index expected) {
    trainer.fit(ring_of_gaussians(8), {.steps = 2, .batch_size = 16}, rng);
    CHECK(trainer.discriminator_optimizer.steps() == expected);
  };
  takes(plain, 4), takes(both, 4), takes(penalized, 10), takes(with_options, 4);
  takes(with_optimizers, 2), takes(with_all, 4);
}

TEST_CASE("With the gradient penalty a critic's loss tends to minus the Wasserstein distance", "[training]") {
  // Of points at 0 and W = 3 the best of all D = psi x has psi = -(1 + W / (2 weight)), and loses -W - W^2 / (4
  // weight). Uphill, where the penalty is as small, another minimum lies at psi = 1 - W / (2 weight).
  const auto [start, slope, expected] = GENERATE(std::tuple(-0.5, -1.15, -3.225), std::tuple(0.5, 0.85, 2.775));
  Generator generator{Shift{number(3)}, Zero{}};
  Discriminator critic{Slope{number(start)}};
  const Sgd<double> descent{{.learning_rate = 0.02}};
  GanTrainer trainer{generator, critic, Wasserstein{}, GradientPenalty{}, descent, descent};
  Rng rng(1);
  double loss = 0;
  for (int step = 0; step < 200; ++step) loss = trainer.train_discriminator(Tensor<double, 2>({4, 1}, 0.0), rng);
  CHECK_THAT(critic.network.psi.value()(0), WithinAbs(slope, 1e-10));
  CHECK_THAT(loss, WithinAbs(expected, 1e-10));
}
