// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "eigenesis/kernels/random.hpp"
#include "eigenesis/machine/error.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// The rows [first, first + rows) of a batch of `total`: those of one rank of a training on several processes.
struct RowShare {
  Index first = 0, rows = 0, total = 0;
};

}  // namespace detail

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
    State& state = share_.total > 0 ? own_ : state_;
    const std::uint64_t block = state.counter / 4;
    if (!cached_ || cached_block_ != block || cached_key_ != state.key) {  // the state may have come from a file
      cache_ = detail::philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0},
                              {static_cast<std::uint32_t>(state.key), static_cast<std::uint32_t>(state.key >> 32)});
      cached_block_ = block;
      cached_key_ = state.key;
      cached_ = true;
    }
    return cache_[state.counter++ % 4];
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
    if (share_.total > 0) [[unlikely]]
      return fill_rows(detail::fill_uniform<T>, x, n, low, high);
    detail::fill_uniform(state_.key, state_.counter, x, n, low, high);
  }

  /// n independent normal numbers of mean 0 and standard deviation 1 (Box & Muller 1958).
  template <class T>
  void fill_normal(T* x, Index n) {
    if (share_.total > 0) [[unlikely]]
      return fill_rows(detail::fill_normal<T>, x, n);
    detail::fill_normal(state_.key, state_.counter, x, n);
  }

  /// Puts n elements into random order, each order equally likely (Fisher & Yates).
  template <class T>
  void shuffle(T* x, Index n) {
    for (Index i = n - 1; i > 0; --i) std::swap(x[i], x[below(i + 1)]);
  }

  /// A new stream, independent of what this one gives from now on.
  Rng split() { return Rng(next64()); }

  /// From now on this is the generator of one rank of a training on several processes, until it is given no rows. Where
  /// n is a multiple of its rows, a fill gives what the same fill for all rows gives for these: the ranks together draw
  /// what one process would. Everything else comes from `own`, a stream of the rank's own.
  void draw_rows(const detail::RowShare& share, const State& own) {
    share_ = share;
    own_ = own;
  }

 private:
  template <class T, class... Range>
  [[gnu::cold, gnu::noinline]] void fill_rows(void (*fill)(std::uint64_t, std::uint64_t&, T*, Index, Range...), T* x,
                                              Index n, Range... range) {
    if (n == 0 || n % share_.rows != 0) return fill(own_.key, own_.counter, x, n, range...);
    constexpr Index width = 256 / sizeof(T);  // a fill makes so many numbers of 64 words
    const Index row = n / share_.rows, first = share_.first * row, before = first % width;
    const auto words = [](Index numbers) { return 64 * static_cast<std::uint64_t>(numbers / width); };
    const std::uint64_t begin = (state_.counter + 3) / 4 * 4;
    std::uint64_t counter = begin + words(first);
    const auto numbers = std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(before + n));
    fill(state_.key, counter, numbers.get(), before + n, range...);
    std::copy_n(numbers.get() + before, n, x);
    state_.counter = begin + words(share_.total * row + width - 1);
  }
  std::uint64_t next64() {
    const std::uint64_t high = next();
    return high << 32 | next();
  }

  State state_, own_{};  // the second one where there is a share
  detail::RowShare share_;
  std::array<std::uint32_t, 4> cache_{};
  std::uint64_t cached_block_ = 0, cached_key_ = 0;
  bool cached_ = false;
};

}  // namespace eigenesis::inline EIGENESIS_ABI
