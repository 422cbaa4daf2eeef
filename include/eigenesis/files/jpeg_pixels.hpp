// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/jpeg.hpp"
#include "eigenesis/files/jpeg_scan.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The pixels of a frame whose coefficients are known, bit for bit those that libjpeg-turbo gives.
JpegPixels jpeg_pixels(const JpegFrame& frame);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/jpeg_pixels_inl.hpp"
#endif
