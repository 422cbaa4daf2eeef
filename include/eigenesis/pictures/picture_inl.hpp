// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/png.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/pictures/axes.hpp"
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

/// Both are empty if a picture [height, width, 3] has more colours, together with those of a palette that it goes on.
[[gnu::cold]] inline PalettePicture find_palette(const Picture& picture, const Bytes& palette = {}) {
  PalettePicture result{palette, {}};
  std::vector<std::uint32_t> colours;
  for (std::size_t i = 0; i < palette.size(); i += 3) colours.push_back(big_endian(&palette[i], 3));
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

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

[[gnu::cold]] EIGENESIS_ONCE void check_png_name(std::string_view function, const std::string& path) {
  require<ArgumentError>(has_ending(path, ".png"), function, ": expected a file name that ends in .png but got ", path);
}

[[gnu::cold]] EIGENESIS_ONCE void check_range(std::string_view function, const PixelRange& range) {
  require<ArgumentError>(range.low < range.high, function, ": expected low < high but got ", range.low, " and ",
                         range.high);
}

EIGENESIS_ONCE std::uint8_t pixel_byte(std::string_view function, double value, const PixelRange& range) {
  require<NumericError>(!std::isnan(value), function, ": expected pixels that are numbers but got nan");
  const double unit = (value - range.low) / (range.high - range.low);
  require<ArgumentError>(range.clip || (unit >= -1e-5 && unit <= 1 + 1e-5), function, ": expected pixels in [",
                         range.low, ", ", range.high, "] but got ", static_cast<float>(value),
                         "; give the range that they have, as {-1, 1} after a tanh, or set its .clip");
  return static_cast<std::uint8_t>(std::lround(255 * std::min(std::max(unit, 0.0), 1.0)));
}

[[gnu::cold]] EIGENESIS_ONCE void check_picture(std::string_view function, const Picture& picture) {
  const auto [height, width, channels, pixels] = picture;
  require(height > 0 && width > 0 && height <= 0x10000000 / width && (channels == 1 || channels == 3) &&
              std::ssize(pixels) == height * width * channels,
          function, ": expected a picture of height x width x 1 or 3 bytes, at most 2^28 pixels, but got ", height,
          " x ", width, " x ", channels, " and ", pixels.size(), " bytes");
}

[[gnu::cold]] EIGENESIS_ONCE std::vector<std::uint8_t> png_file(std::string_view function, const Picture& picture) {
  check_picture(function, picture);
  const PalettePicture few = picture.channels == 3 ? find_palette(picture) : PalettePicture{};
  const bool use_palette = !few.palette.empty();
  return encode_png(use_palette ? few.indices : picture.pixels, picture.height, picture.width,
                    use_palette ? 1 : picture.channels, few.palette);
}

[[gnu::cold]] EIGENESIS_ONCE void write_picture(std::string_view function, const std::string& path,
                                                const Picture& picture) {
  write_file(function, path, png_file(function, picture));
}

}  // namespace detail

[[gnu::cold]] EIGENESIS_ONCE void save_png(const std::string& path, const Picture& picture) {
  detail::check_png_name("save_png", path);
  detail::write_picture("save_png", path, picture);
}

[[gnu::cold]] EIGENESIS_ONCE Picture beside(const std::vector<TitledPicture>& pictures, Index columns) {
  using namespace detail;
  require<ArgumentError>(!pictures.empty() && columns >= 0, "beside: expected pictures and columns >= 0 but got ",
                         pictures.size(), " and ", columns);
  const std::size_t count = pictures.size();
  const std::size_t across = columns == 0 ? count : std::min(static_cast<std::size_t>(columns), count);
  bool titled = false, few_colours = true;
  for (const auto& [title, picture] : pictures) {
    check_picture("beside", picture);
    titled = titled || !title.empty();
    few_colours = few_colours && (picture.channels == 1 || !find_palette(picture).palette.empty());
  }
  // The sizes of columns and rows are those of the largest pictures in them.
  const Index margin = 8, title_height = titled ? 28 : 0;
  std::vector<Index> lefts(across + 1, margin);
  std::vector<Index> tops((count + across - 1) / across + 1, margin);
  for (std::size_t line = 0; line < across; ++line) {
    Index widest = 0;
    for (std::size_t i = line; i < count; i += across) widest = std::max(widest, pictures[i].picture.width);
    lefts[line + 1] = lefts[line] + widest + margin;
  }
  for (std::size_t line = 0; line + 1 < tops.size(); ++line) {
    Index highest = 0;
    for (std::size_t i = line * across; i < std::min((line + 1) * across, count); ++i)
      highest = std::max(highest, pictures[i].picture.height);
    tops[line + 1] = tops[line] + title_height + highest + margin;
  }
  require(lefts.back() <= 16384 && tops.back() <= 16384, "beside: expected a picture of at most 16384 x 16384 but got ",
          tops.back(), " x ", lefts.back());

  Canvas canvas(lefts.back(), tops.back(), Colour(0xffffff));
  for (std::size_t i = 0; i < count; ++i) {
    const Picture& picture = pictures[i].picture;
    const std::size_t column = i % across, row = i / across;
    const Index cell = lefts[column + 1] - margin - lefts[column];
    const Index left = lefts[column] + (cell - picture.width) / 2, top = tops[row] + title_height;
    canvas.text({static_cast<double>(lefts[column]) + static_cast<double>(cell) / 2, static_cast<double>(top) - 9},
                pictures[i].title, 11, Axes::ink, Align::centre);
    for (Index y = 0; y < picture.height; ++y)
      for (Index x = 0; x < picture.width; ++x) {
        const auto at = static_cast<std::size_t>((y * picture.width + x) * picture.channels);
        const std::size_t second = picture.channels == 3 ? 1 : 0;  // grey: three times the same
        const auto value = [&](std::size_t c) { return static_cast<float>(picture.pixels[at + c]) / 255.0f; };
        canvas.pixel(left + x, top + y, Colour({value(0), value(second), value(2 * second)}));
      }
  }
  return few_colours ? reduced_picture(canvas) : exact_picture(canvas);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
