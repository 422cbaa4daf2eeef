// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "eigenesis/files/appended_file.hpp"
#include "eigenesis/files/file_inl.hpp"
#include "eigenesis/files/write_file_inl.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE AppendedFile::AppendedFile(const char* function, std::string path, bool is_new)
    : function_(function), path_(std::move(path)), file_(-1) {
  const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | (is_new ? O_EXCL : 0);
  Descriptor file(despite_signals([&] { return ::open(path_.c_str(), flags, 0666); }));
  if (!file) fail_to("a file that can be written");
  require<Error>(::flock(file.number(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK, function_,
                 ": expected a file for this training only but another one is writing ", path_);
  struct stat found;
  if (::fstat(file.number(), &found) != 0) fail_to("a file that can be looked at");
  require<Error>(S_ISREG(found.st_mode), function_, ": expected a file of the disk but got something else: ", path_);
  size_ = static_cast<Index>(found.st_size);
  file_ = file.release();
}
EIGENESIS_ONCE AppendedFile::~AppendedFile() { const Descriptor closed(file_); }

EIGENESIS_ONCE void AppendedFile::fail_to(const char* what) const {
  fail<Error>(function_, ": expected ", what, " but got '", std::strerror(errno), "' for ", path_);
}

EIGENESIS_ONCE std::string AppendedFile::text(Index from, Index to) const {
  std::string result(static_cast<std::size_t>(to - from), '\0');
  for (std::size_t done = 0; done < result.size();) {
    const ssize_t got = despite_signals([&] {
      return ::pread(file_, result.data() + done, result.size() - done,
                     static_cast<off_t>(from) + static_cast<off_t>(done));
    });
    if (got == 0) errno = EIO;  // somebody cut it
    if (got <= 0) fail_to("a file that can be read");
    done += static_cast<std::size_t>(got);
  }
  return result;
}

EIGENESIS_ONCE void AppendedFile::cut(Index size) {
  if (despite_signals([&] { return ::ftruncate(file_, static_cast<off_t>(size)); }) != 0)
    fail_to("a file that can be cut");
  size_ = size;
}

EIGENESIS_ONCE void AppendedFile::add(std::span<const std::uint8_t> piece, double now) {
  added_.insert(added_.end(), piece.begin(), piece.end());
  if (now - written_ < 1) return;
  write();
  written_ = now;
}
EIGENESIS_ONCE void AppendedFile::add(std::string_view piece, double now) {
  add(std::span(reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size()), now);
}

EIGENESIS_ONCE void AppendedFile::write() {
  if (added_.empty()) return;
  if (!write_all(file_, added_)) {
    const int reason = errno;
    if (::ftruncate(file_, static_cast<off_t>(size_)) != 0) added_.clear();  // no piece twice
    errno = reason;
    fail_to("to write");
  }
  size_ += std::ssize(added_);
  added_.clear();
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
