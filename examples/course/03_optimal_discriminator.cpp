// SPDX-License-Identifier: MIT
// The best discriminator measures how far apart two distributions are.
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
#include "line.hpp"
using namespace eigenesis;

namespace {

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Index steps = lesson.whole("steps");
  const double width = 0.01;  // of a cell of the grid, which covers all densities
  const Tensor<double, 2> x = points_between(-8, 12, width);
  const std::vector<double> p = density(mixture_of_gaussians({1}, {0}, {1}), x);
  std::vector<Series> curves;

  struct Case {
    double mean, loss;
  };
  for (const auto& [mean, loss] : {Case{0.5, 1.325672}, Case{1, 1.163451}, Case{2, 0.712633}, Case{4, 0.120854}}) {
    const std::string m = "m = " + std::to_string(mean).substr(0, 3);
    const std::vector<double> q = density(mixture_of_gaussians({1}, {mean}, {1}), x);
    lesson.exact(m + ": 2 ln 2 - 2 JS(p, q)", 2 * std::numbers::ln2 - 2 * jensen_shannon_divergence(p, q), loss, 1e-6);

    // G is fixed, its samples are N(mean, 1); D learns to the end.
    const StandardNormal data(1);
    Generator generator{Shift{static_cast<float>(mean)}, data};
    Discriminator discriminator{Sequential{Linear(1, 32, rng), Tanh{}, Linear(32, 1, rng)}};
    GanTrainer trainer{generator, discriminator, Minimax{}, Adam{},
                       Adam{{.learning_rate = 1e-2, .schedule = CosineSchedule{.steps = steps}}}};
    for (Index step = 0; step < steps; ++step) trainer.train_discriminator(data.sample(512, rng), rng);

    // Its loss, an integral over the grid, and D itself point by point.
    const Tensor<float, 2> d = discriminator.probability(Tensor<float, 2>(x.matrix().cast<float>()));
    double trained_loss = 0, distance = 0;
    Series best{m + ": p / (p + q)"}, trained{m + ": D"};
    for (Index i = 0; i < x.size(); ++i) {
      const auto k = static_cast<std::size_t>(i);
      const double learned = d(i, 0), optimal = p[k] / (p[k] + q[k]);
      trained_loss -= width * (p[k] * std::log(learned) + q[k] * std::log(1 - learned));
      distance += width * (p[k] + q[k]) / 2 * std::abs(learned - optimal);
      if (i % 20 != 0 || x(i, 0) < -4 || x(i, 0) > 6) continue;
      best.add(x(i, 0), optimal);
      trained.add(x(i, 0), learned);
    }
    lesson.measured(m + ": loss of the trained D", trained_loss, loss, loss + 0.0015);
    lesson.at_most(m + ": mean of |D - p / (p + q)|", distance, 0.006);
    if (mean == 1 || mean == 4) curves.insert(curves.end(), {best, trained});
  }
  save_chart(lesson.picture(), curves,
             {.title = "D trained between N(0, 1) and N(m, 1)", .x_label = "x", .y_label = "D(x)"});
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "03_optimal_discriminator",
                    "For a fixed G the best D is p / (p + q), and its loss is 2 ln 2 - 2 JS(p, q).",
                    {{"steps", "1000", "updates of each discriminator"}}, teach);
}
