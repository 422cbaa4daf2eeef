// SPDX-License-Identifier: MIT
// Sums and maxima over contiguous memory. Floats are summed as doubles: of ten million equal floats a sum in floats would
// have lost the last three of seven digits.

/// The greater of both, NaN if either is.
struct Greater {
  EIGENESIS_INLINE Vec operator()(Vec total, Vec x) const { return ((x > total) | (x != x)) ? x : total; }
};

/// The greater absolute value of both, NaN if either is.
struct Larger {
  EIGENESIS_INLINE Vec operator()(Vec total, Vec x) const { return Greater{}(total, absolute(x)); }
};

struct Identity {
  EIGENESIS_INLINE Wide operator()(Wide x) const { return x; }
};
struct Square {
  EIGENESIS_INLINE Wide operator()(Wide x) const { return x * x; }
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
  for (; n - i >= 4 * lanes; i += 4 * lanes)
    EIGENESIS_UNROLL
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

/// The sum of f(x) over all elements, in an order that depends on n only.
template <class F>
EIGENESIS_INLINE double sum_of(const Real* x, Index n, F f) {
  Wide total[4] = {};
  Index i = 0;
  for (; n - i >= 4 * wide_lanes; i += 4 * wide_lanes)
    EIGENESIS_UNROLL
    for (int v = 0; v < 4; ++v) total[v] += f(load_wide(x + i + v * wide_lanes));
  for (; n - i >= wide_lanes; i += wide_lanes) total[0] += f(load_wide(x + i));
  if (i < n) total[1] += f(load_wide(x + i, n - i));
  const Wide all = (total[0] + total[1]) + (total[2] + total[3]);
  double sum = 0;
  for (int lane = 0; lane < wide_lanes; ++lane) sum += all[lane];
  return sum;
}

inline double sum_piece(const Real* x, Index n) { return sum_of(x, n, Identity{}); }
inline double square_piece(const Real* x, Index n) { return sum_of(x, n, Square{}); }
inline Real max_piece(const Real* x, Index n) { return reduce(x, n, static_cast<Real>(-__builtin_inf()), Greater{}); }

inline Real magnitude_piece(const Real* x, Index n) { return reduce(x, n, 0, Larger{}); }

/// Rows of x weighed by the taps and summed.
template <class Tap>
inline void weigh_rows(const Real* x, Index columns, const Tap* taps, Index count, Real* out) {
  for (Index i = 0; i < columns; i += lanes) {
    Vec total = {};
    for (Index t = 0; t < count; ++t) total += taps[t].weight * load(x + taps[t].input * columns + i);
    store_part(out + i, total, columns - i);
  }
}

/// Sums of `vectors` vectors of columns.
template <int vectors, class Sum>
inline void sum_strip(const Real* x, Index rows, Index columns, Sum* out, Index left) {
  typedef Sum Sums __attribute__((vector_size(wide_lanes * sizeof(Sum)), aligned(sizeof(Sum)), may_alias));
  Wide total[vectors] = {};
  for (Index r = 0; r < rows; ++r)
    EIGENESIS_UNROLL
    for (int v = 0; v < vectors; ++v) total[v] += load_wide(x + r * columns + v * wide_lanes);
  EIGENESIS_UNROLL
  for (int v = 0; v < vectors; ++v, out += wide_lanes, left -= wide_lanes) {
    const Sums sums = __builtin_convertvector(total[v], Sums);
    if (left >= wide_lanes)
      *reinterpret_cast<Sums*>(out) = sums;
    else
      for (Index i = 0; i < left; ++i) out[i] = sums[i];
  }
}

/// out[c] = sum over rows of x[r, c] for c in [first, last).
template <class Sum>
void sum_rows_piece(const Real* x, Index rows, Index columns, Sum* out, Index first, Index last) {
  constexpr int most = 8;
  for (; last - first >= most * wide_lanes; first += most * wide_lanes)
    sum_strip<most>(x + first, rows, columns, out + first, last - first);
  for (; first < last; first += wide_lanes) sum_strip<1>(x + first, rows, columns, out + first, last - first);
}
