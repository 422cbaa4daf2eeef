// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pieces.hpp"

// Sums, maxima and checks of numbers in memory. They are added in an order that depends on their count only.
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
bool finite_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, finite_piece(x, n));
}
template <class T>
void sum_rows_piece(const T* x, Index rows, Index columns, T* out, Index first, Index last, Isa use) {
  EIGENESIS_DISPATCH(use, sum_rows_piece(x, rows, columns, out, first, last));
}

/// Sum of all elements; 0 for none.
template <class T>
T sum(const T* x, Index n, Isa use = isa()) {
  if (n <= piece_size) return sum_piece(x, n, use);
  constexpr Index most = 64;
  T partial[most];
  const Index size = std::max(piece_size, count_parts(n, most));
  run_ranges(n, size,
             [&](Index first, Index last) { partial[first / size] = sum_piece(x + first, last - first, use); });
  return sum_piece(partial, count_parts(n, size), use);
}
EIGENESIS_COMPILE(float sum<float>(const float*, Index, Isa));

/// out[c] = sum over rows of x[r, c], x [rows, columns].
template <class T>
void sum_rows(const T* x, Index rows, Index columns, T* out, Isa use = isa()) {
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
EIGENESIS_COMPILE(void sum_rows<float>(const float*, Index, Index, float*, Isa));

/// out[r] = sum over columns of x[r, c].
template <class T>
void sum_columns(const T* x, Index rows, Index columns, T* out, Isa use = isa()) {
  run_rows(rows, columns, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) out[r] = sum_piece(x + r * columns, columns, use);
  });
}
EIGENESIS_COMPILE(void sum_columns<float>(const float*, Index, Index, float*, Isa));

/// out[r] = greatest x[r, c] over columns, NaN if one is NaN; columns >= 1.
template <class T>
void max_columns(const T* x, Index rows, Index columns, T* out, Isa use = isa()) {
  run_rows(rows, columns, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) out[r] = max_piece(x + r * columns, columns, use);
  });
}
EIGENESIS_COMPILE(void max_columns<float>(const float*, Index, Index, float*, Isa));

/// Whether no element is NaN or infinite.
template <class T>
bool all_finite(const T* x, Index n, Isa use = isa()) {
  if (n <= piece_size) return finite_piece(x, n, use);
  std::atomic<bool> finite{true};
  run_ranges(n, piece_size, [&](Index first, Index last) {
    if (finite.load(std::memory_order_relaxed) && !finite_piece(x + first, last - first, use)) finite = false;
  });
  return finite;
}
EIGENESIS_COMPILE(bool all_finite<float>(const float*, Index, Isa));

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
