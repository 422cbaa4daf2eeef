// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <numeric>

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/reductions.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
double sum_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, sum_piece(x, n));
}
template <class T>
double square_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, square_piece(x, n));
}
template <class T>
T max_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, max_piece(x, n));
}
template <class T>
T magnitude_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, magnitude_piece(x, n));
}
template <class T, class Sum>
void sum_rows_piece(const T* x, Index rows, Index columns, Sum* out, Index first, Index last, Isa use) {
  EIGENESIS_DISPATCH(use, sum_rows_piece(x, rows, columns, out, first, last));
}

template <class T>
void weigh_rows(const T* x, Index columns, const AxisTap<T>* taps, Index count, T* out, Isa use) {
  EIGENESIS_DISPATCH(use, weigh_rows(x, columns, taps, count, out));
}

/// piece(x, n, use) of each of at most 64 pieces, joined from left to right.
template <class T, class Result, class Join>
Result reduce_pieces(const T* x, Index n, Result (*piece)(const T* x, Index n, Isa use), Join join, Isa use) {
  constexpr Index most = 64;
  Result partial[most];
  const Index size = std::max(piece_size, count_parts(n, most));
  run_ranges(n, size, [&](Index first, Index last) { partial[first / size] = piece(x + first, last - first, use); });
  return std::accumulate(partial, partial + count_parts(n, size), Result{0}, join);
}

template <class T>
T sum(const T* x, Index n, Isa use) {
  const FlushSubnormals scope;
  return scope.keep(static_cast<T>(reduce_pieces(x, n, sum_piece<T>, std::plus{}, use)));
}

template <class T>
double sum_of_squares(const T* x, Index n, Isa use) {
  return reduce_pieces(x, n, square_piece<T>, std::plus{}, use);
}

template <class T>
void sum_rows(const T* x, Index rows, Index columns, T* out, Isa use) {
  constexpr Index block = 1024;
  if (rows <= 2 * block) {  // pieces of some columns each
    const Index width = rows * columns <= 2 * piece_size ? columns : std::max<Index>(64, piece_size / rows / 64 * 64);
    return run_ranges(columns, std::max<Index>(width, 1),
                      [&](Index first, Index last) { sum_rows_piece(x, rows, columns, out, first, last, use); });
  }
  const Index blocks = count_parts(rows, block);
  double* const partial = scratch<double, struct PartialSums>(blocks * columns);
  run_ranges(rows, block, [&](Index first, Index last) {
    sum_rows_piece(x + first * columns, last - first, columns, partial + first / block * columns, 0, columns, use);
  });
  run_ranges(columns, piece_size, [&](Index first, Index last) {
    for (Index c = first; c < last; ++c) {
      double total = 0;
      for (Index i = 0; i < blocks; ++i) total += partial[i * columns + c];
      out[c] = static_cast<T>(total);
    }
  });
}

template <class T>
void sum_columns(const T* x, Index rows, Index columns, T* out, Isa use) {
  run_rows(rows, columns, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) out[r] = static_cast<T>(sum_piece(x + r * columns, columns, use));
  });
}

template <class T>
void max_columns(const T* x, Index rows, Index columns, T* out, Isa use) {
  run_rows(rows, columns, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) out[r] = max_piece(x + r * columns, columns, use);
  });
}

template <class T>
T largest_magnitude(const T* x, Index n, Isa use) {
  const auto larger = [](T a, T b) { return b > a || b != b ? b : a; };
  return reduce_pieces(x, n, magnitude_piece<T>, larger, use);
}

EIGENESIS_INSTANTIATE(max_piece);
EIGENESIS_INSTANTIATE(weigh_rows);
EIGENESIS_INSTANTIATE(sum);
EIGENESIS_INSTANTIATE(sum_rows);
EIGENESIS_INSTANTIATE(sum_columns);
EIGENESIS_INSTANTIATE(max_columns);
EIGENESIS_INSTANTIATE(largest_magnitude);
EIGENESIS_INSTANTIATE(sum_of_squares);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
