// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

using FileHandle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

EIGENESIS_ONCE bool file_exists(const std::string& path) {
  struct stat facts;
  return ::stat(path.c_str(), &facts) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

EIGENESIS_ONCE bool has_ending_png(std::string_view path) {
  const std::string_view ending = ".png";
  return path.size() > ending.size() && std::equal(ending.rbegin(), ending.rend(), path.rbegin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}

[[gnu::cold]] EIGENESIS_ONCE std::string shown(std::string_view name) {
  std::string result;
  for (const char c : name) {
    if (result.size() >= 100) return result + "...";
    char escaped[5]{c};
    if (c < 0x20 || c > 0x7e) std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
    result += escaped;
  }
  return result;
}

EIGENESIS_ONCE Bytes read_file(std::string_view function, const std::string& path) {
  const FileHandle file(std::fopen(path.c_str(), "rbe"), &std::fclose);
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

/// An open file or directory.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    const int reason = errno;
    close();
    errno = reason;
  }

  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  bool close() { return number_ < 0 || ::close(std::exchange(number_, -1)) == 0 || errno == EINTR; }

 private:
  int number_;
};

/// The result of a system call, which a signal does not end.
template <class F>
auto despite_signals(F&& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

[[gnu::cold]] EIGENESIS_ONCE bool write_all(const Descriptor& file, std::span<const std::uint8_t> content) {
  while (!content.empty()) {
    const ssize_t written = despite_signals([&] { return ::write(file.number(), content.data(), content.size()); });
    if (written == 0) errno = EIO;
    if (written <= 0) return false;
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

/// Whether a power cut takes nothing away any more. What cannot be asked for that, as some file systems, counts as
/// true.
[[gnu::cold]] EIGENESIS_ONCE bool to_disk(const Descriptor& file) {
  return despite_signals([&] { return ::fsync(file.number()); }) == 0 || errno == EINVAL || errno == EBADF;
}

/// What a path of symbolic links leads to, there or not.
[[gnu::cold]] EIGENESIS_ONCE std::string link_target(std::string path) {
  char target[4096];
  for (int links = 0; links < 40; ++links) {
    const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
    if (size <= 0) break;
    path.resize(target[0] == '/' ? 0 : path.rfind('/') + 1);
    path.append(target, static_cast<std::size_t>(size));
  }
  return path;
}

/// Writes `path`, which is no symbolic link, and gives it the owner and the mode of the file that is there, if any.
/// False with errno set if that fails.
[[gnu::cold]] EIGENESIS_ONCE bool replace_file(const std::string& path, const struct stat* old,
                                               std::span<const std::uint8_t> content) {
  const std::size_t name_at = path.rfind('/') + 1;
  const std::string name = path.substr(name_at), folder_path = name_at == 0 ? "." : path.substr(0, name_at);
  const auto open_folder = [&](int way) { return ::open(folder_path.c_str(), way | O_DIRECTORY | O_CLOEXEC); };
  int place = open_folder(O_RDONLY);
  if (place < 0 && errno == EACCES) place = open_folder(O_PATH);  // It may be written to, but not listed.
  const Descriptor folder(place);
  std::uint64_t random = 0;
  if (!folder || ::getentropy(&random, sizeof random) != 0) return false;
  const std::string temporary = ".eigenesis-" + std::to_string(random);

  Descriptor file(despite_signals(
      [&] { return ::openat(place, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); }));
  if (!file) return false;
  if (old != nullptr && ::fchown(file.number(), old->st_uid, old->st_gid) != 0) errno = 0;  // only root may do that
  const bool good = (old == nullptr || ::fchmod(file.number(), old->st_mode & 07777) == 0) &&
                    write_all(file, content) && to_disk(file) && file.close() &&
                    ::renameat(place, temporary.c_str(), place, name.c_str()) == 0;
  if (!good) {
    const int reason = errno;
    ::unlinkat(place, temporary.c_str(), 0);
    errno = reason;
    return false;
  }
  return to_disk(folder);  // Without this a power cut may bring the old file back.
}

EIGENESIS_ONCE void write_file(std::string_view function, const std::string& path,
                               std::span<const std::uint8_t> content) {
  struct stat old;
  const bool exists = ::stat(path.c_str(), &old) == 0;
  bool good = exists || errno == ENOENT;
  if (exists && !S_ISREG(old.st_mode)) {  // A device or a pipe stays what it is. A folder cannot be opened.
    Descriptor file(despite_signals([&] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY); }));
    good = file && write_all(file, content) && file.close();
  } else if (good) {
    good = (!exists || ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0) &&
           replace_file(link_target(path), exists ? &old : nullptr, content);
  }
  require<Error>(good, function, ": expected a writable file but got '", std::strerror(errno), "' for ", path);
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
