// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eigenesis/files/bytes.hpp"
#include "eigenesis/machine/error.hpp"

// Whole files in; files/write_file.hpp has the way out. `function` is the caller's name, for messages.
namespace eigenesis::inline EIGENESIS_ABI::detail {

inline constexpr std::size_t max_file_bytes = 0x7fffffff;

/// Whether there is something at a path. What cannot be looked at counts as there: who reads it learns the reason.
bool file_exists(const std::string& path);

/// Throws ArgumentError for an empty path, and for one with a character 0, at which the system would cut it.
[[gnu::cold]] void expect_path(std::string_view function, const std::string& path);

/// A path that means the same wherever the working folder is later.
[[gnu::cold]] std::string absolute_path(const std::string& path);

/// Whether two paths lead to one file, or would if they existed.
[[gnu::cold]] bool same_file(const std::string& a, const std::string& b);

/// Tells whether a file with a checksum of all its bytes among the first 256 is still the one that it was, wherever it
/// lies and whenever it was copied or touched: these bytes; none without a file; nullopt if that cannot be known.
[[gnu::cold]] std::optional<std::string> mark_of(const std::string& path);

/// Whether a file's name has this ending, such as ".png", in capitals or not, behind at least one character.
bool has_ending(std::string_view path, std::string_view ending);

/// A name from a file or a folder as messages show it: what is not a printable ASCII character as \xNN, at most 100
/// characters.
[[gnu::cold]] std::string shown(std::string_view name);

/// The whole content of a file of at most 2 GiB, or its first `most` bytes. Throws DataError.
Bytes read_file(std::string_view function, const std::string& path, std::size_t most = max_file_bytes + 1);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/file_inl.hpp"
#endif
