// SPDX-License-Identifier: MIT
// A GAN of fully connected layers on the MNIST digits.
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/report.hpp>
#include <eigenesis/training/watchers.hpp>

#include "arguments.hpp"
using namespace eigenesis;

int main(int argc, char** argv) {
  return run_example("mnist_gan", [&] {
    Arguments arguments(
        argc, argv, "Trains a GAN on the MNIST digits; draws samples as it learns and its losses.",
        {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"},
         {"epochs", "20", "passes over the training images"},
         {"checkpoint", "none", "file that keeps the training after each epoch; the same call goes on from there"},
         {"film", "0", "steps from one frame of an animation of its samples to the next; 0: none"},
         {"report", "none", "HTML file about the training, written again every 10 seconds"},
         {"steps", "0", "steps of training, instead of epochs"},
         {"every", "5", "epochs from one picture of samples to the next"},
         {"noise", "0", "sigma of the noise on what the discriminator sees; gone after half of the training"}});
    Rng rng(arguments.seed());
    LabelledImages digits = load_mnist(arguments.text("data")).train;
    digits.images.array() = 2 * digits.images.array() - 1;  // the range of tanh
    const Index pixels = digits.images.shape(1), batch_size = 128;

    const LeakyRelu leaky{0.2};
    const Dropout dropout(0.3);  // without it the discriminator soon knows the digits by heart
    Generator generator{Sequential{Linear(100, 256, rng), leaky, Linear(256, 512, rng), leaky, Linear(512, 1024, rng),
                                   leaky, Linear(1024, pixels, rng), Tanh{}},
                        StandardNormal(100)};
    Discriminator discriminator{Sequential{Linear(pixels, 512, rng), leaky, dropout, Linear(512, 256, rng), leaky,
                                           dropout, Linear(256, 1, rng)}};

    const Tensor<float, 2> latents = generator.prior.sample(64, rng);  // the same in every picture
    const Index steps = arguments.whole("steps"), epochs = arguments.whole("epochs"), every = arguments.whole("every");
    const Index rounds = steps > 0 ? steps : epochs * (digits.images.shape(0) / batch_size);
    const InstanceNoise noise{.sigma = arguments.number("noise"), .schedule = LinearDecay{rounds / 2 + 1}};
    // Adam, 2e-4, betas 0.5 and 0.999
    GanTrainer trainer{generator, discriminator, NonSaturating{}, noise};

    const auto samples = [&] {
      return draw_grid(generator.decode(latents),
                       {.height = digits.height, .width = digits.width, .scale = 2, .range = {-1, 1}});
    };
    std::vector<std::string> pictures;
    const auto draw = [&](const std::string& name) {
      pictures.push_back(arguments.out(name));
      save_png(pictures.back(), samples());
    };
    const auto draw_some = [&](const auto& now) {
      if (every > 0 && now.epoch % every == 0 && now.epoch < epochs)
        draw("gan_samples_epoch_" + std::to_string(now.epoch) + ".png");
    };
    std::vector<AWatcher> watch;
    if (const Index film = arguments.whole("film"); film > 0)
      watch.push_back(Film{arguments.out("gan_film.png"), samples, {.every = film}});
    if (const std::string path = arguments.file("report"); !path.empty())
      watch.push_back(Report{
          path,
          {.title = "GAN on MNIST",
           .facts = {{"seed", arguments.seed()}},
           .model = summary(generator, latents) + "\n" + summary(discriminator),
           .pictures = {{"samples", samples}},
           .explorer = Explorer{
               generator,
               {.codes = [&] { return latents; }, .height = digits.height, .width = digits.width, .range = {-1, 1}}}}});
    const auto history = trainer.fit(digits.images,
                                     {.steps = steps,
                                      .epochs = steps > 0 ? 0 : epochs,
                                      .batch_size = batch_size,
                                      .progress = ProgressBar{},
                                      .on_epoch = draw_some,
                                      .checkpoint = arguments.checkpoint(),
                                      .watch = watch},
                                     rng);
    draw("gan_samples.png");
    pictures.push_back(arguments.out("gan_loss.png"));
    save_chart(pictures.back(), series(history.steps),
               {.title = "GAN on MNIST", .x_label = "step", .y_label = "loss, nats"});
    save_safetensors(arguments.out("gan.safetensors"), generator);
    for (const std::string& picture : pictures) std::printf("%s\n", picture.c_str());
    std::printf("%s\n", arguments.out("gan.safetensors").c_str());
  });
}
