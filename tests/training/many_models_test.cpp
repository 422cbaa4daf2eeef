// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <eigenesis/eigenesis.hpp>
#include <functional>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "models/weights.hpp"

using namespace eigenesis;

namespace {

/// Trains a VAE and a GAN, and gives the hash of their weights. Batches are large enough for several threads to share.
/// `after_step` is called after each step of the VAE.
std::uint64_t trained(
    std::uint64_t seed, const std::function<void(Index step)>& after_step = [](Index) {}) {
  constexpr Index pixels = 256;
  Rng rng(seed);
  Tensor<float, 2> data(Shape{150, pixels});
  rng.fill_uniform(data.data(), data.size(), 0, 1);
  Vae vae{Encoder{Sequential{Linear(pixels, 64, rng), BatchNorm(64), Relu{}}, Linear(64, 8, rng), Linear(64, 8, rng)},
          Decoder{Sequential{Linear(8, 64, rng), Relu{}, Dropout(0.1), Linear(64, pixels, rng)}, BernoulliLikelihood{}},
          StandardNormal(8)};
  VaeTrainer{vae, MovingAverage{vae}}.fit(
      data, {.steps = 6, .batch_size = 50, .on_step = [&](auto& now) { after_step(now.step); }}, rng);
  Generator generator{Sequential{Linear(20, 64, rng), Relu{}, Linear(64, pixels, rng), Sigmoid{}}, StandardNormal(20)};
  Discriminator discriminator{Sequential{Unflatten{16, 16, 1}, Conv2d(1, 16, 4, {.stride = 2, .padding = 1}, rng),
                                         LeakyRelu{0.2}, AvgPool2d{2}, Flatten{}, Linear(256, 1, rng)}};
  GanTrainer{generator, discriminator, Wasserstein{}, GradientPenalty{}}.fit(data, {.steps = 4, .batch_size = 50}, rng);
  return weight_hash(vae) ^ weight_hash(generator) ^ weight_hash(discriminator) ^ rng.state().counter;
}

}  // namespace

TEST_CASE("Models that train at the same time in eight threads get the bits of their training alone", "[training]") {
  const int threads_before = num_threads();
  constexpr std::size_t count = 8;
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    std::vector<std::uint64_t> alone, together(count);
    for (std::size_t i = 0; i < count; ++i) alone.push_back(trained(i + 1));
    std::vector<std::thread> users;
    for (std::size_t i = 0; i < count; ++i) users.emplace_back([&, i] { together[i] = trained(i + 1); });
    for (std::thread& user : users) user.join();
    INFO(threads << " threads of the pool");
    CHECK(together == alone);
    CHECK(alone[0] != alone[1]);
  }
  set_num_threads(threads_before);
}

TEST_CASE("A process that is forked in the middle of a training trains on to the same bits, and so does its parent",
          "[training][fork]") {
  const int threads_before = num_threads();
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    const std::uint64_t whole = trained(1);
    pid_t child = -1;
    const std::uint64_t here = trained(1, [&](Index step) {
      if (step == 3) child = ::fork();
    });
    if (child == 0) ::_exit(here == whole ? 0 : 1);
    REQUIRE(child > 0);
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    INFO(threads << " threads of the pool");
    CHECK(status == 0);
    CHECK(here == whole);
  }
  set_num_threads(threads_before);
}
