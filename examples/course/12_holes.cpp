// SPDX-License-Identifier: MIT
// The codes of an autoencoder lie where they happen to: around and between them, the decoder draws what it never
// learned.
#include <eigenesis/eigenesis.hpp>

#include "digits.hpp"
#include "lesson.hpp"
using namespace eigenesis;

namespace {

/// A judge: how sure a classifier, trained on the true digits, is of what it reads.
struct Reader {
  Sequential<Linear<float>, Relu, Linear<float>> network;

  Reader(const LabelledImages& digits, Index steps, Rng& rng)
      : network{Linear(784, 128, rng), Relu{}, Linear(128, 10, rng)} {
    train_classifier(network, digits, steps, rng);
  }
  /// The share of pictures [N, 784] that it reads with a probability above 0.9.
  double sure(const Tensor<float, 2>& pictures) const {
    const NoGradient no_gradient;
    const Variable<float, 1> greatest = maximum(softmax(network(pictures), 1), 1);
    return (greatest.value().array() > 0.9f).cast<double>().mean();
  }
};

auto trunk(Rng& rng) { return Sequential{Linear(784, 128, rng), Relu{}, Linear(128, 64, rng), Relu{}}; }
auto decoder(Index latents, Rng& rng) {
  return Decoder{Sequential{Linear(latents, 64, rng), Relu{}, Linear(64, 128, rng), Relu{}, Linear(128, 784, rng)},
                 BernoulliLikelihood{}};
}

/// Codes in units of their own: z = middle + spread * u, where u has mean 0 and deviation 1 along each axis.
struct Units {
  Eigen::RowVectorXf middle, spread;

  explicit Units(const Tensor<float, 2>& z)
      : middle(z.matrix().colwise().mean()),
        spread((z.matrix().rowwise() - middle).colwise().norm() / std::sqrt(static_cast<float>(z.shape(0)))) {}
  Tensor<float, 2> to_code(const Tensor<float, 2>& u) const {
    return Tensor<float, 2>((u.matrix().array().rowwise() * spread.array()).matrix().rowwise() + middle);
  }
  Tensor<float, 2> from_code(const Tensor<float, 2>& z) const {
    return Tensor<float, 2>((z.matrix().rowwise() - middle).array().rowwise() / spread.array());
  }
};

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Mnist mnist = load_mnist(lesson.text("data"));
  const Tensor<float, 2> digits = first_rows(mnist.test.images, 1000);
  const Reader reader(mnist.train, lesson.whole("steps"), rng);
  const auto autoencoder = [&](Index latents) {
    Autoencoder model{Encoder{trunk(rng), Linear(64, latents, rng)}, decoder(latents, rng)};
    AutoencoderTrainer{model}.fit(mnist.train.images, {.steps = lesson.whole("steps")}, rng);
    return model;
  };
  std::vector<TitledPicture> parts;
  const auto strip = [&](const std::string& title, const Tensor<float, 2>& pictures) {
    parts.emplace_back(title, draw_grid(first_rows(pictures, 10), {.columns = 10}));
  };
  lesson.at_least("surely read: true digits", reader.sure(digits), 0.8);

  // A plane of codes, and what the decoder makes of each point of it.
  const auto plane = autoencoder(2);
  const Tensor<float, 2> points = plane.encode(first_rows(digits, 500));
  const Units units(points);
  const Index side = 9;
  Tensor<float, 2> grid(Shape{side * side, Index{2}});
  for (Index i = 0; i < side * side; ++i) {
    grid(i, 0) = 6 * static_cast<float>(i % side) / static_cast<float>(side - 1) - 3;
    grid(i, 1) = 3 - 6 * static_cast<float>(i / side) / static_cast<float>(side - 1);
  }
  const std::vector<int> labels(mnist.test.labels.begin(), mnist.test.labels.begin() + points.shape(0));
  parts.emplace_back("2 numbers: codes of test digits",
                     draw_scatter(units.from_code(points), {.labels = labels, .limit = 3, .size = 330}));
  parts.emplace_back("2 numbers: what is decoded there",
                     draw_grid(plane.decode(units.to_code(grid)), {.columns = side}));

  // The share that is surely read of what is decoded at codes, half way between two codes, at normal points that are
  // spread as the codes are, and at draws from N(0, I).
  struct Shares {
    double codes, half_way, spread, standard;
  };
  const auto look = [&](const std::string& name, const auto& model) {
    const Tensor<float, 2> codes = model.encode(digits), normal = StandardNormal(codes.shape(1)).sample(1000, rng);
    const Tensor<float, 2> between((codes.matrix().topRows(999) + codes.matrix().bottomRows(999)) / 2);
    const auto share = [&](const std::string& where, const Tensor<float, 2>& z) {
      const Tensor<float, 2> pictures = model.decode(z);
      if (codes.shape(1) > 2) strip(name + where, pictures);
      lesson.show("surely read: " + name + where, reader.sure(pictures));
      return reader.sure(pictures);
    };
    return Shares{share(", at codes", codes), share(", half way", between),
                  share(", normal", Units(codes).to_code(normal)), share(", N(0, I)", normal)};
  };
  strip("test digits", digits);
  const Shares two = look("2 numbers", plane), many = look("16 numbers", autoencoder(16));
  lesson.at_least("2 numbers: at codes, more than half way", two.codes - two.half_way, 0.02);
  lesson.at_least("16 numbers: at codes, more than half way", many.codes - many.half_way, 0.3);
  lesson.at_least("16 numbers: at codes, more than at normal points", many.codes - many.spread, 0.35);

  // A VAE's codes are held near N(0, I), so that whoever draws from it finds them.
  Vae vae{Encoder{trunk(rng), Linear(64, 16, rng), Linear(64, 16, rng)}, decoder(16, rng), StandardNormal(16)};
  VaeTrainer{vae}.fit(mnist.train.images, {.steps = lesson.whole("steps")}, rng);
  const Tensor<float, 2> samples = vae.sample(1000, rng);
  strip("VAE of 16 numbers, N(0, I)", samples);
  lesson.show("surely read: VAE of 16 numbers, N(0, I)", reader.sure(samples));
  lesson.at_least("N(0, I): VAE, more than autoencoder, of 16 numbers", reader.sure(samples) - many.standard, 0.1);

  save_png(lesson.picture(), beside(parts, 2));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "12_holes",
                    "An autoencoder's decoder is right near its codes; between them it draws what it never learned.",
                    {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"},
                     {"steps", "2000", "updates of each model"}},
                    teach);
}
