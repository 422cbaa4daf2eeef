// SPDX-License-Identifier: MIT
// A layer of one's own that learns, keeps running averages and is told when it is trained: a residual block of
// convolutions, in an autoencoder of the MNIST digits.
#include <eigenesis/eigenesis.hpp>

#include "arguments.hpp"
#include "watching.hpp"
using namespace eigenesis;

// x + f(x), [N, H, W, C] -> [N, H, W, C] (He et al. 2016).
template <class Scalar = float>
struct ResidualBlock {
  Conv2d<Scalar> first, second;
  BatchNorm<Scalar> norm;

  ResidualBlock(Index channels, Rng& rng)
      : first(channels, channels, 3, {.padding = 1, .bias = false}, rng),
        second(channels, channels, 3, {.padding = 1}, rng),
        norm(channels) {}

  // A layer that contains others hands the Pass to those that take one.
  auto operator()(const auto& x, Pass pass = {}) const { return x + second(relu(norm(first(x), pass))); }

  static void fields(auto& self, auto&& field) {
    field("first", self.first);
    field("second", self.second);
    field("norm", self.norm);
  }
};

int main(int argc, char** argv) {
  return run_example("residual_autoencoder", [&] {
    Arguments arguments(
        argc, argv, "Trains an autoencoder of residual blocks on the MNIST digits; draws what it makes of new ones.",
        {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"},
         {"steps", "1000", "updates"},
         {"checkpoint", "none", "file that keeps the training each 100 updates; the same call goes on from there"},
         film_option,
         report_option,
         {"batch", "64", "images in a batch"}});
    Rng rng(arguments.seed());
    const Mnist mnist = load_mnist(arguments.text("data"));

    const Conv2dOptions same_size{.padding = 1};
    Autoencoder autoencoder{
        Encoder{Sequential{Unflatten{28, 28, 1}, Conv2d(1, 16, 3, same_size, rng), AvgPool2d{2}, ResidualBlock(16, rng),
                           Conv2d(16, 32, 3, same_size, rng), AvgPool2d{2}, ResidualBlock(32, rng), Flatten{}},
                Linear(7 * 7 * 32, 16, rng)},
        Decoder{Sequential{Linear(16, 7 * 7 * 32, rng), Unflatten{7, 7, 32}, ResidualBlock(32, rng), Upsample2d{2},
                           Conv2d(32, 16, 3, same_size, rng), ResidualBlock(16, rng), Upsample2d{2},
                           Conv2d(16, 1, 3, same_size, rng), Flatten{}},
                BernoulliLikelihood{}}};
    print(autoencoder);
    AutoencoderTrainer trainer{autoencoder};

    // The first digits of the test set, each row above what became of it.
    const Variable<float, 2> digits = slice(Variable(mnist.test.images), 0, 0, 32);
    const auto draw_reconstructions = [&] {
      const Variable<float, 2> redrawn{autoencoder.reconstruct(digits.value())};
      std::vector<Variable<float, 2>> rows;
      for (Index i = 0; i < 32; i += 8)
        for (const auto& x : {digits, redrawn}) rows.push_back(slice(x, 0, i, i + 8));
      return draw_grid(concatenate(rows, 0).value(), {.height = 28, .width = 28, .scale = 2});
    };
    const auto watch = film_and_report(arguments, "residual_autoencoder_film.png", arguments.file("report"),
                                       {.title = "Residual autoencoder on MNIST",
                                        .model = summary(autoencoder, digits.value()),
                                        .pictures = {{"reconstructions", draw_reconstructions}}});
    trainer.fit(mnist.train.images,
                {.steps = arguments.whole("steps"),
                 .batch_size = arguments.whole("batch"),
                 .progress = ProgressBar{},
                 .checkpoint = arguments.checkpoint(100),
                 .watch = watch},
                rng);

    const std::string picture = arguments.out("residual_autoencoder.png");
    save_png(picture, draw_reconstructions());
    std::printf("%s\n", picture.c_str());
  });
}
