// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/initializers.hpp"
#include "eigenesis/ops/arithmetic.hpp"
#include "eigenesis/ops/convolution.hpp"

// Convolutions of images with square kernels. Weight and bias start as in PyTorch: U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

template <class Scalar>
Tensor<Scalar, 4> kernel_weight(const char* layer, Index in, Index out, Index kernel, const auto& geometry,
                                const Shape<4>& shape) {
  require<ArgumentError>(in > 0 && out > 0 && kernel > 0, layer, ": expected in, out and kernel > 0 but got ", in, ", ",
                         out, " and ", kernel);
  check_options(layer, geometry);
  return Tensor<Scalar, 4>(shape);
}

template <class Scalar>
void require_channels(const char* layer, const Variable<Scalar, 4>& x, Index channels) {
  require(x.shape(3) == channels, layer, ": expected x of shape [N, H, W, ", channels, "] but got ", x.shape());
}

}  // namespace detail

/// How a Conv2d moves over the image, the same along height and width.
struct Conv2dOptions {
  Index stride = 1, padding = 0, dilation = 1;  // of pixels; padding with zeros on every side
  bool bias = true;                             // false: none is added
};

/// y = conv2d(x, weight) + bias, x [N, H, W, in] -> y [N, H', W', out]: Conv2d(3, 64, 4, {.stride = 2, .padding = 1},
/// rng). fan_in = in * kernel^2. Throws ArgumentError for impossible options, ShapeError as conv2d does.
template <class Scalar = float>
struct Conv2d {
  ConvolutionOptions geometry;  // stride, padding, dilation
  Parameter<Scalar, 4> weight;  // [kernel, kernel, in, out]; PyTorch's is [out, in, kernel, kernel]
  Parameter<Scalar, 1> bias;    // [out], or [0] and no field without

  Conv2d(Index in, Index out, Index kernel, Conv2dOptions options, Rng& rng)
      : geometry{options.stride, options.padding, options.dilation},
        weight(detail::kernel_weight<Scalar>("Conv2d", in, out, kernel, geometry, Shape{kernel, kernel, in, out})),
        bias(Tensor<Scalar, 1>(Shape{options.bias ? out : 0})) {
    detail::initialize_by_fan_in(weight, bias, rng);
  }
  Conv2d(Index in, Index out, Index kernel, Rng& rng) : Conv2d(in, out, kernel, Conv2dOptions{}, rng) {}

  Variable<Scalar, 4> operator()(const Variable<Scalar, 4>& x) const {
    detail::require_channels("Conv2d", x, weight.shape(2));
    const Variable<Scalar, 4> y = conv2d(x, weight, geometry);
    return bias.size() > 0 ? y + bias : y;
  }
  std::string details() const {
    return "kernel " + std::to_string(weight.shape(0)) + detail::option<Index>("stride", geometry.stride, 1) +
           detail::option<Index>("padding", geometry.padding, 0) +
           detail::option<Index>("dilation", geometry.dilation, 1);
  }
  template <int Rank>
  Variable<Scalar, 4> operator()(const Variable<Scalar, Rank>&) const {
    static_assert(Rank == 4, "eigenesis: Conv2d takes x of shape [N, H, W, in]; make images of rows first (Unflatten)");
  }

  static void fields(auto& self, auto&& field) {
    field("weight", self.weight, InFiles::features_first);
    if (self.bias.size() > 0) field("bias", self.bias);
  }
};

/// How a ConvTranspose2d spreads the image, the same along height and width; see conv_transpose2d.
struct ConvTranspose2dOptions {
  Index stride = 1, padding = 0, output_padding = 0, dilation = 1;  // of pixels of the result
  bool bias = true;                                                 // false: none is added
};

/// y = conv_transpose2d(x, weight) + bias, x [N, H, W, in] -> y [N, H', W', out]: ConvTranspose2d(128, 64, 4,
/// {.stride = 2, .padding = 1}, rng) makes images twice as large. fan_in = out * kernel^2, as in PyTorch. Throws
/// ArgumentError for impossible options, ShapeError as conv_transpose2d does.
template <class Scalar = float>
struct ConvTranspose2d {
  ConvTransposeOptions geometry;  // stride, padding, output_padding, dilation
  Parameter<Scalar, 4> weight;    // [kernel, kernel, out, in]; PyTorch's is [in, out, kernel, kernel]
  Parameter<Scalar, 1> bias;      // [out], or [0] and no field without

  ConvTranspose2d(Index in, Index out, Index kernel, ConvTranspose2dOptions options, Rng& rng)
      : geometry{options.stride, options.padding, options.output_padding, options.dilation},
        weight(detail::kernel_weight<Scalar>("ConvTranspose2d", in, out, kernel, geometry,
                                             Shape{kernel, kernel, out, in})),
        bias(Tensor<Scalar, 1>(Shape{options.bias ? out : 0})) {
    detail::initialize_by_fan_in(weight, bias, rng);
  }
  ConvTranspose2d(Index in, Index out, Index kernel, Rng& rng)
      : ConvTranspose2d(in, out, kernel, ConvTranspose2dOptions{}, rng) {}

  Variable<Scalar, 4> operator()(const Variable<Scalar, 4>& x) const {
    detail::require_channels("ConvTranspose2d", x, weight.shape(3));
    const Variable<Scalar, 4> y = conv_transpose2d(x, weight, geometry);
    return bias.size() > 0 ? y + bias : y;
  }
  std::string details() const {
    return "kernel " + std::to_string(weight.shape(0)) + detail::option<Index>("stride", geometry.stride, 1) +
           detail::option<Index>("padding", geometry.padding, 0) +
           detail::option<Index>("output padding", geometry.output_padding, 0) +
           detail::option<Index>("dilation", geometry.dilation, 1);
  }
  template <int Rank>
  Variable<Scalar, 4> operator()(const Variable<Scalar, Rank>&) const {
    static_assert(Rank == 4,
                  "eigenesis: ConvTranspose2d takes x of shape [N, H, W, in]; make images of rows first (Unflatten)");
  }

  static void fields(auto& self, auto&& field) {
    field("weight", self.weight, InFiles::features_first);
    if (self.bias.size() > 0) field("bias", self.bias);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
