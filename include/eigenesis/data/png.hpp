// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/files/read_file.hpp"
#include "eigenesis/third_party/stb.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// Verifies what the decoder does not: every chunk's checksum, the end of the file, and that the header does not ask
/// for more memory than the file can fill (PNG specification, second edition, sections 5 and 11.2.2).
inline void check_png(std::string_view function, std::span<const std::uint8_t> file, const std::string& path) {
  static constexpr std::uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  require<DataError>(file.size() >= 8 && std::equal(signature, signature + 8, file.begin()), function,
                     ": expected a PNG file but got another kind in ", path);
  const auto type_at = [&](std::size_t chunk) {
    return std::string(reinterpret_cast<const char*>(file.data()) + chunk + 4, 4);
  };
  for (std::size_t chunk = 8;;) {
    require<DataError>(chunk + 12 <= file.size(), function, ": expected an IEND chunk but the file ends after ",
                       file.size(), " bytes in ", path);
    const std::size_t length = big_endian(&file[chunk]);
    require<DataError>(length <= file.size() - chunk - 12, function, ": expected a chunk of at most ",
                       file.size() - chunk - 12, " bytes but got ", length, " at byte ", chunk, " in ", path);
    const std::uint32_t stored = big_endian(&file[chunk + 8 + length]);
    const std::uint32_t actual = crc32(file.subspan(chunk + 4, 4 + length));
    require<DataError>(stored == actual, function, ": expected chunk checksum ", stored, " but got ", actual,
                       " at byte ", chunk, " in ", path);
    if (chunk == 8) {
      require<DataError>(type_at(chunk) == "IHDR" && length == 13, function,
                         ": expected IHDR of 13 bytes first but got ", type_at(chunk), " of ", length, " in ", path);
      const std::uint32_t width = big_endian(&file[chunk + 8]), height = big_endian(&file[chunk + 12]);
      const int depth = file[chunk + 16];
      // Deflate grows data at most 1032 times.
      require<DataError>(1.0 * width * height * depth / 8 <= 1032.0 * static_cast<double>(file.size()), function,
                         ": expected a size that ", file.size(), " bytes can fill but got ", height, " x ", width,
                         " in ", path);
    }
    const bool last = type_at(chunk) == "IEND";
    chunk += 12 + length;
    if (last) {
      require<DataError>(chunk == file.size(), function, ": expected the file to end at byte ", chunk, " but got ",
                         file.size(), " bytes in ", path);
      return;
    }
  }
}

}  // namespace detail

/// Reads a PNG file -> [H, W, C], pixels in [0, 1]; C is 1 (grey) or 3 (colour), an alpha channel is left out.
EIGENESIS_COMPILABLE Tensor<float, 3> load_png(const std::string& path) {
  const std::vector<std::uint8_t> file = detail::read_file("load_png", path);
  detail::check_png("load_png", file, path);
  const detail::Pixels pixels = detail::decode_png(file);
  require<DataError>(pixels.values != nullptr, "load_png: expected a valid PNG file but got damaged pixels in ", path);

  const Index height = pixels.height, width = pixels.width, stored = pixels.channels, channels = stored < 3 ? 1 : 3;
  Tensor<float, 3> image(Shape{height, width, channels});
  for (Index i = 0; i < height * width; ++i)
    for (Index c = 0; c < channels; ++c)
      image.data()[i * channels + c] = static_cast<float>(pixels.values.get()[i * stored + c]) / 255.0f;
  return image;
}
EIGENESIS_COMPILE(Tensor<float, 3> load_png(const std::string&));

}  // namespace eigenesis::inline EIGENESIS_ABI
