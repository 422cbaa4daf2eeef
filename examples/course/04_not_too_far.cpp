// SPDX-License-Identifier: MIT
// G must not go far on the word of one D: it chases D's largest value, and its samples leave the data.
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
#include "line.hpp"
using namespace eigenesis;

namespace {

constexpr double cell = 0.2;  // a grid from -10 to 10
constexpr Index cells = 100;

/// x = z + network(z): samples begin near N(0, 1), and the network learns where to move each of them.
struct Move {
  Linear<> first, second;
  Move(Index width, Rng& rng) : first(1, width, rng), second(width, 1, rng) {}
  auto operator()(const auto& z) const { return z + second(tanh(first(z))); }
  static void fields(auto& self, auto&& field) {
    field("first", self.first);
    field("second", self.second);
  }
};

/// The density of samples on the grid; those beyond it count in its last cells.
std::vector<double> histogram(const Tensor<float, 2>& samples) {
  std::vector<double> result(cells);
  for (const float x : samples.values()) {
    const double at = std::clamp(std::floor(x / cell + cells / 2.0), 0.0, cells - 1.0);
    result[static_cast<std::size_t>(at)] += 1 / (cell * static_cast<double>(samples.size()));
  }
  return result;
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const GaussianMixture data = mixture_of_gaussians({0.5, 0.5}, {-1.5, 1.5}, {0.5, 0.5});
  const Tensor<double, 2> x = points_between(-10 + cell / 2, 10 - cell / 2, cell);  // the middles of the cells
  const std::vector<double> p = density(data, x);

  const Generator new_generator{Move(16, rng), StandardNormal(1)};
  const Discriminator new_discriminator{
      Sequential{Linear(1, 32, rng), Tanh{}, Linear(32, 32, rng), Tanh{}, Linear(32, 1, rng)}};
  const Adam<> adam{{.learning_rate = 1e-2, .beta1 = 0.5}};
  const Tensor<float, 2> z = new_generator.prior.sample(10'000, rng);  // [10000, 1]
  const auto over_x = [&](const std::string& name, const std::vector<double>& values) {
    Series series{name};
    for (Index i = 10; i < cells - 10; ++i) series.add(x(i, 0), values[static_cast<std::size_t>(i)]);
    return series;
  };

  // D learns to the end while G is fixed, then G learns on and on while D is fixed.
  const Index updates = 600;  // of G
  auto generator = new_generator;
  auto discriminator = new_discriminator;
  GanTrainer trainer{generator, discriminator, NonSaturating{}, adam, adam};
  for (int i = 0; i < 300; ++i) trainer.train_discriminator(data.sample(256, rng), rng);
  const Tensor<float, 2> d = discriminator.probability(Tensor<float, 2>(x.matrix().cast<float>()));
  std::vector<Series> chase{over_x("data", p), over_x("D", {d.values().begin(), d.values().end()}),
                            over_x("G, before", histogram(generator.decode(z)))};
  Series js{"JS(data, G)"}, fooled{"D(G(z))"};
  for (Index update = 0; update <= updates; ++update) {
    const Tensor<float, 2> samples = generator.decode(z);
    js.add(update, jensen_shannon_divergence(p, histogram(samples)));
    fooled.add(update, discriminator.probability(samples).array().mean());
    trainer.train_generator(256, rng);
  }
  chase.push_back(over_x("G, after", histogram(generator.decode(z))));
  const auto rise = [](const Series& series) { return series.values.back() - series.values.front(); };
  const double fall = js.values.front() - *std::min_element(js.values.begin(), js.values.end());
  lesson.at_least("D fixed: rise of D(G(z))", rise(fooled), 0.1);
  lesson.at_least("D fixed: first fall of JS", fall, 0.003);
  lesson.at_least("D fixed: rise of JS in the end", rise(js), 0.15);

  // The same start, with k updates of D for each of G.
  struct Pace {
    std::string name;
    GanOptions options;  // updates of D, updates of G
  };
  std::vector<Series> distances, means;
  std::vector<double> late;  // mean JS over the second half
  for (const Pace& pace :
       {Pace{"k = 1/20", {1, 20}}, Pace{"k = 1", {1, 1}}, Pace{"k = 5", {5, 1}}, Pace{"k = 20", {20, 1}}}) {
    auto paced_generator = new_generator;
    auto paced_discriminator = new_discriminator;
    GanTrainer paced{paced_generator, paced_discriminator, NonSaturating{}, adam, adam, pace.options};
    Series distance{pace.name}, mean{pace.name};
    const auto look = [&](const auto& now) {
      const Tensor<float, 2> samples = paced_generator.decode(z);
      const Index update = now.step * pace.options.generator_steps;
      distance.add(update, jensen_shannon_divergence(p, histogram(samples)));
      mean.add(update, samples.array().mean());
    };
    paced.fit(data, {.steps = updates / pace.options.generator_steps, .batch_size = 256, .on_step = look}, rng);
    late.push_back(mean_between(distance, updates / 2.0 + 1, updates));
    lesson.show(pace.name + ": mean JS of the second half", late.back());
    distances.push_back(distance);
    means.push_back(mean);
  }
  lesson.at_least("JS, k = 1/20 over k = 1", late[0] / late[1], 2.2);
  lesson.at_least("JS, k = 1 over k = 5", late[1] / late[2], 2);

  std::vector<TitledPicture> parts;
  const auto chart = [&](const std::vector<Series>& series, ChartOptions options) {
    options.width = 520, options.height = 370;
    parts.push_back(draw_chart(series, options));
  };
  chart(chase, {.title = "D fixed: samples before and after", .x_label = "x"});
  chart({js, fooled},
        {.title = "D fixed: D is fooled, but JS grows", .x_label = "updates of G", .logarithmic_x = true});
  chart(distances, {.title = "JS(data, G), k updates of D for each of G",
                    .x_label = "updates of G",
                    .logarithmic = true,
                    .logarithmic_x = true});
  chart(means, {.title = "Mean of G's samples for the same k", .x_label = "updates of G", .logarithmic_x = true});
  save_png(lesson.picture(), beside(parts, 2));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(
      argc, argv, "04_not_too_far",
      "A G that learns too long from one D chases D's largest value; k updates of D for each of G keep it near.", {},
      teach);
}
