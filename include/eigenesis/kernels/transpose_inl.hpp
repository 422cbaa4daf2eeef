// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/transpose.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
void transpose_rows(const T* x, Index rows, Index columns, T* out, Index first, Index last, Isa use) {
  EIGENESIS_DISPATCH(use, transpose_rows(x, rows, columns, out, first, last));
}

template <class T>
void transpose(const T* x, Index rows, Index columns, T* out, Isa use) {
  const Index size = std::max<Index>(1, piece_size / std::max<Index>(rows, 1) / 16) * 16;
  run_ranges(columns, size, [&](Index first, Index last) { transpose_rows(x, rows, columns, out, first, last, use); });
}

EIGENESIS_INSTANTIATE(transpose);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
