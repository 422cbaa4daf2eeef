// SPDX-License-Identifier: MIT
// An autoencoder learns 200 digits by heart, and gets worse at new ones. Noise on the code prevents that.
#include <eigenesis/eigenesis.hpp>

#include "digits.hpp"
#include "lesson.hpp"
using namespace eigenesis;

namespace {

/// Images [N, 784] and what becomes of them, without noise: -log p(x | z) in nats per image, z the code's mean.
double reconstruction_error(const auto& model, const Tensor<float, 2>& images) {
  const NoGradient no_gradient;
  const Variable x(images);
  return -mean(model.decoder(model.encoder(x).mean()).log_prob(x)).item();
}

void teach(Lesson& lesson) {
  const Mnist mnist = load_mnist(lesson.text("data"));
  const Tensor<float, 2> few = first_rows(mnist.train.images, lesson.whole("digits"));
  const Tensor<float, 2> fresh = first_rows(mnist.test.images, 500), shown = first_rows(fresh, 10);

  const Index steps = lesson.whole("steps");
  std::vector<Series> errors;
  std::vector<Variable<float, 2>> rows{shown};
  const auto learn = [&](const std::string& name, auto& model, auto trainer, Rng& rng) {
    Series seen{name + ", training"}, held_out{name + ", held out"};
    const auto look = [&](const auto& now) {
      if (now.step % 50 != 0 && now.step != 25 && now.step != steps) return;
      seen.add(now.step, reconstruction_error(model, few));
      held_out.add(now.step, reconstruction_error(model, fresh));
    };
    trainer.fit(few, {.steps = steps, .batch_size = 100, .on_step = look}, rng);
    rows.push_back(model.reconstruct(shown));
    errors.insert(errors.end(), {seen, held_out});
  };

  // The same networks; the VAE has one more head.
  const auto trunk = [](Rng& rng) { return Sequential{Linear(784, 400, rng), Relu{}}; };
  const auto decoder = [](Rng& rng) {
    return Decoder{Sequential{Linear(20, 400, rng), Relu{}, Linear(400, 784, rng)}, BernoulliLikelihood{}};
  };
  Rng rng(lesson.seed());
  Autoencoder autoencoder{Encoder{trunk(rng), Linear(400, 20, rng)}, decoder(rng)};
  learn("autoencoder", autoencoder, AutoencoderTrainer{autoencoder}, rng);
  Vae vae{Encoder{trunk(rng), Linear(400, 20, rng), Linear(400, 20, rng)}, decoder(rng), StandardNormal(20)};
  learn("VAE", vae, VaeTrainer{vae}, rng);

  const auto last = [&](std::size_t i) { return errors[i].values.back(); };
  const auto over_its_best = [&](std::size_t i) { return last(i) / *std::ranges::min_element(errors[i].values); };
  for (std::size_t i = 0; i < errors.size(); ++i) lesson.show(errors[i].name + ", nats per digit", last(i));
  lesson.at_least("autoencoder: held out over its best, in the end", over_its_best(1), 1.3);
  lesson.at_most("VAE: held out over its best, in the end", over_its_best(3), 1.1);
  lesson.at_least("held out: autoencoder over VAE", last(1) / last(3), 1.4);
  save_png(lesson.picture(), beside({draw_chart(errors, {.title = "200 digits to learn from, 500 new ones",
                                                         .x_label = "step",
                                                         .y_label = "-log p(x | z), nats per digit",
                                                         .logarithmic_x = true,
                                                         .width = 604,
                                                         .height = 420}),
                                     {"New digits; through the autoencoder; through the VAE",
                                      draw_grid(concatenate(rows, 0).value(), {.columns = 10, .scale = 2})}},
                                    1));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(
      argc, argv, "20_why_noise",
      "Without noise an autoencoder learns few digits by heart and gets worse at new ones; a VAE does not.",
      {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST"},
       {"digits", "200", "that both models learn from"},
       {"steps", "1000", "updates of each model"}},
      teach);
}
