// SPDX-License-Identifier: MIT
// Why G minimises -log D rather than log(1 - D).
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
using namespace eigenesis;

namespace {

/// G's loss for one sample that D takes for real with probability d, and its slope in D's logit, where D =
/// sigmoid(logit).
struct LossAndSlope {
  double loss, slope;
};
LossAndSlope at(double d, const auto& objective) {
  const auto logit = watch(Tensor<double, 2>(Shape{Index{1}, Index{1}}, std::log(d / (1 - d))));  // [1, 1]
  const auto loss = objective.generator_loss(logit);
  return {loss.item(), gradient(loss, logit).item()};
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const std::string minimax = "log(1 - D)", non_saturating = "-log D";

  // In theory: whatever G is, a sample is pushed by the slope, which is -D for log(1 - D) and D - 1 for -log D.
  for (const double d : {0.5, 0.01, 0.0001}) {
    const std::string where = ": slope at D = " + std::to_string(d).substr(0, 6);
    lesson.exact(minimax + where, at(d, Minimax{}).slope, -d, 1e-14);
    lesson.exact(non_saturating + where, at(d, NonSaturating{}).slope, d - 1, 1e-14);
  }
  std::vector<Series> losses{Series{minimax}, Series{non_saturating}}, slopes = losses, norms = losses;
  for (double d = 1e-4; d < 0.995; d *= 1.02) {
    const LossAndSlope of[] = {at(d, Minimax{}), at(d, NonSaturating{})};
    for (std::size_t i = 0; i < 2; ++i) {
      losses[i].add(d, of[i].loss);
      slopes[i].add(d, -of[i].slope);
    }
  }

  // In practice: G has not learned anything, D learns to tell its samples from digits.
  const Tensor<float, 2> digits = load_mnist(lesson.text("data")).train.images;  // [60000, 784]
  Generator generator{Sequential{Linear(64, 128, rng), Relu{}, Linear(128, 784, rng), Sigmoid{}}, StandardNormal(64)};
  Discriminator discriminator{Sequential{Linear(784, 128, rng), LeakyRelu{0.2}, Linear(128, 1, rng)}};
  GanTrainer trainer{generator, discriminator, Minimax{}};
  Batches batches{digits, {.batch_size = 64}};
  const Variable z(generator.prior.sample(512, rng));
  Series fooled{"mean of D(G(z))"};
  for (const Index steps : {1, 3, 10, 30, 100, 300, 1000}) {
    while (trainer.discriminator_optimizer.steps() < steps) trainer.train_discriminator(batches.next(rng), rng);
    const auto logits = discriminator(generator(z));  // [512, 1]
    const auto norm = [&](const auto& objective) {
      return parameter_gradients(objective.generator_loss(logits), generator).norm();
    };
    fooled.add(steps, mean(sigmoid(logits)).item());
    norms[0].add(steps, norm(Minimax{}));
    norms[1].add(steps, norm(NonSaturating{}));
    const std::string after = " after " + std::to_string(steps) + " steps of D";
    lesson.show(fooled.name + after, fooled.values.back());
    for (const Series& s : norms) lesson.show(s.name + ": norm of G's gradient" + after, s.values.back());
  }
  const auto change = [](const Series& norm) { return norm.values.back() / norm.values.front(); };
  lesson.at_most(minimax + ": last norm / first norm", change(norms[0]), 0.004);
  lesson.at_least(non_saturating + ": last norm / first norm", change(norms[1]), 8);

  std::vector<TitledPicture> parts;
  const auto chart = [&](const std::vector<Series>& series, ChartOptions options) {
    options.logarithmic_x = true, options.width = 560, options.height = 360;
    parts.push_back(draw_chart(series, options));
  };
  chart(losses, {.title = "G's loss for one sample", .x_label = "D(G(z))"});
  chart(slopes, {.title = "Size of its slope in D's logit", .x_label = "D(G(z))", .logarithmic = true});
  chart({fooled}, {.title = "Mean of D(G(z)) on digits", .x_label = "steps of D", .logarithmic = true});
  chart(norms, {.title = "Norm of G's gradient on digits", .x_label = "steps of D", .logarithmic = true});
  save_png(lesson.picture(), beside(parts, 2));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(
      argc, argv, "05_minimax_saturates", "Where D is sure, log(1 - D) leaves G no gradient, and -log D does.",
      {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"}}, teach);
}
