// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The frames of an animated PNG file (APNG, PNG specification, third edition, section 4.9), all of one size, as they
/// stand in it.
struct Animation {
  Index height = 0, width = 0, channels = 1;  // bytes of a pixel: 1 (grey, or an index) or 3 (red, green, blue)
  Bytes palette = {};                         // red, green and blue of each index, or nothing
  std::vector<Bytes> frames = {};             // rows of pixels as zlib streams
  std::string text = {};                      // a remark in the file, of printable ASCII characters
};
/// How each frame is shown, in seconds delay / unit, and how often all of them; 0: again and again.
struct AnimationTimes {
  Index delay, unit, loops;
};
/// The rows of a frame as a zlib stream, and back.
Bytes pack_frame(const Animation& animation, std::span<const std::uint8_t> pixels);
Bytes unpack_frame(std::string_view function, const Animation& animation, std::size_t frame, const std::string& path);
Bytes encode_apng(const Animation& animation, const AnimationTimes& times);
/// Reads what encode_apng wrote. Throws DataError for other files, damaged ones, and more than 2^28 values in a frame.
Animation decode_apng(std::string_view function, std::span<const std::uint8_t> file, const std::string& path);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/apng_inl.hpp"
#endif
