// SPDX-License-Identifier: MIT
// To make data likely is to bring the model near them in KL(P_data || P_G).
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
#include "line.hpp"
using namespace eigenesis;

namespace {

/// P_G: a mixture of K normals on the line, of weights softmax(logits), all of them learned.
struct Mixture {
  Parameter<double, 1> logits, means, log_deviations;  // [K]

  /// Begins with equal weights and deviations of 1.
  explicit Mixture(std::initializer_list<double> start)
      : logits(Tensor<double, 1>(Shape{std::ssize(start)}, 0)),
        means(Tensor<double, 1>(Shape{std::ssize(start)}, start)),
        log_deviations(logits) {}
  /// log P_G(x) = log sum_k w_k N(x; m_k, s_k^2), x [N, 1] -> [N].
  Variable<double, 1> log_prob(const Variable<double, 2>& x) const {
    const auto distance = (x - means) * exp(-log_deviations);  // [N, K], in deviations
    return logsumexp(log_softmax(logits, 0) - log_deviations - square(distance) / 2, 1) -
           std::log(2 * std::numbers::pi) / 2;
  }
  static void fields(auto& self, auto&& field) {
    field("logits", self.logits);
    field("means", self.means);
    field("log_deviations", self.log_deviations);
  }
};

struct Fit {
  Mixture model;
  std::vector<double> losses;
  double mean(Index k) const { return model.means.value()(k); }
  double deviation(Index k) const { return std::exp(model.log_deviations.value()(k)); }
  double weight(Index k) const { return softmax(model.logits, 0).value()(k); }
};
Fit minimize(const auto& loss, Mixture model) {
  Adam<double> adam{{.learning_rate = 0.1, .schedule = CosineSchedule{.steps = 600}}};
  std::vector<double> losses;
  while (adam.steps() < 600) {
    const auto now = loss(model);
    losses.push_back(now.item());
    adam.minimize(now, model);
  }
  return {std::move(model), std::move(losses)};
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Index n = 5000, cells = 201;
  const double width = 0.2;

  // Data as a scale shows them, to the nearest 0.2: P_data are the frequencies of its marks, per unit of x.
  const Tensor<float, 2> exact = mixture_of_gaussians({0.3, 0.7}, {-2, 1.5}, {0.6, 0.9}).sample(n, rng);
  Tensor<double, 2> data(Shape{n, Index{1}}), marks(Shape{cells, Index{1}});
  for (Index i = 0; i < cells; ++i) marks(i, 0) = width * static_cast<double>(i - cells / 2);
  Tensor<double, 1> p(Shape{cells}, 0), log_p(Shape{cells}, 0);
  for (Index i = 0; i < n; ++i) {
    const Index mark = std::lround(exact(i, 0) / width) + cells / 2;
    data(i, 0) = marks(mark, 0);
    p(mark) += 1 / (width * static_cast<double>(n));
  }
  for (Index i = 0; i < cells; ++i) log_p(i) = p(i) > 0 ? std::log(p(i)) : 0;  // as 0 log 0 = 0

  // The two losses: a mean over samples, and an integral over x.
  const auto likelihood = [&](const Mixture& g) { return -mean(g.log_prob(data)); };
  const auto kl = [&](const Mixture& g) { return width * sum(Variable(p) * (Variable(log_p) - g.log_prob(marks))); };
  const double entropy = -width * (p.array() * log_p.array()).sum();

  // One normal: the answer is known.
  const double mean_of_data = data.array().mean();
  const double deviation_of_data = std::sqrt((data.array() - mean_of_data).square().mean());
  const Fit one_likely = minimize(likelihood, Mixture{0}), one_near = minimize(kl, Mixture{0});
  lesson.exact("one normal, likelihood: mean", one_likely.mean(0), mean_of_data, 1e-8);
  lesson.exact("one normal, KL: mean", one_near.mean(0), mean_of_data, 1e-8);
  lesson.exact("one normal, likelihood: deviation", one_likely.deviation(0), deviation_of_data, 1e-8);
  lesson.exact("one normal, KL: deviation", one_near.deviation(0), deviation_of_data, 1e-8);

  // Two normals: there is no formula for the answer, but both losses give the same.
  const Fit likely = minimize(likelihood, Mixture{-5, 5}), near = minimize(kl, Mixture{-5, 5});
  for (const Index k : {0, 1}) {
    const std::string which = "two normals, " + std::to_string(k + 1) + ": ";
    lesson.exact(which + "mean, likelihood - KL", likely.mean(k) - near.mean(k), 0, 1e-10);
    lesson.exact(which + "deviation, likelihood - KL", likely.deviation(k) - near.deviation(k), 0, 1e-10);
    lesson.exact(which + "weight, likelihood - KL", likely.weight(k) - near.weight(k), 0, 1e-10);
    lesson.measured(which + "mean", likely.mean(k), k == 0 ? -2.08 : 1.42, k == 0 ? -1.92 : 1.58);
    lesson.measured(which + "deviation", likely.deviation(k), k == 0 ? 0.54 : 0.84, k == 0 ? 0.66 : 0.96);
    lesson.measured(which + "weight", likely.weight(k), k == 0 ? 0.27 : 0.67, k == 0 ? 0.33 : 0.73);
  }

  // The reason: the losses differ by the entropy of the data, which knows nothing of G.
  double greatest = 0;
  for (std::size_t i = 0; i < near.losses.size(); ++i)
    greatest = std::max(greatest, std::abs(likely.losses[i] - near.losses[i] - entropy));
  lesson.show("entropy of P_data, nats", entropy);
  lesson.exact("any step: -log likelihood - KL - entropy", greatest, 0, 1e-12);
  const Tensor<double, 1> q = exp(near.model.log_prob(marks)).value();
  lesson.exact("least KL, two normals: the loss - kl_divergence(p, q)",
               near.losses.back() - kl_divergence(p.values(), q.values()), 0, 1e-9);
  lesson.at_least("least KL of one normal - of two", one_near.losses.back() - near.losses.back(), 0.17);

  Series frequencies{"data"};
  for (Index i = 0; i < cells; ++i)
    if (marks(i, 0) >= -5 && marks(i, 0) <= 10) frequencies.add(marks(i, 0), p(i));
  const auto curve = [](const std::string& name, const Mixture& g, double spacing) {
    const Tensor<double, 2> x = points_between(-5, 10, spacing);
    const Tensor<double, 1> q_of_x = exp(g.log_prob(x)).value();
    Series result{name};
    for (Index i = 0; i < x.size(); ++i) result.add(x(i, 0), q_of_x(i));
    return result;
  };
  const auto first = [](const std::string& name, const Fit& fit) {
    return Series{name, {fit.losses.begin(), fit.losses.begin() + 100}};
  };
  // Few points are marked, so that dots of the one lie on lines of the other.
  save_png(
      lesson.picture(),
      beside(
          {draw_chart(
               {frequencies, curve("1 normal: KL", one_near.model, 0.6),
                curve("1 normal: likelihood", one_likely.model, 0.05), curve("2 normals: KL", near.model, 0.6),
                curve("2 normals: likelihood", likely.model, 0.05)},
               {.title = "The fits are the same", .x_label = "x", .y_label = "density", .width = 560, .height = 400}),
           draw_chart({first("-log likelihood", likely), first("KL", near)},
                      {.title = "The losses differ by a constant (2 normals)",
                       .x_label = "step",
                       .y_label = "nats",
                       .width = 560,
                       .height = 400})}));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "02_maximum_likelihood",
                    "The largest likelihood and the least KL(P_data || P_G) are at the same parameters.", {}, teach);
}
