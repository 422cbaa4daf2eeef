// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "eigenesis/files/apng.hpp"
#include "eigenesis/files/png_inl.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

[[gnu::cold]] EIGENESIS_ONCE Bytes pack_frame(const Animation& animation, std::span<const std::uint8_t> pixels) {
  return pack_rows(pixels, animation.width, animation.channels, !animation.palette.empty());
}

[[gnu::cold]] EIGENESIS_ONCE Bytes unpack_frame(std::string_view function, const Animation& animation,
                                                std::size_t frame, const std::string& path) {
  const auto row = static_cast<std::size_t>(animation.width * animation.channels);
  const auto rows = static_cast<std::size_t>(animation.height);
  Bytes content = inflate_pixels(function, animation.frames[frame], rows * (row + 1), path), pixels;
  for (std::size_t y = 0; y < rows; ++y) {
    std::uint8_t* const at = &content[y * (row + 1)];
    unfilter(at[0], {at + 1, row}, y == 0 ? nullptr : at - row, static_cast<std::size_t>(animation.channels));
    pixels.insert(pixels.end(), at + 1, at + 1 + row);
  }
  return pixels;
}

inline constexpr std::string_view animation_keyword{"eigenesis\0", 10};  // of the remark

[[gnu::cold]] EIGENESIS_ONCE Bytes encode_apng(const Animation& animation, const AnimationTimes& times) {
  const auto [height, width, channels, palette, frames, text] = animation;
  Bytes file = begun_png(height, width, channels, !palette.empty()), control, remark;
  append_big_endian(control, frames.size());
  append_big_endian(control, static_cast<std::size_t>(times.loops));
  append_chunk(file, "acTL", control);
  remark.assign(animation_keyword.begin(), animation_keyword.end());
  remark.insert(remark.end(), text.begin(), text.end());
  append_chunk(file, "tEXt", remark);
  if (!palette.empty()) append_chunk(file, "PLTE", palette);
  std::size_t number = 0;  // of chunks of frames
  for (const Bytes& frame : frames) {
    Bytes shown;
    for (const std::size_t value :
         {number++, static_cast<std::size_t>(width), static_cast<std::size_t>(height), std::size_t{0}, std::size_t{0}})
      append_big_endian(shown, value);
    append_big_endian(shown, static_cast<std::size_t>(times.delay << 16 | times.unit));
    shown.insert(shown.end(), {0, 0});  // the frame stays as it is, and the next one replaces it
    append_chunk(file, "fcTL", shown);
    if (number == 1) {
      append_chunk(file, "IDAT", frame);
      continue;
    }
    Bytes data;
    append_big_endian(data, number++);
    data.insert(data.end(), frame.begin(), frame.end());
    append_chunk(file, "fdAT", data);
  }
  append_chunk(file, "IEND", {});
  return file;
}

[[gnu::cold]] EIGENESIS_ONCE Animation decode_apng(std::string_view function, std::span<const std::uint8_t> file,
                                                   const std::string& path) {
  const auto check = [&](bool good, const char* what) {
    require<DataError>(good, function, ": expected an animation that this library wrote but ", what, " in ", path);
  };
  check(file.size() >= 8 && std::ranges::equal(file.first(8), png_signature), "got another kind of file");
  std::size_t at = 8;
  // The content of the next chunk, which has this name and at least so many bytes.
  const auto next = [&](std::string_view type, std::size_t least) {
    check(at + 12 <= file.size() && big_endian(&file[at]) <= file.size() - at - 12, "it ends in a chunk");
    const std::size_t length = big_endian(&file[at]);
    check(std::equal(type.begin(), type.end(), &file[at + 4]) && length >= least, "its chunks are others");
    check(big_endian(&file[at + 8 + length]) == crc32(file.subspan(at + 4, 4 + length)), "a chunk is damaged");
    at += 12 + length;
    return file.subspan(at - 4 - length, length);
  };
  const auto header = next("IHDR", 13);
  const int kind = header[9];
  Animation animation{.height = big_endian(&header[4]), .width = big_endian(&header[0]), .channels = kind == 2 ? 3 : 1};
  check(header.size() == 13 && header[8] == 8 && (kind == 0 || kind == 2 || kind == 3) && header[12] == 0,
        "its pixels are of another kind");
  check(animation.height > 0 && animation.width > 0 &&
            animation.height <= 0x10000000 / (animation.width * animation.channels),
        "its frames have another size");
  const std::size_t count = big_endian(next("acTL", 8).data());
  const auto remark = next("tEXt", animation_keyword.size());
  check(std::equal(animation_keyword.begin(), animation_keyword.end(), remark.begin()), "its remark is another one");
  animation.text.assign(remark.begin() + std::ssize(animation_keyword), remark.end());
  if (kind == 3) {
    const auto palette = next("PLTE", 3);
    check(palette.size() <= 768 && palette.size() % 3 == 0, "its palette is another one");
    animation.palette.assign(palette.begin(), palette.end());
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto shown = next("fcTL", 26);
    check(big_endian(&shown[4]) == animation.width && big_endian(&shown[8]) == animation.height,
          "its frames have several sizes");
    const auto data = i == 0 ? next("IDAT", 0) : next("fdAT", 4).subspan(4);
    animation.frames.emplace_back(data.begin(), data.end());
  }
  next("IEND", 0);
  return animation;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
