// SPDX-License-Identifier: MIT
// Register tiles of the matrix product. Each element is one chain c = a0 b0 + a1 b1 + ..., so that its bits do not depend
// on the tile, the piece or the thread it falls into.

constexpr int tile_rows = EIGENESIS_VECTOR_BYTES == 64 ? 8 : 6;     // 24 of 32 or 12 of 16 registers hold sums
constexpr int tile_vectors = EIGENESIS_VECTOR_BYTES == 64 ? 3 : 2;

template <int rows, int vectors>
[[gnu::noinline]] void tile(Index k, const Real* a, Index a_row, Index a_step, const Real* b, Index b_step, Real* c,
                            Index c_row, Index columns, bool accumulate) {
  Vec sums[rows][vectors];
  EIGENESIS_UNROLL
  for (int i = 0; i < rows; ++i)
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) sums[i][v] = Vec{};
  for (; k > 0; --k, a += a_step, b += b_step) {
    Vec row[vectors];
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) row[v] = load(b + v * lanes);
    EIGENESIS_UNROLL
    for (int i = 0; i < rows; ++i) {
      const Vec x = broadcast(a[i * a_row]);
      EIGENESIS_UNROLL
      for (int v = 0; v < vectors; ++v) sums[i][v] += x * row[v];
    }
  }
  EIGENESIS_UNROLL
  for (int i = 0; i < rows; ++i)
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) {
      Real* out = c + i * c_row + v * lanes;
      const Index left = columns - v * lanes;
      const Vec sum = accumulate ? load(out) + sums[i][v] : sums[i][v];
      if (left >= lanes)
        store(out, sum);
      else
        store_first(out, sum, left);
    }
}

inline void pack(const Real* b, Index b_row, Index k, Index, Index vectors, Real* panel) {
  for (; k > 0; --k, b += b_row, panel += vectors * lanes)
    for (Index v = 0; v < vectors; ++v) store(panel + v * lanes, load(b + v * lanes));
}

/// Packs b given as [columns, k]. Rows beyond the last are copies of it: what they add is never stored.
inline void pack_transposed(const Real* b, Index b_row, Index k, Index columns, Index vectors, Real* panel) {
  for (Index k0 = 0; k0 < k; k0 += lanes)
    for (Index v = 0; v < vectors; ++v) {
      Vec square[lanes];
      EIGENESIS_UNROLL
      for (int i = 0; i < lanes; ++i) {
        const Index column = v * lanes + i;
        square[i] = load(b + (column < columns ? column : columns - 1) * b_row + k0);
      }
      transpose_square(square);
      EIGENESIS_UNROLL
      for (int i = 0; i < lanes; ++i)
        if (k0 + i < k) store(panel + (k0 + i) * vectors * lanes + v * lanes, square[i]);
    }
}

inline const ProductKernels<Real>& product_kernels(const Real*) {
#define EIGENESIS_TILES(rows) {tile<rows, 1>, tile<rows, 2>, tile<rows, tile_vectors>}
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

/// out [columns, rows] = x [rows, columns] transposed, for rows [first, last) of out.
inline void transpose_rows(const Real* x, Index rows, Index columns, Real* out, Index first, Index last) {
  for (Index j0 = first; j0 < last; j0 += lanes)
    for (Index i0 = 0; i0 < rows; i0 += lanes) {
      Vec square[lanes];
      EIGENESIS_UNROLL
      for (int i = 0; i < lanes; ++i) square[i] = load(x + (i0 + i < rows ? i0 + i : rows - 1) * columns + j0);
      transpose_square(square);
      const Index wide = rows - i0 < lanes ? rows - i0 : lanes;
      EIGENESIS_UNROLL
      for (int j = 0; j < lanes; ++j)
        if (j0 + j < last) {
          if (wide == lanes)
            store(out + (j0 + j) * rows + i0, square[j]);
          else
            store_first(out + (j0 + j) * rows + i0, square[j], wide);
        }
    }
}
