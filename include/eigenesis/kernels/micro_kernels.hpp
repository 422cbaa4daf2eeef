// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/machine/config.hpp"

// The tables of functions that product.inl and convolution.inl give for each instruction set.
//
// A micro-kernel computes one tile of c = a b, a few rows high and a few vectors wide, whose sums stay in registers.
// For each row p of b it loads the tile's part of the row once, and multiplies it with one number from each row of a:
//
//                                 vectors
//                           +------------------+
//                         k |  row p of b      |   loaded once for all rows of the tile
//                           +------------------+
//                k
//          +-----+-----+    +------------------+
//     rows |     |  p  |    |  sums            |   sums[i] += a[i][p] * (row p of b), for each row i
//          +-----+-----+    +------------------+
//
// Tiles are tile_rows[0] rows high where there are as many rows left, else tile_rows[1], ..., the last being 1.
namespace eigenesis::inline EIGENESIS_ABI::detail {

constexpr int tile_heights = 4, max_tile_vectors = 3;
/// Numbers of the largest tile of any instruction set: 8 rows of 3 vectors of 64 bytes.
constexpr Index max_tile_rows = 8, max_tile_size = max_tile_rows * 48;

template <class T>
struct ProductKernels {
  /// c [rows, vectors] = start (zeros if null) + a [rows, k] b [k, vectors]. Number p of row i of a is a[i a_row + p
  /// a_step]; row p of b begins at b + p b_row. If b_copy is not null, these rows of b are packed into it.
  using MicroKernel = void (*)(Index k, const T* a, Index a_row, Index a_step, const T* b, Index b_row, T* b_copy, T* c,
                               Index c_row, const T* start, Index start_row);
  /// Packs columns of b into a panel [k, vectors], where a micro-kernel reads b from front to back. b is given as
  /// [k, columns], or by columns [columns, k]; `columns` of it are left.
  using Pack = void (*)(const T* b, Index b_row, Index k, Index columns, Index vectors, T* panel);

  Index lanes;  // numbers in a vector
  Index tile_rows[tile_heights];
  Index tile_vectors;                                         // of the widest tile
  MicroKernel micro_kernels[tile_heights][max_tile_vectors];  // [which height][vectors - 1]
  Pack pack, pack_transposed;  // `pack` is for convolutions: products pack in their first tile

  /// The height of the next tile where `rows` are left, given that of the tile before.
  Index highest_tile(Index height, Index rows) const {
    while (tile_rows[height] > rows) ++height;
    return height;
  }
};

/// A rectangle of taps [rows, columns], all of which lead to the places of a tile. For each tap a micro-kernel reads
/// `channels` numbers of a and as many rows of b; the distances lead from tap to tap.
struct Taps {
  Index rows, columns, channels, a_row, a_column, b_row, b_column;
};
/// Where a pixel of the input, and the pixel of the output that a tap joins with it, begin.
struct PixelPair {
  Index a, b;
};

/// Micro-kernels of the convolutions, for tiles of the same sizes as those of ProductKernels.
template <class T>
struct ConvolutionKernels {
  /// Row i of the tile is c[i] + column, vectors wide, = the sum over taps of a[i] [channels] b [channels, vectors], b
  /// a packed panel.
  using TapKernel = void (*)(const Taps& taps, const T* const* a, const T* b, T* const* c, Index column);
  /// c [rows, vectors] = the sum over pairs of pixels of a [rows] times b [vectors], added to c if `accumulate`.
  using PixelKernel = void (*)(const PixelPair* pixels, Index count, const T* a, const T* b, T* c, Index c_row,
                               bool accumulate);
  /// Copies or adds runs of `size` numbers.
  using MoveRuns = void (*)(const T* from, Index from_step, T* to, Index to_step, Index runs, Index size);

  TapKernel tap_kernels[tile_heights][max_tile_vectors];
  PixelKernel pixel_kernels[tile_heights][max_tile_vectors];
  MoveRuns copy_runs, add_runs;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
