// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "eigenesis/files/gzip.hpp"
#include "eigenesis/files/stb.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Where the deflate stream of a gzip file begins (RFC 1952, 2.3).
EIGENESIS_ONCE std::size_t gzip_header_size(std::string_view function, std::span<const std::uint8_t> file,
                                            const std::string& path) {
  enum : unsigned { header_crc = 2, extra = 4, name = 8, comment = 16, reserved = 0xe0 };
  const auto need = [&](std::size_t size) {
    require<DataError>(size + 8 <= file.size(), function, ": expected a whole gzip header but the file ends after ",
                       file.size(), " bytes in ", path);
  };
  need(10);
  require<DataError>(file[2] == 8, function, ": expected gzip compression method 8 but got ", file[2], " in ", path);
  const unsigned flags = file[3];
  require<DataError>((flags & reserved) == 0, function, ": expected gzip flags below 32 but got ", flags, " in ", path);
  std::size_t size = 10;
  if (flags & extra) {
    need(size + 2);
    size += 2 + little_endian(&file[size], 2);
    need(size);
  }
  for (const unsigned text : {name, comment})
    if (flags & text) {
      while (need(size + 1), file[size] != 0) ++size;
      ++size;
    }
  if (flags & header_crc) {
    need(size + 2);
    const auto stored = little_endian(&file[size], 2), actual = crc32(file.first(size)) & 0xffff;
    require<DataError>(stored == actual, function, ": expected gzip header checksum ", stored, " but got ", actual,
                       " in ", path);
    size += 2;
  }
  return size;
}

EIGENESIS_ONCE Bytes gunzip_beginning(std::string_view function, std::span<const std::uint8_t> file,
                                      const std::string& path) {
  // A stored block, which can be 65535 bytes long, is there as a whole or not at all.
  Bytes content(1032 + 65535);
  const Inflated result = inflate(file.subspan(gzip_header_size(function, file, path)), content);
  require<DataError>(result.good || result.written >= 1032, function,
                     ": expected a whole gzip file but got a truncated one or damaged data in ", path);
  content.resize(result.written);
  return content;
}

EIGENESIS_ONCE Bytes gunzip(std::string_view function, std::span<const std::uint8_t> file, std::size_t size,
                            const std::string& path) {
  // A deflate stream cannot grow by more: 258 bytes from two bits.
  constexpr std::size_t max_growth = 1032;
  const std::size_t begin = gzip_header_size(function, file, path);
  const std::size_t end = file.size() - 8;
  const std::uint32_t stored_crc = little_endian(&file[end]);
  const std::size_t most = std::min(max_file_bytes, max_growth * (end - begin)), says = little_endian(&file[end + 4]);
  require<DataError>(says <= most, function, ": expected at most ", most, " bytes from ", end - begin,
                     " compressed ones but the gzip trailer says ", says, "; the file is truncated or damaged: ", path);
  require<DataError>(says == size, function, ": expected ", size,
                     " bytes, as its content begins, but the gzip trailer ", "says ", says,
                     "; the file is truncated or damaged: ", path);

  Bytes content(size);
  const Inflated result = inflate(file.subspan(begin), content);
  require<DataError>(result.good || begin + result.read < file.size(), function, ": expected a whole gzip file but got",
                     " a truncated one or damaged data in ", path);
  require<DataError>(result.good, function, ": expected ", size,
                     " bytes, as the gzip trailer says, but the compressed data are damaged, truncated or longer in ",
                     path);
  require<DataError>(result.written == size, function, ": expected ", size,
                     " bytes, as the gzip trailer says, but got ", result.written, " in ", path);
  require<DataError>(begin + result.read == end, function, ": expected the compressed data to end at byte ", end,
                     " but they end at ", begin + result.read, " in ", path);
  const std::uint32_t crc = crc32(content);
  require<DataError>(crc == stored_crc, function, ": expected gzip checksum ", stored_crc, " but got ", crc, " in ",
                     path);
  return content;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
