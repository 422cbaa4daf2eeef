// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/ops/pooling.hpp"
#include "eigenesis/ops/reduce.hpp"

// Layers without parameters that make images [N, H, W, C] smaller or larger, channel by channel.
namespace eigenesis::inline EIGENESIS_ABI {

namespace detail {

inline std::string pool_details(Index kernel, const PoolOptions& options) {
  return "kernel " + std::to_string(kernel) +
         option<Index>("stride", options.stride == 0 ? kernel : options.stride, kernel) +
         option<Index>("padding", options.padding, 0);
}

}  // namespace detail

/// Means over windows: AvgPool2d{2}, AvgPool2d{3, {.stride = 2, .padding = 1}}; see avg_pool2d.
struct AvgPool2d {
  Index kernel;              // height and width of a window
  PoolOptions options = {};  // stride and padding
  auto operator()(const auto& x) const { return avg_pool2d(x, kernel, options); }
  std::string details() const { return detail::pool_details(kernel, options); }
};
/// Greatest elements of windows; see max_pool2d.
struct MaxPool2d {
  Index kernel;              // height and width of a window
  PoolOptions options = {};  // stride and padding
  auto operator()(const auto& x) const { return max_pool2d(x, kernel, options); }
  std::string details() const { return detail::pool_details(kernel, options); }
};
/// Images larger by a whole factor: Upsample2d{2}, Upsample2d{2, Interpolation::bilinear}; see upsample2d.
struct Upsample2d {
  Index factor;                                          // of height and of width
  Interpolation interpolation = Interpolation::nearest;  // of the pixels between
  auto operator()(const auto& x) const { return upsample2d(x, factor, interpolation); }
  std::string details() const {
    return "factor " + std::to_string(factor) + (interpolation == Interpolation::bilinear ? ", bilinear" : "");
  }
};

namespace detail {

template <class Scalar>
Variable<Scalar, 3> pixel_rows(const Variable<Scalar, 4>& x) {
  return reshape(x, Shape{x.shape(0), x.shape(1) * x.shape(2), x.shape(3)});
}

}  // namespace detail

/// The mean of each channel over all pixels, [N, H, W, C] -> [N, C].
struct GlobalAvgPool2d {
  auto operator()(const auto& x) const { return mean(detail::pixel_rows(x), 1); }
};
/// The greatest element of each channel, [N, H, W, C] -> [N, C]; equal elements share the gradient. See maximum.
struct GlobalMaxPool2d {
  auto operator()(const auto& x) const { return maximum(detail::pixel_rows(x), 1); }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
