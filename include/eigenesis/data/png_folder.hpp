// SPDX-License-Identifier: MIT
#pragma once

#include <dirent.h>

#include <algorithm>

#include "eigenesis/data/png.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// The names in a directory that end in `ending`, sorted.
inline std::vector<std::string> list_directory(std::string_view function, const std::string& directory,
                                               std::string_view ending) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), &::closedir);
  require<DataError>(stream != nullptr, function, ": expected a readable directory but got '", std::strerror(errno),
                     "' for ", directory);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get()))
    if (std::string_view(entry->d_name).ends_with(ending)) names.emplace_back(entry->d_name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace detail

/// Reads all *.png of a directory, in the order of their names -> [N, H, W, C], pixels in [0, 1]; C is 1 (grey) or 3
/// (colour). Throws DataError if there are none, if one is damaged, or if their sizes differ.
inline Tensor<float, 4> load_png_folder(const std::string& directory) {
  const std::vector<std::string> names = detail::list_directory("load_png_folder", directory, ".png");
  require<DataError>(!names.empty(), "load_png_folder: expected at least one .png file but found none in ", directory);
  Tensor<float, 4> images;
  Shape<3> size;
  float* next = nullptr;
  for (const std::string& name : names) {
    const Tensor<float, 3> image = load_png(directory + "/" + name);
    if (next == nullptr) {
      size = image.shape();
      images = Tensor<float, 4>(Shape{static_cast<Index>(names.size()), size[0], size[1], size[2]});
      next = images.data();
    }
    require<DataError>(image.shape() == size, "load_png_folder: expected equal sizes but got ", size, " for ",
                       names.front(), " and ", image.shape(), " for ", name, " in ", directory);
    next = std::copy_n(image.data(), image.size(), next);
  }
  return images;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
