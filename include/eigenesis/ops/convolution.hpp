// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/variable.hpp"
#include "eigenesis/kernels/convolution.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How a kernel moves over an image, the same along height and width.
struct ConvolutionOptions {
  Index stride = 1, padding = 0, dilation = 1;  // in pixels; padding with zeros on every side
};
/// How a transposed convolution spreads an image; output_padding adds rows and columns at the far sides of the result.
struct ConvTransposeOptions {
  Index stride = 1, padding = 0, output_padding = 0, dilation = 1;  // in pixels of the result
};

namespace detail {

// The three bilinear products of a convolution; the derivatives of each are the other two.
template <class Scalar>
Variable<Scalar, 4> convolution(const ConvolutionGeometry& g, const Variable<Scalar, 4>& x,
                                const Variable<Scalar, 4>& w);
template <class Scalar>
Variable<Scalar, 4> convolution_input(const ConvolutionGeometry& g, const Variable<Scalar, 4>& dy,
                                      const Variable<Scalar, 4>& w);
template <class Scalar>
Variable<Scalar, 4> convolution_weight(const ConvolutionGeometry& g, const Variable<Scalar, 4>& x,
                                       const Variable<Scalar, 4>& dy);

/// Of a convolution or its input's gradient: strides, paddings, dilations, and how many pixels of the input lie behind
/// the last that the kernel reaches.
template <class Scalar>
void describe(const char* name, const ConvolutionGeometry& g) {
  const auto &h = g.height, &w = g.width;
  const auto behind = [](const ConvolutionAxis& a) {
    return a.input + 2 * a.padding - (a.output - 1) * a.stride - a.dilation * (a.kernel - 1) - 1;
  };
  describe<Scalar>(name, {h.stride, w.stride, h.padding, w.padding, h.dilation, w.dilation, behind(h), behind(w)});
}

template <class Scalar>
Variable<Scalar, 4> convolution(const ConvolutionGeometry& g, const Variable<Scalar, 4>& x,
                                const Variable<Scalar, 4>& w) {
  Tensor<Scalar, 4> y(Shape{g.batch, g.height.output, g.width.output, g.out});
  conv_forward(g, x.value().data(), w.value().data(), y.data());
  describe<Scalar>("conv2d", g);
  return record(std::move(y), wrt(x, [g, w](const auto&, const auto& dy) { return convolution_input(g, dy, w); }),
                wrt(w, [g, x](const auto&, const auto& dy) { return convolution_weight(g, x, dy); }));
}

template <class Scalar>
Variable<Scalar, 4> convolution_input(const ConvolutionGeometry& g, const Variable<Scalar, 4>& dy,
                                      const Variable<Scalar, 4>& w) {
  Tensor<Scalar, 4> dx(Shape{g.batch, g.height.input, g.width.input, g.in});
  conv_input_gradient(g, dy.value().data(), w.value().data(), dx.data());
  describe<Scalar>("conv_transpose2d", g);
  return record(std::move(dx), wrt(dy, [g, w](const auto&, const auto& ddx) { return convolution(g, ddx, w); }),
                wrt(w, [g, dy](const auto&, const auto& ddx) { return convolution_weight(g, ddx, dy); }));
}

template <class Scalar>
Variable<Scalar, 4> convolution_weight(const ConvolutionGeometry& g, const Variable<Scalar, 4>& x,
                                       const Variable<Scalar, 4>& dy) {
  Tensor<Scalar, 4> dw(Shape{g.height.kernel, g.width.kernel, g.in, g.out});
  conv_weight_gradient(g, x.value().data(), dy.value().data(), dw.data());
  return record(std::move(dw), wrt(x, [g, dy](const auto&, const auto& ddw) { return convolution_input(g, dy, ddw); }),
                wrt(dy, [g, x](const auto&, const auto& ddw) { return convolution(g, x, ddw); }));
}

/// What the options must be, whatever the image.
inline void check_options(const char* function, const ConvolutionOptions& options) {
  const auto [stride, padding, dilation] = options;
  require<ArgumentError>(stride >= 1 && padding >= 0 && dilation >= 1, function,
                         ": expected stride >= 1, padding >= 0 and dilation >= 1 but got ", stride, ", ", padding,
                         " and ", dilation);
  require<ArgumentError>(std::max({stride, padding, dilation}) <= max_step, function,
                         ": expected stride, padding and dilation of at most ", max_step, " but got ", stride, ", ",
                         padding, " and ", dilation);
}
inline void check_options(const char* function, const ConvTransposeOptions& options) {
  const auto [stride, padding, output_padding, dilation] = options;
  check_options(function, ConvolutionOptions{stride, padding, dilation});
  require<ArgumentError>(output_padding >= 0 && (output_padding < stride || output_padding < dilation), function,
                         ": expected output_padding >= 0 and less than stride ", stride, " or dilation ", dilation,
                         " but got ", output_padding);
}

/// What the sizes must be; `channels` is the axis of the weight that x's channels run along.
inline void check_convolution(const char* function, const Shape<4>& x, const Shape<4>& weight, int channels) {
  require(x.size() > 0 && weight.size() > 0, function, ": expected no size to be 0 but got x ", x, " and weight ",
          weight);
  require(x[3] == weight[channels], function, ": expected x of ", weight[channels], " channels for weight ", weight,
          " but got ", x);
}

}  // namespace detail

/// Convolution (cross-correlation, as everywhere in the field), x [N, H, W, in], weight [kh, kw, in, out]
/// -> y [N, H', W', out] with H' = floor((H + 2 padding - dilation (kh - 1) - 1) / stride) + 1, W' alike:
///   y[n, h, w, c] = sum over i, j, d of x[n, h stride + i dilation - padding, ..., d] weight[i, j, d, c],
/// where x is 0 outside of the image. A NaN at the edge may or may not reach weights' gradients through the padding.
/// Throws ShapeError for a wrong number of channels, a size of 0 or a kernel that is larger than the padded image,
/// ArgumentError for impossible options.
template <class Scalar>
Variable<Scalar, 4> conv2d(const Variable<Scalar, 4>& x, const Variable<Scalar, 4>& weight,
                           ConvolutionOptions options = {}) {
  const auto [stride, padding, dilation] = options;
  detail::check_options("conv2d", options);
  detail::check_convolution("conv2d", x.shape(), weight.shape(), 2);
  const auto axis = [&, s = stride, p = padding, d = dilation](int i) {
    const Index size = x.shape()[i], kernel = weight.shape()[i - 1], reach = d * (kernel - 1) + 1;
    require(reach <= size + 2 * p, "conv2d: expected a kernel of at most the padded size ", size + 2 * p, " but got ",
            reach, " along axis ", i, " of x ", x.shape(), " with weight ", weight.shape(), ", padding ", p,
            " and dilation ", d);
    return detail::ConvolutionAxis{size, kernel, (size + 2 * p - reach) / s + 1, s, p, d};
  };
  return detail::convolution({x.shape()[0], x.shape()[3], weight.shape()[3], axis(1), axis(2)}, x, weight);
}

/// Transposed convolution, the gradient of conv2d's input: x [N, H, W, in], weight [kh, kw, out, in]
/// -> y [N, H', W', out] with H' = (H - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1, W' alike:
///   y[n, h stride + i dilation - padding, ..., c] = sum of x[n, h, w, d] weight[i, j, c, d] over all that lead there.
/// Throws ShapeError for a wrong number of channels, a size of 0 or an empty result, ArgumentError for impossible
/// options: output_padding must be less than stride or dilation, as in PyTorch.
template <class Scalar>
Variable<Scalar, 4> conv_transpose2d(const Variable<Scalar, 4>& x, const Variable<Scalar, 4>& weight,
                                     ConvTransposeOptions options = {}) {
  const auto [stride, padding, output_padding, dilation] = options;
  detail::check_options("conv_transpose2d", options);
  detail::check_convolution("conv_transpose2d", x.shape(), weight.shape(), 3);
  const auto axis = [&, s = stride, p = padding, o = output_padding, d = dilation](int i) {
    const Index size = x.shape()[i], kernel = weight.shape()[i - 1];
    const Index result = (size - 1) * s - 2 * p + d * (kernel - 1) + o + 1;
    require(result >= 1, "conv_transpose2d: expected a result of at least one pixel but got ", result, " along axis ",
            i, " of x ", x.shape(), " with weight ", weight.shape(), ", stride ", s, ", padding ", p,
            ", output_padding ", o, " and dilation ", d);
    return detail::ConvolutionAxis{result, kernel, size, s, p, d};
  };
  return detail::convolution_input({x.shape()[0], weight.shape()[2], x.shape()[3], axis(1), axis(2)}, x, weight);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
