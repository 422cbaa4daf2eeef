// SPDX-License-Identifier: MIT
// Sums, maxima and checks over contiguous memory, and the Adam update.

EIGENESIS_INLINE Real horizontal_sum(Vec x) {
  Real lane[lanes];
  store(lane, x);
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
}

/// The greater of both, NaN if either is.
EIGENESIS_INLINE Vec maximum(Vec x, Vec y) { return ((x > y) | (x != x)) ? x : y; }

EIGENESIS_INLINE Real horizontal_maximum(Vec x) {
  Real result = x[0];
  for (int i = 1; i < lanes; ++i)
    if (x[i] > result || x[i] != x[i]) result = x[i];
  return result;
}

inline Real sum_piece(const Real* x, Index n) {
  Vec sums[4] = {};
  Index i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes)
    EIGENESIS_UNROLL
    for (int v = 0; v < 4; ++v) sums[v] += load(x + i + v * lanes);
  for (; i < n; i += lanes) sums[0] += n - i < lanes ? keep(load(x + i), n - i, 0) : load(x + i);
  return horizontal_sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

inline Real max_piece(const Real* x, Index n) {
  Vec result = broadcast(x[0]);
  for (Index i = 0; i < n; i += lanes) {
    const Vec next = load(x + i);
    result = maximum(n - i < lanes ? keep(next, n - i, x[0]) : next, result);
  }
  return horizontal_maximum(result);
}

inline bool finite_piece(const Real* x, Index n) {
  Vec zeros{};  // x - x is zero for a finite number and NaN for all others
  for (Index i = 0; i < n; i += lanes) {
    const Vec next = load(x + i);
    zeros += n - i < lanes ? keep(next - next, n - i, 0) : next - next;
  }
  return horizontal_sum(zeros) == 0;
}

/// Sums of `vectors` vectors of columns. Each 64 rows are summed apart and then added, so that long columns stay exact.
template <int vectors>
inline void sum_strip(const Real* x, Index rows, Index columns, Real* out, Index left) {
  Vec total[vectors] = {};
  for (Index r = 0; r < rows;) {
    Vec sums[vectors] = {};
    for (const Index end = rows - r < 64 ? rows : r + 64; r < end; ++r)
      EIGENESIS_UNROLL
      for (int v = 0; v < vectors; ++v) sums[v] += load(x + r * columns + v * lanes);
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) total[v] += sums[v];
  }
  EIGENESIS_UNROLL
  for (int v = 0; v < vectors; ++v)
    left - v * lanes >= lanes ? store(out + v * lanes, total[v]) : store_first(out + v * lanes, total[v], left - v * lanes);
}

/// out[c] = sum over rows of x[r, c] for c in [first, last).
inline void sum_rows_piece(const Real* x, Index rows, Index columns, Real* out, Index first, Index last) {
  for (; last - first >= 4 * lanes; first += 4 * lanes) sum_strip<4>(x + first, rows, columns, out + first, last - first);
  for (; first < last; first += lanes) sum_strip<1>(x + first, rows, columns, out + first, last - first);
}

inline void adam_piece(Real* weight, Real* m, Real* v, const Real* gradient, Index n, Real beta1, Real beta2, Real step,
                       Real root_scale, Real epsilon, Real decay) {
  for (Index i = 0; i < n; i += lanes) {
    const Vec g = load(gradient + i);
    Vec w = load(weight + i), mean = load(m + i), square = load(v + i);
    w -= decay * w;
    mean += (1 - beta1) * (g - mean);
    square += (1 - beta2) * (g * g - square);
    w -= step * mean / (square_root(square * root_scale) + epsilon);
    if (n - i >= lanes) {
      store(weight + i, w), store(m + i, mean), store(v + i, square);
    } else {
      store_first(weight + i, w, n - i), store_first(m + i, mean, n - i), store_first(v + i, square, n - i);
    }
  }
}
