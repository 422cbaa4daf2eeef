// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <eigenesis/machine/error.hpp>
#include <span>
#include <string>

// What the fuzz targets share. A target reads a file as a program would. What it refuses must be refused by a DataError
// and leave everything as it was; what it accepts must be right. Anything else ends the process.
namespace fuzz {

using Span = std::span<const std::uint8_t>;

// One for each format: whether the file was accepted.
bool idx(Span file);  // plain or compressed by gzip
bool png(Span file);
bool png_as_libpng(Span file);
bool jpeg(Span file);
bool jpeg_as_libjpeg(Span file);
bool npy(Span file);
bool npz(Span file);
bool csv(Span file);
bool safetensors(Span file);
bool checkpoint(Span file);
/// The first byte chooses: 0 png, 1 idx compressed by gzip, 2 safetensors, 3 checkpoint, 4 the parts of a png. The
/// checksums of the rest are set right before it is read, so that what stands behind them is reached.
bool mended(Span input);

/// Writes a checkpoint that checkpoint() accepts.
void write_checkpoint(const std::string& path);

inline void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: expected %s\n", what);
  std::abort();
}

/// Whether f() accepts what it reads.
template <class F>
bool accepts(F&& f) {
  try {
    f();
    return true;
  } catch (const eigenesis::DataError& error) {
    expect(std::strstr(error.what(), ": expected ") != nullptr, "a message that names the rule");
    return false;
  }
}

/// A file in memory, for functions that read by path.
class MemoryFile {
 public:
  MemoryFile() : number_(memfd_create("fuzz", MFD_CLOEXEC)), path_("/proc/self/fd/" + std::to_string(number_)) {
    expect(number_ >= 0, "a file in memory");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(number_); }

  /// Its path, with another content.
  const std::string& of(Span content) {
    const bool written = pwrite(number_, content.data(), content.size(), 0) == std::ssize(content) &&
                         ftruncate(number_, std::ssize(content)) == 0;
    expect(written, "that a file in memory can be written");
    return path_;
  }

 private:
  int number_;
  std::string path_;
};

}  // namespace fuzz
