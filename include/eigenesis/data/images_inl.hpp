// SPDX-License-Identifier: MIT
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

#include "eigenesis/data/images.hpp"
#include "eigenesis/files/jpeg.hpp"
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

/// What kind of file this is, by its first bytes.
EIGENESIS_ONCE std::string_view image_format(std::span<const std::uint8_t> file) {
  using namespace std::string_view_literals;
  struct Format {
    std::string_view name, beginning;
    std::size_t at = 0;
  };
  if (file.empty()) return "an empty file";
  for (const auto& [name, beginning, at] :
       {Format{"a PNG file", "\x89PNG\r\n\x1a\n"}, Format{"a JPEG file", "\xff\xd8"}, Format{"a GIF file", "GIF8"},
        Format{"a WebP file", "WEBP", 8}, Format{"a BMP file", "BM"}, Format{"a TIFF file", "II*\0"sv},
        Format{"a TIFF file", "MM\0*"sv}, Format{"an AVIF file", "ftypavif", 4}, Format{"an HEIC file", "ftyphei", 4},
        Format{"a JPEG 2000 file", "\0\0\0\x0cjP  "sv}})
    if (file.size() >= at + beginning.size() &&
        std::equal(beginning.begin(), beginning.end(), file.begin() + static_cast<std::ptrdiff_t>(at),
                   [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }))
      return name;
  return "another kind";
}

/// The pixels of a file, [H, W, C], in [0, 1]. `name` stands in messages for the path.
EIGENESIS_ONCE Tensor<float, 3> decode_image(std::string_view function, const std::string& path,
                                             const std::string& name) {
  const Bytes file = read_file(function, path);
  const auto scaled = [](const auto& pixels, float white) {
    Tensor<float, 3> image(Shape{pixels.height, pixels.width, pixels.channels});
    std::transform(pixels.values.begin(), pixels.values.end(), image.data(),
                   [white](auto value) { return static_cast<float>(value) / white; });
    return image;
  };
  const std::string_view format = image_format(file);
  if (format == "a PNG file") return scaled(decode_png(function, file, name), 65535.0f);
  require<DataError>(format == "a JPEG file", function, ": expected a PNG or JPEG file but got ", format, " in ", name);
  return scaled(decode_jpeg(function, file, name), 255.0f);
}

/// `name` stands in messages for the path.
EIGENESIS_ONCE Tensor<float, 3> read_image(std::string_view function, const std::string& path, const std::string& name,
                                           const ImageOptions& options) {
  const auto [channels, height, width, crop, shorter_side] = options;
  require<ArgumentError>((channels == 0 || channels == 1 || channels == 3) && std::min(height, width) >= 0 &&
                             std::max(height, width) <= 16384,
                         function, ": expected channels 0, 1 or 3 and sizes from 0 to 16384 but got ", channels, ", ",
                         height, " and ", width);
  require<ArgumentError>(
      shorter_side >= 0 && shorter_side <= 16384 && (shorter_side == 0 || crop || height + width == 0), function,
      ": expected a shorter_side from 0 to 16384, and .crop for a height and width beside it, but got ", shorter_side,
      ", ", height, " and ", width);
  Tensor<float, 3> image = decode_image(function, path, name);
  if (channels != 0 && channels != image.shape(2)) image = with_channels(image, channels);
  if (shorter_side > 0) {
    const Index shorter = std::min(image.shape(0), image.shape(1));
    const std::array<Index, 2> sizes{image.shape(0) * shorter_side / shorter, image.shape(1) * shorter_side / shorter};
    require<DataError>(std::max(sizes[0], sizes[1]) <= 16384, function, ": expected sides of at most 16384 after ",
                       "resizing but got ", sizes[0], " and ", sizes[1], " in ", name);
    for (int axis = 0; axis < 2; ++axis)
      if (sizes[static_cast<std::size_t>(axis)] != image.shape(axis))
        image = resized(image, axis, sizes[static_cast<std::size_t>(axis)]);
  }
  const Index new_height = height == 0 ? image.shape(0) : height, new_width = width == 0 ? image.shape(1) : width;
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

enum class Entries { images, directories };

EIGENESIS_ONCE bool has_image_ending(std::string_view name) {
  return has_ending(name, ".png") || has_ending(name, ".jpg") || has_ending(name, ".jpeg");
}

/// The names of the image files, or of the directories, in a directory, which is `said` in messages, sorted. Hidden
/// ones and others are counted.
EIGENESIS_ONCE std::vector<std::string> list_entries(std::string_view function, const std::string& directory,
                                                     const std::string& said, Entries wanted, int& left_out) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), &::closedir);
  const auto require_readable = [&](bool readable) {
    require<DataError>(readable, function, ": expected a readable directory but got '", std::strerror(errno), "' for ",
                       said);
  };
  require_readable(stream != nullptr);
  std::vector<std::string> names;
  for (errno = 0; const dirent* const entry = ::readdir(stream.get()); errno = 0) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat found;
    const bool fits = wanted == Entries::images
                          ? has_image_ending(name)
                          : ::stat((directory + "/" + name).c_str(), &found) == 0 && S_ISDIR(found.st_mode);
    if (fits && name[0] != '.')
      names.push_back(name);
    else
      ++left_out;
  }
  require_readable(errno == 0);
  std::sort(names.begin(), names.end());
  return names;
}

EIGENESIS_ONCE std::vector<std::string> list_image_files(std::string_view function, const std::string& directory,
                                                         const std::string& said, int& left_out) {
  std::vector<std::string> names = list_entries(function, directory, said, Entries::images, left_out);
  require<DataError>(!names.empty(), function, ": expected at least one .png, .jpg or .jpeg file but found none in ",
                     said);
  return names;
}

EIGENESIS_ONCE void tell_left_out(std::string_view function, const std::string& directory, std::size_t read,
                                  int left_out) {
  if (left_out > 0)
    std::fprintf(stderr, "%.*s: read %zu images in %s and left out %d other entries\n",
                 static_cast<int>(function.size()), function.data(), read, directory.c_str(), left_out);
}

/// The pictures of these names, which must be of one size.
EIGENESIS_ONCE Tensor<float, 4> read_image_files(std::string_view function, const std::string& directory,
                                                 const std::vector<std::string>& names, const ImageOptions& options) {
  Tensor<float, 4> images;
  Shape<3> size;
  float* next = nullptr;
  for (const std::string& name : names) {
    const Tensor<float, 3> image = read_image(function, directory + "/" + name, directory + "/" + shown(name), options);
    if (next == nullptr) {
      size = image.shape();
      images = Tensor<float, 4>(Shape{static_cast<Index>(names.size()), size[0], size[1], size[2]});
      next = images.data();
    }
    require<DataError>(image.shape() == size, function, ": expected equal sizes but got ", size, " for ",
                       shown(names.front()), " and ", image.shape(), " for ", shown(name), " in ", directory,
                       "; .channels makes all grey or colour, .height and .width resize or .crop");
    next = std::copy_n(image.data(), image.size(), next);
  }
  return images;
}

}  // namespace detail

EIGENESIS_ONCE Tensor<float, 3> load_image(const std::string& path, const ImageOptions& options) {
  return detail::read_image("load_image", path, path, options);
}

EIGENESIS_ONCE Tensor<float, 4> load_image_folder(const std::string& directory, const ImageOptions& options) {
  int left_out = 0;
  const std::vector<std::string> names = detail::list_image_files("load_image_folder", directory, directory, left_out);
  detail::tell_left_out("load_image_folder", directory, names.size(), left_out);
  return detail::read_image_files("load_image_folder", directory, names, options);
}

EIGENESIS_ONCE LabelledImages load_labelled_image_folder(const std::string& directory, const ImageOptions& options) {
  constexpr std::string_view function = "load_labelled_image_folder";
  int left_out = 0;
  LabelledImages result;
  result.classes = detail::list_entries(function, directory, directory, detail::Entries::directories, left_out);
  require<DataError>(!result.classes.empty(), function, ": expected a directory for each class but found none in ",
                     directory);
  std::vector<std::string> names;
  for (const std::string& name : result.classes) {
    const std::string folder = directory + "/";
    for (const std::string& file :
         detail::list_image_files(function, folder + name, folder + detail::shown(name), left_out))
      names.push_back(name + "/" + file);
    result.labels.resize(names.size(), static_cast<int>(&name - result.classes.data()));
  }
  detail::tell_left_out(function, directory, names.size(), left_out);
  Tensor<float, 4> images = detail::read_image_files(function, directory, names, options);
  const auto [n, height, width, channels] = images.shape().sizes;
  result.images = std::move(images).reshaped(Shape{n, height * width * channels});
  result.height = height;
  result.width = width;
  result.channels = channels;
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
