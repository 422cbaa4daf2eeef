// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/gzip.hpp"
#include "eigenesis/files/idx.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

EIGENESIS_ONCE IdxFile read_idx(const std::string& path) {
  constexpr std::string_view name = "read_idx";
  detail::Bytes file = detail::read_file(name, path);
  if (detail::is_gzip(file)) file = detail::gunzip(name, file, path);

  require<DataError>(file.size() >= 4, name, ": expected at least 4 bytes but got ", file.size(), " in ", path);
  require<DataError>(file[0] == 0 && file[1] == 0, name, ": expected the file to start with 0 0 but got ", file[0], " ",
                     file[1], " in ", path);
  require<DataError>(file[2] == 8, name, ": expected unsigned bytes (type 8) but got type ", file[2], " in ", path);
  const std::size_t rank = file[3];
  require<DataError>(rank >= 1, name, ": expected at least one axis but got 0 in ", path);
  const std::size_t header = 4 + 4 * rank;
  require<DataError>(file.size() >= header, name, ": expected a header of ", header, " bytes but got ", file.size(),
                     " in ", path);

  IdxFile result;
  const std::size_t count = file.size() - header;
  bool empty = false, too_many = false;
  std::size_t product = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::size_t size = detail::big_endian(&file[4 + 4 * axis]);
    result.sizes.push_back(static_cast<Index>(size));
    empty = empty || size == 0;
    too_many = too_many || (size > 0 && product > count / size);
    if (!too_many) product *= size > 0 ? size : 1;
  }
  require<DataError>(empty ? count == 0 : !too_many && product == count, name, ": expected sizes whose product is ",
                     count, ", the number of values in the file, but got ", detail::ShapeView{result.sizes}, " in ",
                     path);
  file.erase(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(header));
  result.values = std::move(file);
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
