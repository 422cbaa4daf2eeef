// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include "eigenesis/machine/config.hpp"

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

/// n numbers in [low, high) from the counters that follow; `counter`, which counts words, moves behind those used.
template <class T>
void fill_uniform(std::uint64_t key, std::uint64_t& counter, T* x, Index n, T low, T high);
/// The same for normal numbers of mean 0 and standard deviation 1 (Box & Muller 1958).
template <class T>
void fill_normal(std::uint64_t key, std::uint64_t& counter, T* x, Index n);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/kernels/random_inl.hpp"
#endif
