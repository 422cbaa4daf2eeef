// SPDX-License-Identifier: MIT
// Samples that are good but all alike: which losses forgive it, and how a GAN comes to it.
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
#include "line.hpp"
using namespace eigenesis;

namespace {

const GaussianMixture two_peaks = mixture_of_gaussians({0.5, 0.5}, {-2, 2}, {0.5, 0.5});
const GaussianMixture ring = ring_of_gaussians(8, 2, 0.1);

/// One normal distribution, N(mean, deviation^2).
struct Bell {
  Parameter<double, 1> mean{Tensor<double, 1>(Shape{1}, 0.5)}, log_deviation{Tensor<double, 1>(Shape{1}, 0.0)};
  double deviation() const { return std::exp(log_deviation.value()(0)); }
  std::vector<double> density_at(const Tensor<double, 2>& x) const {
    return density(mixture_of_gaussians({1}, {mean.value()(0)}, {deviation()}), x);
  }
  /// ln q(x), x [N, 1] -> [N].
  auto log_prob(const Tensor<double, 2>& x) const {
    return Normal<double, 2, 1>(broadcast(mean, x.shape()), 2 * log_deviation).log_prob(Variable(x));
  }
  static void fields(auto& self, auto&& field) {
    field("mean", self.mean);
    field("log_deviation", self.log_deviation);
  }
};

/// A bell that minimises a divergence from two peaks, `loss(log_q, log_p)`, both [N] on a grid.
Bell fit(const Tensor<double, 2>& x, const auto& loss) {
  Bell bell;
  Adam<double> adam{{.learning_rate = 0.02, .schedule = CosineSchedule{2000}}};
  const Variable log_p(two_peaks.log_prob(x));
  for (int step = 0; step < 2000; ++step) adam.minimize(loss(bell.log_prob(x), log_p), bell);
  return bell;
}

/// Five GANs, each after `rounds` of one update of D and some of G.
struct Five {
  Tensor<float, 2> samples;  // of the first
  double covered = 0;        // modes, of all five
  double share = 0;          // of samples within three deviations of a mode, the mean of the five
};
Five train(const GaussianMixture& data, Index generator_steps, double rate, Index rounds, std::uint64_t seed) {
  const Index d = data.modes().shape(1), hidden = 32;
  const LeakyRelu leaky{0.2};
  Five result;
  for (std::uint64_t i = 0; i < 5; ++i) {
    Rng rng(10 * seed + i);
    Generator generator{
        Sequential{Linear(2, hidden, rng), Relu{}, Linear(hidden, hidden, rng), Relu{}, Linear(hidden, d, rng)},
        StandardNormal(2)};
    Discriminator discriminator{
        Sequential{Linear(d, hidden, rng), leaky, Linear(hidden, hidden, rng), leaky, Linear(hidden, 1, rng)}};
    const Adam adam{{.learning_rate = rate, .beta1 = 0.5}};
    GanTrainer trainer{generator, discriminator, NonSaturating{}, adam, adam, {.generator_steps = generator_steps}};
    trainer.fit(data, {.steps = rounds}, rng);
    const Tensor<float, 2> samples = generator.sample(2500, rng);
    const ModeCoverage coverage = mode_coverage(data, samples, {.least_samples = 25});
    if (i == 0) result.samples = samples;
    result.covered += static_cast<double>(coverage.covered);
    result.share += coverage.share / 5;
  }
  return result;
}

void teach(Lesson& lesson) {
  // Why a loss may forgive it: one bell for two peaks p, by both divergences, which are integrals over a grid.
  const double cell = 0.02;
  const Tensor<double, 2> x = points_between(-8, 8, cell);
  const Bell forward =
      fit(x, [&](const auto& log_q, const auto& log_p) { return cell * sum(exp(log_p) * (log_p - log_q)); });
  const Bell reverse =
      fit(x, [&](const auto& log_q, const auto& log_p) { return cell * sum(exp(log_q) * (log_q - log_p)); });
  // The best bell of the forward divergence has mean and variance of p; that of the reverse is a peak, but for a hair.
  const std::vector<double> p = density(two_peaks, x), covers = forward.density_at(x), picks = reverse.density_at(x);
  lesson.exact("forward KL: mean", forward.mean.value()(0), 0, 1e-6);
  lesson.exact("forward KL: deviation", forward.deviation(), std::sqrt(4.25), 1e-6);
  lesson.exact("reverse KL: mean", reverse.mean.value()(0), 2, 1e-3);
  lesson.exact("reverse KL: deviation", reverse.deviation(), 0.5, 1e-3);
  lesson.exact("reverse KL: KL(q || p), ln 2 for a peak", kl_divergence(picks, p), std::numbers::ln2, 1e-3);
  lesson.show("reverse KL: KL(p || q)", kl_divergence(p, picks));
  lesson.show("forward KL: KL(p || q)", kl_divergence(p, covers));
  lesson.show("forward KL: KL(q || p)", kl_divergence(covers, p));
  lesson.show("forward KL: JS", jensen_shannon_divergence(p, covers));
  lesson.show("reverse KL: JS", jensen_shannon_divergence(p, picks));

  // How a GAN comes to it: G runs after a D that stands still, to the one point that D likes best.
  const Index rounds = lesson.whole("steps");
  const Five two_patient = train(two_peaks, 1, 5e-4, rounds, lesson.seed());
  const Five two_hurried = train(two_peaks, 5, 5e-4, rounds, lesson.seed());
  lesson.at_least("two peaks, 1 step of G: modes, of 5 * 2", two_patient.covered, 9);
  lesson.at_least("two peaks, 1 step of G: share within 3 sigma", two_patient.share, 0.85);
  lesson.at_most("two peaks, 5 steps of G: modes, of 5 * 2", two_hurried.covered, 6);
  lesson.show("two peaks, 5 steps of G: share within 3 sigma", two_hurried.share);
  const Five patient = train(ring, 1, 1e-3, 3 * rounds, lesson.seed());
  const Five hurried = train(ring, 5, 1e-3, 3 * rounds, lesson.seed());
  lesson.at_least("ring, 1 step of G: modes, of 5 * 8", patient.covered, 36);
  lesson.at_least("ring, 1 step of G: share within 3 sigma", patient.share, 0.45);
  lesson.at_most("ring, 5 steps of G: modes, of 5 * 8", hurried.covered, 16);
  lesson.show("ring, 5 steps of G: share within 3 sigma", hurried.share);

  std::vector<TitledPicture> parts;
  const std::vector<double> at(x.values().begin(), x.values().end());
  const auto chart = [&](const std::string& title, const std::vector<double>& q) {
    parts.push_back(draw_chart({{"p", p, at}, {"q", q, at}}, {.title = title, .width = 400, .height = 260}));
  };
  Rng rng(lesson.seed());
  const auto scatter = [&](const std::string& title, const Tensor<float, 2>& samples) {
    parts.push_back(
        draw_scatter(samples, {.title = title, .reference = ring.sample(600, rng), .limit = 3.5, .size = 400}));
  };
  chart("Forward: least KL(p || q)", covers);
  chart("Reverse: least KL(q || p)", picks);
  scatter("1 step of G for 1 of D", patient.samples);
  scatter("5 steps of G for 1 of D", hurried.samples);
  save_png(lesson.picture(), beside(parts, 2));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "08_mode_collapse",
                    "A loss that forgives missing modes, and a generator in a hurry, lose them.",
                    {{"steps", "1000", "rounds of each training"}}, teach);
}
