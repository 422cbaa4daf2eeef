// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/machine/isa.hpp"

// Sums and maxima of numbers in memory. They are added as doubles, in an order that depends on their count only.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Greatest of n >= 1 elements, NaN if one is NaN, by one thread.
template <class T>
T max_piece(const T* x, Index n, Isa use);

/// Sum of all elements; 0 for none.
template <class T>
T sum(const T* x, Index n, Isa use = isa());

/// One number of a sparse matrix.
template <class T>
struct AxisTap {
  Index output, input;
  T weight;
};
/// out[c] = sum over taps of weight x[input, c], x [..., columns], one after the other, by one thread.
template <class T>
void weigh_rows(const T* x, Index columns, const AxisTap<T>* taps, Index count, T* out, Isa use);

/// out[c] = sum over rows of x[r, c], x [rows, columns].
template <class T>
void sum_rows(const T* x, Index rows, Index columns, T* out, Isa use = isa());

/// out[r] = sum over columns of x[r, c].
template <class T>
void sum_columns(const T* x, Index rows, Index columns, T* out, Isa use = isa());

/// out[r] = greatest x[r, c] over columns, NaN if one is NaN; columns >= 1.
template <class T>
void max_columns(const T* x, Index rows, Index columns, T* out, Isa use = isa());

/// Greatest absolute value, NaN if one element is NaN; 0 for none.
template <class T>
T largest_magnitude(const T* x, Index n, Isa use = isa());

/// Sum of the squares of all elements.
template <class T>
double sum_of_squares(const T* x, Index n, Isa use = isa());

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/kernels/reductions_inl.hpp"
#endif
