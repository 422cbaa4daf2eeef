// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eigenesis/machine/error.hpp"

// Whole files in and out. `function` is the caller's name, for messages.
namespace eigenesis::inline EIGENESIS_ABI::detail {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::size_t max_file_bytes = 0x7fffffff;

/// Whether there is something at a path. What cannot be looked at counts as there: who reads it learns the reason.
bool file_exists(const std::string& path);

/// Whether a file's name ends in .png, in capitals or not.
bool has_ending_png(std::string_view path);

/// A name from a file or a folder as messages show it: what is not a printable ASCII character as \xNN, at most 100
/// characters.
[[gnu::cold]] std::string shown(std::string_view name);

/// The whole content of a file of at most 2 GiB. Throws DataError.
Bytes read_file(std::string_view function, const std::string& path);

/// Writes a file so that nobody ever sees a part of it, and a power cut leaves the old or the new one: under a
/// temporary name in the same folder, then renamed. What a symbolic link leads to is written, an old file's mode is
/// kept, a device or a pipe is written in place. Throws Error naming the path and the system's reason; then the old
/// file is as it was, unless only its folder could not be brought to the disk, and no other is left behind.
/// Of the files that were there before, the last `keep` - 1 stay, under the names of earlier_file. At every moment the
/// newest is at `path`; it has two names while the others move up.
[[gnu::cold]] void write_file(std::string_view function, const std::string& path, std::span<const std::uint8_t> content,
                              Index keep = 1);
/// Throws the Error that write_file would throw now for want of a path, a folder or permission.
[[gnu::cold]] void expect_writable(std::string_view function, const std::string& path);

/// Where write_file keeps the i-th last of the files that were at `path`: path.1 and so on.
[[gnu::cold]] std::string earlier_file(const std::string& path, Index i);

/// Removes what processes that were killed while they wrote `path` left behind, ".eigenesis-...". What a living process
/// writes is locked, and stays.
[[gnu::cold]] void remove_abandoned_files(const std::string& path);

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
#include "eigenesis/files/file_inl.hpp"
#endif
