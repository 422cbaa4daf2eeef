// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/product.hpp"
#include "eigenesis/ops/broadcast.hpp"

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

/// op(a) op(b), plus a bias for each column if there is one.
template <class Scalar>
Variable<Scalar, 2> product(const Variable<Scalar, 2>& a, bool transpose_a, const Variable<Scalar, 2>& b,
                            bool transpose_b, const Variable<Scalar, 1>* bias = nullptr) {
  const Index m = a.shape()[transpose_a], k = a.shape()[!transpose_a], n = b.shape()[!transpose_b];
  require(b.shape()[transpose_b] == k, "matmul: expected equal inner sizes but got ", a.shape(),
          transpose_a ? " transposed" : "", " x ", b.shape(), transpose_b ? " transposed" : "");
  if (bias) require(bias->size() == n, "matmul: expected a bias of shape [", n, "] but got ", bias->shape());
  Tensor<Scalar, 2> out(Shape{m, n});
  gemm(transpose_a, transpose_b, m, n, k, a.value().data(), b.value().data(), out.data(),
       bias ? bias->value().data() : nullptr);
  return record(std::move(out),
                wrt(a,
                    [b, transpose_a, transpose_b](const auto&, const auto& dy) {
                      return transpose_a ? product(b, transpose_b, dy, true) : product(dy, false, b, !transpose_b);
                    }),
                wrt(b,
                    [a, transpose_a, transpose_b](const auto&, const auto& dy) {
                      return transpose_b ? product(dy, true, a, transpose_a) : product(a, !transpose_a, dy, false);
                    }),
                wrt_each(std::span(bias, bias ? 1 : 0),
                         [n](std::size_t, const auto&, const auto& dy) { return sum_to(dy, Shape{n}); }));
}
EIGENESIS_COMPILE(Variable<float, 2> product<float>(const Variable<float, 2>&, bool, const Variable<float, 2>&, bool,
                                                    const Variable<float, 1>*));

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
