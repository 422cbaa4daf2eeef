// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// An array of bytes as idx files hold it, row-major.
struct IdxFile {
  std::vector<Index> sizes;
  std::vector<std::uint8_t> values;
};

/// Reads an idx file of unsigned bytes, plain or compressed by gzip (whatever its name). Throws DataError unless magic,
/// sizes, length and, if compressed, checksum are right to the byte. Format: Y. LeCun, the MNIST database.
IdxFile read_idx(const std::string& path);

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/idx_inl.hpp"
#endif
