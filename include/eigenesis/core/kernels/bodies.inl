// SPDX-License-Identifier: MIT
// Everything that is compiled once per instruction set, for vectors of EIGENESIS_VECTOR_BYTES bytes.

inline namespace of_float {
using Real = float;
using Int = std::int32_t;
#include "eigenesis/core/kernels/vector.inl"
#include "eigenesis/core/kernels/math_float.inl"
#include "eigenesis/core/kernels/pointwise.inl"
#include "eigenesis/core/kernels/reductions.inl"
#include "eigenesis/core/kernels/product.inl"
#include "eigenesis/core/kernels/convolution.inl"
#include "eigenesis/core/kernels/random.inl"
}  // namespace of_float

inline namespace of_double {
using Real = double;
using Int = std::int64_t;
#include "eigenesis/core/kernels/vector.inl"
#include "eigenesis/core/kernels/math_double.inl"
#include "eigenesis/core/kernels/pointwise.inl"
#include "eigenesis/core/kernels/reductions.inl"
#include "eigenesis/core/kernels/product.inl"
#include "eigenesis/core/kernels/convolution.inl"
}  // namespace of_double
