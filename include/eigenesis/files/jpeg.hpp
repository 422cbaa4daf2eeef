// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "eigenesis/files/jpeg_pixels.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Of a picture that is read: 2^26.
inline constexpr Index max_jpeg_values = 0x4000000;
/// Of a progressive file: encoders make about ten; each costs time, however few bytes it has.
inline constexpr int max_jpeg_scans = 100;

/// Reads the content of a JPEG file (ITU-T T.81): baseline, extended and progressive ones of 8 bits with Huffman codes,
/// grey or in colour, to the pixels that libjpeg-turbo gives. The orientation that a camera wrote is not applied. Bytes
/// behind the image are ignored. Throws DataError for other kinds, for a damaged file, for one whose scans do not give
/// every bit of every coefficient, for more than max_jpeg_scans and, before it takes memory for them, for more than
/// max_jpeg_values or more than the file can fill. There is no checksum: damage to the codes of pixels that leaves
/// codes behind is another picture.
JpegPixels decode_jpeg(std::string_view function, std::span<const std::uint8_t> file, const std::string& path);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/jpeg_inl.hpp"
#endif
