// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Of a picture that is read, with its alpha channel: 2^26.
inline constexpr Index max_png_values = 0x4000000;

/// What a PNG file shows. A value of 65535 is white, or full colour, whatever the depth of the file.
struct Pixels {
  Index height = 0, width = 0, channels = 0;  // channels: 1 (grey) or 3 (red, green, blue)
  std::vector<std::uint16_t> values = {};     // [height, width, channels]
};

/// Reads the content of a PNG file of any kind; an alpha channel is left out. As libpng does, it ignores bytes behind
/// the image and chunks that it does not need. Throws DataError for a damaged file, for an index beyond the palette,
/// for pixels that are not as many as the header says, and, before it takes memory for them, for more than
/// max_png_values or more than the file can fill.
Pixels decode_png(std::string_view function, std::span<const std::uint8_t> file, const std::string& path);

/// The PNG file of bytes [height, width, channels], channels = 1 or 3; with a palette of red, green and blue, of
/// indices [height, width, 1] into it.
Bytes encode_png(std::span<const std::uint8_t> pixels, Index height, Index width, Index channels,
                 std::span<const std::uint8_t> palette = {});

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/png_inl.hpp"
#endif
