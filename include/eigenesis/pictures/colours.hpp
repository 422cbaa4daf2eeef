// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/file.hpp"
#include "eigenesis/pictures/canvas.hpp"
#include "eigenesis/pictures/picture.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

inline std::uint8_t colour_byte(float value) { return static_cast<std::uint8_t>(255 * value + 0.5f); }

/// The canvas as it is.
[[gnu::cold]] inline Picture exact_picture(const Canvas& canvas) {
  Picture picture{canvas.height(), canvas.width(), 3};
  for (const auto& pixel : canvas.pixels())
    for (const float value : pixel) picture.pixels.push_back(colour_byte(value));
  return picture;
}

/// The canvas with at most 256 colours, as a third of the bytes then holds it: colours that are the same on the finest
/// grid that leaves so few become their mean.
[[gnu::cold]] inline Picture reduced_picture(const Canvas& canvas) {
  std::vector<std::array<float, 3>> first;  // of each entry
  std::vector<std::array<float, 4>> sums;   // of the differences to the first pixel, and their number
  std::vector<std::size_t> indices;
  for (const std::size_t levels : {36u, 30u, 25u, 21u, 18u, 15u, 12u, 9u, 5u}) {
    const auto step = static_cast<float>(levels);
    std::vector<int> entries((levels + 1) * (levels + 1) * (levels + 1), -1);
    first.clear();
    sums.clear();
    indices.clear();
    for (const auto& pixel : canvas.pixels()) {
      std::size_t key = 0;
      for (const float value : pixel) key = key * (levels + 1) + static_cast<std::size_t>(value * step + 0.5f);
      if (entries[key] < 0) {
        entries[key] = static_cast<int>(sums.size());
        sums.push_back({});
        first.push_back(pixel);
      }
      if (sums.size() > 256) break;
      const auto entry = static_cast<std::size_t>(entries[key]);
      for (std::size_t c = 0; c < 3; ++c) sums[entry][c] += pixel[c] - first[entry][c];
      sums[entry][3] += 1;
      indices.push_back(entry);
    }
    if (sums.size() <= 256) break;  // At the latest for 5 levels, which have 6^3 = 216 colours.
  }
  Picture picture{canvas.height(), canvas.width(), 3};
  for (const std::size_t entry : indices)
    for (std::size_t c = 0; c < 3; ++c)
      picture.pixels.push_back(colour_byte(first[entry][c] + sums[entry][c] / sums[entry][3]));
  return picture;
}

/// Each pixel's index into a palette of at most 256 colours.
struct PalettePicture {
  std::vector<std::uint8_t> palette, indices;
};

/// Both are empty if a picture [height, width, 3] has more colours.
[[gnu::cold]] inline PalettePicture find_palette(const Picture& picture) {
  PalettePicture result;
  std::vector<std::uint32_t> colours;
  std::size_t entry = 0;  // of the pixel before, which often has the same colour
  for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
    const std::uint8_t* const pixel = &picture.pixels[i];
    const std::uint32_t colour = big_endian(pixel, 3);
    if (entry >= colours.size() || colours[entry] != colour)
      for (entry = 0; entry < colours.size() && colours[entry] != colour;) ++entry;
    if (entry == 256) return {};
    if (entry == colours.size()) {
      colours.push_back(colour);
      for (std::size_t c = 0; c < 3; ++c) result.palette.push_back(pixel[c]);
    }
    result.indices.push_back(static_cast<std::uint8_t>(entry));
  }
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
