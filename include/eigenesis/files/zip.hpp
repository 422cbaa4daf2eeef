// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/file.hpp"

// ZIP archives (PKWARE's APPNOTE 6.3), as far as NumPy writes them: members that are stored or deflated.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// What the central directory of an archive says of a member.
struct ZipMember {
  std::string name;
  bool deflated = false;
  std::uint32_t crc = 0;
  std::size_t stored_size = 0, size = 0;  // bytes in the archive, and of the content
  std::size_t begin = 0;                  // of the content in the archive
};

/// The members of an archive in memory. Throws DataError for a damaged directory, for members that are encrypted,
/// compressed otherwise, not one behind the other, or of one name, and for 64-bit sizes and several disks, which no
/// file of up to 2 GiB needs.
std::vector<ZipMember> read_zip(std::string_view function, std::span<const std::uint8_t> file, const std::string& path);

/// At least the first `size` bytes of a member, or all if there are fewer.
Bytes zip_beginning(std::string_view function, std::span<const std::uint8_t> file, const ZipMember& member,
                    std::size_t size, const std::string& path);

/// The content of a member. Throws DataError unless its length and checksum are right, and, before it takes memory,
/// unless the directory says that it has `size` bytes.
Bytes zip_content(std::string_view function, std::span<const std::uint8_t> file, const ZipMember& member,
                  std::size_t size, const std::string& path);

struct ZipContent {
  std::string name;
  Bytes bytes;
};
/// The archive of these members, all stored. Throws ArgumentError for a name that comes twice or is too long, and for
/// more than 2 GiB.
Bytes zip_file(std::string_view function, const std::vector<ZipContent>& members);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/zip_inl.hpp"
#endif
