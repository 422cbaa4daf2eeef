// SPDX-License-Identifier: MIT
// A GAN and a VAE that are told which digit to draw, and a classifier that reads what they drew.
#include <eigenesis/eigenesis.hpp>

#include "arguments.hpp"
#include "classifier.hpp"
#include "watching.hpp"
using namespace eigenesis;

namespace {

constexpr Index pixels = 28 * 28, classes = 10, across = 12;  // digits in a row of the pictures

/// `count` conditions for each digit in turn, one-hot, [10 count, 10].
Tensor<float, 2> each_digit(Index count) {
  std::vector<int> digits;
  for (int digit = 0; digit < classes; ++digit) digits.insert(digits.end(), static_cast<std::size_t>(count), digit);
  return one_hot(digits, classes);
}

/// A discriminator's network that compares what x looks like with the condition (Miyato and Koyama 2018): a score of x
/// by itself, and the inner product of its features and those of its class.
template <class Trunk>
struct ProjectionJudge {
  Trunk trunk;
  Linear<> score, of_class;

  auto operator()(const auto& x, const auto& condition, Pass pass = {}) const {
    const auto features = trunk(x, pass);
    return score(features) + reshape(sum(features * of_class(condition), 1), Shape{x.shape(0), 1});
  }
  static void fields(auto& self, auto&& field) {
    field("trunk", self.trunk);
    field("score", self.score);
    field("of_class", self.of_class);
  }
};
template <class Trunk>
ProjectionJudge(Trunk, Linear<>, Linear<>) -> ProjectionJudge<Trunk>;

/// Pixels in [0, 1] -> [-1, 1], the range of tanh.
Tensor<float, 2> signed_pixels(Tensor<float, 2> x) {
  x.array() = 2 * x.array() - 1;
  return x;
}

}  // namespace

int main(int argc, char** argv) {
  return run_example("conditional_digits", [&] {
    Arguments arguments(
        argc, argv, "Trains a conditional GAN and a conditional VAE; draws each digit; a classifier reads them.",
        {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST"},
         {"epochs", "8", "passes of the GAN over the training images"},
         {"vae-epochs", "10", "passes of the VAE"},
         {"classifier-epochs", "5", "passes of the classifier"},
         {"steps", "0", "updates of each model, instead of epochs"},
         {"checkpoint", "none",
          "how the names of three files begin that keep the trainings after each epoch; the same call "
          "goes on from there"},
         film_option,
         {"report", "none", "how the names of three HTML files about the trainings begin: x gives x.gan.html"},
         {"count", "1000", "samples of each digit that the classifier reads"}});
    Rng rng(arguments.seed());
    Mnist mnist = load_mnist(arguments.text("data"));
    const auto labelled = [](LabelledImages& digits) {
      return Conditioned{std::move(digits.images), one_hot(digits.labels, classes)};
    };
    Conditioned train = labelled(mnist.train);
    const Conditioned test = labelled(mnist.test);
    const Index steps = arguments.whole("steps");
    const auto epochs = [&](const char* option) { return steps > 0 ? 0 : arguments.whole(option); };
    const auto checkpoint = [&](const char* model) {
      const std::string begin = arguments.file("checkpoint");
      return Checkpoint{.path = begin.empty() ? "" : begin + "." + model};
    };
    const GridOptions rows{.columns = across, .height = 28, .width = 28, .scale = 2};
    const auto watch = [&](const std::string& model, std::vector<DrawnPicture> pictures = {}) {
      const std::string begin = arguments.file("report");
      return film_and_report(arguments, "conditional_" + model + "_film.png",
                             begin.empty() ? "" : begin + "." + model + ".html", {.pictures = std::move(pictures)});
    };
    const LeakyRelu leaky{0.2};

    // The classifier, for digits in [0, 1].
    const Conv2dOptions same_size{.padding = 1};
    Sequential classifier{Unflatten{28, 28, 1},
                          Conv2d(1, 16, 3, same_size, rng),
                          Relu{},
                          MaxPool2d{2},
                          Conv2d(16, 32, 3, same_size, rng),
                          Relu{},
                          MaxPool2d{2},
                          Flatten{},
                          Dropout(0.3),
                          Linear(7 * 7 * 32, classes, rng)};
    ClassifierTrainer<decltype(classifier)> classifier_trainer{classifier};
    fit(classifier_trainer, train, test,
        {.steps = steps,
         .epochs = epochs("classifier-epochs"),
         .progress = ProgressBar{"classifier"},
         .checkpoint = checkpoint("classifier"),
         .watch = watch("classifier")},
        rng);
    std::printf("classifier: %.2f %% of the test digits are read right\n",
                100 * evaluate(classifier_trainer, test, rng).accuracy);

    // Both networks of a conditional VAE are told the digit (Sohn et al. 2015). A KL term of weight 3 and few latents
    // leave them no room to say again which digit it is.
    Vae vae{Encoder{Sequential{AppendCondition{}, Linear(pixels + classes, 400, rng), Relu{}}, Linear(400, 10, rng),
                    Linear(400, 10, rng)},
            Decoder{Sequential{AppendCondition{}, Linear(10 + classes, 400, rng), Relu{}, AppendCondition{},
                               Linear(400 + classes, 400, rng), Relu{}, Linear(400, pixels, rng)},
                    BernoulliLikelihood{}},
            StandardNormal(10)};
    VaeTrainer vae_trainer{vae, {.beta = 3}, MovingAverage{vae}};
    const auto draw_with_vae = [&] {
      Rng own_rng(arguments.seed() + 1);
      return draw_grid(vae_trainer.average.model.sample(each_digit(across), own_rng), rows);
    };
    vae_trainer.fit(train,
                    {.steps = steps,
                     .epochs = epochs("vae-epochs"),
                     .progress = ProgressBar{"conditional VAE"},
                     .checkpoint = checkpoint("vae"),
                     .watch = watch("vae", {{"samples", draw_with_vae}})},
                    rng);

    // And both of a conditional GAN (Mirza and Osindero 2014), here of convolutions.
    train.samples = signed_pixels(std::move(train.samples));
    const ConvTranspose2dOptions enlarge{.stride = 2, .padding = 1};
    const Conv2dOptions halve{.stride = 2, .padding = 1};
    Generator generator{Sequential{AppendCondition{}, Linear(64 + classes, 7 * 7 * 64, rng), BatchNorm(7 * 7 * 64),
                                   Relu{}, Unflatten{7, 7, 64}, ConvTranspose2d(64, 32, 4, enlarge, rng), BatchNorm(32),
                                   Relu{}, ConvTranspose2d(32, 1, 4, enlarge, rng), Tanh{}, Flatten{}},
                        StandardNormal(64)};
    Discriminator discriminator{ProjectionJudge{
        Sequential{Unflatten{28, 28, 1}, Conv2d(1, 32, 4, halve, rng), leaky, Dropout(0.2),
                   Conv2d(32, 64, 4, halve, rng), leaky, Flatten{}, Dropout(0.2), Linear(7 * 7 * 64, 128, rng), leaky},
        Linear(128, 1, rng), Linear(classes, 128, rng)}};
    const Adam for_generator{{.learning_rate = 5e-4, .beta1 = 0.5}};
    const Adam for_discriminator{{.learning_rate = 2e-4, .beta1 = 0.5}};
    GanTrainer gan_trainer{generator,     discriminator,     NonSaturating{},
                           for_generator, for_discriminator, MovingAverage{generator}};
    const auto draw_with_gan = [&] {
      Rng own_rng(arguments.seed() + 1);
      const auto samples = gan_trainer.average.model.sample(each_digit(across), own_rng);
      return draw_grid(samples, {.columns = across, .height = 28, .width = 28, .scale = 2, .range = {-1, 1}});
    };
    gan_trainer.fit(train,
                    {.steps = steps,
                     .epochs = epochs("epochs"),
                     .progress = ProgressBar{"conditional GAN"},
                     .checkpoint = checkpoint("gan"),
                     .watch = watch("gan", {{"samples", draw_with_gan}})},
                    rng);

    // What the classifier reads of both. The averages of their weights draw steadier than the last weights.
    const Generator drawer = gan_trainer.average.model;
    const Vae vae_drawer = vae_trainer.average.model;
    const auto drawn_by_gan = [&](const Tensor<float, 2>& digits) {
      Tensor<float, 2> x = drawer.sample(digits, rng);
      x.array() = (x.array() + 1) / 2;
      return x;
    };
    const Tensor<float, 2> asked = each_digit(arguments.whole("count")), shown = each_digit(across);
    const auto share_read_as_asked = [&](const char* model, const Tensor<float, 2>& samples) {
      const double share = evaluate(classifier_trainer, Conditioned{samples, asked}, rng).accuracy;
      std::printf("conditional %s: %.2f %% of %td samples are read as asked for\n", model, 100 * share, asked.shape(0));
    };
    share_read_as_asked("GAN", drawn_by_gan(asked));
    share_read_as_asked("VAE", vae_drawer.sample(asked, rng));

    // One row for each digit.
    const std::pair<const char*, Tensor<float, 2>> pictures[] = {
        {"conditional_gan.png", drawn_by_gan(shown)}, {"conditional_vae.png", vae_drawer.sample(shown, rng)}};
    for (const auto& [name, samples] : pictures) {
      save_grid(arguments.out(name), samples, rows);
      std::printf("%s\n", arguments.out(name).c_str());
    }
    save_safetensors(arguments.out("conditional_gan.safetensors"), drawer);
    std::printf("%s\n", arguments.out("conditional_gan.safetensors").c_str());
  });
}
