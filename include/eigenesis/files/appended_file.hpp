// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A file that grows by whole pieces and is locked against other programs as long as this lives. Pieces are brought to
/// the system at least once a second, if some are added that often, and by write(). `function` is the caller's name,
/// for messages; all functions throw Error naming the path and the system's reason.
class AppendedFile {
 public:
  /// Opens the file, or makes it; with `is_new` it must not be there.
  AppendedFile(const char* function, std::string path, bool is_new = false);
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;
  ~AppendedFile();

  /// Bytes that the system has.
  Index size() const { return size_; }
  /// The bytes from one place to another.
  std::string text(Index from, Index to) const;
  /// Takes away what stands behind so many bytes.
  void cut(Index size);
  /// `now` counts seconds.
  void add(std::span<const std::uint8_t> piece, double now);
  void add(std::string_view piece, double now);
  /// Brings all to the system. If that fails, the file is as before.
  void write();

 private:
  [[noreturn]] void fail_to(const char* what) const;

  const char* function_;
  std::string path_;
  int file_;
  Bytes added_;  // not written yet
  Index size_ = 0;
  double written_ = 0;  // when
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/appended_file_inl.hpp"
#endif
