// SPDX-License-Identifier: MIT
#pragma once

#include <numeric>

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/pointwise.hpp"
#include "eigenesis/kernels/reductions.hpp"
#include "eigenesis/machine/memory.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
T sum_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, sum_piece(x, n));
}
template <class T>
T max_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, max_piece(x, n));
}
template <class T>
T magnitude_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, magnitude_piece(x, n));
}
template <class T>
void sum_rows_piece(const T* x, Index rows, Index columns, T* out, Index first, Index last, Isa use) {
  EIGENESIS_DISPATCH(use, sum_rows_piece(x, rows, columns, out, first, last));
}

/// piece(x, n) of each of at most 64 pieces, then of their results.
template <class T, class Piece>
T reduce_pieces(const T* x, Index n, Piece piece) {
  if (n <= piece_size) return piece(x, n);
  constexpr Index most = 64;
  T partial[most];
  const Index size = std::max(piece_size, count_parts(n, most));
  run_ranges(n, size, [&](Index first, Index last) { partial[first / size] = piece(x + first, last - first); });
  return piece(partial, count_parts(n, size));
}

template <class T>
T sum(const T* x, Index n, Isa use) {
  return reduce_pieces(x, n, [use](const T* part, Index count) { return sum_piece(part, count, use); });
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
  T* const partial = scratch<T, struct PartialSums>(blocks * columns + 64);
  run_ranges(rows, block, [&](Index first, Index last) {
    sum_rows_piece(x + first * columns, last - first, columns, partial + first / block * columns, 0, columns, use);
  });
  sum_rows_piece(partial, blocks, columns, out, 0, columns, use);
}

template <class T>
void sum_columns(const T* x, Index rows, Index columns, T* out, Isa use) {
  run_rows(rows, columns, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) out[r] = sum_piece(x + r * columns, columns, use);
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
  return reduce_pieces(x, n, [use](const T* part, Index count) { return magnitude_piece(part, count, use); });
}

template <class T>
double sum_of_squares(const T* x, Index n, Isa use) {
  CachedVector<double> partial(static_cast<std::size_t>(count_parts(n, piece_size)));
  run_ranges(n, piece_size, [&](Index first, Index last) {
    constexpr Index block = 1024;
    alignas(64) T squares[block];
    double total = 0;
    for (Index i = first; i < last; i += block) {
      const Index count = std::min(block, last - i);
      pointwise<T>(Operation::square, use)(squares, x + i, nullptr, nullptr, T{0}, count);
      total += static_cast<double>(sum_piece(squares, count, use));
    }
    partial[static_cast<std::size_t>(first / piece_size)] = total;
  });
  return std::accumulate(partial.begin(), partial.end(), 0.0);
}

EIGENESIS_INSTANTIATE(sum_piece);
EIGENESIS_INSTANTIATE(max_piece);
EIGENESIS_INSTANTIATE(sum);
EIGENESIS_INSTANTIATE(sum_rows);
EIGENESIS_INSTANTIATE(sum_columns);
EIGENESIS_INSTANTIATE(max_columns);
EIGENESIS_INSTANTIATE(largest_magnitude);
EIGENESIS_INSTANTIATE(sum_of_squares);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
