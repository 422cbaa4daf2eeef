// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/arrange.hpp"

// Images [N, H, W, C] <-> rows [N, C * H * W]. The rows count in PyTorch's order, C slowest, so that weights of a
// following Linear layer carry over.
namespace eigenesis::inline EIGENESIS_ABI {

/// [N, H, W, C] -> [N, C * H * W].
struct Flatten {
  template <class Scalar>
  Variable<Scalar, 2> operator()(const Variable<Scalar, 4>& x) const {
    const Index n = x.shape(0), pixels = x.shape(1) * x.shape(2), channels = x.shape(3);
    const Shape<2> rows{n, channels * pixels};
    if (channels == 1 || pixels == 1) return reshape(x, rows);
    return reshape(transpose(reshape(x, Shape{n, pixels, channels})), rows);
  }
};

/// [N, channels * height * width] -> [N, height, width, channels]. Throws ShapeError for another number of columns.
struct Unflatten {
  Index height, width, channels;

  template <class Scalar>
  Variable<Scalar, 4> operator()(const Variable<Scalar, 2>& x) const {
    const Index n = x.shape(0);
    require(x.shape(1) == channels * height * width, "Unflatten: expected x of shape [N, ", channels * height * width,
            "] but got ", x.shape());
    const Shape<4> images{n, height, width, channels};
    if (channels == 1 || height * width == 1) return reshape(x, images);
    return reshape(transpose(reshape(x, Shape{n, channels, height * width})), images);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
