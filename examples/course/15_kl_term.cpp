// SPDX-License-Identifier: MIT
// What the KL term of a VAE charges for, and that its closed form is what sampling would come to.
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
using namespace eigenesis;

namespace {

/// N rows of one latent, each N(mean, deviation^2).
Normal<double> normal(double mean, double deviation, Index n = 1) {
  const Shape shape{n, Index{1}};
  return {Variable{Tensor<double, 2>(shape, mean)}, Variable{Tensor<double, 2>(shape, 2 * std::log(deviation))}};
}

/// KL(N(mean, deviation^2) || N(0, 1)) in closed form.
double kl(double mean, double deviation) {
  return kl_divergence(normal(mean, deviation), StandardNormal<double>(1)).value().item();
}

/// The same from samples: the n values of ln q(z) - ln p(z), z drawn from q; their mean estimates it.
Tensor<double, 1> log_ratios(double mean, double deviation, Index n, Rng& rng) {
  const NoGradient no_gradient;
  const auto q = normal(mean, deviation, n);
  const auto z = q.sample(rng);
  return (q.log_prob(z) - StandardNormal<double>(1).log_prob(z)).value();
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const StandardNormal<double> prior(1);

  // Values known from the formula; zero at N(0, 1) and nowhere else.
  lesson.exact("KL(N(1, 1) || N(0, 1)) = 1/2", kl(1, 1), 0.5, 1e-15);
  lesson.exact("KL(N(0, 2^2) || N(0, 1)) = 3/2 - ln 2", kl(0, 2), 1.5 - std::numbers::ln2, 1e-15);
  lesson.exact("KL(N(0, (1/2)^2) || N(0, 1)) = ln 2 - 3/8", kl(0, 0.5), std::numbers::ln2 - 0.375, 1e-15);
  lesson.exact("KL(N(0, 1) || N(0, 1))", kl(0, 1), 0, 0);
  double unexplained = 0, least = 1;
  for (const double m : {-2.0, -0.5, -0.1, 0.0, 1.0, 3.0})
    for (const double s : {0.01, 0.5, 0.9, 1.0, 1.1, 3.0}) {
      unexplained = std::max(unexplained, std::abs(kl(m, s) - kl(m, 1) - kl(0, s)));
      if (m != 0 || s != 1) least = std::min(least, kl(m, s));
    }
  lesson.exact("what its two parts, KL(m, 1) + KL(0, s), leave unexplained", unexplained, 0, 1e-14);
  lesson.exact("least KL beside N(0, 1): that of N(-1/10, 1)", least, 0.005, 1e-15);

  // Gradient descent on nothing but the KL takes any code to N(0, 1).
  Parameter mean(Tensor<double, 2>(Shape{1, 1}, 3.0)), log_variance(Tensor<double, 2>(Shape{1, 1}, -6.0));
  for (int step = 0; step < 400; ++step) {
    const auto loss = sum(kl_divergence(Normal{mean, log_variance}, prior));
    const auto [of_mean, of_log_variance] = gradient(loss, mean, log_variance);
    mean.mutable_value()(0, 0) -= 0.1 * of_mean.item();
    log_variance.mutable_value()(0, 0) -= 0.1 * of_log_variance.item();
  }
  lesson.exact("mean of N(3, e^-6) after descent on the KL", mean.item(), 0, 1e-6);
  lesson.exact("log-variance after it", log_variance.item(), 0, 1e-6);

  // For N(1, 1), ln q(z) - ln p(z) is itself N(1/2, 1): n draws leave an error of 1 / sqrt(n), one draw is often < 0.
  Series error{"error of the mean of n draws"}, rule{"1 / sqrt(n)"};
  const Index repeats = lesson.whole("repeats");
  for (const Index n : {10, 100, 1'000, 10'000, 100'000}) {
    double squares = 0;
    for (Index i = 0; i < repeats; ++i) squares += std::pow(log_ratios(1, 1, n, rng).array().mean() - 0.5, 2);
    const auto count = static_cast<double>(n);
    error.add(count, std::sqrt(squares / static_cast<double>(repeats)));
    rule.add(count, 1 / std::sqrt(count));
    lesson.measured("error by " + std::to_string(n) + " draws, times sqrt(n)", error.values.back() * std::sqrt(count),
                    0.8, 1.2);
  }
  const auto ratios = log_ratios(1, 1, 1'000'000, rng);
  lesson.measured("share of single draws that say the KL is negative", (ratios.array() < 0).cast<double>().mean(),
                  0.3065, 0.3105);

  // Both parts as curves, and as sampling sees them.
  Series of_mean{"N(x, 1)"}, of_deviation{"N(0, x^2)"}, sampled{"10 000 draws"};
  double farthest = 0;  // in standard errors
  for (int i = -60; i <= 50; ++i) {
    const double x = 0.05 * i;
    of_mean.add(x, kl(x, 1));
    if (x > 0) of_deviation.add(x, kl(0, x));
  }
  const auto sample = [&](double m, double s, double x) {
    const double estimate = log_ratios(m, s, 10'000, rng).array().mean();
    const double variance = m * m * s * s + (s * s - 1) * (s * s - 1) / 2;
    if (variance > 0) farthest = std::max(farthest, std::abs(estimate - kl(m, s)) / std::sqrt(variance / 10'000));
    sampled.add(x, estimate), sampled.add(x, NAN);  // a gap, so that no line joins the dots
  };
  for (const double x : {-3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 2.5}) sample(x, 1, x);
  for (const double x : {0.05, 0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 2.5}) sample(0, x, x);
  lesson.at_most("largest error of the dots in the picture, in standard errors", farthest, 5);

  save_png(lesson.picture(), beside({{"KL to N(0, 1): the mean's part, the variance's part",
                                      draw_chart({of_mean, of_deviation, sampled},
                                                 {.x_label = "x", .y_label = "KL, nats", .width = 520, .height = 400})},
                                     {"KL(N(1, 1) || N(0, 1)) by sampling",
                                      draw_chart({error, rule}, {.x_label = "n",
                                                                 .y_label = "root mean square error, nats",
                                                                 .logarithmic = true,
                                                                 .logarithmic_x = true,
                                                                 .width = 520,
                                                                 .height = 400})}}));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "15_kl_term",
                    "The KL term: m^2 / 2 for the mean, (s^2 - 1 - ln s^2) / 2 for the variance, nothing for N(0, 1).",
                    {{"repeats", "200", "estimates for each number of draws"}}, teach);
}
