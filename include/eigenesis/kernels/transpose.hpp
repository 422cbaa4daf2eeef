// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/machine/isa.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// out [columns, rows] = the transpose of x [rows, columns].
template <class T>
void transpose(const T* x, Index rows, Index columns, T* out, Isa use = isa());

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/kernels/transpose_inl.hpp"
#endif
