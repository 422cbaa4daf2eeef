// SPDX-License-Identifier: MIT
// Sums and maxima over contiguous memory.

struct Add {
  EIGENESIS_INLINE Vec operator()(Vec total, Vec x) const { return total + x; }
};
/// The greater of both, NaN if either is.
struct Greater {
  EIGENESIS_INLINE Vec operator()(Vec total, Vec x) const { return ((x > total) | (x != x)) ? x : total; }
};

/// The greater absolute value of both, NaN if either is.
struct Larger {
  EIGENESIS_INLINE Vec operator()(Vec total, Vec x) const { return Greater{}(total, absolute(x)); }
};

/// step of each lane with the one `half` lanes away.
template <int half, class Step, int... lane>
EIGENESIS_INLINE Vec fold(Vec x, Step step, std::integer_sequence<int, lane...>) {
  return step(x, __builtin_shufflevector(x, x, (lane ^ half)...));
}

/// step over all elements in an order that depends on n only, starting from `neutral`.
template <class Step>
EIGENESIS_INLINE Real reduce(const Real* x, Index n, Real neutral, Step step) {
  Vec total[4];
  for (Vec& t : total) t = broadcast(neutral);
  Index i = 0;
  for (; n - i >= 4 * lanes; i += 4 * lanes) EIGENESIS_UNROLL
  for (int v = 0; v < 4; ++v) total[v] = step(total[v], load(x + i + v * lanes));
  for (; n - i >= lanes; i += lanes) total[0] = step(total[0], load(x + i));
  if (i < n) total[1] = step(total[1], keep(load(x + i), n - i, neutral));
  Vec all = step(step(total[0], total[1]), step(total[2], total[3]));
  using Lanes = std::make_integer_sequence<int, lanes>;
  if constexpr (lanes > 8) all = fold<8>(all, step, Lanes{});
  if constexpr (lanes > 4) all = fold<4>(all, step, Lanes{});
  if constexpr (lanes > 2) all = fold<2>(all, step, Lanes{});
  return fold<1>(all, step, Lanes{})[0];
}

inline Real sum_piece(const Real* x, Index n) { return reduce(x, n, 0, Add{}); }
inline Real max_piece(const Real* x, Index n) { return reduce(x, n, static_cast<Real>(-__builtin_inf()), Greater{}); }

inline Real magnitude_piece(const Real* x, Index n) { return reduce(x, n, 0, Larger{}); }

/// Sums of `vectors` vectors of columns. Each 64 rows are summed apart and then added, so that long columns stay exact.
template <int vectors>
inline void sum_strip(const Real* x, Index rows, Index columns, Real* out, Index left) {
  Vec total[vectors] = {};
  for (Index r = 0; r < rows;) {
    Vec sums[vectors] = {};
    for (const Index end = rows - r < 64 ? rows : r + 64; r < end; ++r) EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) sums[v] += load(x + r * columns + v * lanes);
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) total[v] += sums[v];
  }
  EIGENESIS_UNROLL
  for (int v = 0; v < vectors; ++v)
    if (left - v * lanes >= lanes)
      store(out + v * lanes, total[v]);
    else
      store_first(out + v * lanes, total[v], left - v * lanes);
}

/// out[c] = sum over rows of x[r, c] for c in [first, last).
inline void sum_rows_piece(const Real* x, Index rows, Index columns, Real* out, Index first, Index last) {
  for (; last - first >= 4 * lanes; first += 4 * lanes)
    sum_strip<4>(x + first, rows, columns, out + first, last - first);
  for (; first < last; first += lanes) sum_strip<1>(x + first, rows, columns, out + first, last - first);
}
