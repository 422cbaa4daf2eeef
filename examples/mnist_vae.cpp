// SPDX-License-Identifier: MIT
// A VAE on the MNIST digits, 784-400-200-10-200-400-784.
#include <eigenesis/eigenesis.hpp>

#include "arguments.hpp"
#include "watching.hpp"
using namespace eigenesis;

int main(int argc, char** argv) {
  return run_example("mnist_vae", [&] {
    Arguments arguments(
        argc, argv, "Trains a VAE on the MNIST digits; draws reconstructions, samples and an interpolation.",
        {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"},
         {"from", "none", "weights to start from: vae.safetensors of an earlier run"},
         {"epochs", "10", "passes over the training images"},
         {"checkpoint", "none", "file that keeps the training after each epoch; the same call goes on from there"},
         film_option,
         report_option,
         {"steps", "0", "updates, instead of epochs"}});
    Rng rng(arguments.seed());
    const Mnist mnist = load_mnist(arguments.text("data"));
    const Tensor<float, 2>& test = mnist.test.images;
    const Index pixels = test.shape(1);

    constexpr Index latents = 10;
    Vae vae{
        Encoder{Sequential{Linear(pixels, 400, rng), Relu{}, Linear(400, 200, rng), Relu{}}, Linear(200, latents, rng),
                Linear(200, latents, rng)},
        Decoder{Sequential{Linear(latents, 200, rng), Relu{}, Linear(200, 400, rng), Relu{}, Linear(400, pixels, rng)},
                BernoulliLikelihood{}},
        StandardNormal(latents)};
    if (const std::string from = arguments.file("from"); !from.empty()) load_safetensors(from, vae);
    VaeTrainer trainer{vae, Adam{{.learning_rate = 2e-3}}};
    const Index steps = arguments.whole("steps");

    // The first digits of the test set above what the VAE makes of them.
    const GridOptions size{.height = mnist.test.height, .width = mnist.test.width, .scale = 2};
    const Variable<float, 2> digits = slice(Variable(test), 0, 0, 16);
    const auto draw_reconstructions = [&] {
      const Variable<float, 2> redrawn{vae.reconstruct(digits.value())};
      std::vector<Variable<float, 2>> rows;
      for (const Index half : {0, 8})
        for (const auto& x : {digits, redrawn}) rows.push_back(slice(x, 0, half, half + 8));
      return draw_grid(concatenate(std::span<const Variable<float, 2>>(rows), 0).value(), size);
    };
    Rng own_rng(arguments.seed() + 1);  // so that the training is the same without these
    const Tensor<float, 2> z = vae.prior.sample(64, own_rng);
    const auto samples = [&] { return draw_grid(vae.decode(z), size); };
    const auto watch = film_and_report(
        arguments, "vae_film.png", arguments.file("report"),
        {.title = "VAE on MNIST",
         .model = summary(vae, digits.value()),
         .pictures = {{"samples", samples}, {"reconstructions", draw_reconstructions}},
         .explorer = Explorer{
             vae, {.codes = [&] { return vae.encode(digits.value()); }, .height = size.height, .width = size.width}}});
    const auto history = trainer.fit(mnist.train.images, test,
                                     {.steps = steps,
                                      .epochs = steps > 0 ? 0 : arguments.whole("epochs"),
                                      .batch_size = 128,
                                      .progress = ProgressBar{},
                                      .checkpoint = arguments.checkpoint(),
                                      .watch = watch},
                                     rng);

    Series train{"training", {}}, held_out{"test", {}};
    for (const VaeLosses& losses : steps > 0 ? history.steps : history.epochs) train.values.push_back(losses.loss);
    for (const VaeLosses& losses : history.held_out) held_out.values.push_back(losses.loss);
    std::printf("test loss per epoch, nats:");
    for (const double loss : held_out.values) std::printf(" %.1f", loss);
    std::printf("\n");

    // The way from one digit to another.
    const Tensor<float, 2> codes = vae.encode(digits.value());
    const auto code = [&](Index i) {
      return Tensor<float, 1>(Shape{latents}, codes.values().subspan(static_cast<std::size_t>(latents * i), latents));
    };
    std::vector<Variable<float, 2>> ways;
    for (const Index i : {0, 2, 4, 6, 8}) ways.push_back(vae.interpolate(code(i), code(i + 1), 8));

    save_png(arguments.out("vae_reconstructions.png"), draw_reconstructions());
    save_grid(arguments.out("vae_samples.png"), vae.sample(64, rng), size);
    save_grid(arguments.out("vae_interpolation.png"), concatenate(std::span<const Variable<float, 2>>(ways), 0).value(),
              size);
    save_chart(arguments.out("vae_loss.png"), {train, held_out},
               {.title = "VAE on MNIST", .x_label = steps > 0 ? "step" : "epoch", .y_label = "negative ELBO, nats"});
    save_safetensors(arguments.out("vae.safetensors"), vae);
    for (const char* name :
         {"vae_reconstructions.png", "vae_samples.png", "vae_interpolation.png", "vae_loss.png", "vae.safetensors"})
      std::printf("%s\n", arguments.out(name).c_str());
  });
}
