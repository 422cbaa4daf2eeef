// SPDX-License-Identifier: MIT
// How many things can one number name, if noise disturbs it?
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
#include "line.hpp"
using namespace eigenesis;

namespace {

/// Item i of M is sent as a number z_i and arrives as y = z_i + sigma * noise; a decoder names the item.
struct Channel {
  Parameter<float, 2> place;  // [M, 1]
  Linear<float> name;         // The logits are lines in y: with the right ones, that is Bayes' rule.
  double sigma;

  Channel(Index items, double noise, Rng& rng)
      : place(Tensor<float, 2>(Shape{items, Index{1}})), name(1, items, rng), sigma(noise) {
    initialize_normal(place, 0, 1, rng);
  }
  /// z [M, 1], of mean square 1: without a limit, the encoder would shout until no noise mattered.
  Variable<float, 2> encode() const { return place / sqrt(mean(square(place))); }
  /// p(item | y), y [N, 1].
  Categorical<float> decode(const Variable<float, 2>& y) const { return Categorical{name(y / sigma)}; }

  static void fields(auto& self, auto&& field) {
    field("place", self.place);
    field("name", self.name);
  }
};

void train(Channel& channel, Index steps, Rng& rng) {
  constexpr Index copies = 64;  // of each item in a batch
  const Index items = channel.place.size();
  std::vector<int> sent;
  for (Index i = 0; i < copies * items; ++i) sent.push_back(static_cast<int>(i % items));
  Adam adam{{.learning_rate = 0.03, .schedule = CosineSchedule{.steps = steps}}};
  for (Index step = 0; step < steps; ++step) {
    const Variable<float, 2> z = concatenate(std::vector(copies, channel.encode()), 0);
    const Variable<float, 2> noise = StandardNormal(1).sample(z.size(), rng);
    adam.minimize(-mean(channel.decode(z + channel.sigma * noise).log_prob(sent)), channel);
  }
}

/// Equal distances d, and Bayes' rule: the logit of an item is -(y - z)^2 / (2 sigma^2) without its part in y^2.
Channel equally_spaced(Index items, double sigma, double d, Rng& rng) {
  Channel channel(items, sigma, rng);
  for (Index i = 0; i < items; ++i) {
    const double z = d * (static_cast<double>(i) - static_cast<double>(items - 1) / 2);
    channel.place.mutable_value()(i, 0) = static_cast<float>(z);
    channel.name.weight.mutable_value()(0, i) = static_cast<float>(z / sigma);
    channel.name.bias.mutable_value()(i) = static_cast<float>(-z * z / (2 * sigma * sigma));
  }
  return channel;
}

struct Quality {
  double error;              // how often the decoder names another item than was sent
  double information;        // about the item, in nats: the entropy of y minus that of the noise
  std::vector<double> code;  // z in order
};
Quality quality(const Channel& channel) {
  const double sigma = channel.sigma, width = 0.001;  // of a cell of the grid, on which y is integrated
  const Tensor<float, 2> y(points_between(-9 + width / 2, 9 - width / 2, width).matrix().cast<float>());
  const Tensor<float, 2> logits = channel.decode(y).logits().value(), code = channel.encode().value();
  std::vector<double> z(code.values().begin(), code.values().end());
  const std::vector<double> each(z.size(), 1), deviations(z.size(), sigma);
  const Tensor<float, 1> log_prob = mixture_of_gaussians(each, z, deviations).log_prob(y);

  double right = 0, entropy = 0;
  for (Index i = 0; i < y.size(); ++i) {
    Index named = 0;
    logits.matrix().row(i).maxCoeff(&named);
    const double t = (y(i, 0) - z[static_cast<std::size_t>(named)]) / sigma, log_p = log_prob(i);
    right += width * std::exp(-t * t / 2) / (sigma * std::sqrt(2 * std::numbers::pi));
    if (log_p > -100) entropy -= width * log_p * std::exp(log_p);
  }
  std::sort(z.begin(), z.end());
  const double of_noise = std::log(sigma * std::sqrt(2 * std::numbers::pi * std::numbers::e));
  return {1 - right / static_cast<double>(z.size()), entropy - of_noise, z};
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const std::vector<double> sigmas{0.1, 0.15, 0.25, 0.35, 0.5, 0.7, 1};
  std::vector<Series> information{Series{"Shannon: ln(1 + 1 / sigma^2) / 2"}};
  for (const double sigma : sigmas) information[0].add(sigma, std::log(1 + 1 / (sigma * sigma)) / 2);
  std::vector<std::vector<double>> codes;  // of 8 items, for each sigma
  double difference = 0, greatest = 0;

  // Error less that of equal distances, at most, and share of Shannon's bound, at least, both at sigma = 0.25.
  struct Case {
    Index items;
    double error, share;
  };
  for (const auto& [items, error, share] :
       {Case{2, 1e-4, 0.488}, Case{4, 0, 0.878}, Case{8, -0.005, 0.955}, Case{16, -0.02, 0.98}}) {
    const std::string many = std::to_string(items) + " items";
    information.push_back(Series{many});
    for (std::size_t k = 0; k < sigmas.size(); ++k) {
      const double sigma = sigmas[k], m = static_cast<double>(items), d = std::sqrt(12 / (m * m - 1));
      Channel channel(items, sigma, rng);
      train(channel, lesson.whole("steps"), rng);
      const Quality trained = quality(channel), equal = quality(equally_spaced(items, sigma, d, rng));
      const double shannon = information[0].values[k],
                   closed_form = (1 - 1 / m) * std::erfc(d / (std::sqrt(8) * sigma));
      information.back().add(sigma, trained.information);
      if (items == 8) codes.push_back(trained.code);
      difference = std::max(difference, std::abs(equal.error - closed_form));
      greatest = std::max(greatest, trained.information / shannon);
      if (sigma != 0.25) continue;
      lesson.show(many + ": error at equal distances", equal.error);
      lesson.at_most(many + ": error of the trained code, less that", trained.error - equal.error, error);
      lesson.show(many + ": information at equal distances / Shannon's", equal.information / shannon);
      lesson.at_least(many + ": information of the trained code / Shannon's", trained.information / shannon, share);
    }
  }
  lesson.exact("error at equal distances: most off its closed form", difference, 0, 1e-6);
  lesson.at_most("information / Shannon's, the greatest of all", greatest, 1);

  Series places;  // one line for each item, with gaps between
  for (std::size_t item = 0; item < 8; ++item) {
    for (std::size_t k = 0; k < sigmas.size(); ++k) places.add(sigmas[k], codes[k][item]);
    places.add(NAN, NAN);
  }
  const char* const x_label = "sigma, the deviation of the noise";
  save_png(lesson.picture(), beside({draw_chart({places}, {.title = "Where the encoder puts 8 items",
                                                           .x_label = x_label,
                                                           .y_label = "z",
                                                           .logarithmic_x = true,
                                                           .width = 560}),
                                     draw_chart(information, {.title = "What arrives of the item",
                                                              .x_label = x_label,
                                                              .y_label = "information, nats",
                                                              .logarithmic_x = true,
                                                              .width = 560})}));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "13_noisy_number",
                    "The noise says how far apart codes must lie, and so how many things a number can name.",
                    {{"steps", "2000", "updates of each encoder and decoder"}}, teach);
}
