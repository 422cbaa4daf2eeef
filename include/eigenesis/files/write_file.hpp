// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "eigenesis/machine/error.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Writes a file so that nobody ever sees a part of it: under a temporary name in the same directory, then renamed.
/// Throws Error naming the path and the system's reason; then neither file is left behind or changed.
[[gnu::cold]] inline void write_file(std::string_view function, const std::string& path,
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

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
