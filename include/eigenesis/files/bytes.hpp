// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eigenesis/machine/config.hpp"

// What the bytes of files say: numbers and checksums.
namespace eigenesis::inline EIGENESIS_ABI::detail {

using Bytes = std::vector<std::uint8_t>;

/// CRC-32 as gzip and PNG use it.
std::uint32_t crc32(std::span<const std::uint8_t> bytes);
/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), as event files use it.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes);

/// The unsigned number in the `count` bytes at `bytes`, the most significant byte first.
inline std::uint32_t big_endian(const std::uint8_t* bytes, int count = 4) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}
/// The same, the least significant byte first.
inline std::uint32_t little_endian(const std::uint8_t* bytes, int count = 4) {
  std::uint32_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/bytes_inl.hpp"
#endif
