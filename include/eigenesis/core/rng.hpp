// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "eigenesis/kernels/random.hpp"
#include "eigenesis/machine/error.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
/// A stream of random numbers: word i is a function of the key and i (Philox4x32-10). A copy continues with the same
/// numbers. Every result is the same for any number of threads; log, sine and cosine of normals may differ in the last
/// bits between instruction sets.
class Rng {
 public:
  /// All there is to know of a stream; enough to continue it.
  struct State {
    std::uint64_t key = 0;      // the seed
    std::uint64_t counter = 0;  // words used so far
    bool operator==(const State&) const = default;
  };

  explicit Rng(std::uint64_t seed = 0) : state_{seed, 0} {}
  explicit Rng(const State& state) : state_(state) {}
  /// Of this moment, to continue from later.
  const State& state() const { return state_; }

  /// 32 random bits.
  std::uint32_t next() {
    const std::uint64_t block = state_.counter / 4;
    if (!cached_ || cached_block_ != block || cached_key_ != state_.key) {  // the state may have come from a file
      cache_ = detail::philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0},
                              {static_cast<std::uint32_t>(state_.key), static_cast<std::uint32_t>(state_.key >> 32)});
      cached_block_ = block;
      cached_key_ = state_.key;
      cached_ = true;
    }
    return cache_[state_.counter++ % 4];
  }

  /// A number in [0, 1) of 53 bits.
  double uniform() { return static_cast<double>(next64() >> 11) * 0x1p-53; }

  /// A whole number in [0, n), each equally likely. Throws ArgumentError for n < 1.
  Index below(Index n) {
    require<ArgumentError>(n >= 1, "Rng::below: expected n >= 1 but got ", n);
    const auto greatest = static_cast<std::uint64_t>(n - 1);
    const int unused = std::countl_zero(greatest | 1);
    for (;;) {  // less than two rounds on average
      const std::uint64_t bits = unused >= 32 ? next() >> (unused - 32) : next64() >> unused;
      if (bits <= greatest) return static_cast<Index>(bits);
    }
  }

  /// n independent numbers in [low, high).
  template <class T>
  void fill_uniform(T* x, Index n, std::type_identity_t<T> low, std::type_identity_t<T> high) {
    detail::fill_uniform(state_.key, state_.counter, x, n, low, high);
  }

  /// n independent normal numbers of mean 0 and standard deviation 1 (Box & Muller 1958).
  template <class T>
  void fill_normal(T* x, Index n) {
    detail::fill_normal(state_.key, state_.counter, x, n);
  }

  /// Puts n elements into random order, each order equally likely (Fisher & Yates).
  template <class T>
  void shuffle(T* x, Index n) {
    for (Index i = n - 1; i > 0; --i) std::swap(x[i], x[below(i + 1)]);
  }

  /// A new stream, independent of what this one gives from now on.
  Rng split() { return Rng(next64()); }

 private:
  std::uint64_t next64() {
    const std::uint64_t high = next();
    return high << 32 | next();
  }

  State state_;
  std::array<std::uint32_t, 4> cache_{};
  std::uint64_t cached_block_ = 0, cached_key_ = 0;
  bool cached_ = false;
};

}  // namespace eigenesis::inline EIGENESIS_ABI
