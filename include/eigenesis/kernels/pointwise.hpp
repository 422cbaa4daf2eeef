// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/instruction_sets.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The kernel of an operation. It reads whole vectors and writes whole vectors: `out` has room for n rounded up to a
/// multiple of 16 numbers; `out` may be any of the inputs.
template <class T>
Pointwise<T> pointwise(Operation operation, Isa use = isa()) {
  EIGENESIS_DISPATCH(use, pointwise(operation, static_cast<const T*>(nullptr)));
}
EIGENESIS_COMPILE(Pointwise<float> pointwise<float>(Operation, Isa));

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
