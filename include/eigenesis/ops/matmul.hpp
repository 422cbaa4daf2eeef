// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/variable.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A matrix to be read transposed by matmul, without a copy: matmul(x, transposed(w)).
template <class Scalar>
struct Transposed {
  Variable<Scalar, 2> matrix;
};
template <class Scalar>
Transposed<Scalar> transposed(const Variable<Scalar, 2>& matrix) {
  return {matrix};
}

namespace detail {

template <class Scalar>
Variable<Scalar, 2> product(const Variable<Scalar, 2>& a, bool transpose_a, const Variable<Scalar, 2>& b,
                            bool transpose_b) {
  const Index m = a.shape()[transpose_a], k = a.shape()[!transpose_a], n = b.shape()[!transpose_b];
  require(b.shape()[transpose_b] == k, "matmul: expected equal inner sizes but got ", a.shape(),
          transpose_a ? " transposed" : "", " x ", b.shape(), transpose_b ? " transposed" : "");
  Tensor<Scalar, 2> y(Shape{m, n});
  gemm(transpose_a, transpose_b, m, n, k, a.value().data(), b.value().data(), y.data());
  return record(std::move(y),
                wrt(a,
                    [b, transpose_a, transpose_b](const auto&, const auto& dy) {
                      return transpose_a ? product(b, transpose_b, dy, true) : product(dy, false, b, !transpose_b);
                    }),
                wrt(b, [a, transpose_a, transpose_b](const auto&, const auto& dy) {
                  return transpose_b ? product(dy, true, a, transpose_a) : product(a, !transpose_a, dy, false);
                }));
}

}  // namespace detail

/// The matrix product, [M, K] x [K, N] -> [M, N]; either operand may be transposed(...). Throws ShapeError.
template <class Scalar>
Variable<Scalar, 2> matmul(const Variable<Scalar, 2>& a, const Variable<Scalar, 2>& b) {
  return detail::product(a, false, b, false);
}
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
