// SPDX-License-Identifier: MIT
// A VAE without noise and without KL term is the autoencoder; without the KL term alone it gets rid of its noise
// itself.
#include <eigenesis/eigenesis.hpp>

#include "digits.hpp"
#include "lesson.hpp"
using namespace eigenesis;

namespace {

constexpr Index latents = 10;

/// q(z | x) = N(mean, sigma^2 I) with one sigma for all codes, which may be 0: the noise is drawn in any case.
struct FixedNoise {
  Variable<float, 2> means;  // [N, L]
  double sigma;
  Variable<float, 2> sample(Rng& rng) const {
    return means + sigma * Variable(StandardNormal(latents).sample(means.shape(0), rng));
  }
};
/// In nats, [N]; infinite for sigma = 0.
Variable<float, 1> kl_divergence(const FixedNoise& q, const StandardNormal<float>& p) {
  const double of_sigma = q.sigma * q.sigma - 1 - 2 * std::log(q.sigma);
  return sum(square(q.means), 1) / 2 + static_cast<double>(p.size) * of_sigma / 2;
}

/// The encoder of an autoencoder, whose codes become means of such a posterior.
template <class PlainEncoder>
struct NoisyEncoder {
  PlainEncoder encoder;
  double sigma;
  NoisyEncoder(PlainEncoder plain, double noise) : encoder(std::move(plain)), sigma(noise) {}
  auto operator()(const auto& x, Pass pass = {}) const { return FixedNoise{encoder(x, pass).mean(), sigma}; }
  static void fields(auto& self, auto&& field) { PlainEncoder::fields(self.encoder, field); }
};

auto make_encoder(auto log_variance_head, Rng& rng) {
  return Encoder{Sequential{Linear(784, 128, rng), Tanh{}}, Linear(128, latents, rng), std::move(log_variance_head)};
}
auto make_decoder(Rng& rng) {
  return Decoder{Sequential{Linear(latents, 128, rng), Tanh{}, Linear(128, 784, rng)}, BernoulliLikelihood{}};
}

/// All numbers that a model has learned.
std::vector<float> weights(const auto& model) {
  std::vector<float> all;
  for_each_parameter(model, [&](const FieldPath&, const auto& parameter) {
    const std::span values = parameter.value().values();
    all.insert(all.end(), values.begin(), values.end());
  });
  return all;
}

void teach(Lesson& lesson) {
  const Tensor<float, 2> digits = load_mnist(lesson.text("data")).train.images;
  const Index steps = lesson.whole("steps");

  // 200 steps from one seed: equal first weights, equal batches. Noise has a generator of its own, as it would shift
  // the others' numbers. SGD, because Adam takes steps of full size even for differences that are as small as rounding.
  const auto train = [&](auto trainer, Rng& rng, Rng& noise) {
    Batches batches{digits, {.batch_size = 64}};
    for (Index step = 0; step < 200; ++step) trainer.step(batches.next(rng), noise);
  };
  const Sgd sgd{{.learning_rate = 1e-3}};
  const auto vae_weights = [&](double sigma) {
    Rng rng(lesson.seed()), noise(lesson.seed() + 1);
    Vae vae{NoisyEncoder{make_encoder(NoVariance{}, rng), sigma}, make_decoder(rng), StandardNormal(latents)};
    train(VaeTrainer{vae, {.beta = 0}, sgd}, rng, noise);
    return weights(vae);
  };
  Rng rng(lesson.seed()), unused;
  Autoencoder autoencoder{make_encoder(NoVariance{}, rng), make_decoder(rng)};
  train(AutoencoderTrainer{autoencoder, sgd}, rng, unused);
  const std::vector<float> plain = weights(autoencoder);

  struct Difference {
    double weights = 0, distance = 0;
  };
  const auto difference = [&](const std::vector<float>& other) {
    Difference result;
    for (std::size_t i = 0; i < plain.size(); ++i) {
      result.weights += plain[i] != other[i] ? 1 : 0;
      result.distance = std::hypot(result.distance, plain[i] - other[i]);
    }
    return result;
  };
  lesson.show("weights", static_cast<double>(plain.size()));
  lesson.exact("sigma = 0: weights that are not the autoencoder's", difference(vae_weights(0)).weights, 0, 0);
  Series distances;
  for (const double sigma : {1e-4, 1e-3, 1e-2, 1e-1, 1.}) {
    const Difference found = difference(vae_weights(sigma));
    distances.add(sigma, found.distance);
    if (sigma == 1) lesson.at_least("sigma = 1: weights that are not the autoencoder's", found.weights, 150'000);
  }
  lesson.measured("sigma = 0.001: distance over that of 0.0001", distances.values[1] / distances.values[0], 9, 11);

  // And with a head that learns sigma, for some weights of the KL term.
  std::vector<Series> sigmas;
  struct Case {
    double beta, low, high;
  };
  for (const auto& [beta, low, high] : {Case{1, 0.18, 0.28}, Case{0.1, 0.07, 0.12}, Case{0, 0, 0.025}}) {
    Rng again(lesson.seed());
    Vae vae{make_encoder(Linear(128, latents, again), again), make_decoder(again), StandardNormal(latents)};
    VaeTrainer trainer{vae, {.beta = beta}};
    const Variable seen = first_rows(digits, 500);
    Series& sigma = sigmas.emplace_back(Series{"beta = " + std::to_string(beta).substr(0, 3)});
    const auto look = [&](const auto& now) {
      if (now.step % 25 != 0 && now.step != steps) return;
      const NoGradient no_gradient;
      sigma.add(now.step, std::exp(0.5 * mean(vae.encoder(seen).log_variance()).item()));  // geometric mean
    };
    trainer.fit(digits, {.steps = steps, .batch_size = 64, .on_step = look}, again);
    lesson.measured(sigma.name + ": sigma after the training", sigma.values.back(), low, high);
  }
  save_png(lesson.picture(), beside({draw_chart({distances}, {.title = "After 200 steps, beta = 0",
                                                              .x_label = "sigma, the same for all codes",
                                                              .y_label = "distance from the autoencoder's weights",
                                                              .logarithmic = true,
                                                              .logarithmic_x = true,
                                                              .width = 480}),
                                     draw_chart(sigmas, {.title = "Sigma is learned",
                                                         .x_label = "step",
                                                         .y_label = "sigma",
                                                         .logarithmic = true,
                                                         .width = 560})}));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "18_variance_zero",
                    "A VAE of variance zero is the autoencoder; without the KL term sigma shrinks by itself.",
                    {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST"},
                     {"steps", "2000", "updates of each VAE that learns its sigma"}},
                    teach);
}
