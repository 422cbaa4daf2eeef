// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/random.hpp"
#include "eigenesis/machine/float_state.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The 64 words of 16 counters from `block` on, and what they become: 64 floats or 32 doubles.
EIGENESIS_ONCE void random_words(std::uint64_t key, std::uint64_t block, std::uint32_t* words, Isa use) {
  EIGENESIS_DISPATCH(use, random_words(key, block, words));
}
EIGENESIS_ONCE void uniform_chunk(const std::uint32_t* words, float* out, float low, float high, Isa use) {
  EIGENESIS_DISPATCH(use, uniform_chunk(words, out, low, high));
}
EIGENESIS_ONCE void normal_chunk(const std::uint32_t* words, float* out, Isa use) {
  EIGENESIS_DISPATCH(use, normal_chunk(words, out));
}

/// 53 random bits of a chunk's word pair i in [0, 32).
EIGENESIS_ONCE std::uint64_t bits53(const std::uint32_t* words, Index i) {
  return (std::uint64_t{words[i]} << 32 | words[i + 32]) >> 11;
}

EIGENESIS_ONCE void uniform_chunk(const std::uint32_t* words, double* out, double low, double high, Isa) {
  for (Index i = 0; i < 32; ++i) {
    const double x = low + rounded((high - low) * (static_cast<double>(bits53(words, i)) * 0x1p-53));
    out[i] = x < high ? x : low;
  }
}

EIGENESIS_ONCE void normal_chunk(const std::uint32_t* words, double* out, Isa) {
  for (Index i = 0; i < 16; ++i) {
    const double radius = std::sqrt(-2 * std::log((static_cast<double>(bits53(words, i)) + 0.5) * 0x1p-53));
    const double angle = 2 * std::numbers::pi * 0x1p-53 * static_cast<double>(bits53(words, i + 16));
    out[i] = radius * std::cos(angle);
    out[i + 16] = radius * std::sin(angle);
  }
}

/// Chunks of 64 words, beginning with the next counter, become 64 floats or 32 doubles each.
template <class T, class F>
void fill_by_chunks(std::uint64_t key, std::uint64_t& counter, T* x, Index n, F chunk) {
  constexpr Index width = 256 / sizeof(T), chunks_per_piece = 128;
  if (n <= 0) return;
  const std::uint64_t block = (counter + 3) / 4;
  const Isa use = isa();
  run_ranges(count_parts(n, width), chunks_per_piece, [=](Index first, Index last) {
    alignas(64) std::uint32_t words[64];
    alignas(64) T rest[256 / sizeof(T)];
    for (Index i = first; i < last; ++i) {
      random_words(key, block + 16 * static_cast<std::uint64_t>(i), words, use);
      const bool whole = (i + 1) * width <= n;
      chunk(words, whole ? x + i * width : rest, use);
      if (!whole) std::copy_n(rest, n - i * width, x + i * width);
    }
  });
  counter = 4 * (block + 16 * static_cast<std::uint64_t>(count_parts(n, width)));
}

template <class T>
void fill_uniform(std::uint64_t key, std::uint64_t& counter, T* x, Index n, T low, T high) {
  fill_by_chunks(key, counter, x, n,
                 [=](const std::uint32_t* words, T* out, Isa use) { uniform_chunk(words, out, low, high, use); });
}

template <class T>
void fill_normal(std::uint64_t key, std::uint64_t& counter, T* x, Index n) {
  fill_by_chunks(key, counter, x, n,
                 [](const std::uint32_t* words, T* out, Isa use) { normal_chunk(words, out, use); });
}

EIGENESIS_INSTANTIATE(fill_uniform);
EIGENESIS_INSTANTIATE(fill_normal);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
