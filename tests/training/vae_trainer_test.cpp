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
    VaeTrainer trainer{vae, Sgd<float>{{.learning_rate = 0.1}}};
    const VaeLosses losses = trainer.train(x, for_trainer, beta);
    const auto terms = same.elbo_terms(Variable(x), Pass{Mode::training, by_hand});
    Sgd<float>{{.learning_rate = 0.1}}.minimize(-mean(terms.elbo(beta)), same);
    CHECK(weights(vae) == weights(same));
    CHECK(for_trainer.state() == by_hand.state());
    CHECK_THAT(losses.reconstruction, WithinRel(-mean(terms.log_likelihood).item(), 1e-6f));
    CHECK_THAT(losses.divergence, WithinRel(mean(terms.divergence).item(), 1e-6f));
    CHECK(losses.total() == losses.reconstruction + losses.divergence);
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
  const VaeHistory history = trainer.fit(x,
                                         {.epochs = 3,
                                          .batch_size = 4,
                                          .on_step = [&](VaeState& now) { steps.push_back(now.losses); },
                                          .on_epoch =
                                              [&](VaeState& now) {
                                                CHECK(now.epoch == std::ssize(epochs) + 1);
                                                CHECK(now.step == 3 * now.epoch);
                                                epochs.push_back(now.losses);
                                              }},
                                         rng);
  CHECK(history.held_out.empty());
  REQUIRE(history.train.size() == 3);
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
    CHECK_THAT(history.train[epoch].reconstruction, WithinRel(reconstruction, 1e-12));
    CHECK_THAT(history.train[epoch].divergence, WithinRel(divergence, 1e-12));
    CHECK(epochs[epoch].total() == history.train[epoch].total());
  }
  CHECK(trainer.fit(x, held_out, {.epochs = 2, .batch_size = 4}, rng).held_out.size() == 2);
  CHECK(trainer.fit(x, held_out, {.steps = 7, .batch_size = 4}, rng).held_out.size() == 1);
}

TEST_CASE("VaeTrainer::evaluate weights every sample alike", "[training]") {
  // Without noise the loss of each sample can be computed by itself. The last batch has half the size and larger
  // errors.
  Rng rng(1);
  Autoencoder autoencoder{Encoder{Sequential{}, Linear(4, 2, rng)}, Decoder{Linear(2, 4, rng), SquaredError{}}};
  Tensor<float, 2> x = grey_pixels(10, rng);
  x.matrix().bottomRows(2).array() += 10;
  const double expected = (autoencoder.reconstruct(x).matrix() - x.matrix()).rowwise().squaredNorm().mean();
  const VaeTrainer trainer{autoencoder};
  for (const Index batch_size : {4, 10, 3, 1000}) {
    const VaeLosses losses = trainer.evaluate(x, rng, batch_size);
    CHECK_THAT(losses.reconstruction, WithinRel(expected, 1e-6));
    CHECK(losses.divergence == 0);
  }
}

TEST_CASE("VaeTrainer::evaluate evaluates, and leaves model, generator and training as they are", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const Tensor<float, 2> x = grey_pixels(10, rng), held_out = grey_pixels(7, rng);
  auto same = vae;
  {
    VaeTrainer trainer{vae};
    trainer.train(x, rng);
    const auto before = weights(vae);
    const Rng::State state = rng.state();
    const VaeLosses first = trainer.evaluate(held_out, rng, 4), again = trainer.evaluate(held_out, rng, 4);
    CHECK(weights(vae) == before);
    CHECK(rng.state() == state);
    CHECK(first.total() == again.total());
    CHECK(first.total() != trainer.evaluate(held_out, Rng(99), 4).total());  // other codes

    // Running averages, no dropout, one code for each sample.
    Rng codes(5);
    const auto terms = vae.elbo_terms(Variable(held_out), Pass{Mode::evaluation, codes});
    CHECK_THAT(trainer.evaluate(held_out, Rng(5)).reconstruction, WithinRel(-mean(terms.log_likelihood).item(), 1e-6f));
  }
  vae = same;
  Rng with(3), without(3);
  VaeTrainer{vae}.fit(x, held_out, {.epochs = 3, .batch_size = 4}, with);
  VaeTrainer{same}.fit(x, {.epochs = 3, .batch_size = 4}, without);
  CHECK(weights(vae) == weights(same));
  CHECK(with.state() == without.state());
}

TEST_CASE("The weight of the divergence follows its schedule", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const auto betas = [&](VaeFitOptions options) {
    std::vector<double> seen;
    options.steps = 5;
    options.batch_size = 4;
    options.on_step = [&](VaeState& now) { seen.push_back(now.beta); };
    VaeTrainer{vae}.fit(Grey{}, options, rng);
    return seen;
  };
  CHECK(betas({}) == std::vector<double>(5, 1));
  CHECK(betas({.beta = 0.25}) == std::vector<double>(5, 0.25));
  CHECK(betas({.beta = 2, .beta_schedule = LinearWarmUp{4}}) == std::vector{0.5, 1.0, 1.5, 2.0, 2.0});

  // The schedule reaches the gradients: with beta 0 codes may drift from the prior, with a large beta they must not.
  const auto divergence_after = [&](double beta) {
    auto model = vae;
    Rng for_fit(4);
    VaeTrainer trainer{model, Adam<float>{{.learning_rate = 1e-2}}};
    return trainer
        .fit(Grey{}, {.steps = 300, .batch_size = 32, .beta = 1, .beta_schedule = ConstantSchedule{beta}}, for_fit)
        .train.back()
        .divergence;
  };
  CHECK(divergence_after(0) > 1);
  CHECK(divergence_after(20) < 0.1);
}

TEST_CASE("VaeTrainer::fit can binarize its batches", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const Tensor<float, 2> x = grey_pixels(8, rng);
  const auto all_binary = [&](Binarize binarize) {
    batches.clear();
    VaeTrainer{vae}.fit(x, {.epochs = 2, .batch_size = 8, .binarize = binarize}, rng);
    REQUIRE(batches.size() == 2);
    CHECK_FALSE(std::ranges::equal(batches[0].values(), batches[1].values()));
    return std::ranges::all_of(batches[0].values(), [](float t) { return t == 0 || t == 1; });
  };
  CHECK(all_binary(Binarize::dynamic));
  CHECK_FALSE(all_binary(Binarize::none));
}

TEST_CASE("Callbacks of VaeTrainer::fit can stop it", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const Tensor<float, 2> x = grey_pixels(8, rng);
  VaeTrainer trainer{vae};
  VaeHistory history = trainer.fit(
      x, x, {.epochs = 9, .batch_size = 2, .on_step = [](VaeState& now) { now.stop = now.step == 6; }}, rng);
  CHECK(trainer.optimizer.steps() == 6);
  CHECK(history.train.size() == 2);
  CHECK(history.held_out.size() == 2);
  history = trainer.fit(
      x, x, {.epochs = 9, .batch_size = 2, .on_epoch = [](VaeState& now) { now.stop = now.held_out.total() > 0; }},
      rng);
  CHECK(trainer.optimizer.steps() == 6 + 4);
  CHECK(history.train.size() == 1);
}

TEST_CASE("A VAE's progress shows the mean loss of the epoch so far, its divergence and the held-out loss",
          "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  const Tensor<float, 2> x = grey_pixels(8, rng);
  VaeTrainer trainer{vae};
  Screen screen;
  std::vector<VaeLosses> steps;
  const VaeHistory history = trainer.fit(x, x,
                                         {.epochs = 1,
                                          .batch_size = 4,
                                          .progress = screen.bar(),
                                          .on_step = [&](VaeState& now) { steps.push_back(now.losses); }},
                                         rng);
  const auto losses = [](const VaeLosses& shown) {
    return detail::formatted(" loss %.4g", shown.total()) + detail::formatted(" KL %.4g", shown.divergence);
  };
  CHECK(screen.text == "VAE  50% 1/2 [00:00<?, ? it/s]" + losses(steps[0]) + "\nVAE 100% 2/2 [00:00<?, ? it/s]" +
                           losses(history.train[0]) + detail::formatted(" test %.4g\n", history.held_out[0].total()));
  CHECK_THAT(history.train[0].total(), WithinRel((steps[0].total() + steps[1].total()) / 2, 1e-12));
}

TEST_CASE("Where steps are asked for, a VAE's history has the losses of each", "[training]") {
  Rng rng(1);
  auto vae = small_vae(rng);
  std::vector<VaeLosses> steps;
  VaeLosses at_end;
  const VaeHistory history = VaeTrainer{vae}.fit(Grey{},
                                                 {.steps = 130,
                                                  .batch_size = 4,
                                                  .on_step = [&](VaeState& now) { steps.push_back(now.losses); },
                                                  .on_epoch = [&](VaeState& now) { at_end = now.losses; }},
                                                 rng);
  REQUIRE(steps.size() == 130);
  REQUIRE(history.train.size() == 130);
  double since_100 = 0;
  for (std::size_t i = 0; i < 130; ++i) {
    CHECK(history.train[i].total() == steps[i].total());
    if (i >= 100) since_100 += steps[i].total() / 30;
  }
  CHECK_THAT(at_end.total(), WithinRel(since_100, 1e-12));
}

TEST_CASE("VaeTrainer stops at numbers that are not finite before it changes a weight", "[training]") {
  Rng rng(1);
  Vae vae{Encoder{Sequential{Linear(4, 6, rng), Tanh{}}, Linear(6, 2, rng), Linear(6, 2, rng)},
          Decoder{Linear(2, 4, rng), NormalLikelihood{}}, StandardNormal(2)};
  Tensor<float, 2> x = grey_pixels(8, rng);
  x(6, 3) = NAN;
  const auto before = weights(vae);
  VaeTrainer trainer{vae};
  CHECK_THROWS_MATCHES(trainer.fit(x, {.epochs = 1, .batch_size = 8}, rng), NumericError,
                       Message("VaeTrainer::train: Adam::minimize: expected a finite loss but got nan in step 1"));
  CHECK(weights(vae) == before);

  const auto root_of_zero = [](const auto& t) { return sqrt(0 * t); };  // whose gradient is not finite
  Autoencoder autoencoder{Encoder{Sequential{Linear(4, 6, rng), root_of_zero}, Linear(6, 2, rng)},
                          Decoder{Linear(2, 4, rng), SquaredError{}}};
  const auto autoencoder_before = weights(autoencoder);
  CHECK_THROWS_MATCHES(VaeTrainer{autoencoder}.train(grey_pixels(8, rng), rng), NumericError,
                       Message("VaeTrainer::train: Adam::minimize: expected a finite gradient of "
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
  CHECK_THROWS_MATCHES(trainer.fit(x, {.steps = 1, .beta = -1}, rng), ArgumentError,
                       Message("VaeTrainer::train: expected a finite beta >= 0 but got -1"));
  CHECK_THROWS_MATCHES(trainer.train(x, rng, INFINITY), ArgumentError,
                       Message("VaeTrainer::train: expected a finite beta >= 0 but got inf"));
  CHECK_THROWS_MATCHES(trainer.train(Tensor<float, 2>(Shape{0, 4}), rng), DataError,
                       Message("VaeTrainer::train: expected at least one sample but got shape [0, 4]"));
  CHECK_THROWS_MATCHES(trainer.evaluate(x, rng, 0), ArgumentError,
                       Message("Batches: expected batch_size >= 1 but got 0"));
  CHECK_THROWS_MATCHES(trainer.evaluate(Tensor<float, 2>(Shape{0, 4}), rng), DataError,
                       Message("Batches: expected at least one sample but got data of shape [0, 4]"));
  x(3, 1) = 1.5f;
  CHECK_THROWS_MATCHES(trainer.train(x, rng), DataError,
                       Message("Bernoulli::log_prob: expected x in [0, 1] but got 1.5 in sample 3"));
  for (std::size_t i = 0; i < 24 + 6; ++i) CHECK(weights(vae)[i] == before[i]);
}

TEST_CASE("A Vae without variance trains with beta 0 and reports an infinite divergence", "[training]") {
  Rng rng(1);
  Vae vae{Encoder{Sequential{}, Linear(4, 2, rng)}, Decoder{Linear(2, 4, rng), SquaredError{}}, StandardNormal(2)};
  const Tensor<float, 2> x = grey_pixels(8, rng);
  VaeTrainer trainer{vae};
  const VaeHistory history = trainer.fit(x, x, {.epochs = 2, .batch_size = 4, .beta = 0}, rng);
  CHECK(trainer.optimizer.steps() == 4);
  for (const auto* losses : {&history.train, &history.held_out}) {
    CHECK(std::isfinite((*losses)[1].reconstruction));
    CHECK((*losses)[1].divergence == INFINITY);
  }
  const auto before = weights(vae);
  CHECK_THROWS_MATCHES(trainer.fit(x, {.epochs = 1, .batch_size = 4}, rng), NumericError,
                       Message("VaeTrainer::train: Adam::minimize: expected a finite loss but got inf in step 5"));
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
  const VaeHistory history = VaeTrainer{vae}.fit(mnist.train.images, mnist.test.images, {.epochs = 10}, rng);
  for (std::size_t epoch = 0; epoch < 10; ++epoch) {
    INFO("epoch " << epoch + 1);
    CHECK_THAT(history.held_out[epoch].total(), WithinAbs(published[epoch], 1.0));
  }
}
