// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

inline bool is_gzip(std::span<const std::uint8_t> file) {
  return file.size() >= 2 && file[0] == 0x1f && file[1] == 0x8b;
}

/// At least the first 1032 bytes of the content of a gzip file, or all if there are fewer.
Bytes gunzip_beginning(std::string_view function, std::span<const std::uint8_t> file, const std::string& path);

/// The content of a gzip file (RFC 1952), which must consist of one member. Throws DataError unless header, length and
/// checksum are right, and, before it takes memory for them, unless it says that it holds `size` bytes.
Bytes gunzip(std::string_view function, std::span<const std::uint8_t> file, std::size_t size, const std::string& path);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/gzip_inl.hpp"
#endif
