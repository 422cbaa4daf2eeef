// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "eigenesis/files/stb.hpp"
#include "eigenesis/files/zip.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

// Sizes of the three records without their names, and what each begins with.
inline constexpr std::size_t zip_local_size = 30, zip_member_size = 46, zip_end_size = 22;
inline constexpr std::uint32_t zip_local = 0x04034b50, zip_member = 0x02014b50, zip_end = 0x06054b50;

/// The record at the end of the archive: the last place where one fits whose comment ends with the file.
[[gnu::cold]] EIGENESIS_ONCE std::size_t find_zip_end(std::string_view function, std::span<const std::uint8_t> file,
                                                      const std::string& path) {
  for (std::size_t comment = 0; comment <= 0xffff && zip_end_size + comment <= file.size(); ++comment) {
    const std::size_t at = file.size() - zip_end_size - comment;
    if (little_endian(&file[at]) == zip_end && little_endian(&file[at + 20], 2) == comment) return at;
  }
  fail<DataError>(function, ": expected a zip archive but got another kind, or one without its end, in ", path);
}

[[gnu::cold]] EIGENESIS_ONCE std::vector<ZipMember> read_zip(std::string_view function,
                                                             std::span<const std::uint8_t> file,
                                                             const std::string& path) {
  const std::size_t end = find_zip_end(function, file, path);
  const std::size_t count = little_endian(&file[end + 10], 2), directory_size = little_endian(&file[end + 12]),
                    directory = little_endian(&file[end + 16]);
  require<DataError>(little_endian(&file[end + 4]) == 0 && little_endian(&file[end + 8], 2) == count, function,
                     ": expected an archive on one disk but got several in ", path);
  require<DataError>(count < 0xffff && directory_size < 0xffffffff && directory < 0xffffffff, function,
                     ": expected a directory of 32-bit sizes but got one of zip64 in ", path);
  require<DataError>(directory <= end && directory_size == end - directory, function, ": expected a directory of ",
                     end - std::min(directory, end), " bytes but got ", directory_size, " from ", directory, " in ",
                     path);
  std::vector<ZipMember> members;
  std::size_t at = directory, content_end = 0;
  for (std::size_t i = 0; i < count; ++i) {
    require<DataError>(end - at >= zip_member_size && little_endian(&file[at]) == zip_member, function, ": expected ",
                       count, " members but the directory ends, or is damaged, after ", i, " in ", path);
    const unsigned flags = little_endian(&file[at + 8], 2), method = little_endian(&file[at + 10], 2);
    const std::size_t name_size = little_endian(&file[at + 28], 2), begin = little_endian(&file[at + 42]),
                      next = at + zip_member_size + name_size + little_endian(&file[at + 30], 2) +
                             little_endian(&file[at + 32], 2);
    require<DataError>(next <= end, function, ": expected ", count,
                       " members but the directory ends, or is damaged, after ", i, " in ", path);
    ZipMember member;
    member.name.assign(reinterpret_cast<const char*>(&file[at + zip_member_size]), name_size);
    member.deflated = method == 8;
    member.crc = little_endian(&file[at + 16]);
    member.stored_size = little_endian(&file[at + 20]);
    member.size = little_endian(&file[at + 24]);
    const auto require_member = [&](bool condition, std::string_view rule, auto fact) {
      require<DataError>(condition, function, ": expected ", rule, " but got ", fact, " for ", shown(member.name),
                         " in ", path);
    };
    require_member((flags & 0x2041) == 0, "no encryption", "flags " + std::to_string(flags));
    require_member(method == 0 || method == 8, "compression 0 (stored) or 8 (deflated)", method);
    require_member(member.stored_size < 0xffffffff && member.size < 0xffffffff && begin < 0xffffffff, "32-bit sizes",
                   "those of zip64");
    require_member(member.deflated || member.size == member.stored_size, "as many bytes stored as there are",
                   std::to_string(member.stored_size) + " for " + std::to_string(member.size));
    require_member(member.size / 1032 <= member.stored_size, "a size that the compressed bytes can have",
                   std::to_string(member.size) + " from " + std::to_string(member.stored_size));
    // The record before the content has a name, and is followed by other fields, of its own; its sizes are 0 or those
    // of zip64 if the archive was written in one go.
    require_member(
        begin <= directory && directory - begin >= zip_local_size && little_endian(&file[begin]) == zip_local,
        "a record before the content", "none at byte " + std::to_string(begin));
    const std::size_t local_name = little_endian(&file[begin + 26], 2);
    member.begin = begin + zip_local_size + local_name + little_endian(&file[begin + 28], 2);
    require_member(
        local_name == name_size && begin + zip_local_size + local_name <= directory &&
            member.name == std::string_view(reinterpret_cast<const char*>(&file[begin + zip_local_size]), local_name),
        "the same name before the content", "another");
    require_member(little_endian(&file[begin + 8], 2) == method, "the same compression before the content", "another");
    require_member(member.begin <= directory && member.stored_size <= directory - member.begin,
                   "content that ends before the directory", std::to_string(member.stored_size) + " bytes");
    require_member(begin >= content_end, "members that follow one another",
                   "byte " + std::to_string(begin) + " behind " + std::to_string(content_end));
    content_end = member.begin + member.stored_size;
    members.push_back(std::move(member));
    at = next;
  }
  require<DataError>(at == end, function, ": expected a directory of ", count, " members but got ", end - at,
                     " more bytes in ", path);

  std::vector<std::string> names;
  for (const ZipMember& member : members) names.push_back(member.name);
  std::sort(names.begin(), names.end());
  for (std::size_t i = 1; i < names.size(); ++i)
    require<DataError>(names[i - 1] != names[i], function, ": expected each name once but got ", shown(names[i]),
                       " twice in ", path);
  return members;
}

EIGENESIS_ONCE Bytes zip_beginning(std::string_view function, std::span<const std::uint8_t> file,
                                   const ZipMember& member, std::size_t size, const std::string& path) {
  if (!member.deflated) {
    const auto content = file.subspan(member.begin, std::min(size, member.size));
    return Bytes(content.begin(), content.end());
  }
  // A stored block, which can be 65535 bytes long, is there as a whole or not at all.
  Bytes content(std::min(size + 65535, member.size));
  const Inflated result = inflate(file.subspan(member.begin), content);
  require<DataError>(result.good || result.written >= std::min(size, member.size), function,
                     ": expected deflated bytes but got damaged or truncated ones for ", shown(member.name), " in ",
                     path);
  content.resize(result.written);
  return content;
}

EIGENESIS_ONCE Bytes zip_content(std::string_view function, std::span<const std::uint8_t> file, const ZipMember& member,
                                 std::size_t size, const std::string& path) {
  require<DataError>(member.size == size, function, ": expected ", size, " bytes, as their beginning says, but got ",
                     member.size, " for ", shown(member.name), " in ", path);
  const auto stored = file.subspan(member.begin, member.stored_size);
  Bytes content(size);
  if (member.deflated) {
    const Inflated result = inflate(file.subspan(member.begin), content);
    require<DataError>(result.good && result.written == size && result.read == member.stored_size, function,
                       ": expected ", size, " bytes from ", member.stored_size,
                       " deflated ones but got damaged, missing or surplus data for ", shown(member.name), " in ",
                       path);
  } else {
    std::copy(stored.begin(), stored.end(), content.begin());
  }
  const std::uint32_t crc = crc32(content);
  require<DataError>(crc == member.crc, function, ": expected checksum ", member.crc, " but got ", crc, " for ",
                     shown(member.name), " in ", path);
  return content;
}

[[gnu::cold]] EIGENESIS_ONCE Bytes zip_file(std::string_view function, const std::vector<ZipContent>& members) {
  Bytes file, directory;
  const auto append = [](Bytes& to, std::size_t number, int count) {
    for (int i = 0; i < count; ++i) to.push_back(static_cast<std::uint8_t>(number >> 8 * i));
  };
  // From the version that reads it to the size of what follows the name: the same in both records.
  const auto append_facts = [&](Bytes& to, const ZipContent& member) {
    bool ascii = true;
    for (const char c : member.name) ascii = ascii && c >= 0x20 && c < 0x7f;
    append(to, 20, 2);
    append(to, ascii ? 0 : 1 << 11, 2);  // the name is UTF-8
    append(to, 0, 2);                    // stored
    append(to, 0, 2);                    // the time: midnight,
    append(to, 0x21, 2);                 // the 1st of January 1980, so that the same arrays give the same file
    append(to, crc32(member.bytes), 4);
    append(to, member.bytes.size(), 4);
    append(to, member.bytes.size(), 4);
    append(to, member.name.size(), 2);
    append(to, 0, 2);
  };
  std::size_t size = zip_end_size;
  std::vector<std::string> names;
  for (const ZipContent& member : members) {
    require<ArgumentError>(member.name.size() <= 1000, function, ": expected names of at most 1000 bytes but got ",
                           member.name.size());
    names.push_back(member.name);
    size += zip_local_size + zip_member_size + 2 * member.name.size() + member.bytes.size();
  }
  std::sort(names.begin(), names.end());
  for (std::size_t i = 1; i < names.size(); ++i)
    require<ArgumentError>(names[i - 1] != names[i], function, ": expected each name once but got ", shown(names[i]),
                           " twice");
  require<ArgumentError>(size <= max_file_bytes && members.size() < 0xffff, function,
                         ": expected at most 65534 arrays of ", max_file_bytes, " bytes in all but got ",
                         members.size(), " of ", size);
  file.reserve(size);
  for (const ZipContent& member : members) {
    const std::size_t begin = file.size();
    append(file, zip_local, 4);
    append_facts(file, member);
    file.insert(file.end(), member.name.begin(), member.name.end());
    file.insert(file.end(), member.bytes.begin(), member.bytes.end());
    append(directory, zip_member, 4);
    append(directory, 20, 2);  // the version that wrote it
    append_facts(directory, member);
    append(directory, 0, 2);  // no comment
    append(directory, 0, 2);  // the first disk
    append(directory, 0, 2);
    append(directory, 0, 4);
    append(directory, begin, 4);
    directory.insert(directory.end(), member.name.begin(), member.name.end());
  }
  const std::size_t begin = file.size();
  file.insert(file.end(), directory.begin(), directory.end());
  append(file, zip_end, 4);
  append(file, 0, 4);
  append(file, members.size(), 2);
  append(file, members.size(), 2);
  append(file, directory.size(), 4);
  append(file, begin, 4);
  append(file, 0, 2);
  return file;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
