// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "eigenesis/core/axes.hpp"
#include "eigenesis/ops/symbol.hpp"

// Runs a pointwise program over tensors, block by block: intermediate results stay in the first-level cache.
namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class Scalar>
struct Operand {
  const Scalar* data;
  Index size;
  Broadcast broadcast;
};

/// One run of the program up to instruction `result`.
template <class Scalar>
void run_program(const Program& program, std::int16_t result, std::span<const Operand<Scalar>> operands, Scalar* out,
                 Index n);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/ops/program_run_inl.hpp"
#endif
