// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eigenesis/machine/error.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

inline constexpr std::size_t max_file_bytes = 0x7fffffff;

using FileHandle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

inline bool file_exists(const std::string& path) {
  return FileHandle(std::fopen(path.c_str(), "rb"), &std::fclose) != nullptr;
}

/// The whole content of a file of at most 2 GiB.
inline std::vector<std::uint8_t> read_file(std::string_view function, const std::string& path) {
  const FileHandle file(std::fopen(path.c_str(), "rb"), &std::fclose);
  require<DataError>(file != nullptr, function, ": expected a readable file but got '", std::strerror(errno), "' for ",
                     path);
  std::vector<std::uint8_t> content;
  std::size_t size = 0;
  for (std::size_t got = 1; got != 0; size += got) {
    if (size == content.size()) content.resize(2 * size + 65536);
    got = std::fread(content.data() + size, 1, content.size() - size, file.get());
    require<DataError>(std::ferror(file.get()) == 0, function, ": expected a readable file but got '",
                       std::strerror(errno), "' for ", path);
    require<DataError>(size + got <= max_file_bytes, function, ": expected a file of at most ", max_file_bytes,
                       " bytes but got more in ", path);
  }
  content.resize(size);
  return content;
}

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
