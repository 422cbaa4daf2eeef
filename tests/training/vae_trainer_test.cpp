// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "models/weights.hpp"
#include "training/digits.hpp"
#include "training/screen.hpp"

using namespace eigenesis;

namespace {

/// Passes x on and keeps a copy.
struct Keep {
  std::vector<Tensor<float, 2>>* kept;
  auto operator()(const auto& x) const {
    kept->push_back(x.value());
    return x;
  }
};

std::vector<Tensor<float, 2>> batches;

/// Four pixels, two latents. Batches of data are kept in `batches`.
auto small_vae(Rng& rng) {
  return Vae{Encoder{Sequential{Keep{&batches}, Linear(4, 6, rng), BatchNorm(6), Tanh{}}, Linear(6, 2, rng),
                     Linear(6, 2, rng)},
             Decoder{Sequential{Linear(2, 6, rng), Tanh{}, Dropout(0.1), Linear(6, 4, rng)}, BernoulliLikelihood{}},
             StandardNormal(2)};
}

Tensor<float, 2> grey_pixels(Index n, Rng& rng) {
  Tensor<float, 2> x(Shape{n, Index{4}});
  rng.fill_uniform(x.data(), x.size(), 0.0f, 1.0f);
  return x;
}

/// An endless source.
struct Grey {
  Tensor<float, 2> sample(Index n, Rng& rng) const { return grey_pixels(n, rng); }
};

}  // namespace

TEST_CASE("A step of VaeTrainer descends along the mean of the negative ELBO", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  auto same = vae;
  const Tensor<float, 2> x = grey_pixels(5, rng);
  for (const double beta : {1.0, 4.0, 0.0}) {
    Rng for_trainer(2), by_hand(2);
    VaeTrainer trainer{vae, Sgd<float>{{.learning_rate = 0.1}}, {.beta = beta}};
    const VaeLosses losses = trainer.step(x, for_trainer);
    const auto terms = same.elbo_terms(Variable(x), Pass::training(by_hand));
    Sgd<float>{{.learning_rate = 0.1}}.minimize(-mean(terms.elbo(beta)), same);
    CHECK(weights(vae) == weights(same));
    CHECK(for_trainer.state() == by_hand.state());
    CHECK_THAT(losses.reconstruction, WithinRel(-mean(terms.log_likelihood).item(), 1e-6f));
    CHECK_THAT(losses.divergence, WithinRel(mean(terms.divergence).item(), 1e-6f));
    CHECK(losses.loss == losses.reconstruction + losses.divergence);
    CHECK(losses.divergence > 0);
  }
}

TEST_CASE("VaeTrainer::fit sees every sample in each epoch and keeps the last, smaller batch", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const Tensor<float, 2> x = grey_pixels(10, rng), held_out = grey_pixels(6, rng);
  batches.clear();
  VaeTrainer trainer{vae};
  std::vector<VaeLosses> steps, epochs;
  const auto history = trainer.fit(x,
                                   {.epochs = 3,
                                    .batch_size = 4,
                                    .on_step = [&](auto& now) { steps.push_back(now.losses); },
                                    .on_epoch =
                                        [&](auto& now) {
                                          CHECK(now.epoch == std::ssize(epochs) + 1);
                                          CHECK(now.step == 3 * now.epoch);
                                          epochs.push_back(now.losses);
                                        }},
                                   rng);
  CHECK(history.held_out.empty());
  REQUIRE(history.epochs.size() == 3);
  REQUIRE(epochs.size() == 3);
  REQUIRE(batches.size() == 9);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<float> seen;
    double reconstruction = 0, divergence = 0;
    for (std::size_t i = 3 * epoch; i < 3 * epoch + 3; ++i) {
      const Tensor<float, 2>& batch = batches[i];
      CHECK(batch.shape() == Shape{i % 3 == 2 ? 2 : 4, 4});
      seen.insert(seen.end(), batch.values().begin(), batch.values().end());
      reconstruction += steps[i].reconstruction * static_cast<double>(batch.shape(0)) / 10;
      divergence += steps[i].divergence * static_cast<double>(batch.shape(0)) / 10;
    }
    std::vector<float> all(x.values().begin(), x.values().end());
    std::ranges::sort(seen);
    std::ranges::sort(all);
    CHECK(seen == all);
    CHECK_THAT(history.epochs[epoch].reconstruction, WithinRel(reconstruction, 1e-12));
    CHECK_THAT(history.epochs[epoch].divergence, WithinRel(divergence, 1e-12));
    CHECK(epochs[epoch].loss == history.epochs[epoch].loss);
  }
  CHECK(trainer.fit(x, held_out, {.epochs = 2, .batch_size = 4}, rng).held_out.size() == 2);
  CHECK(trainer.fit(x, held_out, {.steps = 7, .batch_size = 4}, rng).held_out.size() == 1);
}

TEST_CASE("evaluate weights every sample alike", "[training]") {
  // Without noise the loss of each sample can be computed by itself. The last batch has half the size and larger
  // errors.
  Rng rng(1);
  Autoencoder autoencoder{Encoder{Sequential{}, Linear(4, 2, rng)}, Decoder{Linear(2, 4, rng), SquaredError{}}};
  Tensor<float, 2> x = grey_pixels(10, rng);
  x.matrix().bottomRows(2).array() += 10;
  const double expected = (autoencoder.reconstruct(x).matrix() - x.matrix()).rowwise().squaredNorm().mean();
  const AutoencoderTrainer trainer{autoencoder};
  for (const Index batch_size : {4, 10, 3, 1000}) {
    const AutoencoderLosses losses = evaluate(trainer, x, rng, batch_size);
    CHECK_THAT(losses.reconstruction, WithinRel(expected, 1e-6));
  }
}

TEST_CASE("evaluate evaluates, and leaves model, generator and training as they are", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const Tensor<float, 2> x = grey_pixels(10, rng), held_out = grey_pixels(7, rng);
  auto same = vae;
  {
    VaeTrainer trainer{vae};
    trainer.step(x, rng);
    const auto before = weights(vae);
    const Rng::State state = rng.state();
    const VaeLosses first = evaluate(trainer, held_out, rng, 4), again = evaluate(trainer, held_out, rng, 4);
    CHECK(weights(vae) == before);
    CHECK(rng.state() == state);
    CHECK(first.loss == again.loss);
    CHECK(first.loss != evaluate(trainer, held_out, Rng(99), 4).loss);  // other codes

    // Running averages, no dropout, one code for each sample.
    Rng codes(5);
    const auto terms = vae.elbo_terms(Variable(held_out), Pass::evaluation(codes));
    CHECK_THAT(evaluate(trainer, held_out, Rng(5)).reconstruction,
               WithinRel(-mean(terms.log_likelihood).item(), 1e-6f));
  }
  vae = same;
  Rng with(3), without(3);
  VaeTrainer{vae}.fit(x, held_out, {.epochs = 3, .batch_size = 4}, with);
  VaeTrainer{same}.fit(x, {.epochs = 3, .batch_size = 4}, without);
  CHECK(weights(vae) == weights(same));
  CHECK(with.state() == without.state());
}

TEST_CASE("The weight of the divergence follows its schedule, from one fit to the next", "[training]") {
  CHECK(Elbo{}.beta_in(7) == 1);
  CHECK(Elbo{.beta = 0.25}.beta_in(7) == 0.25);
  const Elbo warming{.beta = 2, .schedule = LinearWarmUp{4}};
  CHECK(warming.beta_in(0) == 0.5);
  CHECK(warming.beta_in(2) == 1.5);
  CHECK(warming.beta_in(9) == 2);

  Rng rng(1);
  auto vae = small_vae(rng);
  std::vector<Index> seen;
  VaeTrainer trainer{vae, {.schedule = [&](Index step) {
                       seen.push_back(step);
                       return 1.0;
                     }}};
  trainer.fit(Grey{}, {.steps = 3, .batch_size = 4}, rng);
  trainer.step(grey_pixels(4, rng), rng);
  trainer.fit(Grey{}, {.steps = 2, .batch_size = 4}, rng);
  CHECK(seen == std::vector<Index>{0, 1, 2, 3, 4, 5});

  // The weight reaches the gradients: with beta 0 codes may drift from the prior, with a large beta they must not.
  const auto divergence_after = [&](double beta) {
    auto model = vae;
    Rng for_fit(4);
    VaeTrainer weighted{model, Adam<float>{{.learning_rate = 1e-2}}, {.schedule = ConstantSchedule{beta}}};
    return weighted.fit(Grey{}, {.steps = 300, .batch_size = 32}, for_fit).steps.back().divergence;
  };
  CHECK(divergence_after(0) > 1);
  CHECK(divergence_after(20) < 0.1);
}

TEST_CASE("VaeTrainer takes an objective, an optimizer and an average in any order", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  using Plain = VaeTrainer<decltype(vae)>;
  const auto plain = [](const auto& trainer) { return std::is_same_v<std::remove_cvref_t<decltype(trainer)>, Plain>; };
  CHECK(plain(VaeTrainer{vae}));
  CHECK(plain(VaeTrainer{vae, {.beta = 4}}));
  CHECK(plain(VaeTrainer{vae, Adam{}}));
  CHECK(plain(VaeTrainer{vae, Adam{}, {.beta = 4}}));
  CHECK(plain(VaeTrainer{vae, Elbo{.beta = 4}, Adam{}}));
  CHECK_FALSE(plain(VaeTrainer{vae, Sgd{}}));
  const VaeTrainer averaging{vae, MovingAverage{vae, {.decay = 0.9}}, Sgd{{.learning_rate = 0.5}}, {.beta = 4}};
  CHECK(averaging.average.options().decay == 0.9);
  CHECK(averaging.optimizer.options().learning_rate == 0.5);
}

TEST_CASE("Losses on held-out data do not move while the model stands still", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const Tensor<float, 2> x = grey_pixels(8, rng), held_out = grey_pixels(6, rng);
  VaeTrainer trainer{vae, Sgd{{.learning_rate = 0}}};
  std::get<2>(vae.encoder.trunk.layers).momentum = 0;  // running averages stand still too
  const auto history = trainer.fit(x, held_out, {.epochs = 4, .batch_size = 8}, rng);
  for (const VaeLosses& losses : history.held_out) CHECK(losses.loss == history.held_out[0].loss);
}

TEST_CASE("VaeTrainer::fit refuses held-out losses that are NaN", "[training]") {
  Rng rng(1);
  Vae vae{Encoder{Sequential{}, Linear(4, 2, rng), Linear(4, 2, rng)}, Decoder{Linear(2, 4, rng), NormalLikelihood{}},
          StandardNormal(2)};
  const Tensor<float, 2> x = grey_pixels(8, rng);
  Tensor<float, 2> held_out = grey_pixels(6, rng);
  held_out(4, 1) = NAN;
  CHECK_THROWS_MATCHES(
      VaeTrainer{vae}.fit(x, held_out, {.epochs = 1}, rng), DataError,
      Message(
          "VaeTrainer::fit: expected finite held-out data but got nan in row 4 of samples (VaeTrainer::fit: expected "
          "held-out losses that are numbers but got nan for loss in epoch 1)"));
}

TEST_CASE("Callbacks of VaeTrainer::fit can stop it", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const Tensor<float, 2> x = grey_pixels(8, rng);
  VaeTrainer trainer{vae};
  auto history =
      trainer.fit(x, x, {.epochs = 9, .batch_size = 2, .on_step = [](auto& now) { now.stop = now.step == 6; }}, rng);
  CHECK(trainer.optimizer.steps() == 6);
  CHECK(history.epochs.size() == 2);
  CHECK(history.held_out.size() == 2);
  history = trainer.fit(
      x, x, {.epochs = 9, .batch_size = 2, .on_epoch = [](auto& now) { now.stop = now.held_out.loss > 0; }}, rng);
  CHECK(trainer.optimizer.steps() == 6 + 4);
  CHECK(history.epochs.size() == 1);
}

TEST_CASE("A VAE's progress shows the mean losses of the epoch so far and the held-out loss", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const Tensor<float, 2> x = grey_pixels(8, rng);
  VaeTrainer trainer{vae};
  Screen screen;
  std::vector<VaeLosses> steps;
  const auto history = trainer.fit(x, x,
                                   {.epochs = 1,
                                    .batch_size = 4,
                                    .progress = screen.bar(),
                                    .on_step = [&](auto& now) { steps.push_back(now.losses); }},
                                   rng);
  const auto losses = [](const VaeLosses& shown) {
    return " loss " + detail::significant(shown.loss, 4) + " reconstruction " +
           detail::significant(shown.reconstruction, 4) + " KL " + detail::significant(shown.divergence, 4);
  };
  CHECK(screen.text == "VAE  50% 1/2 [00:00<?, ? it/s]" + losses(steps[0]) + "\nVAE 100% 2/2 [00:00<?, ? it/s]" +
                           losses(history.epochs[0]) + " held_out " + detail::significant(history.held_out[0].loss, 4) +
                           "\n");
  CHECK_THAT(history.epochs[0].loss, WithinRel((steps[0].loss + steps[1].loss) / 2, 1e-12));
}

TEST_CASE("Where steps are asked for, a VAE's history has the losses of each", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  std::vector<VaeLosses> steps;
  VaeLosses at_end;
  const auto history = VaeTrainer{vae}.fit(Grey{},
                                           {.steps = 130,
                                            .batch_size = 4,
                                            .on_step = [&](auto& now) { steps.push_back(now.losses); },
                                            .on_epoch = [&](auto& now) { at_end = now.losses; }},
                                           rng);
  REQUIRE(steps.size() == 130);
  REQUIRE(history.steps.size() == 130);
  double mean = 0;
  for (std::size_t i = 0; i < 130; ++i) {
    CHECK(history.steps[i].loss == steps[i].loss);
    mean += steps[i].loss / 130;
  }
  CHECK_THAT(at_end.loss, WithinRel(mean, 1e-12));
}

TEST_CASE("VaeTrainer stops at numbers that are not finite before it changes a weight", "[training]") {
  Rng rng(1);
  Vae vae{Encoder{Sequential{Linear(4, 6, rng), Tanh{}}, Linear(6, 2, rng), Linear(6, 2, rng)},
          Decoder{Linear(2, 4, rng), NormalLikelihood{}}, StandardNormal(2)};
  Tensor<float, 2> x = grey_pixels(8, rng);
  x(6, 3) = NAN;
  const auto before = weights(vae);
  VaeTrainer trainer{vae};
  CHECK_THROWS_MATCHES(
      trainer.step(x, rng), NumericError,
      Message("VaeTrainer::step: Adam::minimize: expected a finite loss but got nan in step 1 of learning rate 0.001"));
  CHECK(weights(vae) == before);

  const auto root_of_zero = [](const auto& t) { return sqrt(0 * t); };  // whose gradient is not finite
  Autoencoder autoencoder{Encoder{Sequential{Linear(4, 6, rng), root_of_zero}, Linear(6, 2, rng)},
                          Decoder{Linear(2, 4, rng), SquaredError{}}};
  const auto autoencoder_before = weights(autoencoder);
  CHECK_THROWS_MATCHES(AutoencoderTrainer{autoencoder}.step(grey_pixels(8, rng), rng), NumericError,
                       Message("AutoencoderTrainer::step: Adam::minimize: expected a finite gradient of "
                               "encoder.trunk.0.weight but got nan in step 1"));
  CHECK(weights(autoencoder) == autoencoder_before);
}

TEST_CASE("VaeTrainer refuses options and data that do not fit", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const auto before = weights(vae);
  VaeTrainer trainer{vae};
  Tensor<float, 2> x = grey_pixels(8, rng);
  CHECK_THROWS_MATCHES(
      trainer.fit(x, {}, rng), ArgumentError,
      Message("VaeTrainer::fit: expected either steps > 0 or epochs > 0 but got steps = 0 and epochs = 0"));
  CHECK_THROWS_MATCHES(
      trainer.fit(x, {.steps = -1}, rng), ArgumentError,
      Message("VaeTrainer::fit: expected either steps > 0 or epochs > 0 but got steps = -1 and epochs = 0"));
  CHECK_THROWS_MATCHES(trainer.fit(Grey{}, {.epochs = 3}, rng), ArgumentError,
                       Message("VaeTrainer::fit: expected steps for an endless source but got epochs = 3"));
  CHECK_THROWS_MATCHES((VaeTrainer{vae, {.beta = -1}}.step(x, rng)), ArgumentError,
                       Message("Elbo: expected a finite beta >= 0 but got -1 in step 0"));
  CHECK_THROWS_MATCHES((VaeTrainer{vae, {.beta = INFINITY}}.step(x, rng)), ArgumentError,
                       Message("Elbo: expected a finite beta >= 0 but got inf in step 0"));
  CHECK_THROWS_MATCHES(trainer.step(Tensor<float, 2>(Shape{0, 4}), rng), DataError,
                       Message("VaeTrainer::step: expected at least one sample but got data of shape [0, 4]"));
  CHECK_THROWS_MATCHES(evaluate(trainer, x, rng, 0), ArgumentError,
                       Message("evaluate: expected batch_size >= 1 but got 0"));
  CHECK_THROWS_MATCHES(evaluate(trainer, Tensor<float, 2>(Shape{0, 4}), rng), DataError,
                       Message("evaluate: expected at least one sample but got data of shape [0, 4]"));
  x(3, 1) = 1.5f;
  CHECK_THROWS_MATCHES(trainer.step(x, rng), DataError,
                       Message("Bernoulli::log_prob: expected x in [0, 1] but got 1.5 in row 3"));
  for (std::size_t i = 0; i < 24 + 6; ++i) CHECK(weights(vae)[i] == before[i]);
}

TEST_CASE("A Vae without variance trains with beta 0 and reports an infinite divergence", "[training]") {
  Rng rng(1);
  Vae vae{Encoder{Sequential{}, Linear(4, 2, rng)}, Decoder{Linear(2, 4, rng), SquaredError{}}, StandardNormal(2)};
  const Tensor<float, 2> x = grey_pixels(8, rng);
  VaeTrainer trainer{vae, {.beta = 0}};
  const auto history = trainer.fit(x, x, {.epochs = 2, .batch_size = 4}, rng);
  CHECK(trainer.optimizer.steps() == 4);
  for (const auto* losses : {&history.epochs, &history.held_out}) {
    CHECK(std::isfinite((*losses)[1].reconstruction));
    CHECK((*losses)[1].divergence == INFINITY);
  }
  const auto before = weights(vae);
  VaeTrainer weighted{vae};
  CHECK_THROWS_MATCHES(
      weighted.fit(x, {.epochs = 1, .batch_size = 4}, rng), ArgumentError,
      Message(
          "VaeTrainer::step: expected an Encoder{trunk, mean, log_variance}, or beta = 0, but got one without a head "
          "for log-variances and beta = 1; the divergence is infinite"));
  CHECK(weights(vae) == before);
}

TEST_CASE("A VAE learns the digits as fast as PyTorch's example does", "[.slow]") {
  // Test losses of pytorch/examples, 784-400-20, in nats per epoch; two seeds of PyTorch differ by up to 0.6.
  const double published[] = {127.3, 115.8, 112.2, 109.6, 108.5, 107.7, 107.1, 106.7, 106.0, 105.6};
  const Mnist mnist = load_digits();
  Rng rng(1);
  Vae vae{Encoder{Sequential{Linear(784, 400, rng), Relu{}}, Linear(400, 20, rng), Linear(400, 20, rng)},
          Decoder{Sequential{Linear(20, 400, rng), Relu{}, Linear(400, 784, rng)}, BernoulliLikelihood{}},
          StandardNormal(20)};
  const auto history = VaeTrainer{vae}.fit(mnist.train.images, mnist.test.images, {.epochs = 10}, rng);
  for (std::size_t epoch = 0; epoch < 10; ++epoch) {
    INFO("epoch " << epoch + 1);
    CHECK_THAT(history.held_out[epoch].loss, WithinAbs(published[epoch], 1.0));
  }
}

struct OwnObjective {
  auto loss(const auto& terms, Index) const { return -mean(terms.elbo(2)); }
};
TEST_CASE("Options that are given twice are refused", "[training]") {
  Rng rng(1);
  Vae vae{Encoder{Tanh{}, Linear(4, 2, rng), Linear(4, 2, rng)}, Decoder{Linear(2, 4, rng), SquaredError{}},
          StandardNormal(2)};
  CHECK_THROWS_MATCHES((VaeTrainer{vae, Elbo{.beta = 4}, Elbo{.beta = 2}}), ArgumentError,
                       Message("VaeTrainer: expected Elbo once but got it 2 times"));
  CHECK_THROWS_MATCHES((VaeTrainer{vae, OwnObjective{}, Elbo{.beta = 2}}), ArgumentError,
                       Message("VaeTrainer: expected one objective but got an Elbo beside another one"));
  Generator generator{Linear(2, 2, rng), StandardNormal(2)};
  Discriminator discriminator{Linear(2, 1, rng)};
  CHECK_THROWS_MATCHES((GanTrainer{generator, discriminator, NonSaturating{}, GanOptions{.discriminator_steps = 2},
                                   GanOptions{.generator_steps = 2}}),
                       ArgumentError, Message("GanTrainer: expected GanOptions once but got it 2 times"));
}

TEST_CASE("A trainer whose model is gone says so", "[training]") {
  Rng rng(1);
  const auto make = [&] {
    return Vae{Encoder{Tanh{}, Linear(4, 2, rng), Linear(4, 2, rng)}, Decoder{Linear(2, 4, rng), SquaredError{}},
               StandardNormal(2)};
  };
  using Model = decltype(make());
  const Tensor<float, 2> x(Shape{8, 4}, 0.5f);
  const std::string message = ": expected a model that outlives its trainer but it ";
  auto vae = std::make_unique<Model>(make());
  VaeTrainer trainer{*vae};
  auto autoencoder = std::make_unique<Autoencoder<Encoder<Tanh, Linear<float>>, Decoder<Linear<float>, SquaredError>>>(
      Encoder{Tanh{}, Linear(4, 2, rng)}, Decoder{Linear(2, 4, rng), SquaredError{}});
  AutoencoderTrainer autoencoder_trainer{*autoencoder};
  autoencoder_trainer.step(x, rng);
  autoencoder.reset();
  trainer.step(x, rng);
  *vae = make();  // assignment changes the model, which stays where it is
  trainer.step(x, rng);
  const Model copy = *vae;
  trainer.step(x, rng);
  Model other = std::move(*vae);
  CHECK_THROWS_MATCHES(trainer.step(x, rng), Error, Message("VaeTrainer" + message + "was moved elsewhere"));
  *vae = std::move(other);
  trainer.step(x, rng);
  vae.reset();
  CHECK_THROWS_MATCHES(trainer.step(x, rng), Error, Message("VaeTrainer" + message + "is gone"));
  CHECK_THROWS_MATCHES(trainer.evaluate(x, rng), Error, Message("VaeTrainer" + message + "is gone"));
  CHECK_THROWS_MATCHES(trainer.fit(x, {.steps = 1}, rng), Error, Message("VaeTrainer" + message + "is gone"));
  CHECK_THROWS_MATCHES(save_safetensors("never.safetensors", trainer), Error,
                       Message("VaeTrainer" + message + "is gone"));
  CHECK_THROWS_MATCHES(autoencoder_trainer.step(x, rng), Error, Message("AutoencoderTrainer" + message + "is gone"));
  CHECK_THROWS_MATCHES(autoencoder_trainer.fit(x, x, {.steps = 1}, rng), Error,
                       Message("AutoencoderTrainer" + message + "is gone"));

  auto generator =
      std::make_unique<Generator<Linear<float>, StandardNormal<float>>>(Linear(2, 2, rng), StandardNormal(2));
  Discriminator discriminator{Linear(2, 1, rng)};
  GanTrainer gan{*generator, discriminator, NonSaturating{}};
  const Tensor<float, 2> points(Shape{8, 2}, 0.5f);
  gan.train_discriminator(points, rng);
  generator.reset();
  CHECK_THROWS_MATCHES(gan.train_discriminator(points, rng), Error, Message("GanTrainer" + message + "is gone"));
  CHECK_THROWS_MATCHES(gan.train_generator(8, rng), Error, Message("GanTrainer" + message + "is gone"));
  CHECK_THROWS_MATCHES(gan.fit(points, {.steps = 1, .batch_size = 4}, rng), Error,
                       Message("GanTrainer" + message + "is gone"));
}
