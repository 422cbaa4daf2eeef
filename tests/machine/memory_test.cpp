// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstdlib>
#include <eigenesis/eigenesis.hpp>
#include <new>
#include <thread>

#include "catch.hpp"

using namespace eigenesis;
using detail::BlockCache, detail::recycle_blocks;

// This program's operator new counts its calls. (The forms for arrays call these.)
namespace {
std::atomic<std::int64_t> new_calls{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  ++new_calls;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return operator new(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

// Destroyed after the main thread's cache, whose blocks they hold.
Tensor<float, 1> outlives_the_cache({1000}, 3);
Parameter<float, 1> outlives_the_cache_too(Tensor<float, 1>({10}, 4));
const struct WorksAfterTheCache {
  ~WorksAfterTheCache() {
    const Variable x = watch(Tensor<float, 1>({1000}, 5));
    if (gradient(sum(x * x), x).value()(999) != 10) std::abort();
    release_unused_memory();
  }
} works_after_the_cache;

/// How often the program asks the system for memory while f runs, for its caches or past them.
template <class F>
std::int64_t system_allocations(F f) {
  const std::int64_t before = new_calls + BlockCache::system_allocations();
  f();
  return new_calls + BlockCache::system_allocations() - before;
}

/// A classifier with one hidden layer and its training step.
struct Network {
  Parameter<float, 2> w1 = Tensor<float, 2>({50, 30}, 0.01f), w2 = Tensor<float, 2>({30, 10}, 0.02f);
  Parameter<float, 1> b1 = Tensor<float, 1>({30}, 0.1f), b2 = Tensor<float, 1>({10}, 0.2f);
  Variable<float, 2> x = Tensor<float, 2>({700, 50}, 0.5f);

  void step() {
    const auto hidden = relu(matmul(x, w1) + b1);
    const auto log_p = log_softmax(matmul(hidden, w2) + b2, 1);
    const auto loss =
        -mean(slice(log_p, 1, 3, 4)) + 1e-3 * sum(square(concatenate({w1, w1}, 0))) + mean(maximum(log_p, 1));
    const auto [d1, c1, d2, c2] = gradient(loss, w1, b1, w2, b2);
    w1.mutable_value().array() -= 0.1f * d1.value().array();
    b1.mutable_value().array() -= 0.1f * c1.value().array();
    w2.mutable_value().array() -= 0.1f * d2.value().array();
    b2.mutable_value().array() -= 0.1f * c2.value().array();
  }
};

}  // namespace

TEST_CASE("Blocks of the cache come in classes at most an eighth larger than asked for, above 512 bytes") {
  for (std::size_t bytes = 0; bytes < 1'000'000; bytes += bytes < 5000 ? 1 : 997) {
    const std::size_t size = BlockCache::class_bytes(BlockCache::size_class(bytes));
    if (size < bytes || size % BlockCache::alignment != 0 ||
        size > std::max(bytes + bytes / 8 + 1, bytes + BlockCache::alignment)) {
      CAPTURE(bytes, size);
      FAIL();
    }
  }
  for (std::size_t c = 0; c < 400; ++c) CHECK(BlockCache::size_class(BlockCache::class_bytes(c)) == c);
  for (std::size_t c = 0; c < 400; ++c) CHECK(BlockCache::size_class(BlockCache::class_bytes(c) + 1) == c + 1);
}

TEST_CASE("The cache gives a freed block to the next tensor of its size class") {
  if (!recycle_blocks) return;
  const float* first = Tensor<float, 1>({3000}).data();
  CHECK(Tensor<float, 1>({2990}).data() == first);
  CHECK(system_allocations([] {
          for (int i = 0; i < 100; ++i) Tensor<float, 1>({3000}, 1);
        }) == 0);
}

TEST_CASE("release_unused_memory empties the cache") {
  { const Tensor<float, 1> x({3000}); }
  release_unused_memory();
  CHECK(system_allocations([] { Tensor<float, 1>({3000}); }) == 1);
}

TEST_CASE("Blocks may be given back in another thread, which does not hoard them") {
  std::vector<Tensor<float, 1>> tensors;
  for (int i = 0; i < 100; ++i) tensors.emplace_back(Shape{5000}, 1.0f);
  std::int64_t first = 0, second = 0;
  std::thread([&, own = std::move(tensors)]() mutable {
    own.clear();
    first = system_allocations([] { Tensor<float, 1>({5000}); });
    second = system_allocations([] { Tensor<float, 1>({5000}); });
  }).join();
  CHECK(first == 1);
  CHECK(second == (recycle_blocks ? 0 : 1));
}

TEST_CASE("Tensors outlive the thread that made them") {
  Tensor<float, 1> x;
  Variable<float, 1> y;
  std::thread([&] {
    x = Tensor<float, 1>({100}, 2);
    y = Variable(x) * 3;
  }).join();
  CHECK(x(99) == 2);
  CHECK(y.value()(99) == 6);
}

TEST_CASE("Tensors of static storage hold blocks of the cache until the program ends") {
  CHECK(outlives_the_cache(999) == 3);
  CHECK(outlives_the_cache_too.value()(9) == 4);
}

TEST_CASE("A training step in steady state takes no memory from the system") {
  if (!recycle_blocks) return;
  const int threads = num_threads();
  Network network;
  const auto three_steps = [&] {
    for (int i = 0; i < 3; ++i) network.step();
  };
  set_num_threads(1);
  three_steps();
  CHECK(system_allocations(three_steps) == 0);
  // With more threads each of them must first have met its work.
  set_num_threads(2);
  std::int64_t fewest = 1;
  for (int i = 0; i < 100 && fewest > 0; ++i) fewest = std::min(fewest, system_allocations(three_steps));
  CHECK(fewest == 0);
  set_num_threads(threads);
}
