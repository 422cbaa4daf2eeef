// SPDX-License-Identifier: MIT
// Milliseconds per training step of the two MNIST models, at 1, 2, ... threads: best and median of interleaved rounds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <eigenesis/eigenesis.hpp>
#include <functional>
#include <thread>
using namespace eigenesis;

double time_of(const std::function<void()>& step, int count) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) step();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() / count;
}

int main() {
  Rng rng(1);
  const Index batch = 128;
  Tensor<float, 2> images(Shape{batch, 784}), scaled(Shape{batch, 784});
  rng.fill_uniform(images.data(), images.size(), 0.0f, 1.0f);
  rng.fill_uniform(scaled.data(), scaled.size(), -1.0f, 1.0f);

  Vae vae{Encoder{Sequential{Linear(784, 400, rng), Relu{}}, Linear(400, 20, rng), Linear(400, 20, rng)},
          Decoder{Sequential{Linear(20, 400, rng), Relu{}, Linear(400, 784, rng)}, BernoulliLikelihood{}},
          StandardNormal(20)};
  VaeTrainer vae_trainer{vae};

  const LeakyRelu leaky{0.2};
  Generator generator{Sequential{Linear(100, 256, rng), leaky, Linear(256, 512, rng), leaky, Linear(512, 1024, rng),
                                 leaky, Linear(1024, 784, rng), Tanh{}},
                      StandardNormal(100)};
  Discriminator discriminator{
      Sequential{Linear(784, 512, rng), leaky, Linear(512, 256, rng), leaky, Linear(256, 1, rng)}};
  GanTrainer gan_trainer{generator, discriminator, NonSaturating{}};

  const auto ring = ring_of_gaussians(8);
  Generator ring_generator{Sequential{Linear(2, 128, rng), Relu{}, Linear(128, 128, rng), Relu{}, Linear(128, 2, rng)},
                           StandardNormal(2)};
  Discriminator ring_discriminator{
      Sequential{Linear(2, 128, rng), LeakyRelu{0.2}, Linear(128, 128, rng), LeakyRelu{0.2}, Linear(128, 1, rng)}};
  GanTrainer ring_trainer{ring_generator, ring_discriminator, NonSaturating{}};

  const auto vae_step = [&] { vae_trainer.train(images, rng); };
  const auto gan_step = [&] {
    gan_trainer.train_discriminator(scaled, rng);
    gan_trainer.train_generator(batch, rng);
  };
  const auto ring_step = [&] {
    ring_trainer.train_discriminator(ring.sample(256, rng), rng);
    ring_trainer.train_generator(256, rng);
  };

  std::printf("milliseconds per step, best / median of 9 rounds\n%-40s", "threads");
  const int most = static_cast<int>(std::max(2u, std::thread::hardware_concurrency()));
  std::vector<int> threads;
  for (int n = 1; n <= most; n *= 2) threads.push_back(n);
  for (const int n : threads) std::printf(" %16d", n);
  for (auto& [name, step] : std::initializer_list<std::pair<const char*, std::function<void()>>>{
           {"VAE 784-400-20, batch 128", vae_step},
           {"GAN 100-...-784, 784-...-1, batch 128", gan_step},
           {"ring GAN 2-128-128-2, batch 256", ring_step}}) {
    time_of(step, 20);
    const int count = std::max(5, static_cast<int>(200 / time_of(step, 5)));
    std::vector<std::vector<double>> times(threads.size());
    for (int round = 0; round < 9; ++round)
      for (std::size_t i = 0; i < threads.size(); ++i) {
        set_num_threads(threads[i]);
        times[i].push_back(time_of(step, count));
      }
    std::printf("\n%-40s", name);
    for (auto& t : times) {
      std::ranges::sort(t);
      std::printf("   %6.3f / %5.3f", t.front(), t[t.size() / 2]);
    }
    std::fflush(stdout);
  }
  std::printf("\n");
}
