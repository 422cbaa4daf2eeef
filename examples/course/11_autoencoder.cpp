// SPDX-License-Identifier: MIT
// Digits through a bottleneck of 30 numbers: by principal components, by a linear autoencoder, by one with hidden
// layers, and by one that learned to undo noise.
#include <Eigen/Eigenvalues>
#include <eigenesis/eigenesis.hpp>

#include "digits.hpp"
#include "lesson.hpp"
using namespace eigenesis;

namespace {

constexpr Index code_size = 30;

/// Adds noise to what the encoder sees in training, [N, 784]: the decoder is still asked for the clean picture.
struct Corrupt {
  double deviation = 0;
  auto operator()(const auto& x, Pass pass = {}) const {
    return !pass.is_training() ? x : x + deviation * Variable(StandardNormal(x.shape(1)).sample(x.shape(0), pass.rng()));
  }
};

/// What the best code of that many numbers loses that decodes linearly: the variance of all further principal
/// components.
double principal_component_floor(const Tensor<float, 2>& x) {
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(x.shape(1), x.shape(1));
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(x.shape(1));
  Rng rng;
  Batches batches{x, {.batch_size = 1000, .shuffle = false}};
  for (const auto& batch : batches.epoch(rng)) {
    const Variable<float, 2> rows = batch;
    covariance += matmul(transpose(rows), rows).value().matrix().cast<double>();
    mean += batch.matrix().cast<double>().colwise().sum().transpose();
  }
  const double n = static_cast<double>(x.shape(0));
  covariance = covariance / n - mean / n * mean.transpose() / n;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance, Eigen::EigenvaluesOnly);
  return solver.eigenvalues().head(x.shape(1) - code_size).sum();  // in increasing order
}

/// Squared error of a picture, mean over all.
double error(const Tensor<float, 2>& x, const Tensor<float, 2>& y) {
  return (x.matrix().cast<double>() - y.matrix().cast<double>()).squaredNorm() / static_cast<double>(x.shape(0));
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Mnist mnist = load_mnist(lesson.text("data"));
  const Tensor<float, 2>&train = mnist.train.images, &test = mnist.test.images;
  const Index steps = lesson.whole("steps");
  const auto fit = [&](auto& model, double learning_rate) {
    Adam adam{{.learning_rate = learning_rate, .schedule = CosineSchedule{.steps = steps}}};
    AutoencoderTrainer{model, adam}.fit(train, {.steps = steps}, rng);
  };

  Autoencoder linear{Encoder{Sequential{}, Linear(784, code_size, rng)},
                     Decoder{Linear(code_size, 784, rng), SquaredError{}}};
  fit(linear, 3e-3);
  const double floor = principal_component_floor(train);
  const double left = error(train, linear.reconstruct(train));
  lesson.measured("training digits: left by 30 principal components", floor, 14.2070, 14.2072);
  lesson.at_most("training digits: linear autoencoder", left, 1.02 * floor);
  lesson.exact("training digits: linear autoencoder below principal components", std::max(0.0, floor - left), 0, 1e-4);

  const auto deep = [&](double noise) {
    return Autoencoder{
        Encoder{Sequential{Corrupt{noise}, Linear(784, 256, rng), Relu{}}, Linear(256, code_size, rng)},
        Decoder{Sequential{Linear(code_size, 256, rng), Relu{}, Linear(256, 784, rng), Sigmoid{}}, SquaredError{}}};
  };
  auto plain = deep(0), denoising = deep(0.5);
  fit(plain, 2e-3);
  fit(denoising, 2e-3);
  lesson.at_most("training digits: autoencoder", error(train, plain.reconstruct(train)), 7.5);
  lesson.show("test digits: linear autoencoder", error(test, linear.reconstruct(test)));
  lesson.at_most("test digits: autoencoder", error(test, plain.reconstruct(test)), 7.5);

  const Tensor<float, 2> noisy(test.matrix() + 0.5f * StandardNormal(784).sample(test.shape(0), rng).matrix());
  lesson.show("noisy test digits", error(test, noisy));
  lesson.at_least("noisy test digits: autoencoder", error(test, plain.reconstruct(noisy)), 19);
  lesson.at_most("noisy test digits: denoising autoencoder", error(test, denoising.reconstruct(noisy)), 15);
  lesson.show("test digits: denoising autoencoder", error(test, denoising.reconstruct(test)));

  const Tensor<float, 2> some = first_rows(test, 16), some_noisy = first_rows(noisy, 16);
  std::vector<TitledPicture> parts;
  const auto draw = [&](const char* title, const Tensor<float, 2>& digits) {
    parts.emplace_back(title, draw_grid(digits, {.columns = 16, .range = {.clip = true}}));
  };
  draw("test digits", some);
  draw("with noise", some_noisy);
  draw("linear autoencoder", linear.reconstruct(some));
  draw("autoencoder, of the noisy ones", plain.reconstruct(some_noisy));
  draw("autoencoder", plain.reconstruct(some));
  draw("denoising autoencoder, of the noisy ones", denoising.reconstruct(some_noisy));
  save_png(lesson.picture(), beside(parts, 2));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "11_autoencoder",
                    "A linear autoencoder finds principal components; hidden layers and noise teach it more.",
                    {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"},
                     {"steps", "2000", "updates of each autoencoder"}},
                    teach);
}
