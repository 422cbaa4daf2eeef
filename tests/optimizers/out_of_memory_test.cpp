// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

// Tensors and the small containers of a step take their memory from aligned_alloc. Sanitizers have one of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

long calls_until_failure = -1;  // never

}  // namespace

extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) {
  if (calls_until_failure >= 0 && calls_until_failure-- == 0) return nullptr;
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

namespace {

template <class Model>
std::vector<float> numbers_of(const Model& model) {
  std::vector<float> all;
  for_each_state(model, [&](const FieldPath&, const auto& tensor) {
    for (const auto x : tensor.values()) all.push_back(static_cast<float>(x));
  });
  return all;
}

/// Lets each request for memory in a step fail in turn; before and after it, steps are made.
template <class Optimizer>
void check_each_failure(const Optimizer& start, int steps_before) {
  Rng rng(1);
  Sequential network{Linear(10, 20, rng), Tanh{}, Linear(20, 3000, rng)};
  Optimizer optimizer = start;
  MovingAverage average{network};
  const Variable x(Tensor<float, 2>(Shape{8, 10}, 0.5f));
  const auto step = [&] {
    optimizer.minimize(mean(square(network(x))), network);
    average.update(network);
  };
  for (int i = 0; i < steps_before; ++i) step();
  const auto weights = numbers_of(network), state = numbers_of(optimizer), averages = numbers_of(average);
  long failures = 0;
  for (long n = 0;; ++n, ++failures) {
    INFO("request " << n << " of " << Optimizer::name << " after " << steps_before << " steps");
    const auto loss = mean(square(network(x)));
    release_unused_memory();
    calls_until_failure = n;
    try {
      optimizer.minimize(loss, network);
      calls_until_failure = -1;
      break;
    } catch (const std::bad_alloc&) {
    }
    REQUIRE(numbers_of(network) == weights);
    if (steps_before > 0) REQUIRE(numbers_of(optimizer) == state);
    CHECK(optimizer.steps() == steps_before);
  }
  CHECK(failures > 3);
  CHECK(optimizer.steps() == steps_before + 1);
  for (long n = 0;; ++n) {
    release_unused_memory();
    calls_until_failure = n;
    try {
      average.update(network);
      calls_until_failure = -1;
      break;
    } catch (const std::bad_alloc&) {
    }
    REQUIRE(numbers_of(average) == averages);
  }
  CHECK_NOTHROW(step());
}

}  // namespace

TEST_CASE("A step that runs out of memory changes nothing, and the next one works", "[optimizers]") {
  for (const int steps : {0, 2}) {
    check_each_failure(Adam{}, steps);
    check_each_failure(Adam{{.weight_decay = 0.1, .clip_norm = 1}}, steps);
    check_each_failure(AdamW{}, steps);
    check_each_failure(Sgd{}, steps);
    check_each_failure(Sgd{{.momentum = 0.9, .nesterov = true}}, steps);
    check_each_failure(RmsProp{{.momentum = 0.9, .weight_decay = 0.1}}, steps);
  }
}

#endif
