// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/machine/config.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Elementary functions of one to three operands a, b, c and a constant. Comparisons give 1 or 0, and 0 with NaN. Those
/// of floats are within 2.5 units of the last place, sin and cos within 2.
enum class Operation {
#define EIGENESIS_OPERATION(name, ...) name,
#define EIGENESIS_FUNCTION(name, ...) name,
#include "eigenesis/kernels/operations.inl"
};

/// out[i] = operation(a[i], b[i], c[i], constant) for i in [0, n).
template <class T>
using Pointwise = void (*)(T* out, const T* a, const T* b, const T* c, T constant, Index n);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
