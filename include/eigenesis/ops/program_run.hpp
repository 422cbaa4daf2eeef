// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>
#include <span>

#include "eigenesis/core/axes.hpp"
#include "eigenesis/ops/symbol.hpp"

// Runs a pointwise program over tensors, block by block: intermediate results stay in the first-level cache.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A constant as a Scalar. One that would be subnormal, and so 0 in all kernels, becomes the smallest normal number: in
/// log(maximum(x, 1e-40)) or 1 / (x + 1e-40) it is there to be more than 0.
template <class Scalar>
Scalar normal_constant(double constant) {
  constexpr Scalar least = std::numeric_limits<Scalar>::min();
  if (constant == 0 || !(std::abs(constant) < static_cast<double>(least))) return static_cast<Scalar>(constant);
  return constant < 0 ? -least : least;
}

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
