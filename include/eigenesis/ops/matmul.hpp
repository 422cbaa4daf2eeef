// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/broadcast.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A matrix to be read transposed by matmul, without a copy: matmul(x, transposed(w)).
template <class Scalar>
struct Transposed {
  Variable<Scalar, 2> matrix;  // as it is in memory
};
/// See Transposed.
template <class Scalar>
Transposed<Scalar> transposed(const Variable<Scalar, 2>& matrix) {
  return {matrix};
}

namespace detail {

/// op(a) op(b), plus a bias for each column if there is one.
template <class Scalar>
Variable<Scalar, 2> product(const Variable<Scalar, 2>& a, bool transpose_a, const Variable<Scalar, 2>& b,
                            bool transpose_b, const Variable<Scalar, 1>* bias = nullptr);

}  // namespace detail

/// The matrix product, [M, K] x [K, N] -> [M, N]; either operand may be transposed(...). Throws ShapeError.
template <class Scalar>
Variable<Scalar, 2> matmul(const Variable<Scalar, 2>& a, const Variable<Scalar, 2>& b) {
  return detail::product(a, false, b, false);
}
/// a b + bias, [M, K] x [K, N] + [N] -> [M, N], in one pass over the result. Throws ShapeError.
template <class Scalar>
Variable<Scalar, 2> matmul(const Variable<Scalar, 2>& a, const Variable<Scalar, 2>& b,
                           const Variable<Scalar, 1>& bias) {
  return detail::product(a, false, b, false, &bias);
}
/// The matrix product of operands that are read transposed where they say so. Throws ShapeError.
template <class Scalar>
Variable<Scalar, 2> matmul(const Transposed<Scalar>& a, const Variable<Scalar, 2>& b) {
  return detail::product(a.matrix, true, b, false);
}
template <class Scalar>
Variable<Scalar, 2> matmul(const Variable<Scalar, 2>& a, const Transposed<Scalar>& b) {
  return detail::product(a, false, b.matrix, true);
}
template <class Scalar>
Variable<Scalar, 2> matmul(const Transposed<Scalar>& a, const Transposed<Scalar>& b) {
  return detail::product(a.matrix, true, b.matrix, true);
}

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/ops/matmul_inl.hpp"
#endif
