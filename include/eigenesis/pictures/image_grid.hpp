// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "eigenesis/pictures/picture.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How draw_grid() arranges images.
struct GridOptions {
  /// Images in a row.
  Index columns = 8;
  Index padding = 2;            // black pixels between the images and around all of them
  Index height = 0, width = 0;  // size of the images in rows [N, height * width * C]; 0: they are square and grey
  Index scale = 1;              // Each pixel becomes a square of this side.
  PixelRange range = {};        // what becomes black and white; {-1, 1} for the outputs of a tanh
};

namespace detail {

void check_grid(std::string_view function, std::span<const Index> sizes, const GridOptions& options);
/// The images [N, H, W, C] in their places.
Picture arrange_grid(std::span<const std::uint8_t> images, std::span<const Index> sizes, const GridOptions& options);
/// The shape of images in rows, [N, H * W * C] -> [N, H, W, C].
Shape<4> grid_shape(std::string_view function, const Shape<2>& rows, const GridOptions& options);

template <class Scalar>
Picture grid(std::string_view function, const Tensor<Scalar, 4>& images, const GridOptions& options) {
  check_grid(function, images.shape(), options);
  return arrange_grid(pixel_bytes<Scalar>(function, images.values(), options.range), images.shape(), options);
}
template <class Scalar>
Picture grid(std::string_view function, const Tensor<Scalar, 2>& images, const GridOptions& options) {
  return grid(function, images.reshaped(grid_shape(function, images.shape(), options)), options);
}

}  // namespace detail

/// Images beside each other, row by row: [N, H, W, C], C = 1 (grey) or 3 (colour), or one in each row, [N, H * W * C],
/// whose height and width the options give unless they are square and grey. Sizes are counted as by make_grid of
/// torchvision: (H + padding) * rows + padding. Throws ShapeError, ArgumentError, for a pixel
/// outside of the range too, NumericError for a NaN pixel.
template <class Scalar, int Rank>
requires(Rank == 2 || Rank == 4) Picture
    draw_grid(const Tensor<Scalar, Rank>& images, const GridOptions& options = {}) {
  return detail::grid("draw_grid", images, options);
}

/// A picture of each image, for save_animation: those that draw_grid would put beside each other.
template <class Scalar, int Rank>
requires(Rank == 2 || Rank == 4) std::vector<Picture> draw_frames(const Tensor<Scalar, Rank>& images,
                                                                  const GridOptions& options = {}) {
  std::vector<Picture> frames;
  auto sizes = images.shape().sizes;
  const Index n = std::exchange(sizes[0], 1);
  for (Index i = 0; i < n; ++i) {
    const auto each = static_cast<std::size_t>(images.size() / n);
    const Tensor<Scalar, Rank> image(Shape<Rank>{sizes},
                                     images.values().subspan(static_cast<std::size_t>(i) * each, each));
    frames.push_back(detail::grid("draw_frames", image, options));
  }
  return frames;
}

/// Writes images beside each other as a PNG file: save_png(path, draw_grid(images, options)).
template <class Scalar, int Rank>
requires(Rank == 2 || Rank == 4) void save_grid(const std::string& path, const Tensor<Scalar, Rank>& images,
                                                const GridOptions& options = {}) {
  detail::check_png_name("save_grid", path);
  detail::write_picture("save_grid", path, detail::grid("save_grid", images, options));
}

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/pictures/image_grid_inl.hpp"
#endif
