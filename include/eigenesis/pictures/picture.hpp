// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eigenesis/core/tensor.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A picture, to be saved or to stand beside others: bytes [height, width, channels], channels = 1 (grey) or 3 (red,
/// green, blue).
struct Picture {
  /// Sizes of the axes.
  Index height = 0, width = 0, channels = 1;
  /// [height, width, channels], row by row.
  std::vector<std::uint8_t> pixels = {};
};

/// The pixel values that become black and white: {-1, 1} for the outputs of a tanh. Others beyond them, by more than
/// rounding, are refused unless `clip` makes them black and white too.
struct PixelRange {
  /// What becomes black, and what white.
  double low = 0, high = 1;
  /// Whether values beyond them become black and white too.
  bool clip = false;
};

/// From where to where an axis, or a scale of colours, goes; both 0: as far as the numbers do.
struct Limits {
  double low = 0, high = 0;  // low < high
};

/// Writes a picture as a PNG file. Throws ArgumentError unless the name ends in .png, ShapeError for a picture whose
/// pixels are not as many as its sizes say, Error if the file cannot be written.
void save_png(const std::string& path, const Picture& picture);

/// A picture, and what is to stand above it.
struct TitledPicture {
  /// What stands above the picture.
  std::string title;
  /// What stands below the title.
  Picture picture;
  TitledPicture(Picture only) : picture(std::move(only)) {}
  TitledPicture(std::string above, Picture below) : title(std::move(above)), picture(std::move(below)) {}
};

/// One picture of several beside each other, or in rows of `columns`, on white: `beside({{"originals", draw_grid(x)},
/// {"samples", draw_grid(y)}})`. It has at most 256 colours if that holds for each of the pictures. Throws
/// ArgumentError without pictures or for columns < 0, ShapeError for one beyond 16384 x 16384.
Picture beside(const std::vector<TitledPicture>& pictures, Index columns = 0);

namespace detail {

// `function` is the name that stands in messages.
void check_png_name(std::string_view function, const std::string& path);
void check_range(std::string_view function, const PixelRange& range);
/// The PNG file of a picture, with a palette if it has at most 256 colours.
std::vector<std::uint8_t> png_file(std::string_view function, const Picture& picture);
void write_picture(std::string_view function, const std::string& path, const Picture& picture);
/// A pixel as a byte. Throws NumericError for NaN, ArgumentError for one outside of the range.
std::uint8_t pixel_byte(std::string_view function, double value, const PixelRange& range);

template <class Scalar>
std::vector<std::uint8_t> pixel_bytes(std::string_view function, std::span<const Scalar> values,
                                      const PixelRange& range) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(values.size());
  for (const Scalar value : values) bytes.push_back(pixel_byte(function, static_cast<double>(value), range));
  return bytes;
}

template <class Scalar>
Picture image(std::string_view function, const Tensor<Scalar, 3>& image, const PixelRange& range) {
  const auto [height, width, channels] = image.shape().sizes;
  require(image.size() > 0 && (channels == 1 || channels == 3), function,
          ": expected an image of shape [H, W, 1] or [H, W, 3] but got ", image.shape());
  require(image.size() <= 0x10000000, function, ": expected at most 2^28 values but got ", image.shape());
  check_range(function, range);
  return {height, width, channels, pixel_bytes<Scalar>(function, image.values(), range)};
}

}  // namespace detail

/// The picture of an image [H, W, C], C = 1 (grey) or 3 (colour). Throws ShapeError for another C or an empty image,
/// NumericError for NaN, ArgumentError for pixels outside of the range.
template <class Scalar>
Picture draw_image(const Tensor<Scalar, 3>& image, const PixelRange& range = {}) {
  return detail::image("draw_image", image, range);
}

/// Writes an image as a PNG file: save_png(path, draw_image(image, range)).
template <class Scalar>
void save_png(const std::string& path, const Tensor<Scalar, 3>& image, const PixelRange& range = {}) {
  detail::check_png_name("save_png", path);
  detail::write_picture("save_png", path, detail::image("save_png", image, range));
}

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/pictures/picture_inl.hpp"
#endif
