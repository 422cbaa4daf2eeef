// SPDX-License-Identifier: MIT
#pragma once
#pragma GCC system_header  // stb does not compile cleanly under strict warnings.

// Deflate by stb (https://github.com/nothings/stb), stb_image 2.27 or newer and stb_image_write 1.16 or newer.
// Only x_inl.hpp files include this: programs that link eigenesis::compiled do not read stb.

// Everything that stb includes, so that its includes do nothing inside of the namespace below.
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memory>
#include <memory_resource>

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

struct Inflated {
  bool good;             // The stream is well formed and fits into the output.
  size_t read, written;  // Bytes of input and output.
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

// What CMake chose, otherwise what is installed.
#if defined(EIGENESIS_WITHOUT_STB)
#elif __has_include(<eigenesis/stb/stb_image.h>)
#define EIGENESIS_STB_HEADER(name) <eigenesis/stb/name>
#elif __has_include(<stb/stb_image.h>)
#define EIGENESIS_STB_HEADER(name) <stb/name>
#elif __has_include(<stb_image.h>)
#define EIGENESIS_STB_HEADER(name) <name>
#endif

#if defined(EIGENESIS_STB_HEADER)

// A program's own copy of stb may come before or after this one, in any configuration: every macro that steers stb is
// put aside here and restored at the end of this file.
#define EIGENESIS_PRAGMA(text) _Pragma(#text)
#define EIGENESIS_PUSH(name) EIGENESIS_PRAGMA(push_macro(name))
#define EIGENESIS_POP(name) EIGENESIS_PRAGMA(pop_macro(name))
// clang-format off
#define EIGENESIS_STB_MACROS(action) \
  action("INCLUDE_STB_IMAGE_WRITE_H") action("STB_IMAGE_IMPLEMENTATION") action("STB_IMAGE_WRITE_IMPLEMENTATION") \
  action("STB_IMAGE_WRITE_STATIC") action("stbi__de_iphone_flag") action("stbi__err") action("stbi__errpf") \
  action("stbi__errpuc") action("stbi__unpremultiply_on_load") action("stbi__vertically_flip_on_load") \
  action("STBI_ASSERT") action("STBI_FREE") action("STBI_INCLUDE_STB_IMAGE_H") action("STBI_MALLOC") \
  action("STBI_MAX_DIMENSIONS") action("STBI_NEON") action("STBI_NO_BMP") action("STBI_NO_GIF") action("STBI_NO_HDR") \
  action("STBI_NO_JPEG") action("STBI_NO_LINEAR") action("STBI_NO_PIC") action("STBI_NO_PNG") action("STBI_NO_PNM") \
  action("STBI_NO_PSD") action("STBI_NO_SIMD") action("STBI_NO_STDIO") action("STBI_NO_TGA") \
  action("STBI_NO_THREAD_LOCALS") action("STBI_NO_ZLIB") action("STBI_ONLY_PNG") action("STBI_REALLOC") \
  action("STBI_REALLOC_SIZED") action("STBI_SIMD_ALIGN") action("STBI_THREAD_LOCAL") action("STBI_WRITE_NO_STDIO") \
  action("STBIDEF") action("STBIW_ASSERT") action("STBIW_CRC32") action("STBIW_FREE") action("STBIW_MALLOC") \
  action("STBIW_MEMMOVE") action("STBIW_REALLOC") action("STBIW_REALLOC_SIZED") action("STBIW_ZLIB_COMPRESS") \
  action("STBIWDEF")
// clang-format on
EIGENESIS_STB_MACROS(EIGENESIS_PUSH)
#undef INCLUDE_STB_IMAGE_WRITE_H
#undef STBI_ASSERT
#undef STBI_FREE
#undef STBI_MALLOC
#undef STBI_MAX_DIMENSIONS
#undef STBI_NO_PNG
#undef STBI_NO_THREAD_LOCALS
#undef STBI_NO_ZLIB
#undef STBI_REALLOC
#undef STBI_REALLOC_SIZED
#undef STBIDEF
#undef STBIW_ASSERT
#undef STBIW_CRC32
#undef STBIW_FREE
#undef STBIW_MALLOC
#undef STBIW_MEMMOVE
#undef STBIW_REALLOC
#undef STBIW_REALLOC_SIZED
#undef STBIW_ZLIB_COMPRESS
#undef stbi__err
#undef STBIWDEF

// stb_image_write does not stop when memory runs out: its memory is of our own, which throws and needs no freeing.
#define STBIW_MALLOC(size) memory->allocate(static_cast<size_t>(size))
#define STBIW_REALLOC_SIZED(old, old_size, size) reallocate(old, old_size, static_cast<size_t>(size))
#define STBIW_FREE(old) ((void)(old))

// From and to memory, every function static.
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_SIMD
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_WRITE_NO_STDIO
#define STBIDEF static
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC

namespace eigenesis::inline EIGENESIS_ABI::detail {
namespace stb {
using ::abs;  // the abs of variables would hide it

static thread_local std::pmr::memory_resource* memory = nullptr;
static void* reallocate(void* old, size_t old_size, size_t size) {
  return memcpy(memory->allocate(size), old ? old : "", old ? old_size : 0);
}

// The declarations of stb_image.h are left out, as they are extern "C", which gives a function one name in all
// namespaces. The definitions need these of them.
#define STBI_INCLUDE_STB_IMAGE_H
enum { STBI_default, STBI_grey, STBI_grey_alpha, STBI_rgb, STBI_rgb_alpha };
using stbi_uc = unsigned char;
using stbi_us = unsigned short;
struct stbi_io_callbacks {
  int (*read)(void* user, char* data, int size);
  void (*skip)(void* user, int n);
  int (*eof)(void* user);
};
#include EIGENESIS_STB_HEADER(stb_image.h)
#include EIGENESIS_STB_HEADER(stb_image_write.h)
}  // namespace stb

/// Decompresses one raw deflate stream. The input must extend at least four bytes beyond the stream.
EIGENESIS_ONCE Inflated inflate(std::span<const uint8_t> input, std::span<uint8_t> output) {
  const auto state = std::make_unique<stb::stbi__zbuf>();
  state->zbuffer = const_cast<stb::stbi_uc*>(input.data());
  state->zbuffer_end = state->zbuffer + input.size();
  char* const out = reinterpret_cast<char*>(output.data());
  const bool good = stb::stbi__do_zlib(state.get(), out, static_cast<int>(output.size()), 0, 0) != 0;
  const auto ahead = static_cast<size_t>(state->num_bits / 8);  // Whole bytes that were fetched but not used.
  return {good, static_cast<size_t>(state->zbuffer - input.data()) - (good ? ahead : 0),
          static_cast<size_t>(state->zout - out)};
}

/// The bytes as a zlib stream.
EIGENESIS_ONCE Bytes zlib_compress(std::span<const uint8_t> bytes) {
  std::pmr::monotonic_buffer_resource memory;
  stb::memory = &memory;
  int size = 0;
  const stb::stbi_uc* const stream =
      stb::stbi_zlib_compress(const_cast<uint8_t*>(bytes.data()), static_cast<int>(bytes.size()), &size, 16);
  return Bytes(stream, stream + size);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

EIGENESIS_STB_MACROS(EIGENESIS_POP)
#undef EIGENESIS_STB_MACROS
#undef EIGENESIS_POP
#undef EIGENESIS_PUSH
#undef EIGENESIS_PRAGMA
#undef EIGENESIS_STB_HEADER

#else

// Without stb everything else works; a program that calls one of these does not compile.
#define EIGENESIS_NEEDS_STB                                                                      \
  [[gnu::error(                                                                                  \
      "eigenesis: pictures, PNG files and gzip need stb_image.h and stb_image_write.h; install " \
      "libstb-dev, or get eigenesis by CMake, which downloads them")]]
namespace eigenesis::inline EIGENESIS_ABI::detail {
EIGENESIS_NEEDS_STB Inflated inflate(std::span<const uint8_t> input, std::span<uint8_t> output);
EIGENESIS_NEEDS_STB Bytes zlib_compress(std::span<const uint8_t> bytes);
}  // namespace eigenesis::inline EIGENESIS_ABI::detail
#undef EIGENESIS_NEEDS_STB

#endif
