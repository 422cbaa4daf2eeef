// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "eigenesis/files/bytes.hpp"
#include "eigenesis/machine/error.hpp"

// Whole files out. `function` is the caller's name, for messages.
namespace eigenesis::inline EIGENESIS_ABI::detail {

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

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/write_file_inl.hpp"
#endif
