// SPDX-License-Identifier: MIT
#pragma once

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "eigenesis/data/png.hpp"
#include "eigenesis/files/png.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

EIGENESIS_ONCE Tensor<float, 3> load_png(const std::string& path) {
  const detail::Pixels pixels = detail::decode_png("load_png", detail::read_file("load_png", path), path);
  Tensor<float, 3> image(Shape{pixels.height, pixels.width, pixels.channels});
  std::transform(pixels.values.begin(), pixels.values.end(), image.data(),
                 [](std::uint16_t value) { return static_cast<float>(value) / 65535.0f; });
  return image;
}

namespace detail {

/// The names of the PNG files in a directory, sorted.
EIGENESIS_ONCE std::vector<std::string> list_png_files(std::string_view function, const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), &::closedir);
  require<DataError>(stream != nullptr, function, ": expected a readable directory but got '", std::strerror(errno),
                     "' for ", directory);
  std::vector<std::string> names;
  int left_out = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (name[0] != '.' && has_ending_png(name))
      names.push_back(name);
    else
      ++left_out;
  }
  require<DataError>(!names.empty(), function, ": expected at least one .png file but found none in ", directory);
  if (left_out > 0)
    std::fprintf(stderr, "%.*s: read %zu PNG files in %s and left out %d other entries\n",
                 static_cast<int>(function.size()), function.data(), names.size(), directory.c_str(), left_out);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace detail

EIGENESIS_ONCE Tensor<float, 4> load_png_folder(const std::string& directory) {
  const std::vector<std::string> names = detail::list_png_files("load_png_folder", directory);
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
