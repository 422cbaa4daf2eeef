// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstdlib>
#include <eigenesis/eigenesis.hpp>
#include <new>

#include "catch.hpp"
#include "models/weights.hpp"

using namespace eigenesis;

namespace {

std::atomic<std::int64_t> heap_allocations{0};

}  // namespace

// Not inlined, or the compiler warns of memory of new that free() gets. With the nothrow form, which sanitizers do not
// lead through the first one.
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++heap_allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (void* memory = operator new(bytes, std::nothrow)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace {

/// What is called between steps.
using Between = std::function<void()>;

Tensor<float, 2> some_data(Index n, Index pixels, Rng& rng) {
  Tensor<float, 2> x(Shape{n, pixels});
  rng.fill_uniform(x.data(), x.size(), 0.0f, 1.0f);
  return x;
}

// All kinds of layers, with batches of 100 just large enough that threads share the work.
constexpr Index pixels = 256;
constexpr Index steps = detail::recycle_blocks ? 200 : 20;  // fewer under the sanitizers, which are slow

auto small_vae(Rng& rng) {
  return Vae{
      Encoder{Sequential{Linear(pixels, 64, rng), BatchNorm(64), Relu{}}, Linear(64, 8, rng), Linear(64, 8, rng)},
      Decoder{Sequential{Linear(8, 64, rng), LayerNorm(64), Relu{}, Dropout(0.1), Linear(64, pixels, rng)},
              BernoulliLikelihood{}},
      StandardNormal(8)};
}
auto small_generator(Rng& rng) {
  return Generator{Sequential{Linear(20, 64, rng), BatchNorm(64), LeakyRelu{0.2}, Linear(64, pixels, rng), Tanh{}},
                   StandardNormal(20)};
}
auto small_discriminator(Rng& rng) {
  return Discriminator{Sequential{Linear(pixels, 64, rng), LeakyRelu{0.2}, Dropout(0.1), Linear(64, 1, rng)}};
}
auto small_image_generator(Rng& rng) {
  return Generator{
      Sequential{Unflatten{1, 1, 20}, ConvTranspose2d(20, 32, 4, {.bias = false}, rng), BatchNorm(32), Relu{},
                 Upsample2d{2, Interpolation::bilinear}, InstanceNorm(32, {.affine = true}), LeakyRelu{0.2},
                 ConvTranspose2d(32, 1, 4, {.stride = 2, .padding = 1}, rng), Tanh{}, Flatten{}},
      StandardNormal(20)};
}
auto small_image_discriminator(Rng& rng) {
  return Discriminator{Sequential{Unflatten{16, 16, 1}, Conv2d(1, 16, 4, {.stride = 2, .padding = 1}, rng),
                                  LeakyRelu{0.2}, MaxPool2d{2}, Conv2d(16, 32, 3, {.padding = 1}, rng), AvgPool2d{2},
                                  LeakyRelu{0.2}, Flatten{}, Linear(128, 1, rng)}};
}

std::uint64_t trained_vae(auto vae, const Tensor<float, 2>& data, Index batch_size, Rng rng, const Between& between) {
  VaeTrainer trainer{vae};
  trainer.fit(Transformed{data, Binarize{}},
              {.steps = steps, .batch_size = batch_size, .on_step = [&](auto&) { between(); }}, rng);
  return weight_hash(vae) ^ rng.state().counter;
}
std::uint64_t trained_gan(auto generator, auto discriminator, const Tensor<float, 2>& data, Index batch_size, Rng rng,
                          const Between& between, Index rounds = steps) {
  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  trainer.fit(data, {.steps = rounds, .batch_size = batch_size, .on_step = [&](auto&) { between(); }}, rng);
  return weight_hash(generator) ^ weight_hash(discriminator) ^ rng.state().counter;
}

/// Trains with 1, 2, 3 and 8 threads, once more, and with tensors at other places.
template <class Train>
void check_same_bits(Train train) {
  const int threads_before = num_threads();
  const auto nothing = [] {};
  set_num_threads(1);
  const std::uint64_t expected = train(Between(nothing));
  CHECK(train(Between(nothing)) == expected);
  for (const int threads : {2, 3, 8}) {
    INFO(threads << " threads");
    set_num_threads(threads);
    CHECK(train(Between(nothing)) == expected);
  }
  std::vector<Tensor<float, 1>> in_the_way;
  Index size = 1;
  CHECK(train(Between([&] {
          size = size * 7 % 100'003;
          in_the_way.emplace_back(Shape{size});
          if (in_the_way.size() > 40) in_the_way.clear(), release_unused_memory();
        })) == expected);
  set_num_threads(threads_before);
}

/// Counts what is taken from the system between the ends of step 30 and of step 60.
struct Counter {
  std::int64_t heap = 0, pool = 0;
  Index step = 0;
  void operator()() {
    if (++step != 30 && step != 60) return;
    heap = heap_allocations - heap;
    pool = detail::block_cache().system_allocations() - pool;
  }
};

}  // namespace

TEST_CASE("A VAE trains to the same bits with any number of threads", "[training]") {
  Rng rng(1);
  const Tensor<float, 2> data = some_data(500, pixels, rng);
  const auto vae = small_vae(rng);
  check_same_bits([&](const Between& between) { return trained_vae(vae, data, 100, rng, between); });
  CHECK(trained_vae(vae, data, 100, rng, [] {}) != trained_vae(vae, data, 100, Rng(2), [] {}));
}

TEST_CASE("A GAN trains to the same bits with any number of threads", "[training]") {
  Rng rng(1);
  const Tensor<float, 2> data = some_data(500, pixels, rng);
  const auto generator = small_generator(rng);
  const auto discriminator = small_discriminator(rng);
  check_same_bits(
      [&](const Between& between) { return trained_gan(generator, discriminator, data, 100, rng, between); });
}

TEST_CASE("A GAN of convolutions trains to the same bits with any number of threads", "[training]") {
  Rng rng(1);
  const Tensor<float, 2> data = some_data(200, pixels, rng);
  const auto generator = small_image_generator(rng);
  const auto discriminator = small_image_discriminator(rng);
  check_same_bits(
      [&](const Between& between) { return trained_gan(generator, discriminator, data, 40, rng, between, 20); });
}

TEST_CASE("The VAE of the MNIST example trains to the same bits with any number of threads", "[.slow]") {
  Rng rng(1);
  const Tensor<float, 2> data = some_data(2000, 784, rng);
  const Vae vae{Encoder{Sequential{Linear(784, 400, rng), Relu{}}, Linear(400, 20, rng), Linear(400, 20, rng)},
                Decoder{Sequential{Linear(20, 400, rng), Relu{}, Linear(400, 784, rng)}, BernoulliLikelihood{}},
                StandardNormal(20)};
  check_same_bits([&](const Between& between) { return trained_vae(vae, data, 128, rng, between); });
}

TEST_CASE("The GAN of the MNIST example trains to the same bits with any number of threads", "[.slow]") {
  Rng rng(1);
  const Tensor<float, 2> data = some_data(2000, 784, rng);
  const LeakyRelu leaky{0.2};
  const Generator generator{Sequential{Linear(100, 256, rng), leaky, Linear(256, 512, rng), leaky,
                                       Linear(512, 1024, rng), leaky, Linear(1024, 784, rng), Tanh{}},
                            StandardNormal(100)};
  const Discriminator discriminator{
      Sequential{Linear(784, 512, rng), leaky, Linear(512, 256, rng), leaky, Linear(256, 1, rng)}};
  check_same_bits(
      [&](const Between& between) { return trained_gan(generator, discriminator, data, 128, rng, between); });
}

TEST_CASE("A training step in steady state takes no memory from the system", "[training]") {
  if (!detail::recycle_blocks) return;  // under a sanitizer every block comes from the system
  const int threads_before = num_threads();
  for (const int threads : {1, 2}) {
    INFO(threads << " threads");
    set_num_threads(threads);
    Rng rng(1);
    const Tensor<float, 2> data = some_data(250, pixels, rng);  // batches of 100, 100 and 50
    auto vae = small_vae(rng);
    auto generator = small_generator(rng);
    auto discriminator = small_discriminator(rng);
    auto image_generator = small_image_generator(rng);
    auto image_discriminator = small_image_discriminator(rng);
    Counter of_vae, of_gan, of_images;
    VaeTrainer{vae, MovingAverage{vae}}.fit(Transformed{data, Binarize{}},
                                            {.steps = 70, .batch_size = 100, .on_step = [&](auto&) { of_vae(); }}, rng);
    GanTrainer{generator, discriminator, NonSaturating{}}.fit(
        data, {.steps = 70, .batch_size = 100, .on_step = [&](auto&) { of_gan(); }}, rng);
    GanTrainer{image_generator, image_discriminator, NonSaturating{}}.fit(
        data, {.steps = 70, .batch_size = 40, .on_step = [&](auto&) { of_images(); }}, rng);
    CHECK(of_vae.step == 70);
    CHECK(of_vae.pool == 0);
    CHECK(of_vae.heap == 0);
    CHECK(of_gan.step == 70);
    CHECK(of_gan.pool == 0);
    CHECK(of_gan.heap == 0);
    CHECK(of_images.step == 70);
    CHECK(of_images.pool == 0);
    CHECK(of_images.heap == 0);
  }
  set_num_threads(threads_before);
}

TEST_CASE("Allocations are counted", "[training]") {
  const std::int64_t before = heap_allocations;
  const std::vector<int> numbers(1000);
  CHECK(heap_allocations == before + 1);
  const std::int64_t pool_before = detail::block_cache().system_allocations();
  const Tensor<float, 1> unusual(Shape{12'345'678});
  CHECK(detail::block_cache().system_allocations() == pool_before + 1);
}
