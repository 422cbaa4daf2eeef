// SPDX-License-Identifier: MIT
// A library that is loaded and closed while the program runs. It uses the pool of threads and trains a model when it is
// loaded, when it is called, and when its static objects are destroyed.
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <eigenesis/distributions/standard_normal.hpp>
#include <eigenesis/layers/activations.hpp>
#include <eigenesis/layers/linear.hpp>
#include <eigenesis/layers/normalization.hpp>
#include <eigenesis/layers/sequential.hpp>
#include <eigenesis/machine/memory.hpp>
#include <eigenesis/machine/threads.hpp>
#include <eigenesis/models/vae.hpp>
#include <eigenesis/training/vae_trainer.hpp>

namespace {

using namespace eigenesis;

long sum_on_threads() {
  std::atomic<long> sum{0};
  parallel_for(64, [&](Index i) {
    const detail::CachedVector<long> numbers(1000, i);
    sum += numbers[999];
  });
  return sum;
}

/// A hash of all weights of a small VAE after three steps.
std::uint64_t train() {
  Rng rng(1);
  Vae vae{Encoder{Sequential{Linear(9, 8, rng), BatchNorm(8), Relu{}}, Linear(8, 2, rng), Linear(8, 2, rng)},
          Decoder{Sequential{Linear(2, 8, rng), Relu{}, Linear(8, 9, rng)}, BernoulliLikelihood{}}, StandardNormal(2)};
  VaeTrainer{vae}.fit(Tensor<float, 2>(Shape{60, 9}, 0.25f), {.steps = 3, .batch_size = 20}, rng);
  std::uint64_t hash = 0;
  for_each_state(vae, [&](const auto&, const auto& tensor) {
    for (const double number : tensor.values()) hash = 31 * hash + std::bit_cast<std::uint64_t>(number);
  });
  return hash;
}

const struct AtLoadAndEnd {
  std::uint64_t trained;
  AtLoadAndEnd() : trained(train()) { check(); }
  ~AtLoadAndEnd() { check(); }
  void check() const {
    if (sum_on_threads() != 2016 || train() != trained) std::abort();
  }
} at_load_and_end;

}  // namespace

extern "C" bool plugin_works() {
  set_num_threads(3);
  return sum_on_threads() == 2016 && train() == at_load_and_end.trained;
}
