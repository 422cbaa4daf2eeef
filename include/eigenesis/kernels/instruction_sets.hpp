// SPDX-License-Identifier: MIT
#pragma once

// The kernel bodies, compiled once per instruction set, each in a namespace of its own: detail::baseline, detail::avx2
// and detail::avx512. Bodies call nothing but builtins and each other: a shared inline function compiled here could be
// merged at link time with the one other code calls, and bring AVX-512 to processors without it.

#include <cstdint>
#include <utility>

#include "eigenesis/machine/isa.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Elementary functions of one to three operands a, b, c and a constant. Comparisons give 1 or 0, and 0 with NaN. Those
/// of floats are within 2.5 units of the last place; sin and cos for |a| <= 10^4.
enum class Operation {
#define EIGENESIS_OPERATION(name, ...) name,
#define EIGENESIS_FUNCTION(name, ...) name,
#include "eigenesis/kernels/operations.inl"
};

/// out[i] = operation(a[i], b[i], c[i], constant) for i in [0, n).
template <class T>
using Pointwise = void (*)(T* out, const T* a, const T* b, const T* c, T constant, Index n);

/// What the matrix product needs of an instruction set.
template <class T>
struct ProductKernels {
  /// c [rows, columns] = start (or zeros) + a [rows, k] b [k, columns], rows and vectors of columns fixed by the place
  /// in `tiles`; b_copy, if not null, becomes the panel of these rows of b.
  using Tile = void (*)(Index k, const T* a, Index a_row, Index a_step, const T* b, Index b_step, T* b_copy, T* c,
                        Index c_row, const T* start, Index start_row);
  /// Copies k rows of `vectors` vectors of b, the panel that tiles read; `columns` of b are left.
  using Pack = void (*)(const T* b, Index b_row, Index k, Index columns, Index vectors, T* panel);
  Index lanes, heights[4], widest;
  Tile tiles[4][3];  // [which height][vectors - 1]
  Pack pack, pack_transposed;
};

/// The taps that lead to the rows of a tile, a rectangle: of each the `channels` elements of a from a distance on, and
/// the rows of b from a row on.
struct Taps {
  Index rows, columns, channels, a_row, a_column, b_row, b_column;
};
/// Where a pixel of the image and the pixel of the output that a tap joins with it begin.
struct PixelPair {
  Index a, b;
};

/// What the convolutions need of an instruction set, besides ProductKernels; the tiles are as many and as large.
template <class T>
struct ConvolutionKernels {
  /// c[i] [column ...] = sum over taps and channels of a[i] b, b a packed panel.
  using TapTile = void (*)(const Taps& taps, const T* const* a, const T* b, T* const* c, Index column);
  /// c [rows, columns] (+)= sum over pairs of pixels of a (rows elements) times b (columns elements).
  using PixelTile = void (*)(const PixelPair* pixels, Index count, const T* a, const T* b, T* c, Index c_row,
                             bool accumulate);
  /// Copies or adds runs of `size` elements.
  using MoveRuns = void (*)(const T* from, Index from_step, T* to, Index to_step, Index runs, Index size);
  TapTile tap_tiles[4][3];
  PixelTile pixel_tiles[4][3];
  MoveRuns copy_runs, add_runs;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if defined(__clang__)
#define EIGENESIS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define EIGENESIS_UNROLL _Pragma("GCC unroll 16")
#endif
#define EIGENESIS_INLINE inline __attribute__((always_inline))

// The few instructions that vector extensions do not name: x = instruction(x, y). The header of all intrinsics
// would take longer to compile than the kernels.
#define EIGENESIS_INSTRUCTION_SSE(name, x, y) asm(name " {%1, %0|%0, %1}" : "+v"(x) : "v"(y))
#define EIGENESIS_INSTRUCTION_AVX(name, x, y) asm("v" name " {%1, %0, %0|%0, %0, %1}" : "+v"(x) : "v"(y))

#define EIGENESIS_VECTOR_BYTES 16
#if EIGENESIS_X86 && defined(__FMA__)
#define EIGENESIS_FMA 1
#else
#define EIGENESIS_FMA 0
#endif
#if defined(__AVX__)
#define EIGENESIS_VEX "v"
#define EIGENESIS_INSTRUCTION EIGENESIS_INSTRUCTION_AVX
#else
#define EIGENESIS_VEX ""
#define EIGENESIS_INSTRUCTION EIGENESIS_INSTRUCTION_SSE
#endif
namespace eigenesis::inline EIGENESIS_ABI::detail::baseline {
#include "eigenesis/kernels/bodies.inl"
}
#undef EIGENESIS_VECTOR_BYTES

#undef EIGENESIS_FMA
#undef EIGENESIS_VEX
#undef EIGENESIS_INSTRUCTION
#if EIGENESIS_X86

#define EIGENESIS_FMA 1
#define EIGENESIS_VEX "v"
#define EIGENESIS_INSTRUCTION EIGENESIS_INSTRUCTION_AVX
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define EIGENESIS_VECTOR_BYTES 32
namespace eigenesis::inline EIGENESIS_ABI::detail::avx2 {
#include "eigenesis/kernels/bodies.inl"
}
#undef EIGENESIS_VECTOR_BYTES
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("fma,avx512f,avx512vl,avx512dq,avx512bw"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("fma,avx512f,avx512vl,avx512dq,avx512bw")
#endif
#define EIGENESIS_VECTOR_BYTES 64
namespace eigenesis::inline EIGENESIS_ABI::detail::avx512 {
#include "eigenesis/kernels/bodies.inl"
}
#undef EIGENESIS_VECTOR_BYTES
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

/// Calls a function of the namespace of the instruction set `use`.
#define EIGENESIS_DISPATCH(use, call)   \
  do {                                  \
    switch (use) {                      \
      case Isa::avx512:                 \
        return avx512::call;            \
      case Isa::avx2:                   \
        return avx2::call;              \
      default:                          \
        return baseline::call;          \
    }                                   \
  } while (false)

#else
#define EIGENESIS_DISPATCH(use, call) return (static_cast<void>(use), baseline::call)
#endif

#undef EIGENESIS_FMA
#undef EIGENESIS_VEX
#undef EIGENESIS_INSTRUCTION
#undef EIGENESIS_INSTRUCTION_AVX
#undef EIGENESIS_INSTRUCTION_SSE
#undef EIGENESIS_UNROLL
#undef EIGENESIS_INLINE
