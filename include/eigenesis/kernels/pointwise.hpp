// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/operations.hpp"
#include "eigenesis/machine/isa.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The kernel of an operation. It reads whole vectors and writes whole vectors: `out` has room for n rounded up to a
/// multiple of 16 numbers; `out` may be any of the inputs.
template <class T>
Pointwise<T> pointwise(Operation operation, Isa use = isa());

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/kernels/pointwise_inl.hpp"
#endif
