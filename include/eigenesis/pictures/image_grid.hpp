// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/pictures/png.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

struct GridOptions {
  Index columns = 8;
  Index padding = 2;            // black pixels between the images and around all of them
  Index height = 0, width = 0;  // size of the images in rows [N, height * width * C]; 0: they are square and grey
  Index scale = 1;              // Each pixel becomes a square of this side.
  double low = 0, high = 1;     // what becomes black and white; {-1, 1} for the outputs of a tanh
};

namespace detail {

inline void check_grid(std::span<const Index> sizes, const GridOptions& options) {
  const auto [n, height, width, channels] = std::array{sizes[0], sizes[1], sizes[2], sizes[3]};
  require(n > 0 && height > 0 && width > 0 && (channels == 1 || channels == 3),
          "save_grid: expected images of shape [N, H, W, 1] or [N, H, W, 3] but got ", ShapeView{sizes});
  require<ArgumentError>(options.columns >= 1 && options.padding >= 0 && options.scale >= 1,
                         "save_grid: expected columns >= 1, padding >= 0 and scale >= 1 but got ", options.columns,
                         ", ", options.padding, " and ", options.scale);
  check_range("save_grid", {options.low, options.high});
}

}  // namespace detail

/// Writes images [N, H, W, C], C = 1 (grey) or 3 (colour), beside each other as one PNG file, row by row.
/// Sizes are counted as by make_grid of torchvision: (H + padding) * rows + padding. Throws ShapeError, ArgumentError,
/// NumericError for a NaN pixel, Error if the file cannot be written.
template <class Scalar>
void save_grid(const std::string& path, const Tensor<Scalar, 4>& images, const GridOptions& options = {}) {
  detail::check_grid(images.shape(), options);
  const auto [n, height, width, channels] = images.shape().sizes;
  const Index columns = std::min(options.columns, n), rows = (n + columns - 1) / columns;
  const Index pad = options.padding, scale = options.scale;
  const Index grid_height = scale * (rows * (height + pad) + pad), grid_width = scale * (columns * (width + pad) + pad);
  require(grid_height <= 16384 && grid_width <= 16384,
          "save_grid: expected a picture of at most 16384 x 16384 but got ", grid_height, " x ", grid_width);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(grid_height * grid_width * channels), std::uint8_t{0});
  for (Index i = 0; i < n; ++i) {
    const Index top = scale * (i / columns * (height + pad) + pad), left = scale * (i % columns * (width + pad) + pad);
    for (Index y = 0; y < scale * height; ++y)
      for (Index x = 0; x < scale * width; ++x)
        for (Index c = 0; c < channels; ++c)
          pixels[static_cast<std::size_t>(((top + y) * grid_width + left + x) * channels + c)] = detail::pixel_byte(
              "save_grid", static_cast<double>(images(i, y / scale, x / scale, c)), {options.low, options.high});
  }
  detail::write_png("save_grid", path, pixels, grid_height, grid_width, channels);
}

/// The same for images in rows [N, H * W * C], whose height and width the options give unless they are square and grey.
template <class Scalar>
void save_grid(const std::string& path, const Tensor<Scalar, 2>& images, const GridOptions& options = {}) {
  const auto [n, features] = images.shape().sizes;
  Index height = options.height, width = options.width;
  if (height == 0 && width == 0) height = width = std::lround(std::sqrt(static_cast<double>(features)));
  require(height > 0 && width > 0 && features > 0 && features % (height * width) == 0,
          "save_grid: expected rows of square images, or .height and .width that fit, but got images of shape ",
          images.shape(), ", height ", options.height, " and width ", options.width);
  save_grid(path, images.reshaped(Shape{n, height, width, features / (height * width)}), options);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
