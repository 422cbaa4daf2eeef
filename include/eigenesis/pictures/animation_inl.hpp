// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "eigenesis/files/apng.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/pictures/animation.hpp"
#include "eigenesis/pictures/picture_inl.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

[[gnu::cold]] EIGENESIS_ONCE void check_animation(std::string_view function, const std::string& path,
                                                  const AnimationOptions& options) {
  check_png_name(function, path);
  require<ArgumentError>(options.frames_per_second >= 0.02 && options.frames_per_second <= 1000 && options.loops >= 0 &&
                             options.loops <= 0x7fffffff,
                         function, ": expected frames_per_second in [0.02, 1000] and loops in [0, 2^31 - 1] but got ",
                         options.frames_per_second, " and ", options.loops);
}

/// The fraction of two 16-bit numbers that is nearest to the time of a frame; of equal ones, the one with the smallest
/// numbers.
[[gnu::cold]] EIGENESIS_ONCE AnimationTimes animation_times(const AnimationOptions& options) {
  AnimationTimes best{1, 1, options.loops};
  double least = INFINITY;
  for (Index delay = 1; delay <= 0xffff && least > 1e-12; ++delay) {
    const Index unit = std::lround(options.frames_per_second * static_cast<double>(delay));
    if (unit > 0xffff) break;
    const double rate = static_cast<double>(unit) / static_cast<double>(delay);
    const double distance = std::abs(rate / options.frames_per_second - 1);
    if (unit == 0 || distance >= least) continue;
    least = distance;
    best = {delay, unit, options.loops};
  }
  return best;
}

/// The same picture with three channels.
[[gnu::cold]] EIGENESIS_ONCE Picture in_colour(const Picture& picture) {
  if (picture.channels == 3) return picture;
  Picture result{picture.height, picture.width, 3, {}};
  for (const std::uint8_t grey : picture.pixels) result.pixels.insert(result.pixels.end(), 3, grey);
  return result;
}

/// Makes of grey frames, or of indices, frames of red, green and blue.
[[gnu::cold]] EIGENESIS_ONCE void make_full_colour(std::string_view function, Animation& animation,
                                                   const std::string& path) {
  Animation result{.height = animation.height, .width = animation.width, .channels = 3, .text = animation.text};
  for (std::size_t i = 0; i < animation.frames.size(); ++i) {
    Picture picture{animation.height, animation.width, 1, unpack_frame(function, animation, i, path)};
    Bytes pixels;
    for (const std::size_t value : picture.pixels)
      for (std::size_t c = 0; c < 3; ++c) {
        require<DataError>(animation.palette.empty() || 3 * value + c < animation.palette.size(), function,
                           ": expected indices into a palette of ", animation.palette.size() / 3, " colours but got ",
                           value, " in ", path);
        pixels.push_back(animation.palette.empty() ? static_cast<std::uint8_t>(value)
                                                   : animation.palette[3 * value + c]);
      }
    result.frames.push_back(pack_frame(result, pixels));
  }
  animation = std::move(result);
}

/// Adds a frame. All frames are grey, or share a palette, or have red, green and blue where a palette does not do.
[[gnu::cold]] EIGENESIS_ONCE void add_frame(std::string_view function, Animation& animation, const Picture& picture,
                                            const std::string& path) {
  check_picture(function, picture);
  const bool empty = animation.frames.empty();
  if (empty) animation = {picture.height, picture.width, 1, {}, {}, animation.text};
  require(picture.height == animation.height && picture.width == animation.width, function,
          ": expected pictures of one size, ", animation.height, " x ", animation.width, ", but got one of ",
          picture.height, " x ", picture.width);
  if (picture.channels == 1 && animation.channels == 1 && animation.palette.empty())
    return animation.frames.push_back(pack_frame(animation, picture.pixels));
  const Picture coloured = in_colour(picture);
  if (animation.channels == 1 && (empty || !animation.palette.empty())) {
    PalettePicture few = find_palette(coloured, animation.palette);
    if (!few.palette.empty()) {
      animation.palette = std::move(few.palette);
      return animation.frames.push_back(pack_frame(animation, few.indices));
    }
  }
  if (animation.channels == 1) make_full_colour(function, animation, path);
  animation.frames.push_back(pack_frame(animation, coloured.pixels));
}

}  // namespace detail

[[gnu::cold]] EIGENESIS_ONCE void save_animation(const std::string& path, const std::vector<Picture>& pictures,
                                                 const AnimationOptions& options) {
  detail::check_animation("save_animation", path, options);
  require<ArgumentError>(!pictures.empty(), "save_animation: expected pictures but got none");
  detail::Animation animation;
  for (const Picture& picture : pictures) detail::add_frame("save_animation", animation, picture, path);
  detail::write_file("save_animation", path, detail::encode_apng(animation, detail::animation_times(options)));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
