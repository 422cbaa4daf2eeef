// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/pictures/canvas.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/third_party/stb.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Each pixel's index into a palette of at most 256 colours.
struct PalettePicture {
  std::vector<Colour> palette;
  std::vector<std::uint8_t> indices;
};

/// Takes colours together that are the same on the finest grid that leaves at most 256 of them; each becomes their
/// mean.
[[gnu::cold]] inline PalettePicture reduce_colours(const std::vector<std::array<float, 3>>& pixels) {
  PalettePicture picture;
  for (const std::size_t levels : {36u, 30u, 25u, 21u, 18u, 15u, 12u, 9u, 5u}) {
    const auto step = static_cast<float>(levels);
    std::vector<int> entries((levels + 1) * (levels + 1) * (levels + 1), -1);
    std::vector<std::array<float, 4>> sums;  // of the differences to the first pixel, and their number
    picture.palette.clear();
    picture.indices.clear();
    for (const auto& pixel : pixels) {
      std::size_t key = 0;
      for (const float value : pixel) key = key * (levels + 1) + static_cast<std::size_t>(value * step + 0.5f);
      if (entries[key] < 0) {
        entries[key] = static_cast<int>(sums.size());
        sums.push_back({});
        picture.palette.push_back(Colour(pixel));
      }
      if (sums.size() > 256) break;
      const auto entry = static_cast<std::size_t>(entries[key]);
      for (std::size_t c = 0; c < 3; ++c) sums[entry][c] += pixel[c] - picture.palette[entry].rgb[c];
      sums[entry][3] += 1;
      picture.indices.push_back(static_cast<std::uint8_t>(entry));
    }
    if (sums.size() > 256) continue;
    for (std::size_t entry = 0; entry < sums.size(); ++entry)
      for (std::size_t c = 0; c < 3; ++c) picture.palette[entry].rgb[c] += sums[entry][c] / sums[entry][3];
    break;  // At the latest for 5 levels, which have 6^3 = 216 colours.
  }
  return picture;
}

[[gnu::cold]] inline void append_number(Bytes& bytes, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

[[gnu::cold]] inline void append_chunk(Bytes& file, std::string_view type, const Bytes& content) {
  append_number(file, content.size());
  const std::size_t begin = file.size();
  for (const char c : type) file.push_back(static_cast<std::uint8_t>(c));
  for (const std::uint8_t byte : content) file.push_back(byte);
  append_number(file, crc32(std::span(file).subspan(begin)));
}

/// Writes a drawing as a PNG file with a palette, a third of the size that it has without.
[[gnu::cold]] inline void write_canvas(std::string_view function, const std::string& path, const Canvas& canvas) {
  const PalettePicture picture = reduce_colours(canvas.pixels());
  Bytes header;
  append_number(header, static_cast<std::size_t>(canvas.width()));
  append_number(header, static_cast<std::size_t>(canvas.height()));
  header.insert(header.end(), {8, 3, 0, 0, 0});  // 8 bits, colours of a palette
  Bytes palette;
  for (const Colour& colour : picture.palette)
    for (const float value : colour.rgb) palette.push_back(static_cast<std::uint8_t>(255 * value + 0.5f));
  Bytes rows;
  const auto row = static_cast<std::size_t>(canvas.width());
  for (std::size_t i = 0; i < picture.indices.size(); ++i) {
    if (i % row == 0) rows.push_back(0);  // no filter
    rows.push_back(picture.indices[i]);
  }
  Bytes file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  append_chunk(file, "IHDR", header);
  append_chunk(file, "PLTE", palette);
  append_chunk(file, "IDAT", zlib_compress(rows));
  append_chunk(file, "IEND", {});
  write_file(function, path, file);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
