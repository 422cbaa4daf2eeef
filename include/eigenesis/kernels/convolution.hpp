// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/convolution_geometry.hpp"
#include "eigenesis/machine/isa.hpp"

// The three products of a convolution on plain memory: y of x and w, dx of dy and w, dw of x and dy. As in product.hpp,
// inputs are read up to 128 bytes beyond their last number, and results do not depend on the number of threads.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// y[n, o, c] = sum over taps q and channels d of x[n, input(o, q), d] w[q, d, c].
template <class T>
void conv_forward(const ConvolutionGeometry& g, const T* x, const T* w, T* y, Isa use = isa());

/// dx[n, i, d] = sum over taps q, outputs o with input(o, q) = i and channels c of dy[n, o, c] w[q, d, c].
template <class T>
void conv_input_gradient(const ConvolutionGeometry& g, const T* dy, const T* w, T* dx, Isa use = isa());

/// dw[q, d, c] = sum over images n and outputs o of x[n, input(o, q), d] dy[n, o, c].
template <class T>
void conv_weight_gradient(const ConvolutionGeometry& g, const T* x, const T* dy, T* dw, Isa use = isa());

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/kernels/convolution_inl.hpp"
#endif
