// SPDX-License-Identifier: MIT
#pragma once

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

#include "eigenesis/data/png.hpp"
#include "eigenesis/files/png.hpp"
#include "eigenesis/machine/float_state.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

namespace detail {

/// Grey or colour, whatever x [H, W, C] is.
EIGENESIS_ONCE Tensor<float, 3> with_channels(const Tensor<float, 3>& x, Index channels) {
  const auto [height, width, stored] = x.shape().sizes;
  Tensor<float, 3> y(Shape{height, width, channels});
  for (Index i = 0; i < height * width; ++i) {
    const float* const from = x.data() + i * stored;
    if (channels == 1)
      y.data()[i] = 0.299f * from[0] + 0.587f * from[1] + 0.114f * from[2];
    else
      std::fill_n(y.data() + 3 * i, 3, from[0]);
  }
  return y;
}

EIGENESIS_ONCE Tensor<float, 3> cropped(const Tensor<float, 3>& x, Index height, Index width) {
  const Index channels = x.shape(2), top = (x.shape(0) - height) / 2, left = (x.shape(1) - width) / 2;
  Tensor<float, 3> y(Shape{height, width, channels});
  for (Index i = 0; i < height; ++i)
    std::copy_n(x.data() + ((top + i) * x.shape(1) + left) * channels, width * channels,
                y.data() + i * width * channels);
  return y;
}

/// Makes an axis of x [H, W, C] `size` long: output i is the mean of the inputs near it, whose weights fall linearly
/// with the distance, to 0 at one input or one output, whichever is wider (bilinear with antialiasing, as in Pillow).
EIGENESIS_ONCE Tensor<float, 3> resized(const Tensor<float, 3>& x, int axis, Index size) {
  Shape<3> shape = x.shape();
  const Index inputs = shape[axis], outer = axis == 0 ? 1 : shape[0],
              inner = axis == 0 ? shape[1] * shape[2] : shape[2];
  shape[axis] = size;
  Tensor<float, 3> y(shape, 0.0f);
  const double scale = static_cast<double>(inputs) / static_cast<double>(size), reach = std::max(scale, 1.0);
  std::vector<double> weights;
  for (Index i = 0; i < size; ++i) {
    const double centre = rounded((static_cast<double>(i) + 0.5) * scale);
    const auto first = static_cast<Index>(std::max(centre - reach + 0.5, 0.0));
    const Index last = std::min(static_cast<Index>(centre + reach + 0.5), inputs);
    weights.clear();
    double sum = 0;
    for (Index j = first; j < last; ++j) {
      weights.push_back(std::max(1 - std::abs(static_cast<double>(j) + 0.5 - centre) / reach, 0.0));
      sum += weights.back();
    }
    for (Index o = 0; o < outer; ++o)
      for (Index j = first; j < last; ++j) {
        const auto weight = static_cast<float>(weights[static_cast<std::size_t>(j - first)] / sum);
        const float* const from = x.data() + (o * inputs + j) * inner;
        float* const to = y.data() + (o * size + i) * inner;
        for (Index k = 0; k < inner; ++k) to[k] += rounded(weight * from[k]);
      }
  }
  return y;
}

/// `name` stands in messages for the path.
EIGENESIS_ONCE Tensor<float, 3> read_png(std::string_view function, const std::string& path, const std::string& name,
                                         const PngOptions& options) {
  const auto [channels, height, width, crop] = options;
  require<ArgumentError>((channels == 0 || channels == 1 || channels == 3) && std::min(height, width) >= 0 &&
                             std::max(height, width) <= 16384,
                         function, ": expected channels 0, 1 or 3 and sizes from 0 to 16384 but got ", channels, ", ",
                         height, " and ", width);
  Tensor<float, 3> image = [&] {
    const Pixels pixels = decode_png(function, read_file(function, path), name);
    Tensor<float, 3> result(Shape{pixels.height, pixels.width, pixels.channels});
    std::transform(pixels.values.begin(), pixels.values.end(), result.data(),
                   [](std::uint16_t value) { return static_cast<float>(value) / 65535.0f; });
    return result;
  }();
  const Index new_height = height == 0 ? image.shape(0) : height, new_width = width == 0 ? image.shape(1) : width;
  if (channels != 0 && channels != image.shape(2)) image = with_channels(image, channels);
  if (crop) {
    require<DataError>(new_height <= image.shape(0) && new_width <= image.shape(1), function,
                       ": expected a picture of at least ", new_height, " x ", new_width, " pixels to crop but got ",
                       image.shape(), " in ", name);
    return cropped(image, new_height, new_width);
  }
  if (new_height != image.shape(0)) image = resized(image, 0, new_height);
  if (new_width != image.shape(1)) image = resized(image, 1, new_width);
  return image;
}

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

EIGENESIS_ONCE Tensor<float, 3> load_png(const std::string& path, const PngOptions& options) {
  return detail::read_png("load_png", path, path, options);
}

EIGENESIS_ONCE Tensor<float, 4> load_png_folder(const std::string& directory, const PngOptions& options) {
  const std::vector<std::string> names = detail::list_png_files("load_png_folder", directory);
  Tensor<float, 4> images;
  Shape<3> size;
  float* next = nullptr;
  for (const std::string& name : names) {
    const Tensor<float, 3> image =
        detail::read_png("load_png_folder", directory + "/" + name, directory + "/" + detail::shown(name), options);
    if (next == nullptr) {
      size = image.shape();
      images = Tensor<float, 4>(Shape{static_cast<Index>(names.size()), size[0], size[1], size[2]});
      next = images.data();
    }
    require<DataError>(image.shape() == size, "load_png_folder: expected equal sizes but got ", size, " for ",
                       detail::shown(names.front()), " and ", image.shape(), " for ", detail::shown(name), " in ",
                       directory, "; .channels makes all grey or colour, .height and .width resize or .crop");
    next = std::copy_n(image.data(), image.size(), next);
  }
  return images;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
