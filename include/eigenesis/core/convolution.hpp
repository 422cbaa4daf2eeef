// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/kernels.hpp"

// The three products of a convolution on plain memory: y of x and w, dx of dy and w, dw of x and dy.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Height or width: tap q joins output o to input o * stride + q * dilation - padding, if there is such an input.
struct ConvolutionAxis {
  Index input, kernel, output, stride = 1, padding = 0, dilation = 1;
};

/// x [batch, height.input, width.input, in], w [height.kernel, width.kernel, in, out],
/// y [batch, height.output, width.output, out].
struct ConvolutionGeometry {
  Index batch, in, out;
  ConvolutionAxis height, width;
};

template <class F>
void for_each_tap(const ConvolutionGeometry& g, F&& f) {
  for (Index n = 0; n < g.batch; ++n)
    for (Index oh = 0; oh < g.height.output; ++oh)
      for (Index ow = 0; ow < g.width.output; ++ow)
        for (Index qh = 0; qh < g.height.kernel; ++qh)
          for (Index qw = 0; qw < g.width.kernel; ++qw) {
            const Index ih = oh * g.height.stride + qh * g.height.dilation - g.height.padding;
            const Index iw = ow * g.width.stride + qw * g.width.dilation - g.width.padding;
            if (ih < 0 || ih >= g.height.input || iw < 0 || iw >= g.width.input) continue;
            f(((n * g.height.input + ih) * g.width.input + iw) * g.in, (qh * g.width.kernel + qw) * g.in * g.out,
              ((n * g.height.output + oh) * g.width.output + ow) * g.out);
          }
}

/// y[n, o, c] = sum over taps q and channels d of x[n, input(o, q), d] w[q, d, c].
template <class T>
void conv_forward(const ConvolutionGeometry& g, const T* x, const T* w, T* y, Isa = isa()) {
  std::fill_n(y, g.batch * g.height.output * g.width.output * g.out, T{0});
  for_each_tap(g, [&](Index i, Index q, Index o) {
    for (Index d = 0; d < g.in; ++d)
      for (Index c = 0; c < g.out; ++c) y[o + c] += x[i + d] * w[q + d * g.out + c];
  });
}

/// dx[n, i, d] = sum over taps q, outputs o with input(o, q) = i and channels c of dy[n, o, c] w[q, d, c].
template <class T>
void conv_input_gradient(const ConvolutionGeometry& g, const T* dy, const T* w, T* dx, Isa = isa()) {
  std::fill_n(dx, g.batch * g.height.input * g.width.input * g.in, T{0});
  for_each_tap(g, [&](Index i, Index q, Index o) {
    for (Index d = 0; d < g.in; ++d)
      for (Index c = 0; c < g.out; ++c) dx[i + d] += dy[o + c] * w[q + d * g.out + c];
  });
}

/// dw[q, d, c] = sum over images n and outputs o of x[n, input(o, q), d] dy[n, o, c].
template <class T>
void conv_weight_gradient(const ConvolutionGeometry& g, const T* x, const T* dy, T* dw, Isa = isa()) {
  std::fill_n(dw, g.height.kernel * g.width.kernel * g.in * g.out, T{0});
  for_each_tap(g, [&](Index i, Index q, Index o) {
    for (Index d = 0; d < g.in; ++d)
      for (Index c = 0; c < g.out; ++c) dw[q + d * g.out + c] += x[i + d] * dy[o + c];
  });
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
