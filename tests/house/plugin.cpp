// SPDX-License-Identifier: MIT
// A library that is loaded and unloaded while the program runs. It uses the pool of threads when it is loaded, when it
// is called, and when the program ends.
#include <atomic>
#include <cstdlib>
#include <eigenesis/machine/memory.hpp>
#include <eigenesis/machine/threads.hpp>

namespace {

long sum_on_threads() {
  std::atomic<long> sum{0};
  eigenesis::parallel_for(64, [&](eigenesis::Index i) {
    const eigenesis::detail::CachedVector<long> numbers(1000, i);
    sum += numbers[999];
  });
  return sum;
}

const struct AtLoadAndEnd {
  AtLoadAndEnd() { check(); }
  ~AtLoadAndEnd() { check(); }
  static void check() {
    if (sum_on_threads() != 2016) std::abort();
  }
} at_load_and_end;

}  // namespace

extern "C" long plugin_sum() {
  eigenesis::set_num_threads(3);
  return sum_on_threads();
}
