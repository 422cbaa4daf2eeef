// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/ops/arrange.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// In which order a row holds the numbers of an image.
enum class RowOrder {
  channels_last,  // H, W, C: the image's memory, as load_image_folder, reshaped and save_grid have it
  channels_first  // C, H, W: PyTorch's, so that the weights of a Linear behind its Flatten carry over
};

/// Images [N, H, W, C] -> rows [N, H * W * C]. Flatten{RowOrder::channels_first} counts as PyTorch's Flatten does.
struct Flatten {
  RowOrder order = RowOrder::channels_last;  // of the numbers in a row

  template <class Scalar>
  Variable<Scalar, 2> operator()(const Variable<Scalar, 4>& x) const {
    const Index n = x.shape(0), pixels = x.shape(1) * x.shape(2), channels = x.shape(3);
    const Shape<2> rows{n, channels * pixels};
    if (order == RowOrder::channels_last || channels == 1 || pixels == 1) return reshape(x, rows);
    return reshape(transpose(reshape(x, Shape{n, pixels, channels})), rows);
  }
  std::string details() const { return order == RowOrder::channels_first ? "channels first" : ""; }
};

/// Rows [N, height * width * channels] -> images [N, height, width, channels]. Throws ShapeError for another number of
/// columns, ArgumentError for sizes below 1 or above 2^20.
struct Unflatten {
  Index height, width, channels;             // of each image
  RowOrder order = RowOrder::channels_last;  // of the numbers in a row

  template <class Scalar>
  Variable<Scalar, 4> operator()(const Variable<Scalar, 2>& x) const {
    const Index n = x.shape(0);
    require<ArgumentError>(
        std::min({height, width, channels}) >= 1 && std::max({height, width, channels}) <= detail::max_step,
        "Unflatten: expected height, width and channels in [1, ", detail::max_step, "] but got ", height, ", ", width,
        " and ", channels);
    require(x.shape(1) == channels * height * width, "Unflatten: expected x of shape [N, ", channels * height * width,
            "] but got ", x.shape());
    const Shape<4> images{n, height, width, channels};
    if (order == RowOrder::channels_last || channels == 1 || height * width == 1) return reshape(x, images);
    return reshape(transpose(reshape(x, Shape{n, channels, height * width})), images);
  }
  std::string details() const {
    return std::to_string(height) + " x " + std::to_string(width) + " x " + std::to_string(channels) +
           (order == RowOrder::channels_first ? ", channels first" : "");
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
