// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "eigenesis/files/jpeg_pixels.hpp"
#include "eigenesis/files/jpeg_scan.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class Number>
std::uint8_t jpeg_sample(Number value) {
  if (value >> 8 == 0) [[likely]]
    return static_cast<std::uint8_t>(value);
  return value < 0 ? 0 : 255;
}

/// The inverse DCT of eight numbers `step` apart, times 8 / sqrt(8) and rounded to 2^-shift of a number of 13 more bits
/// (C. Loeffler, A. Ligtenberg, G. Moschytz, Practical fast 1-D DCT algorithms with 11 multiplications, 1989). The
/// constants are cosines and their sums, times 2^13.
template <int step, int shift>
void jpeg_inverse_dct(std::int64_t* x) {
  const auto [x0, x1, x2, x3] = std::array{x[0], x[step], x[2 * step], x[3 * step]};
  const auto [x4, x5, x6, x7] = std::array{x[4 * step], x[5 * step], x[6 * step], x[7 * step]};
  constexpr std::int64_t half = std::int64_t{1} << (shift - 1);
  if ((x1 | x2 | x3 | x4 | x5 | x6 | x7) == 0) {  // as the rest gives, sooner
    for (int i = 0; i < 8; ++i) x[i * step] = (x0 * 8192 + half) >> shift;
    return;
  }
  const std::int64_t turned = 4433 * (x2 + x6), low = turned + 6270 * x2, high = turned - 15137 * x6;
  const std::int64_t sum = (x0 + x4) * 8192, difference = (x0 - x4) * 8192;
  const std::array even{sum + low, difference + high, difference - high, sum - low};
  const std::int64_t all = 9633 * (x1 + x3 + x5 + x7), a = -7373 * (x1 + x7), b = -20995 * (x3 + x5),
                     c = all - 16069 * (x3 + x7), d = all - 3196 * (x1 + x5);
  const std::array odd{12299 * x1 + a + d, 25172 * x3 + b + c, 16819 * x5 + b + d, 2446 * x7 + a + c};
  for (int i = 0; i < 4; ++i) {
    x[i * step] = (even[static_cast<std::size_t>(i)] + odd[static_cast<std::size_t>(i)] + half) >> shift;
    x[(7 - i) * step] = (even[static_cast<std::size_t>(i)] - odd[static_cast<std::size_t>(i)] + half) >> shift;
  }
}

/// The samples of a component, [8 * rows, 8 * columns].
EIGENESIS_ONCE Bytes jpeg_samples(const JpegComponent& component) {
  const Index width = 8 * component.columns;
  std::array<std::int64_t, 64> quantisers;
  for (std::size_t k = 0; k < 64; ++k) quantisers[jpeg_zigzag[k]] = component.quantisers[k];
  Bytes samples(static_cast<std::size_t>(8 * component.rows * width));
  for (Index row = 0; row < component.rows; ++row)
    for (Index column = 0; column < component.columns; ++column) {
      const std::int16_t* const values =
          &component.values[static_cast<std::size_t>(64 * (row * component.stride + column))];
      std::array<std::int64_t, 64> block;
      for (std::size_t k = 0; k < 64; ++k) block[k] = values[k] * quantisers[k];
      for (std::size_t x = 0; x < 8; ++x) jpeg_inverse_dct<8, 11>(&block[x]);  // two bits more are kept
      std::uint8_t* to = &samples[static_cast<std::size_t>(8 * (row * width + column))];
      for (std::size_t y = 0; y < 8; ++y, to += width) {
        jpeg_inverse_dct<1, 18>(&block[8 * y]);
        for (std::size_t x = 0; x < 8; ++x) to[x] = jpeg_sample(block[8 * y + x] + 128);
      }
    }
  return samples;
}

/// A row with twice as many samples, each weighted 3 : 1 with the one beyond it, rounded down and up in turn. With two
/// rows, down = 2, those of the near one are first weighted 3 : 1 with those of the far one.
template <int down>
void jpeg_widen(const std::uint8_t* near, const std::uint8_t* far, Index width, std::uint8_t* to) {
  constexpr int shift = down == 2 ? 4 : 2, left_half = down == 2 ? 8 : 1, right_half = down == 2 ? 7 : 2;
  const auto sum = [&](Index x) { return down == 2 ? 3 * near[x] + far[x] : int{near[x]}; };
  int left = sum(0), here = left;
  for (Index x = 0; x < width; ++x, to += 2) {
    const int right = x + 1 < width ? sum(x + 1) : here;
    to[0] = static_cast<std::uint8_t>((3 * here + left + left_half) >> shift);
    to[1] = static_cast<std::uint8_t>((3 * here + right + right_half) >> shift);
    left = here;
    here = right;
  }
}

/// Row y of the picture, of the samples of a component. Samples that are half as dense are weighted, others repeated.
EIGENESIS_ONCE void jpeg_upsample(const JpegFrame& frame, const JpegComponent& component, const Bytes& samples, Index y,
                                  std::uint8_t* to) {
  const Index across = frame.across / component.across, down = frame.down / component.down, width = component.width;
  const auto row = [&](Index i) {
    return &samples[static_cast<std::size_t>(std::clamp<Index>(i, 0, component.height - 1) * 8 * component.columns)];
  };
  const std::uint8_t* const near = row(y / down);
  const std::uint8_t* const far = row(y % 2 == 0 ? y / down - 1 : y / down + 1);
  if (across == 2 && down == 1 && width > 2)
    jpeg_widen<1>(near, far, width, to);
  else if (across == 2 && down == 2 && width > 2)
    jpeg_widen<2>(near, far, width, to);
  else if (across == 1 && down == 2)
    for (Index x = 0; x < width; ++x) to[x] = static_cast<std::uint8_t>((3 * near[x] + far[x] + 1 + y % 2) >> 2);
  else if (across == 1)
    std::copy_n(near, width, to);
  else
    for (Index x = 0; x < width; ++x) std::fill_n(to + x * across, across, near[x]);
}

/// A row of pixels of the rows of all components.
EIGENESIS_ONCE void jpeg_colours(const JpegFrame& frame, const std::vector<Bytes>& rows, std::uint8_t* to) {
  const auto width = static_cast<std::size_t>(frame.width);
  if (rows.size() == 1) {
    std::copy_n(rows[0].data(), width, to);
    return;
  }
  const std::uint8_t *const first = rows[0].data(), *const second = rows[1].data(), *const third = rows[2].data();
  for (std::size_t x = 0; x < width; ++x, to += 3) {
    const int luma = first[x], blue = second[x] - 128, red = third[x] - 128;
    if (frame.is_rgb)
      std::copy_n(std::array{first[x], second[x], third[x]}.data(), 3, to);
    else {  // JFIF, section 7, times 2^16
      to[0] = jpeg_sample(luma + ((91881 * red + 32768) >> 16));
      to[1] = jpeg_sample(luma + ((-22554 * blue - 46802 * red + 32768) >> 16));
      to[2] = jpeg_sample(luma + ((116130 * blue + 32768) >> 16));
    }
  }
}

EIGENESIS_ONCE JpegPixels jpeg_pixels(const JpegFrame& frame) {
  const std::size_t channels = frame.components.size(), width = static_cast<std::size_t>(frame.width);
  std::vector<Bytes> samples, rows;
  for (const JpegComponent& component : frame.components) {
    samples.push_back(jpeg_samples(component));
    rows.emplace_back(static_cast<std::size_t>(component.width * (frame.across / component.across)));
  }
  JpegPixels result{frame.height, frame.width, static_cast<Index>(channels),
                    Bytes(static_cast<std::size_t>(frame.height) * width * channels)};
  for (Index y = 0; y < frame.height; ++y) {
    for (std::size_t c = 0; c < channels; ++c) jpeg_upsample(frame, frame.components[c], samples[c], y, rows[c].data());
    jpeg_colours(frame, rows, &result.values[static_cast<std::size_t>(y) * width * channels]);
  }
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
