// SPDX-License-Identifier: MIT
// Two ways to differentiate through a random code: both are right on average, one is quiet enough to learn by.
#include <eigenesis/eigenesis.hpp>

#include "digits.hpp"
#include "lesson.hpp"
using namespace eigenesis;

namespace {

struct Moments {
  double mean, variance;
};
/// What single draws say about one latent of the two heads.
struct Estimates {
  Moments of_mean, of_log_variance;
};

/// Every row of x [N, L] belongs to a draw of its own; all latents are alike, so the first will do.
Moments moments(const Variable<double, 2>& x) {
  const auto first = x.value().matrix().col(0).array();
  return {first.mean(), (first - first.mean()).square().mean()};
}

/// z = mean + sigma noise, and the noise has no parameters: the gradient of f goes through z.
Estimates reparameterized(const auto& f, const auto& mean, const auto& log_variance, Rng& rng) {
  const Normal q{mean, log_variance};
  const auto [of_mean, of_log_variance] = gradient(sum(f(q.sample(rng))), mean, log_variance);
  return {moments(of_mean), moments(of_log_variance)};
}

/// grad E[f(z)] = E[f(z) grad ln q(z)] (Williams 1992): asks f for values only, so z is a constant.
Estimates score_function(const auto& f, const auto& mean, const auto& log_variance, Rng& rng) {
  const Normal q{mean, log_variance};
  const auto z = detach(q.sample(rng));
  const auto [of_mean, of_log_variance] = gradient(sum(f(z) * q.log_prob(z)), mean, log_variance);
  return {moments(of_mean), moments(of_log_variance)};
}

/// A VAE whose encoder learns by the score function: log p(x | z) keeps its value and gets another gradient.
template <class Encoder, class Decoder, class Prior>
struct ScoreFunctionVae : Vae<Encoder, Decoder, Prior> {
  using Vae<Encoder, Decoder, Prior>::Vae;

  auto elbo_terms(const auto& x, Pass pass) const {
    const auto posterior = this->encoder(x, pass);
    const auto z = detach(posterior.sample(pass.rng()));
    const auto log_p = this->decoder(z, pass).log_prob(x), log_q = posterior.log_prob(z);
    return ElboTerms{log_p + detach(log_p) * (log_q - detach(log_q)), kl_divergence(posterior, this->prior)};
  }
};
template <class Encoder, class Decoder, class Prior>
ScoreFunctionVae(Encoder, Decoder, Prior) -> ScoreFunctionVae<Encoder, Decoder, Prior>;

/// Trains on digits; each step's -log p(x | z) goes into the curve. The loss on test digits is returned.
double trained_loss(auto vae, const Mnist& mnist, Index steps, Series& curve, Rng rng) {
  VaeTrainer trainer{vae};
  const auto note = [&](const auto& now) { curve.add(now.step, now.losses.reconstruction); };
  trainer.fit(mnist.train.images, {.steps = steps, .on_step = note}, rng);
  return evaluate(trainer, mnist.test.images, rng).loss;
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Index draws = lesson.whole("draws"), steps = lesson.whole("steps");

  // f(z) = |z|^2 with L latents z ~ N(m, s^2): E[f] = L (m^2 + s^2), its gradients and all moments are known.
  const double m = 1, s = 0.5, m2 = m * m, s2 = s * s;
  const auto f = [](const auto& z) { return sum(square(z), 1); };
  Series quiet{"reparameterized"}, loud{"score function"};
  double bias_quiet = 0, bias_loud = 0;
  const auto bias = [&](const Moments& found, double known) {
    return std::abs(found.mean - known) / std::sqrt(found.variance / static_cast<double>(draws));
  };
  for (const Index latents : {1, 2, 4, 8, 16, 32}) {
    const auto mean = watch(Tensor<double, 2>(Shape{draws, latents}, m));
    const auto log_variance = watch(Tensor<double, 2>(Shape{draws, latents}, std::log(s2)));
    const Estimates by_z = reparameterized(f, mean, log_variance, rng);
    const Estimates by_score = score_function(f, mean, log_variance, rng);

    // d/dm: through z it is 2 z; by the score (z^2 + r) (z - m) / s^2, where r, the other latents, is only noise.
    const double others = static_cast<double>(latents - 1);
    const double r = others * (m2 + s2), r2 = r * r + others * (4 * m2 * s2 + 2 * s2 * s2);  // E[r], E[r^2]
    const double known = (m2 * m2 + 18 * m2 * s2 + 15 * s2 * s2 + 2 * r * (m2 + 3 * s2) + r2) / s2 - 4 * m2;
    const std::string l = "L = " + std::to_string(latents) + ": ";
    lesson.measured(l + "variance, reparameterized", by_z.of_mean.variance, 0.97 * 4 * s2, 1.03 * 4 * s2);
    lesson.measured(l + "variance, score function", by_score.of_mean.variance, 0.9 * known, 1.1 * known);
    bias_quiet = std::max({bias_quiet, bias(by_z.of_mean, 2 * m), bias(by_z.of_log_variance, s2)});
    bias_loud = std::max({bias_loud, bias(by_score.of_mean, 2 * m), bias(by_score.of_log_variance, s2)});
    quiet.add(latents, by_z.of_mean.variance);
    loud.add(latents, by_score.of_mean.variance);
  }
  lesson.at_most("largest error of a mean, reparameterized, in standard errors", bias_quiet, 4);
  lesson.at_most("largest error of a mean, score function, in standard errors", bias_loud, 4);

  // Two copies of one VAE learn digits, each by one of the estimates.
  const Mnist mnist = load_mnist(lesson.text("data"));
  const Index latents = 10;
  const auto encoder = digit_encoder(latents, rng);
  const auto decoder = digit_decoder(latents, rng);
  Series learns{"reparameterized"}, struggles{"score function"};
  const StandardNormal prior(latents);
  lesson.at_most("negative ELBO on test digits, reparameterized",
                 trained_loss(Vae{encoder, decoder, prior}, mnist, steps, learns, rng), 150);
  lesson.at_least("negative ELBO on test digits, score function",
                  trained_loss(ScoreFunctionVae{encoder, decoder, prior}, mnist, steps, struggles, rng), 170);

  save_png(lesson.picture(),
           beside({{"the gradient of E|z|^2 by one draw of z",
                    draw_chart({quiet, loud}, {.x_label = "latents",
                                               .y_label = "variance of one estimate",
                                               .logarithmic = true,
                                               .logarithmic_x = true,
                                               .width = 520,
                                               .height = 400})},
                   {"a VAE learns digits by each",
                    draw_chart({learns, struggles},
                               {.x_label = "step", .y_label = "-log p(x | z), nats", .width = 520, .height = 400})}}));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "14_reparameterization",
                    "Two estimates of a gradient are right on average; only the one through z is quiet.",
                    {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"},
                     {"draws", "50000", "draws of each estimate"},
                     {"steps", "400", "updates of each VAE"}},
                    teach);
}
