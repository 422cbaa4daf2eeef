// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <numbers>

#include "eigenesis/kernels/instruction_sets.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Philox4x32-10, the counter-based generator of Salmon et al. (2011): a bijection of counters for each key.
inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t first = std::uint64_t{0xD2511F53} * counter[0], second = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(second),
               static_cast<std::uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(first)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// The 64 words of 16 counters from `block` on, and what they become: 64 floats or 32 doubles.
inline void random_words(std::uint64_t key, std::uint64_t block, std::uint32_t* words, Isa use) {
  EIGENESIS_DISPATCH(use, random_words(key, block, words));
}
inline void uniform_chunk(const std::uint32_t* words, float* out, float low, float high, Isa use) {
  EIGENESIS_DISPATCH(use, uniform_chunk(words, out, low, high));
}
inline void normal_chunk(const std::uint32_t* words, float* out, Isa use) {
  EIGENESIS_DISPATCH(use, normal_chunk(words, out));
}

/// 53 random bits of a chunk's word pair i in [0, 32).
inline std::uint64_t bits53(const std::uint32_t* words, Index i) {
  return (std::uint64_t{words[i]} << 32 | words[i + 32]) >> 11;
}

inline void uniform_chunk(const std::uint32_t* words, double* out, double low, double high, Isa) {
  for (Index i = 0; i < 32; ++i) {
    const double x = low + (high - low) * (static_cast<double>(bits53(words, i)) * 0x1p-53);
    out[i] = x < high ? x : low;
  }
}

inline void normal_chunk(const std::uint32_t* words, double* out, Isa) {
  for (Index i = 0; i < 16; ++i) {
    const double radius = std::sqrt(-2 * std::log((static_cast<double>(bits53(words, i)) + 0.5) * 0x1p-53));
    const double angle = 2 * std::numbers::pi * 0x1p-53 * static_cast<double>(bits53(words, i + 16));
    out[i] = radius * std::cos(angle);
    out[i + 16] = radius * std::sin(angle);
  }
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
