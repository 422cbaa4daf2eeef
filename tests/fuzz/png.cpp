// SPDX-License-Identifier: MIT
#include <eigenesis/files/png.hpp>

#include "fuzz.hpp"

bool fuzz::png(Span file) {
  eigenesis::detail::Pixels pixels;
  if (!accepts([&] { pixels = eigenesis::detail::decode_png("png", file, "memory"); })) return false;
  expect(pixels.channels == 1 || pixels.channels == 3, "grey or colour");
  expect(std::ssize(pixels.values) == pixels.height * pixels.width * pixels.channels, "as many values as pixels");
  expect(pixels.height == eigenesis::detail::big_endian(&file[20]) &&
             pixels.width == eigenesis::detail::big_endian(&file[16]),
         "the size that the header says");
  return true;
}
