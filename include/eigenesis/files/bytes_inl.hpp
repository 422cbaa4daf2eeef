// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "eigenesis/files/bytes.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The sum of a polynomial, its bits in reverse order.
template <std::uint32_t polynomial>
std::uint32_t cyclic_sum(std::span<const std::uint8_t> bytes) {
  static constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> result{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      result[i] = i;
      for (int bit = 0; bit < 8; ++bit) result[i] = result[i] >> 1 ^ (result[i] & 1 ? polynomial : 0);
    }
    return result;
  }();
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t byte : bytes) crc = crc >> 8 ^ table[(crc ^ byte) & 0xff];
  return ~crc;
}
EIGENESIS_ONCE std::uint32_t crc32(std::span<const std::uint8_t> bytes) { return cyclic_sum<0xedb88320u>(bytes); }
EIGENESIS_ONCE std::uint32_t crc32c(std::span<const std::uint8_t> bytes) { return cyclic_sum<0x82f63b78u>(bytes); }

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
