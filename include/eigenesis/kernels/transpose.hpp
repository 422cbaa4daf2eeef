// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pieces.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
void transpose_rows(const T* x, Index rows, Index columns, T* out, Index first, Index last, Isa use) {
  EIGENESIS_DISPATCH(use, transpose_rows(x, rows, columns, out, first, last));
}

/// out [columns, rows] = the transpose of x [rows, columns].
template <class T>
void transpose(const T* x, Index rows, Index columns, T* out, Isa use = isa()) {
  const Index size = std::max<Index>(1, piece_size / std::max<Index>(rows, 1) / 16) * 16;
  run_ranges(columns, size, [&](Index first, Index last) { transpose_rows(x, rows, columns, out, first, last, use); });
}
EIGENESIS_COMPILE(void transpose<float>(const float*, Index, Index, float*, Isa));

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
