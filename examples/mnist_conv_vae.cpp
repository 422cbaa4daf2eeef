// SPDX-License-Identifier: MIT
// A VAE of convolutions on the MNIST digits.
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/report.hpp>
#include <eigenesis/training/watchers.hpp>

#include "arguments.hpp"
using namespace eigenesis;

int main(int argc, char** argv) {
  return run_example("mnist_conv_vae", [&] {
    Arguments arguments(
        argc, argv, "Trains a convolutional VAE on the MNIST digits; draws reconstructions and samples.",
        {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"},
         {"epochs", "5", "passes over the training images"},
         {"checkpoint", "none", "file that keeps the training after each epoch; the same call goes on from there"},
         {"film", "0", "steps from one frame of an animation of its samples to the next; 0: none"},
         {"report", "none", "HTML file about the training, written again every 10 seconds"},
         {"steps", "0", "updates, instead of epochs"},
         {"batch", "128", "images in a batch"}});
    Rng rng(arguments.seed());
    const Mnist mnist = load_mnist(arguments.text("data"));

    // Convolutions take images [N, H, W, C], everything else takes them as rows.
    const Conv2dOptions halve{.stride = 2, .padding = 1};
    const ConvTranspose2dOptions enlarge{.stride = 2, .padding = 1};
    Vae vae{Encoder{Sequential{Unflatten{28, 28, 1}, Conv2d(1, 32, 4, halve, rng), Relu{},
                               Conv2d(32, 64, 4, halve, rng), Relu{}, Flatten{}, Linear(64 * 7 * 7, 256, rng), Relu{}},
                    Linear(256, 20, rng), Linear(256, 20, rng)},
            Decoder{Sequential{Linear(20, 256, rng), Relu{}, Linear(256, 64 * 7 * 7, rng), Relu{}, Unflatten{7, 7, 64},
                               ConvTranspose2d(64, 32, 4, enlarge, rng), Relu{},
                               ConvTranspose2d(32, 1, 4, enlarge, rng), Flatten{}},
                    BernoulliLikelihood{}},
            StandardNormal(20)};
    VaeTrainer trainer{vae};
    const Index steps = arguments.whole("steps");

    // The first digits of the test set, each row above what the VAE makes of it.
    const GridOptions size{.height = 28, .width = 28, .scale = 2};
    const Variable<float, 2> digits = slice(Variable(mnist.test.images), 0, 0, 32);
    const auto draw_reconstructions = [&] {
      const Variable<float, 2> redrawn{vae.reconstruct(digits.value())};
      std::vector<Variable<float, 2>> rows;
      for (Index i = 0; i < 32; i += 8)
        for (const auto& x : {digits, redrawn}) rows.push_back(slice(x, 0, i, i + 8));
      return draw_grid(concatenate(rows, 0).value(), size);
    };
    Rng own_rng(arguments.seed() + 1);  // so that the training is the same without these
    const Tensor<float, 2> z = vae.prior.sample(64, own_rng);
    const auto samples = [&] { return draw_grid(vae.decode(z), size); };
    std::vector<AWatcher> watch;
    if (const Index film = arguments.whole("film"); film > 0)
      watch.push_back(Film{arguments.out("conv_vae_film.png"), samples, {.every = film}});
    if (const std::string path = arguments.file("report"); !path.empty())
      watch.push_back(Report{path,
                             {.title = "Convolutional VAE on MNIST",
                              .facts = {{"seed", arguments.seed()}},
                              .model = summary(vae, digits.value()),
                              .pictures = {{"samples", samples}, {"reconstructions", draw_reconstructions}},
                              .explorer = Explorer{vae, {.codes = [&] { return vae.encode(digits.value()); }}}}});
    const auto history = trainer.fit(mnist.train.images, mnist.test.images,
                                     {.steps = steps,
                                      .epochs = steps > 0 ? 0 : arguments.whole("epochs"),
                                      .batch_size = arguments.whole("batch"),
                                      .progress = ProgressBar{},
                                      .checkpoint = arguments.checkpoint(),
                                      .watch = watch},
                                     rng);
    std::printf("test loss per epoch, nats:");
    for (const VaeLosses& losses : history.held_out) std::printf(" %.1f", losses.loss);
    std::printf("\n");

    save_png(arguments.out("conv_vae_reconstructions.png"), draw_reconstructions());
    save_grid(arguments.out("conv_vae_samples.png"), vae.sample(64, rng), size);
    for (const char* name : {"conv_vae_reconstructions.png", "conv_vae_samples.png"})
      std::printf("%s\n", arguments.out(name).c_str());
  });
}
