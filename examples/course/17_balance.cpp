// SPDX-License-Identifier: MIT
// The two halves of a VAE's loss pull against each other: what beta trades, and how one training finds its balance.
#include <eigenesis/eigenesis.hpp>

#include "digits.hpp"
#include "lesson.hpp"
using namespace eigenesis;

namespace {

constexpr Index latents = 10;

void teach(Lesson& lesson) {
  const Mnist mnist = load_mnist(lesson.text("data"));
  const Tensor<float, 2>& x = mnist.test.images;
  const Index steps = lesson.whole("steps");
  Series reconstruction{"reconstruction"}, divergence{"KL"}, both{"negative ELBO"};
  Series falling{"reconstruction"}, growing{"KL"};  // in the course of the training with beta = 1
  std::vector<double> sharp, likeness;
  std::vector<Variable<float, 2>> redrawn{first_rows(x, 12)}, samples;
  double peak = 0, shift = 0;

  std::printf("  %8s %14s %8s %14s %10s %16s\n", "beta", "reconstruction", "KL", "negative ELBO", "sharpness",
              "samples - digits");
  for (const double beta : {0.0, 0.1, 0.5, 1.0, 2.0, 4.0, 10.0}) {
    Rng rng(lesson.seed());
    Vae vae{digit_encoder(latents, rng), digit_decoder(latents, rng), StandardNormal(latents)};
    VaeTrainer trainer{vae, {.beta = beta}};
    const auto note = [&](const auto& now) {
      if (beta != 1) return;
      if (now.losses.divergence > peak) {
        peak = now.losses.divergence;
        shift = vae.encode(x).matrix().colwise().mean().squaredNorm() / 2;  // the KL of one mean that all codes share
      }
      if (now.step > 100 && now.step % 10 != 0) return;
      falling.add(now.step, now.losses.reconstruction);
      growing.add(now.step, now.losses.divergence);
    };
    trainer.fit(mnist.train.images, {.steps = steps, .on_step = note}, rng);

    const VaeLosses losses = evaluate(trainer, x, rng);
    const Tensor<float, 2> again = vae.reconstruct(x), drawn = vae.sample(x.shape(0), rng);
    reconstruction.add(beta, losses.reconstruction);
    divergence.add(beta, losses.divergence);
    both.add(beta, losses.loss);
    sharp.push_back(sharpness(again).array().mean() / sharpness(x).array().mean());
    likeness.push_back(frechet_distance(from_afar(x), from_afar(drawn)));
    std::printf("  %8g %14.1f %8.1f %14.1f %10.3f %16.3f\n", beta, losses.reconstruction, losses.divergence,
                losses.loss, sharp.back(), likeness.back());
    std::fflush(stdout);
    if (beta == 0 || beta == 1 || beta >= 4) {
      redrawn.push_back(first_rows(again, 12));
      samples.push_back(first_rows(drawn, 12));
    }
  }

  // More beta: a cheaper code, a worse reconstruction, a more blurred one. The ELBO is best where it is trained.
  const std::size_t one = 3;  // beta = 1
  double rise = 1e9, fall = 1e9, blur = 0, loss = 1e9;
  for (std::size_t i = 0; i < sharp.size(); ++i) {
    if (i != one) loss = std::min(loss, both.values[i] - both.values[one]);
    if (i == 0) continue;
    // From 0 to 0.1 hardly anything is lost: 0.2 to 1.9 nats, by the seed.
    if (i > 1) rise = std::min(rise, reconstruction.values[i] - reconstruction.values[i - 1]);
    fall = std::min(fall, divergence.values[i - 1] - divergence.values[i]);
    blur = std::max(blur, sharp[i] / sharp[i - 1]);
  }
  lesson.at_least("from 0.1 on, beta to beta: least rise of -log p(x | z), nats", rise, 1.5);
  lesson.at_least("from one beta to the next: least fall of the KL, nats", fall, 3);
  lesson.at_most("from one beta to the next: largest ratio of sharpness", blur, 0.98);
  lesson.at_least("beta other than 1: least loss of ELBO, nats", loss, 0.5);
  lesson.at_least("samples - digits: beta 0 over beta 1", likeness[0] / likeness[one], 3);

  // One training: the shares of their way that both have gone after a tenth of the steps, and what the end still
  // changes.
  const auto end = static_cast<double>(steps);
  const auto share = [&](const Series& curve) {
    const double start = curve.values.front();
    return (mean_between(curve, 0.05 * end, 0.1 * end) - start) / (mean_between(curve, 0.9 * end, end) - start);
  };
  const auto change = [&](const Series& curve) {
    return std::abs(mean_between(curve, 0.9 * end, end) - mean_between(curve, 0.75 * end, 0.85 * end));
  };
  lesson.measured("one training: -log p(x | z) at first, nats", falling.values.front(), 535, 565);
  lesson.at_least("one training: share of its fall done soon", share(falling), 0.7);
  lesson.at_most("one training: share of the KL's growth done by then", share(growing), 0.7);
  lesson.at_most("one training: -log p(x | z) still changes by, nats", change(falling), 7);
  lesson.at_most("one training: KL still changes by, nats", change(growing), 1);
  lesson.at_least("one training: early peak of the KL, nats", peak, 25);
  lesson.at_least("one training: share of the peak that is one shift of all codes", shift / peak, 0.5);

  const ChartOptions by_beta{.x_label = "beta", .y_label = "nats", .logarithmic_x = true, .width = 460, .height = 420};
  const ChartOptions by_step{
      .x_label = "step", .y_label = "nats", .logarithmic = true, .logarithmic_x = true, .width = 460, .height = 420};
  save_png(
      lesson.picture(),
      beside({{"after training, by beta", draw_chart({reconstruction, divergence, both}, by_beta)},
              {"one training, beta = 1", draw_chart({falling, growing}, by_step)},
              {"digits; redrawn with beta = 0, 1, 4, 10", draw_grid(concatenate(redrawn, 0).value(), {.columns = 12})},
              {"samples with beta = 0, 1, 4, 10", draw_grid(concatenate(samples, 0).value(), {.columns = 12})}},
             2));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "17_balance",
                    "beta weighs the KL: the more, the less a code says, and the more blurred what is drawn from it.",
                    {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"},
                     {"steps", "1000", "updates of each VAE"}},
                    teach);
}
