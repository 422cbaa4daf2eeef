// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/machine/isa.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// c [m, n] = bias + op(a) [m, k] op(b) [k, n], all row-major; op(a) is a or the transpose of a [k, m], likewise op(b).
/// Each row starts with the bias [n], or with zeros if there is none. An element's bits depend on its row of op(a), its
/// column of op(b) and its bias only, not on m, n or threads.
template <class T>
void gemm(bool transpose_a, bool transpose_b, Index m, Index n, Index k, const T* a, const T* b, T* c,
          const T* bias = nullptr, Isa use = isa());

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/kernels/product_inl.hpp"
#endif
