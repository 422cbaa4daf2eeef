// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/bytes.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// What a JPEG file shows. 255 is white, or full colour.
struct JpegPixels {
  Index height = 0, width = 0, channels = 0;  // channels: 1 (grey) or 3 (red, green, blue)
  Bytes values = {};                          // [height, width, channels]
};

struct JpegFrame;
/// The pixels of a frame whose coefficients are known, bit for bit those that libjpeg-turbo gives.
JpegPixels jpeg_pixels(const JpegFrame& frame);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/jpeg_pixels_inl.hpp"
#endif
