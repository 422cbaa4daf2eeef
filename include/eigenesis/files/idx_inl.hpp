// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "eigenesis/files/gzip.hpp"
#include "eigenesis/files/idx.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

EIGENESIS_ONCE IdxFile read_idx(const std::string& path) {
  constexpr std::string_view name = "read_idx";
  detail::Bytes file = detail::read_file(name, path);
  const bool compressed = detail::is_gzip(file);
  const detail::Bytes unpacked = compressed ? detail::gunzip_beginning(name, file, path) : detail::Bytes();
  const std::span<const std::uint8_t> begin = compressed ? unpacked : file;

  require<DataError>(begin.size() >= 4, name, ": expected at least 4 bytes but got ", begin.size(), " in ", path);
  require<DataError>(begin[0] == 0 && begin[1] == 0, name, ": expected the file to start with 0 0 but got ", begin[0],
                     " ", begin[1], " in ", path);
  require<DataError>(begin[2] == 8, name, ": expected unsigned bytes (type 8) but got type ", begin[2], " in ", path);
  const std::size_t rank = begin[3];
  require<DataError>(rank >= 1, name, ": expected at least one axis but got 0 in ", path);
  const std::size_t header = 4 + 4 * rank;
  require<DataError>(begin.size() >= header, name, ": expected a header of ", header, " bytes but got ", begin.size(),
                     " in ", path);

  IdxFile result;
  std::size_t count = 1;
  bool fits = true;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::size_t size = detail::big_endian(&begin[4 + 4 * axis]);
    result.sizes.push_back(static_cast<Index>(size));
    fits = !__builtin_mul_overflow(count, size, &count) && fits;
  }
  if (std::ranges::count(result.sizes, 0) > 0) {
    count = 0;
    fits = true;
  }
  if (compressed) {
    require<DataError>(fits && count <= detail::max_file_bytes, name, ": expected sizes of at most ",
                       detail::max_file_bytes, " values but got ", detail::ShapeView{result.sizes}, " in ", path);
    file = detail::gunzip(name, file, header + count, path);
  }
  require<DataError>(fits && file.size() - header == count, name, ": expected sizes whose product is ",
                     file.size() - header, ", the number of values in the file, but got ",
                     detail::ShapeView{result.sizes}, " in ", path);
  file.erase(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(header));
  result.values = std::move(file);
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
