// SPDX-License-Identifier: MIT
// Two distributions that have nothing in common: how far apart they are does not show.
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
#include "line.hpp"
using namespace eigenesis;

namespace {

constexpr double width = 0.1;  // the standard deviation of data and samples
const GaussianMixture data = mixture_of_gaussians({1}, {0}, {width});

double js_at(double theta) {
  const Tensor<double, 2> x = points_between(-1, 3, 0.002);
  return jensen_shannon_divergence(density(data, x), density(mixture_of_gaussians({1}, {theta}, {width}), x));
}

struct Game {
  Series loss, gradient;  // of D, and of G's loss by theta, while D learns
  double theta;           // at the end, when both have learned
};

Game play(const std::string& name, float theta, Index steps, Rng& rng) {
  Generator generator{Shift{theta}, data};  // moves samples of the data themselves: the best theta is 0
  Discriminator discriminator{Sequential{Linear(1, 32, rng), Tanh{}, Linear(32, 32, rng), Tanh{}, Linear(32, 1, rng)}};
  // Plain gradient descent for G: Adam would divide a small gradient by its own size.
  GanTrainer trainer{generator, discriminator, Minimax{}, Sgd{{.learning_rate = 1e-3}}, Adam{{.learning_rate = 2e-3}}};

  Game game{Series{name + ": loss of D"}, Series{name + ": gradient of G"}, 0};
  for (Index step = 0; step < steps; ++step) {
    const double loss = trainer.train_discriminator(data.sample(256, rng), rng);
    if (step % 20 != 0) continue;
    const auto fake = generator(Variable(data.sample(2048, rng)));  // [2048, 1]
    const auto slope = gradient(Minimax{}.generator_loss(discriminator(fake)), generator.network.theta);
    game.loss.add(step + 1, loss);
    game.gradient.add(step + 1, slope.value()(0));
  }
  trainer.fit(data, {.steps = std::max<Index>(steps / 2, 1), .batch_size = 256}, rng);
  game.theta = generator.network.theta.value()(0);
  return game;
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Index steps = lesson.whole("steps");

  lesson.exact("theta = 0: JS", js_at(0), 0, 1e-12);
  lesson.exact("theta = 0.2: JS", js_at(0.2), std::numbers::ln2 - 0.712633 / 2, 1e-6);
  lesson.exact("theta = 1: JS", js_at(1), std::numbers::ln2, 1e-6);
  lesson.exact("theta = 2: JS", js_at(2), std::numbers::ln2, 1e-12);
  Series js{"JS(data, samples), nats"}, loss{"loss of the best D"};
  for (double theta = 0; theta <= 2; theta += 0.02) {
    js.add(theta, js_at(theta));
    loss.add(theta, 2 * std::numbers::ln2 - 2 * js.values.back());
  }

  const Game apart = play("theta = 2", 2, steps, rng), close = play("theta = 0.2", 0.2f, steps, rng);
  const auto end = static_cast<double>(steps);
  const auto mean_of_end = [&](const Series& curve) { return mean_between(curve, end / 2, end); };
  lesson.at_most("theta = 2: loss of D in the end", mean_of_end(apart.loss), 0.001);
  lesson.at_most("theta = 2: gradient of G", std::abs(mean_of_end(apart.gradient)), 0.001);
  lesson.at_least("theta = 2: theta after G has learned as well", apart.theta, 1.99);
  lesson.measured("theta = 0.2: loss of D in the end", mean_of_end(close.loss), 0.70, 0.74);
  const double slope = (js_at(0.201) - js_at(0.199)) / 0.002;
  lesson.measured("theta = 0.2: gradient of G / (2 dJS/dtheta)", mean_of_end(close.gradient) / (2 * slope), 0.95, 1.05);
  lesson.measured("theta = 0.2: theta after G has learned as well", close.theta, -0.02, 0.02);

  save_png(lesson.picture(),
           beside({draw_chart({js, loss},
                              {.title = "Data N(0, 0.1^2), samples N(theta, 0.1^2)", .x_label = "theta", .width = 460}),
                   draw_chart({apart.loss, apart.gradient, close.loss, close.gradient}, {.title = "While D learns",
                                                                                         .x_label = "updates of D",
                                                                                         .logarithmic = true,
                                                                                         .logarithmic_x = true,
                                                                                         .width = 540})}));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "06_disjoint_supports",
                    "Where samples and data do not overlap, JS is ln 2 wherever they are, and G's gradient vanishes.",
                    {{"steps", "2000", "updates of D"}}, teach);
}
