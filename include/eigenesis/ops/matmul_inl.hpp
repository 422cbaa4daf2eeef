// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/product.hpp"
#include "eigenesis/ops/matmul.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class Scalar>
Variable<Scalar, 2> product(const Variable<Scalar, 2>& a, bool transpose_a, const Variable<Scalar, 2>& b,
                            bool transpose_b, const Variable<Scalar, 1>* bias) {
  const Index m = a.shape()[transpose_a], k = a.shape()[!transpose_a], n = b.shape()[!transpose_b];
  require(b.shape()[transpose_b] == k, "matmul: expected equal inner sizes but got ", a.shape(),
          transpose_a ? " transposed" : "", " x ", b.shape(), transpose_b ? " transposed" : "");
  if (bias) require(bias->size() == n, "matmul: expected a bias of shape [", n, "] but got ", bias->shape());
  Tensor<Scalar, 2> out(Shape{m, n});
  gemm(transpose_a, transpose_b, m, n, k, a.value().data(), b.value().data(), out.data(),
       bias ? bias->value().data() : nullptr);
  describe<Scalar>("matmul", {transpose_a, transpose_b});
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

EIGENESIS_INSTANTIATE(product);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
