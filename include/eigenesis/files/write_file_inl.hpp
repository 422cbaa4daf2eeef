// SPDX-License-Identifier: MIT
#pragma once

#include <dirent.h>
#include <sys/file.h>

#include <array>
#include <cstdio>
#include <memory>

#include "eigenesis/files/file_inl.hpp"
#include "eigenesis/files/write_file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

[[gnu::cold]] EIGENESIS_ONCE bool write_all(int file, std::span<const std::uint8_t> content) {
  while (!content.empty()) {
    const ssize_t written = despite_signals([&] { return ::write(file, content.data(), content.size()); });
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

/// Makes of a path what its symbolic links lead to, there or not. False with errno set if that fails.
[[gnu::cold]] EIGENESIS_ONCE bool follow_links(std::string& path) {
  char target[4096];
  for (int links = 0; links < 40; ++links) {
    const ssize_t size = despite_signals([&] { return ::readlink(path.c_str(), target, sizeof target); });
    if (size < 0) return errno == EINVAL || errno == ENOENT;  // no link, or nothing there
    path.resize(target[0] == '/' ? 0 : path.rfind('/') + 1);
    path.append(target, static_cast<std::size_t>(size));
  }
  errno = ELOOP;
  return false;
}

/// A name in a folder that is open.
class Place {
 public:
  explicit Place(const std::string& path)
      : name(path.substr(path.rfind('/') + 1)),
        folder_path_(path.substr(0, path.size() - name.size())),
        folder_(open_folder(O_RDONLY)) {}

  explicit operator bool() const { return static_cast<bool>(folder_); }
  const Descriptor& folder() const { return folder_; }
  std::string earlier(Index i) const { return i == 0 ? name : name + "." + std::to_string(i); }
  std::string path_of(const std::string& other_name) const { return folder_path_ + other_name; }

  /// Temporary files for this name begin so.
  std::string temporary_prefix() const {
    char prefix[32];
    std::snprintf(prefix, sizeof prefix, ".eigenesis-%08x-",
                  crc32({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()}));
    return prefix;
  }

  bool find(const std::string& other_name, struct stat& found) const {
    const int folder = folder_.number();
    return despite_signals([&] { return ::fstatat(folder, other_name.c_str(), &found, AT_SYMLINK_NOFOLLOW); }) == 0;
  }
  bool rename(const std::string& from, const std::string& to) const {
    const int folder = folder_.number();
    return despite_signals([&] { return ::renameat(folder, from.c_str(), folder, to.c_str()); }) == 0;
  }
  bool link(const std::string& from, const std::string& to) const {
    const int folder = folder_.number();
    return despite_signals([&] { return ::linkat(folder, from.c_str(), folder, to.c_str(), 0); }) == 0;
  }
  void unlink(const std::string& other_name) const {
    despite_signals([&] { return ::unlinkat(folder_.number(), other_name.c_str(), 0); });
  }

  const std::string name;

 private:
  int open_folder(int way) const {
    const int folder = despite_signals(
        [&] { return ::open(folder_path_.empty() ? "." : folder_path_.c_str(), way | O_DIRECTORY | O_CLOEXEC); });
    // It may be written to, but not listed.
    return folder < 0 && errno == EACCES && way != O_PATH ? open_folder(O_PATH) : folder;
  }

  std::string folder_path_;
  Descriptor folder_;
};

/// A new file for what a place will have, under a temporary name that goes with this object. It is locked as long as
/// this lives, which tells remove_abandoned_files that somebody writes it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const Place& place) : place_(place), file_(-1), lock_(-1) {
    for (int attempt = 0; attempt < 10 && !lock_; ++attempt) {
      remove();
      file_.close();
      std::uint64_t random = 0;
      if (::getentropy(&random, sizeof random) != 0) return;
      name_ = place.temporary_prefix() + std::to_string(random);
      file_ = Descriptor(despite_signals([&] {
        return ::openat(place.folder().number(), name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      }));
      if (!file_) {
        name_.clear();
        return;
      }
      // Some file systems have no locks, and nothing is removed there. Where remove_abandoned_files was faster than the
      // lock, the file has no name any more.
      struct stat found;
      const auto lock = [&] { return ::flock(file_.number(), LOCK_EX | LOCK_NB); };
      if ((despite_signals(lock) != 0 && errno == EWOULDBLOCK) || !place.find(name_, found)) continue;
      lock_ = Descriptor(despite_signals([&] { return ::fcntl(file_.number(), F_DUPFD_CLOEXEC, 0); }));
      if (!lock_) return;
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { remove(); }

  explicit operator bool() const { return static_cast<bool>(lock_); }
  /// Brings the content to the disk, with the owner and the mode of another file, if there is one. False with errno set
  /// if that fails; so does `rename`.
  bool write(std::span<const std::uint8_t> content, const struct stat* other) {
    const int number = file_.number();
    if (other != nullptr && despite_signals([&] { return ::fchown(number, other->st_uid, other->st_gid); }) != 0)
      errno = 0;  // only root may do that
    return (other == nullptr || despite_signals([&] { return ::fchmod(number, other->st_mode & 07777); }) == 0) &&
           write_all(file_.number(), content) && has_size(content.size()) && to_disk(file_) && file_.close();
  }
  bool rename(const std::string& name) {
    if (!place_.rename(name_, name)) return false;
    name_.clear();
    return true;
  }

 private:
  bool has_size(std::size_t size) const {
    struct stat found;
    if (despite_signals([&] { return ::fstat(file_.number(), &found); }) != 0) return false;
    if (static_cast<std::size_t>(found.st_size) == size) return true;
    errno = EIO;
    return false;
  }
  void remove() {
    const int reason = errno;
    if (!name_.empty()) place_.unlink(name_);
    errno = reason;
  }

  const Place& place_;
  Descriptor file_, lock_;  // two of one open file, so that what closing it says is known before the lock goes
  std::string name_;
};

/// Gives the file at a place a second name, that of the first of the earlier ones, which move up before. The last then
/// has the name of one too many. False with errno set, and the name that was refused, if that fails.
[[gnu::cold]] EIGENESIS_ONCE bool keep_earlier(std::string_view function, const Place& place, Index keep,
                                               std::string& refused) {
  struct stat newest, found;
  if (!place.find(place.name, newest)) return errno == ENOENT;
  Index free = 1;  // they move up to the first name that nobody has: nothing is lost if that was interrupted before
  for (; free < keep; ++free) {
    refused = place.path_of(place.earlier(free));
    if (!place.find(place.earlier(free), found)) {
      if (errno != ENOENT) return false;
      break;
    }
    if (found.st_dev == newest.st_dev && found.st_ino == newest.st_ino) return true;  // it has two names already
    errno = EEXIST;
    if (!S_ISREG(found.st_mode)) return false;
  }
  for (Index i = free; i > 1; --i) {
    refused = place.path_of(place.earlier(i));
    if (!place.rename(place.earlier(i - 1), place.earlier(i)) && errno != ENOENT) return false;
  }
  refused = place.path_of(place.earlier(1));
  if (place.link(place.name, place.earlier(1)) || errno == EEXIST) return true;  // of another writer of this path
  // There are file systems without hard links.
  TemporaryFile copy(place);
  return copy && copy.write(read_file(function, place.path_of(place.name)), &newest) && copy.rename(place.earlier(1));
}

/// Writes a file and gives it the owner and the mode of the old one, if there is one. False with errno set, and the
/// path that was refused, if that fails.
[[gnu::cold]] EIGENESIS_ONCE bool replace_file(std::string_view function, const Place& place, const struct stat* old,
                                               std::span<const std::uint8_t> content, Index keep,
                                               std::string& refused) {
  if (!place) return false;
  TemporaryFile file(place);
  if (!file || !file.write(content, old)) return false;
  if (keep > 1) {
    std::string earlier;
    if (!keep_earlier(function, place, keep, earlier)) {
      if (!earlier.empty()) refused = earlier;
      return false;
    }
  }
  if (!file.rename(place.name)) return false;
  if (keep > 1) place.unlink(place.earlier(keep));
  return to_disk(place.folder());  // Without this a power cut may bring the old file back.
}

EIGENESIS_ONCE void write_file(std::string_view function, const std::string& path,
                               std::span<const std::uint8_t> content, Index keep) {
  expect_path(function, path);
  struct stat old;
  const bool exists = despite_signals([&] { return ::stat(path.c_str(), &old); }) == 0;
  bool good = exists || errno == ENOENT;
  std::string refused = path, target = path;
  if (exists && !S_ISREG(old.st_mode)) {  // A device or a pipe stays what it is. A folder cannot be opened.
    Descriptor file(despite_signals([&] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY); }));
    good = file && write_all(file.number(), content) && to_disk(file) && file.close();
  } else if (good) {
    const auto writable = [&] { return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS); };
    good = (!exists || despite_signals(writable) == 0) && follow_links(target) &&
           replace_file(function, Place(target), exists ? &old : nullptr, content, keep, refused);
  }
  require<Error>(good, function, ": expected a writable file but got '", std::strerror(errno), "' for ", refused);
}

EIGENESIS_ONCE void expect_writable(std::string_view function, const std::string& path) {
  expect_path(function, path);
  struct stat old;
  const bool exists = despite_signals([&] { return ::stat(path.c_str(), &old); }) == 0;
  if (exists && !S_ISREG(old.st_mode) && !S_ISDIR(old.st_mode)) return;  // a device or a pipe
  bool good = exists || errno == ENOENT;
  if (exists && S_ISDIR(old.st_mode)) {
    errno = EISDIR;
    good = false;
  }
  std::string target = path;
  const auto writable = [&] { return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS); };
  good = good && (!exists || despite_signals(writable) == 0) && follow_links(target);
  if (good) {
    const Place place(target);
    good = place && TemporaryFile(place);
  }
  require<Error>(good, function, ": expected a writable file but got '", std::strerror(errno), "' for ", path);
}

EIGENESIS_ONCE std::string earlier_file(const std::string& path, Index i) {
  std::string target = path;
  return (follow_links(target) ? target : path) + "." + std::to_string(i);
}

EIGENESIS_ONCE void remove_abandoned_files(const std::string& path) {
  std::string target = path;
  if (!follow_links(target)) return;
  const Place place(target);
  const int listed = place ? ::fcntl(place.folder().number(), F_DUPFD_CLOEXEC, 0) : -1;
  const std::unique_ptr<DIR, void (*)(DIR*)> folder(::fdopendir(listed), [](DIR* open) { ::closedir(open); });
  if (!folder) return void(Descriptor(listed));
  const std::string prefix = place.temporary_prefix();
  while (const dirent* const entry = ::readdir(folder.get())) {
    if (!std::string_view(entry->d_name).starts_with(prefix)) continue;
    const Descriptor file(
        ::openat(place.folder().number(), entry->d_name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY));
    if (file && ::flock(file.number(), LOCK_EX | LOCK_NB) == 0) place.unlink(entry->d_name);
  }
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
