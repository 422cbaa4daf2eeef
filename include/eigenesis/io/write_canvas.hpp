// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "eigenesis/io/canvas.hpp"
#include "eigenesis/io/write_file.hpp"
#include "eigenesis/third_party/stb.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Each pixel's index into a palette of at most 256 colours.
struct PalettePicture {
  std::vector<Colour> palette;
  std::vector<std::uint8_t> indices;
};

/// Takes colours together that are the same on the finest grid that leaves at most 256 of them; each becomes their mean.
inline PalettePicture reduce_colours(const std::vector<std::array<float, 3>>& pixels) {
  PalettePicture picture;
  for (const int levels : {36, 30, 25, 21, 18, 15, 12, 9, 5}) {
    const auto step = static_cast<float>(levels);
    std::map<std::array<int, 3>, std::uint8_t> entries;
    std::vector<std::array<double, 4>> sums;  // red, green, blue and the number of pixels
    picture.indices.clear();
    for (const auto& [red, green, blue] : pixels) {
      const std::array key{int(red * step + 0.5f), int(green * step + 0.5f), int(blue * step + 0.5f)};
      const auto [entry, fresh] = entries.try_emplace(key, static_cast<std::uint8_t>(sums.size()));
      if (fresh && sums.size() == 256) break;
      if (fresh) sums.emplace_back();
      auto& sum = sums[entry->second];
      sum = {sum[0] + double(red), sum[1] + double(green), sum[2] + double(blue), sum[3] + 1};
      picture.indices.push_back(entry->second);
    }
    if (picture.indices.size() < pixels.size()) continue;
    for (const auto& [red, green, blue, count] : sums)
      picture.palette.emplace_back(std::array{float(red / count), float(green / count), float(blue / count)});
    break;  // At the latest for 5 levels, which have 6^3 = 216 colours.
  }
  return picture;
}

/// Writes a drawing as a PNG file with a palette, a third of the size that it has without.
inline void write_canvas(std::string_view function, const std::string& path, const Canvas& canvas) {
  const PalettePicture picture = reduce_colours(canvas.pixels());
  Bytes file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const auto append_number = [&](std::size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  const auto append_chunk = [&](std::string_view type, const Bytes& content) {
    append_number(content.size());
    const std::size_t begin = file.size();
    file.insert(file.end(), type.begin(), type.end());
    file.insert(file.end(), content.begin(), content.end());
    append_number(crc32(std::span(file).subspan(begin)));
  };
  const auto size = [](Index n) { return std::array{static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)}; };
  const auto width = size(canvas.width()), height = size(canvas.height());
  constexpr std::uint8_t bits = 8, palette_colours = 3;
  append_chunk("IHDR", {0, 0, width[0], width[1], 0, 0, height[0], height[1], bits, palette_colours, 0, 0, 0});

  Bytes palette;
  for (const Colour& colour : picture.palette)
    for (const float value : colour.rgb) palette.push_back(static_cast<std::uint8_t>(std::lround(255 * value)));
  append_chunk("PLTE", palette);

  Bytes rows;
  const auto row = static_cast<std::ptrdiff_t>(canvas.width());
  for (auto begin = picture.indices.begin(); begin != picture.indices.end(); begin += row) {
    rows.push_back(0);  // no filter
    rows.insert(rows.end(), begin, begin + row);
  }
  append_chunk("IDAT", zlib_compress(rows));
  append_chunk("IEND", {});
  write_file(function, path, file);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
