// SPDX-License-Identifier: MIT
#include <eigenesis/files/jpeg.hpp>

#include "fuzz.hpp"

bool fuzz::jpeg(Span file) {
  eigenesis::detail::JpegPixels pixels;
  if (!accepts([&] { pixels = eigenesis::detail::decode_jpeg("jpeg", file, "memory"); })) return false;
  expect(pixels.channels == 1 || pixels.channels == 3, "grey or colour");
  expect(pixels.height > 0 && pixels.height < 65536 && pixels.width > 0 && pixels.width < 65536, "a size of 16 bits");
  expect(std::ssize(pixels.values) == pixels.height * pixels.width * pixels.channels, "as many values as pixels");
  expect(pixels.height * pixels.width <= 8 * 64 * 16 * std::ssize(file), "a size that the file can fill");
  return true;
}
