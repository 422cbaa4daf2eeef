// SPDX-License-Identifier: MIT
// Noise on data and samples makes them overlap; as it fades, the samples arrive at the data.
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
#include "line.hpp"
using namespace eigenesis;

namespace {

constexpr double width = 0.1;  // the standard deviation of data and samples
const GaussianMixture data = mixture_of_gaussians({1}, {0}, {width});

/// Of data and samples at distance theta, both with noise N(0, sigma^2): variances add up.
double js_at(double theta, double sigma) {
  const double deviation = std::hypot(width, sigma);
  const Tensor<double, 2> x = points_between(-10, 12, 0.005);
  return jensen_shannon_divergence(density(mixture_of_gaussians({1}, {0}, {deviation}), x),
                                   density(mixture_of_gaussians({1}, {theta}, {deviation}), x));
}

/// Where the samples lie after each step of the training, from theta = 2 on.
Series train(const std::string& name, const InstanceNoise& noise, Index steps, Rng& rng) {
  Generator generator{Shift{2.0f}, data};
  Discriminator discriminator{Sequential{Linear(1, 32, rng), Tanh{}, Linear(32, 32, rng), Tanh{}, Linear(32, 1, rng)}};
  GanTrainer trainer{generator,
                     discriminator,
                     Minimax{},
                     Sgd{{.learning_rate = 5e-3}},
                     Adam{{.learning_rate = 2e-3}},
                     noise,
                     {.discriminator_steps = 2}};
  Series path{name};
  const auto note = [&](const auto& now) {
    if (now.step % 10 == 0) path.add(now.step, generator.network.theta.value()(0));
  };
  trainer.fit(data, {.steps = steps, .batch_size = 256, .on_step = note}, rng);
  return path;
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Index steps = std::max<Index>(lesson.whole("steps"), 10);

  lesson.exact("sigma = 0: JS at theta = 2", js_at(2, 0), std::numbers::ln2, 1e-12);
  lesson.exact("sigma^2 = 0.99: JS at theta = 2", js_at(2, std::sqrt(0.99)), std::numbers::ln2 - 0.712633 / 2, 1e-6);
  lesson.exact("sigma^2 = 0.99: JS at theta = 1", js_at(1, std::sqrt(0.99)), std::numbers::ln2 - 1.163451 / 2, 1e-6);
  std::vector<Series> curves;
  for (const double sigma : {0.0, 0.25, 0.5, 1.0}) {
    Series js{"sigma = " + std::to_string(sigma).substr(0, 4)};
    for (double theta = 0; theta <= 3; theta += 0.05) js.add(theta, js_at(theta, sigma));
    curves.push_back(js);
  }

  const InstanceNoise fading{.sigma = 1, .schedule = LinearDecay{3 * steps / 4}};
  const Series without = train("no noise", {}, steps, rng), with = train("with noise", fading, steps, rng);
  Series sigma{"sigma"};
  for (const double step : with.x) sigma.add(step, fading.sigma_in(static_cast<Index>(step)));
  lesson.at_least("without noise: theta in the end", without.values.back(), 1.9);
  lesson.measured("with noise: theta in the end", with.values.back(), -0.05, 0.05);

  save_png(
      lesson.picture(),
      beside({draw_chart(curves, {.title = "JS of data and samples, both with noise",
                                  .x_label = "theta",
                                  .y_label = "nats",
                                  .width = 440}),
              draw_chart({with, without, sigma}, {.title = "theta in training", .x_label = "rounds", .width = 640})}));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "07_fading_noise",
                    "Through noise D sees how far samples are from the data; as it fades, they arrive.",
                    {{"steps", "2000", "steps of each training"}}, teach);
}
