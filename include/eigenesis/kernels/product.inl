// SPDX-License-Identifier: MIT
// Micro-kernels of the matrix product; see micro_kernels.hpp for what they compute. Each number is one chain
// c = start + a0 b0 + a1 b1 + ..., so that its bits do not depend on the tile, the piece or the thread it falls into.

constexpr int tile_rows = EIGENESIS_VECTOR_BYTES == 64 ? 8 : 6;     // 24 of 32 or 12 of 16 registers hold sums
constexpr int tile_vectors = EIGENESIS_VECTOR_BYTES == 64 ? 3 : 2;

template <int rows, int vectors>
[[gnu::noinline]] void micro_kernel(Index k, const Real* a, Index a_row, Index a_step, const Real* b, Index b_row,
                                    Real* b_copy, Real* c, Index c_row, const Real* start, Index start_row) {
  Vec sums[rows][vectors];
  EIGENESIS_UNROLL
  for (int i = 0; i < rows; ++i)
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) sums[i][v] = start ? load(start + i * start_row + v * lanes) : Vec{};
  for (; k > 0; --k, a += a_step, b += b_row) {
    Vec row[vectors];
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) row[v] = load(b + v * lanes);
    if (b_copy) {  // b is far apart and far away: the copy and what waits for it hide behind the sums
      EIGENESIS_UNROLL
      for (int v = 0; v < vectors; ++v) {
        store(b_copy + v * lanes, row[v]);
        __builtin_prefetch(b + 16 * b_row + v * lanes);
      }
      b_copy += vectors * lanes;
    }
    EIGENESIS_UNROLL
    for (int i = 0; i < rows; ++i) {
      const Vec x = broadcast(a[i * a_row]);
      EIGENESIS_UNROLL
      for (int v = 0; v < vectors; ++v) sums[i][v] = multiply_add(x, row[v], sums[i][v]);
    }
  }
  EIGENESIS_UNROLL
  for (int i = 0; i < rows; ++i)
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) store(c + i * c_row + v * lanes, sums[i][v]);
}

inline void pack(const Real* b, Index b_row, Index k, Index, Index vectors, Real* panel) {
  for (; k > 0; --k, b += b_row, panel += vectors * lanes)
    for (Index v = 0; v < vectors; ++v) store(panel + v * lanes, load(b + v * lanes));
}

/// Packs b given as [columns, k].
inline void pack_transposed(const Real* b, Index b_row, Index k, Index columns, Index vectors, Real* panel) {
  for (Index k0 = 0; k0 < k; k0 += lanes)
    for (Index v = 0; v < vectors; ++v)
      transpose_block(b + v * lanes * b_row + k0, b_row, columns - v * lanes, k - k0,
                      panel + (k0 * vectors + v) * lanes, vectors * lanes, lanes);
}

/// out [columns, rows] = x [rows, columns] transposed, for rows [first, last) of out.
inline void transpose_rows(const Real* x, Index rows, Index columns, Real* out, Index first, Index last) {
  for (Index j = first; j < last; j += lanes)
    for (Index i = 0; i < rows; i += lanes)
      transpose_block(x + i * columns + j, columns, rows - i, last - j, out + j * rows + i, rows, rows - i);
}

inline const ProductKernels<Real>& product_kernels(const Real*) {
#define EIGENESIS_TILES(rows) {micro_kernel<rows, 1>, micro_kernel<rows, 2>, micro_kernel<rows, tile_vectors>}
  static constexpr ProductKernels<Real> kernels = {
      lanes,
      {tile_rows, 4, 2, 1},
      tile_vectors,
      {EIGENESIS_TILES(tile_rows), EIGENESIS_TILES(4), EIGENESIS_TILES(2), EIGENESIS_TILES(1)},
      pack,
      pack_transposed};
#undef EIGENESIS_TILES
  return kernels;
}
