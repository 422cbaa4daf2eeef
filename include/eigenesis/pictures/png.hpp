// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/third_party/stb.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The pixel values that become black and white; what lies beyond is clamped. {-1, 1} for the outputs of a tanh.
struct PixelRange {
  double low = 0, high = 1;
};

namespace detail {

inline void check_range(std::string_view function, const PixelRange& range) {
  require<ArgumentError>(range.low < range.high, function, ": expected low < high but got ", range.low, " and ",
                         range.high);
}

/// A pixel as a byte; throws NumericError for NaN.
inline std::uint8_t pixel_byte(std::string_view function, double value, const PixelRange& range) {
  require<NumericError>(!std::isnan(value), function, ": expected pixels that are numbers but got nan");
  const double unit = (value - range.low) / (range.high - range.low);
  return static_cast<std::uint8_t>(std::lround(255 * std::min(std::max(unit, 0.0), 1.0)));
}

EIGENESIS_COMPILABLE void write_png(std::string_view function, const std::string& path,
                                    std::span<const std::uint8_t> pixels, Index height, Index width, Index channels) {
  write_file(function, path,
             encode_png(pixels, static_cast<int>(height), static_cast<int>(width), static_cast<int>(channels)));
}
EIGENESIS_COMPILE(void write_png(std::string_view, const std::string&, std::span<const std::uint8_t>, Index, Index,
                                 Index));

}  // namespace detail

/// Writes an image [H, W, C], C = 1 (grey) or 3 (colour), as PNG file. Throws ShapeError for another C or an empty
/// image, NumericError for NaN, Error if the file cannot be written.
template <class Scalar>
void save_png(const std::string& path, const Tensor<Scalar, 3>& image, const PixelRange& range = {}) {
  const auto [height, width, channels] = image.shape().sizes;
  require(image.size() > 0 && (channels == 1 || channels == 3),
          "save_png: expected an image of shape [H, W, 1] or [H, W, 3] but got ", image.shape());
  require(image.size() <= 0x10000000, "save_png: expected at most 2^28 values but got ", image.shape());
  detail::check_range("save_png", range);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(image.size()));
  std::transform(image.values().begin(), image.values().end(), pixels.begin(),
                 [&](Scalar value) { return detail::pixel_byte("save_png", static_cast<double>(value), range); });
  detail::write_png("save_png", path, pixels, height, width, channels);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
