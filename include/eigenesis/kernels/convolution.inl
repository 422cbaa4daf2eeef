// SPDX-License-Identifier: MIT
// Micro-kernels of the convolutions; see micro_kernels.hpp. As in the matrix product, each number is one chain of sums.

/// sums[i] += a[i][k] b, a row of whole vectors.
template <int rows, int vectors>
EIGENESIS_INLINE void multiply_row(Vec (&sums)[rows][vectors], const Real* const (&a)[rows], Index k, const Real* b) {
  Vec row[vectors];
  EIGENESIS_UNROLL
  for (int v = 0; v < vectors; ++v) row[v] = load(b + v * lanes);
  EIGENESIS_UNROLL
  for (int i = 0; i < rows; ++i) {
    const Vec x = broadcast(a[i][k]);
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) sums[i][v] = multiply_add(x, row[v], sums[i][v]);
  }
}

template <int rows, int vectors>
[[gnu::noinline]] void tap_kernel(const Taps& taps, const Real* const* a, const Real* b, Real* const* c, Index column) {
  Vec sums[rows][vectors] = {};
  const Index next_row = taps.a_row - taps.columns * taps.a_column;
  const Index next_panel = (taps.b_row - taps.columns * taps.b_column) * (vectors * lanes);
  Index place = 0, column_left = taps.columns;
  for (Index left = taps.rows * taps.columns; left > 0; --left) {
    const Real* from[rows];
    EIGENESIS_UNROLL
    for (int i = 0; i < rows; ++i) from[i] = a[i] + place;
    const Real* panel = b;
    for (Index k = 0; k < taps.channels; ++k, panel += vectors * lanes) multiply_row(sums, from, k, panel);
    place += taps.a_column;
    b += taps.b_column * (vectors * lanes);
    if (--column_left == 0) column_left = taps.columns, place += next_row, b += next_panel;
  }
  EIGENESIS_UNROLL
  for (int i = 0; i < rows; ++i)
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) store(c[i] + column + v * lanes, sums[i][v]);
}

template <int rows, int vectors>
[[gnu::noinline]] void pixel_kernel(const PixelPair* pixels, Index count, const Real* a, const Real* b, Real* c,
                                  Index c_row, bool accumulate) {
  Vec sums[rows][vectors] = {};
  for (const PixelPair* end = pixels + count; pixels != end; ++pixels) {
    const Real* from[rows];
    EIGENESIS_UNROLL
    for (int i = 0; i < rows; ++i) from[i] = a + pixels->a + i;
    multiply_row(sums, from, 0, b + pixels->b);
  }
  EIGENESIS_UNROLL
  for (int i = 0; i < rows; ++i)
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) {
      Real* const to = c + i * c_row + v * lanes;
      store(to, accumulate ? sums[i][v] + load(to) : sums[i][v]);
    }
}

typedef Real Quad __attribute__((vector_size(4 * sizeof(Real)), aligned(sizeof(Real)), may_alias));

inline void copy_runs(const Real* from, Index from_step, Real* to, Index to_step, Index runs, Index size) {
  for (; runs > 0; --runs, from += from_step, to += to_step) {
    Index i = 0;
    for (; i + 4 <= size; i += 4) *reinterpret_cast<Quad*>(to + i) = *reinterpret_cast<const Quad*>(from + i);
    for (; i < size; ++i) to[i] = from[i];
  }
}

/// By fours only where runs do not overlap or their fours do not: a load that meets two stores waits for both.
inline void add_runs(const Real* from, Index from_step, Real* to, Index to_step, Index runs, Index size) {
  const Index by_fours = to_step >= size || to_step % 4 == 0 ? size / 4 * 4 : 0;
  for (; runs > 0; --runs, from += from_step, to += to_step) {
    Index i = 0;
    for (; i < by_fours; i += 4) *reinterpret_cast<Quad*>(to + i) += *reinterpret_cast<const Quad*>(from + i);
    for (; i < size; ++i) to[i] += from[i];
  }
}

/// A template, so that programs without convolutions do not instantiate the micro-kernels.
template <class = void>
const ConvolutionKernels<Real>& convolution_kernels(const Real*) {
#define EIGENESIS_TILES(kernel, rows) {kernel<rows, 1>, kernel<rows, 2>, kernel<rows, tile_vectors>}
#define EIGENESIS_ALL_TILES(kernel)                                  \
  {EIGENESIS_TILES(kernel, tile_rows), EIGENESIS_TILES(kernel, 4),   \
   EIGENESIS_TILES(kernel, 2), EIGENESIS_TILES(kernel, 1)}
  static constexpr ConvolutionKernels<Real> kernels = {
      EIGENESIS_ALL_TILES(tap_kernel), EIGENESIS_ALL_TILES(pixel_kernel), copy_runs, add_runs};
#undef EIGENESIS_ALL_TILES
#undef EIGENESIS_TILES
  return kernels;
}
