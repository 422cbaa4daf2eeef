// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

using FileHandle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

EIGENESIS_ONCE bool file_exists(const std::string& path) {
  return FileHandle(std::fopen(path.c_str(), "rb"), &std::fclose) != nullptr;
}

EIGENESIS_ONCE bool has_ending_png(std::string_view path) {
  const std::string_view ending = ".png";
  return path.size() > ending.size() && std::equal(ending.rbegin(), ending.rend(), path.rbegin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}

EIGENESIS_ONCE Bytes read_file(std::string_view function, const std::string& path) {
  const FileHandle file(std::fopen(path.c_str(), "rb"), &std::fclose);
  require<DataError>(file != nullptr, function, ": expected a readable file but got '", std::strerror(errno), "' for ",
                     path);
  Bytes content;
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

EIGENESIS_ONCE void write_file(std::string_view function, const std::string& path,
                               std::span<const std::uint8_t> content) {
  static std::atomic<unsigned> count = 0;
  const std::string temporary = path + ".part-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  bool good = file != nullptr && std::fwrite(content.data(), 1, content.size(), file) == content.size();
  good = good && std::fflush(file) == 0;
  int reason = errno;
  if (file != nullptr && std::fclose(file) != 0 && good) {
    good = false;
    reason = errno;
  }
  if (good && std::rename(temporary.c_str(), path.c_str()) != 0) {
    good = false;
    reason = errno;
  }
  if (!good && file != nullptr) std::remove(temporary.c_str());
  require<Error>(good, function, ": expected a writable file but got '", std::strerror(reason), "' for ", path);
}

EIGENESIS_ONCE std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  static constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> result{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      result[i] = i;
      for (int bit = 0; bit < 8; ++bit) result[i] = result[i] >> 1 ^ (result[i] & 1 ? 0xedb88320u : 0);
    }
    return result;
  }();
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t byte : bytes) crc = crc >> 8 ^ table[(crc ^ byte) & 0xff];
  return ~crc;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
