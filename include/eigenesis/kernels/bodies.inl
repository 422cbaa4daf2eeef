// SPDX-License-Identifier: MIT
// All heavy loops, for vectors of EIGENESIS_VECTOR_BYTES bytes. instruction_sets.hpp includes this file once for each
// instruction set. The files below are written in terms of Real and a vector of it, Vec (vector.inl).

inline namespace of_float {
using Real = float;
using Int = std::int32_t;
#include "eigenesis/kernels/vector.inl"
#include "eigenesis/kernels/math_float.inl"
#include "eigenesis/kernels/pointwise.inl"
#include "eigenesis/kernels/reductions.inl"
#include "eigenesis/kernels/updates.inl"
#include "eigenesis/kernels/product.inl"
#include "eigenesis/kernels/convolution.inl"
#include "eigenesis/kernels/random.inl"
}  // namespace of_float

inline namespace of_double {
using Real = double;
using Int = std::int64_t;
#include "eigenesis/kernels/vector.inl"
#include "eigenesis/kernels/math_double.inl"
#include "eigenesis/kernels/pointwise.inl"
#include "eigenesis/kernels/reductions.inl"
#include "eigenesis/kernels/updates.inl"
#include "eigenesis/kernels/product.inl"
#include "eigenesis/kernels/convolution.inl"
}  // namespace of_double
