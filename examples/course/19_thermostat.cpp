// SPDX-License-Identifier: MIT
// The noise of a VAE's code is a thermostat: it goes down as the decoder gets better, and up again when it gets worse.
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
using namespace eigenesis;

namespace {

constexpr Index features = 8, latents = 4;
constexpr double rest = 0.3;
constexpr std::array<double, features> deviations{4, 2, 1, rest, rest, rest, rest, rest};

/// Data x [n, 8]: three directions that are worth a latent each, the others all alike.
struct Directions {
  Tensor<float, 2> sample(Index n, Rng& rng) const {
    Tensor<float, 2> x = StandardNormal(features).sample(n, rng);
    for (Index i = 0; i < x.size(); ++i) x.data()[i] *= static_cast<float>(deviations[std::size_t(i % features)]);
    return x;
  }
};

/// What makes a decoder worse: noise on all that it gives, new for each sample of the training.
struct Disturbance {
  double sigma = 0;
  template <class Scalar, int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x, Pass pass = {}) const {
    if (!pass.is_training()) return x;
    Tensor<float, 2> noise(x.shape());
    pass.rng().fill_normal(noise.data(), noise.size());
    return x + sigma * Variable(std::move(noise));
  }
};

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Index steps = lesson.whole("steps");
  const double disturbance = lesson.number("noise");
  // Linear, so that the best sigma is known: x = W z + b + s e, where s is learned too.
  Vae vae{Encoder{Sequential{}, Linear(features, latents, rng), Linear(features, latents, rng)},
          Decoder{Sequential{Linear(latents, features, rng), Disturbance{}}, LearnedNormalLikelihood{}},
          StandardNormal(latents)};
  const Schedule restarts = [steps](Index step) { return CosineSchedule{steps}(step % steps); };
  VaeTrainer trainer{vae, Adam{{.learning_rate = 1e-2, .schedule = restarts}}};
  const Variable held_out = Directions{}.sample(1000, rng);

  std::vector<Series> sigmas(latents);
  Series error{"s, learned"}, best_error{"s, closed form"}, best{"closed form"};
  std::array<std::size_t, latents> order{0, 1, 2, 3};  // of the latents, by their sigma
  const auto look = [&](Index step) {
    const NoGradient no_gradient;
    const Variable<float, 1> sigma = exp(0.5 * mean(vae.encoder(held_out).log_variance(), 0));  // [N, 4] -> [4]
    for (std::size_t j = 0; j < latents; ++j) sigmas[j].add(step, sigma.value().values()[j]);
    error.add(step, std::exp(vae.decoder.likelihood.log_standard_deviation.item()));
  };

  for (const Index part : {0, 1}) {
    const Index end = (part + 1) * steps;
    const double eta = part == 0 ? 0 : disturbance;
    std::get<1>(vae.decoder.network.layers).sigma = eta;
    for (Index step = part * steps; step < end; ++step) {
      if (step % 100 == 0) look(step);
      trainer.step(Directions{}.sample(256, rng), rng);
    }
    look(end);

    // What s must account for, in the 8 - 3 directions that no latent describes: their own variance, and the noise.
    const double s = std::sqrt(rest * rest + eta * eta * features / (features - 3));
    const std::string when = part == 0 ? "alone:     " : "disturbed: ";
    lesson.measured(when + "s of the decoder", error.values.back(), 0.96 * s, 1.04 * s);
    best_error.add(end, s), best_error.add(end, NAN);  // a gap, so that no line joins the dots
    std::ranges::sort(order, {}, [&](std::size_t j) { return sigmas[j].values.back(); });
    for (std::size_t j = 0; j < latents; ++j) {
      const double needed = j < 3 ? s / deviations[j] : 1;
      const std::string name = j < 3 ? "deviation " + std::to_string(deviations[j]).substr(0, 1) : "unused";
      lesson.measured(when + "sigma of the latent, " + name, sigmas[order[j]].values.back(), 0.96 * needed,
                      1.04 * needed);
      sigmas[order[j]].name = name;
      best.add(end, needed), best.add(end, NAN);
    }
  }
  std::vector<Series> curves;
  for (const std::size_t j : order) curves.push_back(sigmas[j]);
  curves.push_back(best);
  save_png(
      lesson.picture(),
      beside({draw_chart(curves, {.title = "The code's noise",
                                  .x_label = "step",
                                  .y_label = "sigma of each latent",
                                  .logarithmic = true,
                                  .height = 520}),
              draw_chart(
                  {error, best_error},
                  {.title = "The decoder's error", .x_label = "step", .y_label = "s", .width = 400, .height = 520})}));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "19_thermostat",
                    "Sigma of a code is the decoder's error over the deviation of what the code stands for.",
                    {{"steps", "10000", "updates in each of the two parts"},
                     {"noise", "0.5", "sigma of the noise on the decoder in the second part"}},
                    teach);
}
