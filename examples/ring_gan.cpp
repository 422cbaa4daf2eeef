// SPDX-License-Identifier: MIT
// A GAN on a ring of eight Gaussians.
#include <eigenesis/eigenesis.hpp>

#include "arguments.hpp"
using namespace eigenesis;

int main(int argc, char** argv) {
  return run_example("ring_gan", [&] {
    Arguments arguments(argc, argv, "Trains a GAN on a ring of eight Gaussians and draws its samples over the data.",
                        {{"steps", "20000", "steps of training"},
                         {"checkpoint", "none", "file that keeps the training; the same call goes on from there"}});
    Rng rng(arguments.seed());
    Generator generator{Sequential{Linear(2, 128, rng), Relu{}, Linear(128, 128, rng), Relu{}, Linear(128, 2, rng)},
                        StandardNormal(2)};
    Discriminator discriminator{
        Sequential{Linear(2, 128, rng), LeakyRelu{0.2}, Linear(128, 128, rng), LeakyRelu{0.2}, Linear(128, 1, rng)}};
    GanTrainer trainer{generator, discriminator, NonSaturating{}};
    const auto ring = ring_of_gaussians(8);
    trainer.fit(ring,
                {.steps = arguments.whole("steps"),
                 .batch_size = 256,
                 .progress = ProgressBar{},
                 .checkpoint = arguments.checkpoint(500)},
                rng);

    const std::string picture = arguments.out("ring.png");
    save_scatter(picture, generator.sample(2'000, rng),
                 {.title = "Ring of eight Gaussians", .reference = ring.sample(2'000, rng)});
    std::printf("%s\n", picture.c_str());
  });
}
