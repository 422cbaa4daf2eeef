// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

inline bool is_gzip(std::span<const std::uint8_t> file) {
  return file.size() >= 2 && file[0] == 0x1f && file[1] == 0x8b;
}

/// The content of a gzip file (RFC 1952), which must consist of one member. Throws DataError unless header, length and
/// checksum are right.
Bytes gunzip(std::string_view function, std::span<const std::uint8_t> file, const std::string& path);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/gzip_inl.hpp"
#endif
