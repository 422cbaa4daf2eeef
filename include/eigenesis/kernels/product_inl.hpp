// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/product.hpp"
#include "eigenesis/kernels/transpose.hpp"

// The matrix product c = a b in blocks, as in BLIS (Van Zee & van de Geijn 2015):
//
//                                 block of columns
//                           +--------+--------+------+
//    block of k (<= 512)    | panel  | panel  |panel |   b: a panel is as wide as a tile; packed, it is read from front
//                           +--------+--------+------+      to back
//                           |        .        .      |
//           k               +------------------------+
//      +--------+--         +--------+--------+------+
//      |        |           | tile   |        |      |   c: a piece of work for a thread is a run of rows of one panel;
//    m |        |  a        | tile   | piece  |      |      a micro-kernel computes it tile by tile. Blocks of k after
//      |        |           +--------+--------+------+      the first add to what c holds.
//      |        |           | piece  |        |      |
//
// Every number of c is one chain of sums, start + a0 b0 + a1 b1 + ..., so its bits do not depend on the cuts. Inputs
// are read up to 128 bytes beyond their last number (tensors' buffers are padded for it), outputs are written up to
// their last.
namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
const ProductKernels<T>& product_kernels(Isa use) {
  EIGENESIS_DISPATCH(use, product_kernels(static_cast<const T*>(nullptr)));
}

/// n columns cut into panels of whole vectors, as few as tiles allow and as even as possible.
struct Panels {
  Index lanes, vectors, count;
  template <class T>
  Panels(Index n, const ProductKernels<T>& kernels)
      : lanes(kernels.lanes), vectors(count_parts(n, lanes)), count(count_parts(vectors, kernels.tile_vectors)) {}
  Index begin(Index panel) const { return vectors * panel / count * lanes; }
  Index width(Index panel) const { return begin(panel + 1) - begin(panel); }
  Index all_columns() const { return vectors * lanes; }
};

/// Rows of numbers in memory, row i at data + i row. With row = 0 all rows are one and the same.
template <class T>
struct Rows {
  T* data = nullptr;
  Index row = 0;
  Rows from(Index i) const { return {data ? data + i * row : nullptr, row}; }
};
template <class T>
void copy_rows(Rows<const T> from, Rows<T> to, Index rows, Index columns) {
  for (Index r = 0; r < rows; ++r) std::copy_n(from.data + r * from.row, columns, to.data + r * to.row);
}

/// Calls micro_kernel(c, start) for a tile [rows, width] of which c has only `columns`: a tile that reaches beyond the
/// last column is computed in a buffer. Inlined, as small tiles take no longer than a few calls.
template <class T, class MicroKernel>
[[gnu::always_inline]] inline void compute_tile(Rows<T> c, Rows<const T> start, Index rows, Index columns, Index width,
                                                MicroKernel&& micro_kernel) {
  const bool is_edge = columns < width;
  alignas(64) T buffer[max_tile_size];
  if (is_edge && start.data) {
    copy_rows(start, Rows<T>{buffer, width}, rows, columns);
    start = {buffer, width};
  }
  micro_kernel(is_edge ? Rows<T>{buffer, width} : c, start);
  if (is_edge) copy_rows(Rows<const T>{buffer, width}, c, rows, columns);
}

/// c [m, n] = start + op(a) [m, k] op(b) [k, n], where op(a) is a or the transpose of a [k, m], likewise op(b).
template <class T>
struct Product {
  bool transpose_a, transpose_b;
  Index m, n, k;
  const T *a, *b;
  T* c;
  Rows<const T> start;  // zeros without data; may be c

  bool shared() const { return is_worth_sharing(2 * m * n * k); }
};

/// The part of a product that is done at a time: rows [k, k + depth) of op(b) and `columns` of its columns from n on.
struct ProductBlock {
  Index k, depth, n, columns;
};

/// Adds a block's products to rows [first, last) of one panel of c, tile by tile. `packed` are all panels of b, if b
/// has to be transposed; if not, b is read where it lies.
template <class T>
void multiply_piece(const Product<T>& p, const ProductBlock& block, const Panels& panels, Index panel, const T* packed,
                    Index first, Index last, const ProductKernels<T>& kernels) {
  const Index width = panels.width(panel), column = block.n + panels.begin(panel);
  const Index columns = std::min(width, p.n - column), vectors = width / panels.lanes, depth = block.depth;
  const Index a_row = p.transpose_a ? 1 : p.k, a_step = p.transpose_a ? p.m : 1;
  const T* const a = p.a + block.k * a_step;
  const Rows<T> c{p.c + column, p.n};
  const Rows<const T> start{p.start.data ? p.start.data + column : nullptr, p.start.row};
  Rows<const T> b{p.b + block.k * p.n + column, p.n};
  if (packed) b = {packed + panels.begin(panel) * depth, width};
  // The first of many tiles packs the panel for the others, while it reads b anyhow. In a piece of two tiles that would
  // not pay.
  const bool packs = !packed && last - first > 2 * kernels.tile_rows[0];
  T* b_copy = packs ? scratch<T, struct PackedPanel>(width * depth) : nullptr;
  for (Index i = first, height = 0; i < last; i += kernels.tile_rows[height]) {
    height = kernels.highest_tile(height, last - i);
    const auto micro_kernel = kernels.micro_kernels[height][vectors - 1];
    compute_tile(c.from(i), start.from(i), kernels.tile_rows[height], columns, width, [&](auto to, auto from) {
      micro_kernel(depth, a + i * a_row, a_row, a_step, b.data, b.row, b_copy, to.data, to.row, from.data, from.row);
    });
    if (b_copy) b = {b_copy, width}, b_copy = nullptr;
  }
}

/// Packs all panels of a block of op(b), where b is given by columns [n, k].
template <class T>
const T* pack_transposed_b(const Product<T>& p, const ProductBlock& block, const Panels& panels,
                           const ProductKernels<T>& kernels) {
  T* const packed = scratch<T, struct PackedProduct>(panels.all_columns() * block.depth);
  run_pieces(panels.count, p.shared(), [&](Index panel) {
    const Index begin = panels.begin(panel), column = block.n + begin;
    kernels.pack_transposed(p.b + column * p.k + block.k, p.k, block.depth, p.n - column,
                            panels.width(panel) / panels.lanes, packed + begin * block.depth);
  });
  return packed;
}

template <class T>
void multiply_block(const Product<T>& p, const ProductBlock& block, const ProductKernels<T>& kernels) {
  const Panels panels(block.columns, kernels);
  const T* const packed = p.transpose_b ? pack_transposed_b(p, block, panels, kernels) : nullptr;
  const Index tile = kernels.tile_rows[0], rows = panels.count * p.m < 64 * tile ? 2 * tile : 16 * tile;
  const Index pieces_per_panel = count_parts(p.m, rows);
  run_pieces(panels.count * pieces_per_panel, p.shared(), [&](Index piece) {
    const Index first = piece % pieces_per_panel * rows;
    multiply_piece(p, block, panels, piece / pieces_per_panel, packed, first, std::min(p.m, first + rows), kernels);
  });
}

template <class T>
void multiply(Product<T> p, Isa use) {
  const ProductKernels<T>& kernels = product_kernels<T>(use);
  const Index tile_columns = kernels.lanes * kernels.tile_vectors;
  const Index k_blocks = std::max<Index>(1, count_parts(p.k, 512));  // as even as possible
  for (Index i = 0; i < k_blocks; ++i) {
    const Index k = p.k * i / k_blocks, depth = p.k * (i + 1) / k_blocks - k;
    // Columns of at most about 2^20 numbers of b, whose panels stay in the caches; + 1 is for a depth of 0.
    const Index most = std::max<Index>(1, (1 << 20) / ((depth + 1) * tile_columns)) * tile_columns;
    if (i > 0) p.start = {p.c, p.n};
    for (Index n = 0; n < p.n; n += most) multiply_block(p, {k, depth, n, std::min(most, p.n - n)}, kernels);
  }
}

/// Whether a product is faster as c^T = op(b)^T op(a)^T, with a copy of c.
template <class T>
bool is_faster_transposed(bool transpose_a, bool transpose_b, Index m, Index n, Index k,
                          const ProductKernels<T>& kernels) {
  const auto idle_lanes = [&](Index columns) { return -columns & (kernels.lanes - 1); };
  // c so narrow that lanes would be idle. More than 2 of them cost more than to copy c, more than 6 also more than to
  // pack a, which is then the right factor and has to be packed unless it is transposed. Both numbers were measured.
  const bool narrow =
      n < m && n < kernels.tile_vectors * kernels.lanes && k >= kernels.lanes && idle_lanes(n) > (transpose_a ? 2 : 6);
  // a and c to be transposed instead of a large b
  const bool large_b = transpose_b && !transpose_a && idle_lanes(m) == 0 && k * n > 2 * m * (k + n);
  return narrow || large_b;
}

template <class T>
void gemm(bool transpose_a, bool transpose_b, Index m, Index n, Index k, const T* a, const T* b, T* c, const T* bias,
          Isa use) {
  if (!is_faster_transposed(transpose_a, transpose_b, m, n, k, product_kernels<T>(use)))
    return multiply<T>({transpose_a, transpose_b, m, n, k, a, b, c, {bias, 0}}, use);
  T* const transposed = n == 1 ? c : scratch<T, struct TransposedProduct>(m * n + 64);
  for (Index j = 0; bias && j < n; ++j) std::fill_n(transposed + j * m, m, bias[j]);
  const Rows<const T> start{bias ? transposed : nullptr, m};
  multiply<T>({!transpose_b, !transpose_a, n, m, k, b, a, transposed, start}, use);
  if (n > 1) transpose(transposed, n, m, c, use);
}

EIGENESIS_INSTANTIATE(gemm);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
