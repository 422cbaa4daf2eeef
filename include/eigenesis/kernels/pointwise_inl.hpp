// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pointwise.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
Pointwise<T> pointwise(Operation operation, Isa use) {
  EIGENESIS_DISPATCH(use, pointwise(operation, static_cast<const T*>(nullptr)));
}

EIGENESIS_INSTANTIATE(pointwise);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
