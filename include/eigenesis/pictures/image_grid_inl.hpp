// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "eigenesis/pictures/image_grid.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Height and width of the whole, in doubles, as they may be beyond all integers.
EIGENESIS_ONCE std::array<double, 2> grid_size(std::span<const Index> sizes, const GridOptions& options) {
  const Index columns = std::min(options.columns, sizes[0]), rows = (sizes[0] - 1) / columns + 1;
  const auto size = [&](Index count, Index each) {
    const auto n = static_cast<double>(count), pixels = static_cast<double>(each),
               padding = static_cast<double>(options.padding), scale = static_cast<double>(options.scale);
    return scale * (n * (pixels + padding) + padding);
  };
  return {size(rows, sizes[1]), size(columns, sizes[2])};
}

[[gnu::cold]] EIGENESIS_ONCE void check_grid(std::string_view function, std::span<const Index> sizes,
                                             const GridOptions& options) {
  require(sizes[0] > 0 && sizes[1] > 0 && sizes[2] > 0 && (sizes[3] == 1 || sizes[3] == 3), function,
          ": expected images of shape [N, H, W, 1] or [N, H, W, 3] but got ", ShapeView{sizes});
  require<ArgumentError>(options.columns >= 1 && options.padding >= 0 && options.scale >= 1, function,
                         ": expected columns >= 1, padding >= 0 and scale >= 1 but got ", options.columns, ", ",
                         options.padding, " and ", options.scale);
  check_range(function, options.range);
  const auto [height, width] = grid_size(sizes, options);
  require(height <= 16384 && width <= 16384, function, ": expected a picture of at most 16384 x 16384 but got ", height,
          " x ", width);
}

[[gnu::cold]] EIGENESIS_ONCE Picture arrange_grid(std::span<const std::uint8_t> images, std::span<const Index> sizes,
                                                  const GridOptions& options) {
  const auto [n, height, width, channels] = std::array{sizes[0], sizes[1], sizes[2], sizes[3]};
  const auto [exact_height, exact_width] = grid_size(sizes, options);
  const auto grid_height = static_cast<Index>(exact_height), grid_width = static_cast<Index>(exact_width);
  const Index columns = std::min(options.columns, n), pad = options.padding, scale = options.scale;
  Picture picture{grid_height, grid_width, channels};
  picture.pixels.resize(static_cast<std::size_t>(grid_height * grid_width * channels));
  for (Index i = 0; i < n; ++i) {
    const Index top = scale * (i / columns * (height + pad) + pad), left = scale * (i % columns * (width + pad) + pad);
    for (Index y = 0; y < scale * height; ++y)
      for (Index x = 0; x < scale * width; ++x)
        std::copy_n(&images[static_cast<std::size_t>(((i * height + y / scale) * width + x / scale) * channels)],
                    channels,
                    &picture.pixels[static_cast<std::size_t>(((top + y) * grid_width + left + x) * channels)]);
  }
  return picture;
}

[[gnu::cold]] EIGENESIS_ONCE Shape<4> grid_shape(std::string_view function, const Shape<2>& rows,
                                                 const GridOptions& options) {
  const auto [n, features] = rows.sizes;
  Index height = options.height, width = options.width;
  if (height == 0 && width == 0) height = width = std::lround(std::sqrt(static_cast<double>(features)));
  require(height > 0 && width > 0 && features > 0 && width <= features / height && features % (height * width) == 0,
          function, ": expected rows of square images, or .height and .width that fit, but got images of shape ", rows,
          ", height ", options.height, " and width ", options.width);
  return {n, height, width, features / (height * width)};
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
