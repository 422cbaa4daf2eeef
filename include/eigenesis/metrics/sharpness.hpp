// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "eigenesis/core/tensor.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How sharp each image is: the variance of its Laplacian, images [N, H, W, C] -> [N] (Pech-Pacheco et al. 2000). The
/// Laplacian of a pixel is the sum of its four neighbours minus four times itself; the variance (over n, not n - 1) is
/// that of all channels of the inner pixels, as those at the border lack a neighbour. In squares of the pixels' unit:
/// compare images of one range only. Throws ShapeError for images smaller than 3 x 3.
template <class Scalar>
Tensor<double, 1> sharpness(const Tensor<Scalar, 4>& images) {
  const auto [n, height, width, channels] = images.shape().sizes;
  require(height >= 3 && width >= 3 && channels >= 1,
          "sharpness: expected images of shape [N, H, W, C] with H and W >= 3 but got ", images.shape());
  Tensor<double, 1> result(Shape{n});
  for (Index i = 0; i < n; ++i) {
    double sum = 0, squares = 0;
    for (Index y = 1; y + 1 < height; ++y)
      for (Index x = 1; x + 1 < width; ++x)
        for (Index c = 0; c < channels; ++c) {
          const auto pixel = [&](Index row, Index column) { return static_cast<double>(images(i, row, column, c)); };
          const double laplacian =
              pixel(y - 1, x) + pixel(y + 1, x) + pixel(y, x - 1) + pixel(y, x + 1) - 4 * pixel(y, x);
          sum += laplacian;
          squares += laplacian * laplacian;
        }
    const double inner = static_cast<double>((height - 2) * (width - 2) * channels), mean = sum / inner;
    result(i) = squares / inner - mean * mean;
  }
  return result;
}

/// The same for square grey images in rows [N, H * H]. Throws ShapeError for rows of another length.
template <class Scalar>
Tensor<double, 1> sharpness(const Tensor<Scalar, 2>& images) {
  const auto [n, pixels] = images.shape().sizes;
  const Index side = std::lround(std::sqrt(static_cast<double>(pixels)));
  require(side * side == pixels, "sharpness: expected rows of square images but got shape ", images.shape());
  return sharpness(images.reshaped(Shape{n, side, side, Index{1}}));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
