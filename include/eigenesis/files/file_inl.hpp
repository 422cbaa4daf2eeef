// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// An open file or directory.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    const int reason = errno;
    close();
    errno = reason;
  }

  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  /// What it was; somebody else closes it.
  int release() { return std::exchange(number_, -1); }
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

EIGENESIS_ONCE bool file_exists(const std::string& path) {
  struct stat found;
  return despite_signals([&] { return ::stat(path.c_str(), &found); }) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

EIGENESIS_ONCE bool has_ending(std::string_view path, std::string_view ending) {
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

EIGENESIS_ONCE void expect_path(std::string_view function, const std::string& path) {
  require<ArgumentError>(!path.empty(), function, ": expected the path of a file but got an empty one");
  require<ArgumentError>(path.find('\0') == path.npos, function,
                         ": expected the path of a file but got one with a character 0, ", shown(path));
}

EIGENESIS_ONCE std::string absolute_path(const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  const std::unique_ptr<char, void (*)(void*)> folder(::getcwd(nullptr, 0), std::free);
  return folder ? std::string(folder.get()) + '/' + path : path;
}

/// A path without links, "." and "..", as far as it exists.
EIGENESIS_ONCE std::string real_path(const std::string& path) {
  if (const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), &::free); real)
    return real.get();
  const std::size_t slash = path.rfind('/');
  const std::string name = path.substr(slash + 1);  // of all if there is no slash
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  if (folder == path) return path;
  return name.empty() || name == "." ? real_path(folder) : real_path(folder) + "/" + name;
}

EIGENESIS_ONCE bool same_file(const std::string& a, const std::string& b) {
  struct stat first, second;
  return real_path(a) == real_path(b) || (::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
                                          first.st_dev == second.st_dev && first.st_ino == second.st_ino);
}

EIGENESIS_ONCE std::optional<std::string> mark_of(const std::string& path) {
  struct stat file;
  if (despite_signals([&] { return ::stat(path.c_str(), &file); }) != 0)
    return errno == ENOENT || errno == ENOTDIR ? std::optional(std::string()) : std::nullopt;
  if (!S_ISREG(file.st_mode)) return {};
  const Descriptor opened(despite_signals([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  std::string bytes(256, ' ');
  const ssize_t got = opened ? despite_signals([&] { return ::read(opened.number(), bytes.data(), 256); }) : -1;
  if (got < 0) return {};
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

EIGENESIS_ONCE Bytes read_file(std::string_view function, const std::string& path, std::size_t most) {
  expect_path(function, path);
  const Descriptor file(despite_signals([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); }));
  Bytes content;
  std::size_t size = 0;
  for (ssize_t got = 1; got != 0 && size < most; size += static_cast<std::size_t>(got)) {
    if (size == content.size()) content.resize(2 * size + 65536);
    const std::size_t room = std::min(content.size(), most) - size;
    const auto read = [&] { return ::read(file.number(), content.data() + size, room); };
    got = file ? despite_signals(read) : -1;
    require<DataError>(got >= 0, function, ": expected a readable file but got '", std::strerror(errno), "' for ",
                       path);
    require<DataError>(size + static_cast<std::size_t>(got) <= max_file_bytes, function,
                       ": expected a file of at most ", max_file_bytes, " bytes but got more in ", path);
  }
  content.resize(size);
  return content;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
