// SPDX-License-Identifier: MIT
// A GAN learns in two phases: D learns while G is fixed, then G learns while D is fixed.
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
using namespace eigenesis;

namespace {

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Index batch = 256, phase = 400, rounds = 2000;
  const GaussianMixture data = mixture_of_gaussians({1}, {3}, {0.5});
  // G(z) = w z + b: its samples are N(b, w^2) and can become the data, N(3, 0.5^2).
  const Generator new_generator{Linear(1, 1, rng), StandardNormal(1)};
  const Discriminator new_discriminator{
      Sequential{Linear(1, 32, rng), Tanh{}, Linear(32, 32, rng), Tanh{}, Linear(32, 1, rng)}};
  const Adam<> for_g{{.learning_rate = 1e-2, .beta1 = 0.5}}, for_d{{.learning_rate = 5e-3, .beta1 = 0.5}};

  // What D says on average, of points that stay the same.
  const Tensor<float, 2> x = data.sample(1000, rng), z = new_generator.prior.sample(1000, rng);  // [1000, 1]
  const auto d_of_x = [&](const auto& d) { return d.probability(x).array().mean(); };
  const auto d_of_g = [&](const auto& g, const auto& d) { return d.probability(g.decode(z)).array().mean(); };

  // Long phases: each goes on until one model has won.
  Series long_real{"D(x)"}, long_fake{"D(G(z))"};
  {
    auto generator = new_generator;
    auto discriminator = new_discriminator;
    GanTrainer trainer{generator, discriminator, NonSaturating{}, for_g, for_d};
    const auto look = [&] {
      const std::size_t update = long_real.x.size() + 1;
      long_real.add(update, d_of_x(discriminator));
      long_fake.add(update, d_of_g(generator, discriminator));
    };
    for (int round = 1; round <= 3; ++round) {
      const std::string after = "after phase " + std::to_string(round) + " of ";
      for (Index i = 0; i < phase; ++i) {
        trainer.train_discriminator(data.sample(batch, rng), rng);  // fix G, train D
        look();
      }
      const double real = long_real.values.back(), fake = long_fake.values.back();
      lesson.at_least(after + "D: D(x) - D(G(z))", real - fake, 0.12);
      lesson.measured(after + "D: D(x) + D(G(z))", real + fake, 0.92, 1.08);
      for (Index i = 0; i < phase; ++i) {
        trainer.train_generator(batch, rng);  // fix D, train G
        look();
      }
      lesson.exact(after + "G: D(x)", long_real.values.back(), real, 0);
      lesson.at_least(after + "G: D(G(z))", long_fake.values.back(), 0.55);
    }
  }

  // Short phases, of one update each: none of them wins.
  Series real{"D(x)"}, fake{"D(G(z))"};
  auto generator = new_generator;
  auto discriminator = new_discriminator;
  GanTrainer trainer{generator, discriminator, NonSaturating{}, for_g, for_d};
  double mean = 0, deviation = 0, farthest = 0;  // over the second half
  const auto look = [&](const auto& now) {
    real.add(now.step, d_of_x(discriminator));
    fake.add(now.step, d_of_g(generator, discriminator));
    if (now.step <= rounds / 2) return;
    for (const double d : {real.values.back(), fake.values.back()}) farthest = std::max(farthest, std::abs(d - 0.5));
    mean += generator.network.bias.value()(0) / (rounds / 2.0);
    deviation += std::abs(generator.network.weight.value()(0, 0)) / (rounds / 2.0);
  };
  trainer.fit(data, {.steps = rounds, .batch_size = batch, .on_step = look}, rng);
  lesson.at_most("alternating, second half: farthest of any D from 1/2", farthest, 0.12);
  lesson.measured("alternating, second half: mean of the samples", mean, 2.99, 3.01);
  lesson.measured("alternating, second half: deviation of the samples", deviation, 0.49, 0.51);

  save_png(
      lesson.picture(),
      beside(
          {draw_chart(
               {long_real, long_fake},
               {.title = "400 updates of D, then 400 of G, ...", .x_label = "updates", .width = 560, .height = 400}),
           draw_chart(
               {real, fake},
               {.title = "One of D, then one of G, ...", .x_label = "updates of each", .width = 560, .height = 400})}));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "01_two_phases",
                    "While G is fixed, D learns to tell its samples from data; while D is fixed, G learns to fool it.",
                    {}, teach);
}
