// SPDX-License-Identifier: MIT
// A GAN of convolutions on the MNIST digits: the networks of PyTorch's C++ tutorial, after DCGAN (Radford et al. 2016).
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/report.hpp>
#include <eigenesis/training/watchers.hpp>

#include "arguments.hpp"
#include "ranks.hpp"
using namespace eigenesis;

int main(int argc, char** argv) {
  return run_example("mnist_dcgan", [&] {
    Arguments arguments(
        argc, argv, "Trains a convolutional GAN on the MNIST digits; draws samples as it learns and its losses.",
        {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"},
         {"epochs", "3", "passes over the training images"},
         {"checkpoint", "none", "file that keeps the training after each epoch; the same call goes on from there"},
         {"film", "0", "steps from one frame of an animation of its samples to the next; 0: none"},
         {"report", "none", "HTML file about the training, written again every 10 seconds"},
         {"steps", "0", "steps of training, instead of epochs"},
         {"batch", "64", "images in a batch"},
         {"channels", "64", "of the discriminator's first layer; the others follow. With 24 an epoch takes a fifth"},
         {"every", "1", "epochs from one picture of samples to the next"},
         {"distributed", "no", "be one of the ranks that mpirun started; each has batches of --batch images"}});
    Ranks ranks(argc, argv, arguments.text("distributed") == "yes");
    Rng rng(arguments.seed());
    LabelledImages digits = load_mnist(arguments.text("data")).train;
    digits.images.array() = 2 * digits.images.array() - 1;  // the range of tanh

    const Index channels = arguments.whole("channels");
    // Convolutions take images [N, H, W, C], everything else takes them as rows. Batch normalisation has the biases.
    const ConvTranspose2dOptions enlarge{.stride = 2, .padding = 1, .bias = false};
    Generator generator{
        Sequential{Unflatten{1, 1, 100}, ConvTranspose2d(100, 4 * channels, 4, {.bias = false}, rng),
                   BatchNorm(4 * channels), Relu{}, ConvTranspose2d(4 * channels, 2 * channels, 3, enlarge, rng),
                   BatchNorm(2 * channels), Relu{}, ConvTranspose2d(2 * channels, channels, 4, enlarge, rng),
                   BatchNorm(channels), Relu{}, ConvTranspose2d(channels, 1, 4, enlarge, rng), Tanh{}, Flatten{}},
        StandardNormal(100)};
    const Conv2dOptions halve{.stride = 2, .padding = 1, .bias = false};
    const LeakyRelu leaky{0.2};
    Discriminator discriminator{Sequential{
        Unflatten{28, 28, 1}, Conv2d(1, channels, 4, halve, rng), leaky, Conv2d(channels, 2 * channels, 4, halve, rng),
        BatchNorm(2 * channels), leaky, Conv2d(2 * channels, 4 * channels, 4, halve, rng), BatchNorm(4 * channels),
        leaky, Conv2d(4 * channels, 1, 3, {.bias = false}, rng), Flatten{}}};
    // Adam, 2e-4, betas 0.5 and 0.999. The average of the generator's weights draws steadier than the last ones.
    GanTrainer trainer{generator, discriminator, NonSaturating{}, MovingAverage{generator}};
    const auto& drawer = trainer.average.model;

    const Tensor<float, 2> latents = generator.prior.sample(64, rng);  // the same in every picture
    const Index steps = arguments.whole("steps"), epochs = arguments.whole("epochs"), every = arguments.whole("every");
    const auto samples = [&] {
      return draw_grid(drawer.decode(latents), {.height = 28, .width = 28, .scale = 2, .range = {-1, 1}});
    };
    std::vector<std::string> pictures;
    const auto draw = [&](const std::string& name) {
      pictures.push_back(arguments.out(name));
      save_png(pictures.back(), samples());
    };
    const auto draw_some = [&](const auto& now) {
      if (every > 0 && now.epoch % every == 0 && now.epoch < epochs)
        draw("dcgan_samples_epoch_" + std::to_string(now.epoch) + ".png");
    };
    std::vector<AWatcher> watch;
    if (const Index film = arguments.whole("film"); film > 0)
      watch.push_back(Film{arguments.out("dcgan_film.png"), samples, {.every = film}});
    if (const std::string path = arguments.file("report"); !path.empty())
      watch.push_back(Report{path,
                             {.title = "DCGAN on MNIST",
                              .facts = {{"seed", arguments.seed()}},
                              .model = summary(generator, latents) + "\n" + summary(discriminator),
                              .pictures = {{"samples", samples}},
                              .explorer = Explorer{drawer, {.codes = [&] { return latents; }, .range = {-1, 1}}}}});
    const auto history = trainer.fit(digits.images,
                                     {.steps = steps,
                                      .epochs = steps > 0 ? 0 : epochs,
                                      .batch_size = arguments.whole("batch"),
                                      .progress = ProgressBar{"DCGAN"},
                                      .on_epoch = draw_some,
                                      .checkpoint = arguments.checkpoint(),
                                      .watch = watch,
                                      .distributed = ranks.get()},
                                     rng);
    if (!ranks.first()) return;
    draw("dcgan_samples.png");
    pictures.push_back(arguments.out("dcgan_loss.png"));
    save_chart(pictures.back(), series(history.steps),
               {.title = "DCGAN on MNIST", .x_label = "step", .y_label = "loss, nats"});
    save_safetensors(arguments.out("dcgan.safetensors"), drawer);
    for (const std::string& picture : pictures) std::printf("%s\n", picture.c_str());
    std::printf("%s\n", arguments.out("dcgan.safetensors").c_str());
  });
}
