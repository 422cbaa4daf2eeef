// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/data/png.hpp"
#include "eigenesis/pictures/axes.hpp"
#include "eigenesis/pictures/write_canvas.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A picture of a montage: a PNG file and what stands above it.
struct MontagePart {
  std::string path, title = {};
};

/// Lays pictures beside each other, or in rows of `columns`, on white, in one PNG file of at most 256 colours:
/// `save_montage("both.png", {{"originals.png", "originals"}, {"samples.png", "samples"}})`. Throws ArgumentError
/// without pictures or for columns < 0, DataError for one that cannot be read, Error if the file cannot be written.
EIGENESIS_COMPILABLE void save_montage(const std::string& path, const std::vector<MontagePart>& parts,
                                       Index columns = 0) {
  using namespace detail;
  require<ArgumentError>(!parts.empty() && columns >= 0, "save_montage: expected pictures and columns >= 0 but got ",
                         parts.size(), " and ", columns);
  const std::size_t count = parts.size();
  const std::size_t across = columns == 0 ? count : std::min(static_cast<std::size_t>(columns), count);
  std::vector<Tensor<float, 3>> pictures;
  bool titled = false;
  for (const MontagePart& part : parts) {
    pictures.push_back(load_png(part.path));
    titled = titled || !part.title.empty();
  }
  // The sizes of columns and rows are those of the largest pictures in them.
  const Index margin = 8, title_height = titled ? 28 : 0;
  std::vector<Index> lefts(across + 1, margin);
  std::vector<Index> tops((count + across - 1) / across + 1, margin);
  for (std::size_t line = 0; line < across; ++line) {
    Index widest = 0;
    for (std::size_t i = line; i < count; i += across) widest = std::max(widest, pictures[i].shape(1));
    lefts[line + 1] = lefts[line] + widest + margin;
  }
  for (std::size_t line = 0; line + 1 < tops.size(); ++line) {
    Index highest = 0;
    for (std::size_t i = line * across; i < std::min((line + 1) * across, count); ++i)
      highest = std::max(highest, pictures[i].shape(0));
    tops[line + 1] = tops[line] + title_height + highest + margin;
  }
  require(lefts.back() <= 16384 && tops.back() <= 16384,
          "save_montage: expected a picture of at most 16384 x 16384 but got ", tops.back(), " x ", lefts.back());

  Canvas canvas(lefts.back(), tops.back(), Colour(0xffffff));
  for (std::size_t i = 0; i < count; ++i) {
    const auto [height, width, channels] = pictures[i].shape().sizes;
    const std::size_t column = i % across, row = i / across;
    const Index cell = lefts[column + 1] - margin - lefts[column];
    const Index left = lefts[column] + (cell - width) / 2, top = tops[row] + title_height;
    canvas.text({static_cast<double>(lefts[column]) + static_cast<double>(cell) / 2, static_cast<double>(top) - 9},
                parts[i].title, 11, Axes::ink, Align::centre);
    for (Index y = 0; y < height; ++y)
      for (Index x = 0; x < width; ++x) {
        const auto value = [&, last = channels - 1](Index c) { return pictures[i](y, x, std::min(c, last)); };
        canvas.pixel(left + x, top + y, Colour({value(0), value(1), value(2)}));
      }
  }
  write_canvas("save_montage", path, canvas);
}
EIGENESIS_COMPILE(void save_montage(const std::string&, const std::vector<MontagePart>&, Index));

}  // namespace eigenesis::inline EIGENESIS_ABI
