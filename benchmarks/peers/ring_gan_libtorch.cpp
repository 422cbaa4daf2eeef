// SPDX-License-Identifier: MIT
// The README's first program in libtorch, for the time it takes to compile; it has no picture to draw.
#include <torch/torch.h>

#include <cmath>
#include <cstdio>
namespace nn = torch::nn;

torch::Tensor ring_of_gaussians(int64_t n) {
  const auto angle = torch::randint(8, {n}) * (M_PI / 4);
  return 2 * torch::stack({angle.cos(), angle.sin()}, 1) + 0.02 * torch::randn({n, 2});
}

int main() {
  torch::manual_seed(7);
  nn::Sequential generator(nn::Linear(2, 128), nn::ReLU(), nn::Linear(128, 128), nn::ReLU(), nn::Linear(128, 2));
  const auto leaky = nn::LeakyReLUOptions().negative_slope(0.2);
  nn::Sequential discriminator(nn::Linear(2, 128), nn::LeakyReLU(leaky), nn::Linear(128, 128), nn::LeakyReLU(leaky),
                               nn::Linear(128, 1));
  const auto options = torch::optim::AdamOptions(2e-4).betas({0.5, 0.999});
  torch::optim::Adam for_generator(generator->parameters(), options);
  torch::optim::Adam for_discriminator(discriminator->parameters(), options);

  const int64_t batch_size = 256;
  const auto ones = torch::ones({batch_size, 1}), zeros = torch::zeros({batch_size, 1});
  for (int step = 1; step <= 20000; ++step) {
    const auto fake = generator->forward(torch::randn({batch_size, 2})).detach();
    const auto discriminator_loss =
        torch::binary_cross_entropy_with_logits(discriminator->forward(ring_of_gaussians(batch_size)), ones) +
        torch::binary_cross_entropy_with_logits(discriminator->forward(fake), zeros);
    for_discriminator.zero_grad();
    discriminator_loss.backward();
    for_discriminator.step();

    const auto generator_loss = torch::binary_cross_entropy_with_logits(
        discriminator->forward(generator->forward(torch::randn({batch_size, 2}))), ones);
    for_generator.zero_grad();
    generator_loss.backward();
    for_generator.step();
    if (step % 1000 == 0)
      std::printf("%d D %.3f G %.3f\n", step, discriminator_loss.item<double>(), generator_loss.item<double>());
  }
}
