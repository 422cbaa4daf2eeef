// SPDX-License-Identifier: MIT
// An autoencoder, a VAE and a GAN on the same digits: one network that draws, one budget, one table.
#include <ctime>
#include <eigenesis/eigenesis.hpp>

#include "digits.hpp"
#include "lesson.hpp"
using namespace eigenesis;

namespace {

constexpr Index pixels = 784, latents = 20, count = 5000;  // so many samples of each

/// Which digit is it? A model of one's own, x [N, 784] -> logits [N, 10], and what its last layer sees, [N, 64].
struct Classifier {
  Sequential<Linear<>, Relu, Linear<>, Relu> trunk;
  Linear<> head;

  explicit Classifier(Rng& rng)
      : trunk(Linear(pixels, 256, rng), Relu{}, Linear(256, 64, rng), Relu{}), head(64, 10, rng) {}
  auto operator()(const auto& x) const { return head(trunk(x)); }

  Tensor<float, 2> features(const Tensor<float, 2>& images) const {
    const NoGradient no_gradient;
    return trunk(Variable(images)).value();
  }
  std::vector<int> classes(const Tensor<float, 2>& images) const {
    const NoGradient no_gradient;
    const Tensor<float, 2> logits = (*this)(Variable(images)).value();
    std::vector<int> best(static_cast<std::size_t>(images.shape(0)));
    for (Index i = 0; i < images.shape(0); ++i) logits.matrix().row(i).maxCoeff(&best[static_cast<std::size_t>(i)]);
    return best;
  }
  static void fields(auto& self, auto&& field) {
    field("trunk", self.trunk);
    field("head", self.head);
  }
};

/// How good the samples of a model are.
struct Scores {
  double error, sharpness, distance, classes;
  Prdc near;
};

double squared_error(const auto& model, const Tensor<float, 2>& images) {
  return (model.reconstruct(images).array() - images.array()).square().sum() / static_cast<float>(images.shape(0));
}

/// -sum(p ln p) of the shares of the classes, in nats: ln 10 = 2.303 if all are drawn alike.
double entropy_of(const std::vector<int>& classes) {
  std::vector<double> shares(10);
  for (const int k : classes) shares[static_cast<std::size_t>(k)] += 1 / static_cast<double>(classes.size());
  double entropy = 0;
  for (const double p : shares) entropy -= p > 0 ? p * std::log(p) : 0;
  return entropy;
}

/// Of all threads together: other programs on the machine do not count.
double processor_seconds(const auto& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

/// A dash for nan.
std::string known(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", number);
  return std::isnan(number) ? "-" : text;
}

/// Codes [n, L] from the normal distribution with the mean and the deviation of the given ones, latent by latent.
Tensor<float, 2> like_codes(const Tensor<float, 2>& codes, Index n, Rng& rng) {
  const GaussianFit fit = fit_gaussian(codes);
  Tensor<float, 2> z = StandardNormal(codes.shape(1)).sample(n, rng);
  for (Index j = 0; j < codes.shape(1); ++j)
    z.matrix().col(j).array() = static_cast<float>(fit.mean(j)) +
                                static_cast<float>(std::sqrt(fit.covariance(j, j))) * z.matrix().col(j).array();
  return z;
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Mnist mnist = load_mnist(lesson.text("data"));
  const Tensor<float, 2>& train = mnist.train.images;
  const Tensor<float, 2>& test = mnist.test.images;
  const Index rounds = lesson.whole("steps"), batch_size = 64;

  Classifier classifier(rng);
  train_classifier(classifier, mnist.train, 938, rng);  // two passes
  const std::vector<int> found = classifier.classes(test);
  double right = 0;
  for (std::size_t i = 0; i < found.size(); ++i) right += found[i] == mnist.test.labels[i] ? 1 : 0;
  lesson.at_least("classifier: share of test digits that it knows", right / static_cast<double>(found.size()), 0.94);

  // Samples are held against test digits, in what the classifier sees of both.
  const Tensor<float, 2> reference = classifier.features(first_rows(test, count));
  std::vector<TitledPicture> parts;
  std::printf("\n%13s%8s%11s%9s%11s%8s%9s%10s%9s%9s\n", "", "error", "sharpness", "Frechet", "precision", "recall",
              "density", "coverage", "classes", "seconds");
  const auto judge = [&](const std::string& name, const Tensor<float, 2>& samples, double error, double seconds) {
    const Tensor<float, 2> features = classifier.features(samples);
    const Scores s{error, sharpness(samples).array().mean(), frechet_distance(reference, features),
                   entropy_of(classifier.classes(samples)), precision_recall_density_coverage(reference, features)};
    std::printf("%13s%8s%11.4f%9.2f%11.3f%8.3f%9.3f%10.3f%9.3f%9s\n", name.c_str(), known(s.error).c_str(), s.sharpness,
                s.distance, s.near.precision, s.near.recall, s.near.density, s.near.coverage, s.classes,
                known(seconds).c_str());
    std::fflush(stdout);
    parts.emplace_back(name, draw_grid(first_rows(samples, 32), {.scale = 2}));
    return s;
  };
  const double none = std::nan("");
  const Scores real = judge("real digits", first_rows(train, count), none, none);

  // What all three have in common, z [N, 20] -> logits of the pixels [N, 784].
  const auto network = [&] {
    return Sequential{Linear(latents, 128, rng), BatchNorm(128), Relu{}, Linear(128, 256, rng), BatchNorm(256), Relu{},
                      Linear(256, pixels, rng)};
  };
  const auto trunk = [&] { return Sequential{Linear(pixels, 256, rng), Relu{}, Linear(256, 128, rng), Relu{}}; };

  Autoencoder autoencoder{Encoder{trunk(), Linear(128, latents, rng)}, Decoder{network(), BernoulliLikelihood{}}};
  double seconds = processor_seconds([&] {
    AutoencoderTrainer trainer{autoencoder};
    trainer.fit(train, {.steps = 2 * rounds, .batch_size = batch_size}, rng);
  });
  // It has no distribution of codes to draw from: take a normal one that is as wide as its codes.
  const Tensor<float, 2> codes = like_codes(autoencoder.encode(train), count, rng);
  const Scores ae = judge("autoencoder", autoencoder.decode(codes), squared_error(autoencoder, test), seconds);

  Vae model{Encoder{trunk(), Linear(128, latents, rng), Linear(128, latents, rng)},
            Decoder{network(), BernoulliLikelihood{}}, StandardNormal(latents)};
  seconds = processor_seconds([&] {
    VaeTrainer trainer{model};
    trainer.fit(train, {.steps = 2 * rounds, .batch_size = batch_size}, rng);
  });
  const Scores vae = judge("VAE", model.sample(count, rng), squared_error(model, test), seconds);

  Generator generator{Sequential{network(), Sigmoid{}}, StandardNormal(latents)};
  const LeakyRelu leaky{0.2};
  const Dropout dropout(0.3);
  Discriminator discriminator{
      Sequential{Linear(pixels, 256, rng), leaky, dropout, Linear(256, 128, rng), leaky, dropout, Linear(128, 1, rng)}};
  const Adam adam{{.learning_rate = 5e-4, .beta1 = 0.5}};
  seconds = processor_seconds([&] {
    GanTrainer trainer{generator, discriminator, NonSaturating{},
                       adam,      adam,          InstanceNoise{.sigma = 0.5, .schedule = LinearDecay{rounds}}};
    trainer.fit(train, {.steps = rounds, .batch_size = batch_size}, rng);
  });
  const Scores gan = judge("GAN", generator.sample(count, rng), none, seconds);
  std::printf("\n");

  lesson.at_most("error: autoencoder over VAE", ae.error / vae.error, 0.85);
  lesson.at_least("sharpness: GAN over VAE", gan.sharpness / vae.sharpness, 2.5);
  lesson.at_most("sharpness: VAE over real digits", vae.sharpness / real.sharpness, 0.4);
  lesson.at_least("recall: VAE less GAN", vae.near.recall - gan.near.recall, 0.02);
  lesson.at_least("coverage: VAE less GAN", vae.near.coverage - gan.near.coverage, 0.01);
  lesson.at_least("coverage: GAN less autoencoder", gan.near.coverage - ae.near.coverage, 0.1);
  lesson.at_least("Frechet: autoencoder over the worse of VAE and GAN",
                  ae.distance / std::max(vae.distance, gan.distance), 1.8);
  lesson.at_least("classes: least of the three", std::min({ae.classes, vae.classes, gan.classes}), 2);
  save_png(lesson.picture(), beside(parts, 2));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "21_side_by_side", "An autoencoder, a VAE and a GAN draw the same digits.",
                    {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST"},
                     {"steps", "5000", "rounds of the GAN; the others make two updates for each, as these cost half"}},
                    teach);
}
