// SPDX-License-Identifier: MIT
// A layer, an activation and a GAN objective of one's own: nothing to inherit, register or serialise.
#include <eigenesis/eigenesis.hpp>

#include "arguments.hpp"
using namespace eigenesis;

// A layer is a struct with parameters (or layers), operator(), and one list of its fields.
template <class Scalar = float>
struct ResidualBlock {
  Linear<Scalar> first, second;
  ResidualBlock(Index width, Rng& rng) : first(width, width, rng), second(width, width, rng) {}
  auto operator()(const Variable<Scalar, 2>& x) const { return x + second(tanh(first(x))); }
  static void fields(auto& self, auto&& field) {
    field("first", self.first);
    field("second", self.second);
  }
};

// A GAN objective is two functions of logits, [N, 1] -> [], both minimised. In this one real samples are called real
// with probability 0.9 only, so that D is never too sure (one-sided label smoothing, Salimans et al. 2016).
struct SmoothedLabels {
  auto discriminator_loss(const auto& real, const auto& fake) const {
    return mean(softplus(-real) + 0.1 * real) + mean(softplus(fake));
  }
  auto generator_loss(const auto& fake) const { return mean(softplus(-fake)); }
};

int main(int argc, char** argv) {
  return run_example("custom_layer", [&] {
    Arguments arguments(argc, argv, "Trains a GAN of residual blocks with smoothed labels on two moons.",
                        {{"steps", "4000", "steps of training"},
                         {"checkpoint", "none", "file that keeps the training; the same call goes on from there"}});
    Rng rng(arguments.seed());

    const auto swish = [](const auto& x) { return map([](auto t) { return t * sigmoid(t); }, x); };
    Generator generator{
        Sequential{Linear(2, 64, rng), ResidualBlock(64, rng), ResidualBlock(64, rng), swish, Linear(64, 2, rng)},
        StandardNormal(2)};
    Discriminator discriminator{Sequential{Linear(2, 64, rng), ResidualBlock(64, rng), swish, Linear(64, 1, rng)}};
    print(generator);

    const TwoMoons moons = two_moons();
    GanTrainer trainer{generator, discriminator, SmoothedLabels{}};
    trainer.fit(moons,
                {.steps = arguments.whole("steps"),
                 .batch_size = 256,
                 .progress = ProgressBar{},
                 .checkpoint = arguments.checkpoint(500)},
                rng);

    const std::string picture = arguments.out("two_moons.png");
    save_scatter(picture, generator.sample(2'000, rng),
                 {.title = "Two moons: samples over data", .reference = moons.sample(2'000, rng)});
    std::printf("%s\n", picture.c_str());
  });
}
