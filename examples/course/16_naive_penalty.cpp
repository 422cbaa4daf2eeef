// SPDX-License-Identifier: MIT
// Why a VAE charges for its codes by the KL divergence, and not by just any penalty that pulls them to N(0, I).
#include <eigenesis/eigenesis.hpp>

#include "digits.hpp"
#include "lesson.hpp"
using namespace eigenesis;

namespace {

constexpr Index latents = 10;

/// A prior that charges |mean|^2 + |ln sigma^2|^2 instead of the KL: it too is 0 at N(0, I) and nowhere else.
struct NaivePenalty : StandardNormal<float> {
  using StandardNormal::StandardNormal;
};
/// What Vae calls for this prior.
Variable<float, 1> kl_divergence(const Normal<float>& q, const NaivePenalty&) {
  return sum(square(q.mean()) + square(q.log_variance()), 1);
}

/// What a trained VAE makes of the test digits, and how good that is.
struct Result {
  double reconstruction, divergence;        // -log p(x | z) and the true KL, in nats
  Tensor<float, 2> codes, samples;          // z [N, L], drawn from q(z | x); as many new digits, from N(0, I)
  double codes_distance, samples_distance;  // Frechet distances: of codes to N(0, I), of samples to digits
  double negative_elbo() const { return reconstruction + divergence; }
};

/// The normal distribution that codes should have.
GaussianFit standard_normal() {
  GaussianFit fit{Tensor<double, 1>(Shape{latents}, 0), Tensor<double, 2>(Shape{latents, latents}, 0)};
  fit.covariance.matrix().setIdentity();
  return fit;
}

/// Trains with `weight` times what the prior charges. All begin with the same networks.
Result train(Lesson& lesson, const Mnist& mnist, const char* name, const auto& prior, double weight) {
  Rng rng(lesson.seed());
  Vae vae{digit_encoder(latents, rng), digit_decoder(latents, rng), prior};
  VaeTrainer{vae, {.beta = weight}}.fit(mnist.train.images, {.steps = lesson.whole("steps")}, rng);

  const NoGradient no_gradient;
  const Tensor<float, 2>& x = mnist.test.images;
  const auto posterior = vae.encoder(Variable(x));
  const Variable<float, 2> z = posterior.sample(rng);  // with all x together: the aggregated posterior
  const Tensor<float, 2> samples = vae.sample(x.shape(0), rng);
  const Result r{-mean(vae.decoder(z).log_prob(x)).item(),
                 mean(kl_divergence(posterior, StandardNormal(latents))).item(),
                 z.value(),
                 samples,
                 frechet_distance(fit_gaussian(z.value()), standard_normal()),
                 frechet_distance(from_afar(x), from_afar(samples))};
  std::printf("  %-12s %14.1f %8.1f %14.1f %16.3f %18.3f\n", name, r.reconstruction, r.divergence, r.negative_elbo(),
              r.codes_distance, r.samples_distance);
  std::fflush(stdout);
  return r;
}

void teach(Lesson& lesson) {
  const Mnist mnist = load_mnist(lesson.text("data"));
  std::printf("  %-12s %14s %8s %14s %16s %18s\n", "penalty", "reconstruction", "KL", "negative ELBO",
              "codes - N(0, I)", "samples - digits");
  const Result kl = train(lesson, mnist, "KL", StandardNormal(latents), 1);
  std::vector<Result> naive;
  double nats = 1e9, likeness = 1e9;
  for (const char* weight : {"0.01", "0.1", "0.3", "1", "10", "100"}) {
    naive.push_back(train(lesson, mnist, weight, NaivePenalty(latents), std::stod(weight)));
    nats = std::min(nats, naive.back().negative_elbo() - kl.negative_elbo());
    likeness = std::min(likeness, naive.back().samples_distance / kl.samples_distance);
  }
  lesson.at_most("KL: reconstruction, nats", kl.reconstruction, 112);
  lesson.at_most("KL: codes - N(0, I)", kl.codes_distance, 1.8);
  lesson.at_least("weight 0.01: codes - N(0, I)", naive.front().codes_distance, 60);
  lesson.at_least("weight 100: reconstruction, nats", naive.back().reconstruction, 200);
  lesson.at_least("best weight: nats worse than the KL", nats, 4);
  lesson.at_least("best weight: samples - digits, over that by the KL", likeness, 1.15);

  // Above, two of the latents over draws from N(0, I) in grey, a colour for each digit; below, samples.
  const Index shown = 600;
  const auto two_latents = [](const Tensor<float, 2>& z) {
    return Tensor<float, 2>(z.matrix().topLeftCorner(shown, 2));
  };
  Rng rng(lesson.seed());
  ScatterOptions look{.labels = mnist.test.labels,
                      .reference = StandardNormal(2).sample(shown, rng),
                      .limit = 8,
                      .radius = 1.5,
                      .size = 260};
  look.labels.resize(shown);
  struct Column {
    const Result& result;
    std::string title;
  };
  const std::vector<Column> columns{
      {naive[0], "naive, weight 0.01"}, {naive[2], "naive, weight 0.3"}, {naive[5], "naive, weight 100"}, {kl, "KL"}};
  std::vector<TitledPicture> parts;
  for (const Column& c : columns) parts.emplace_back(c.title, draw_scatter(two_latents(c.result.codes), look));
  for (const Column& c : columns) parts.push_back(draw_grid(first_rows(c.result.samples, 32)));
  save_png(lesson.picture(), beside(parts, std::ssize(columns)));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "16_naive_penalty",
                    "A penalty of one's own needs a weight, and no weight is right; the KL has none to choose.",
                    {{"data", EIGENESIS_MNIST, "folder with the four files of MNIST or of a data set in its format"},
                     {"steps", "1000", "updates of each VAE"}},
                    teach);
}
