// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

#include "eigenesis/files/png.hpp"
#include "eigenesis/files/stb.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

inline constexpr std::array<std::uint8_t, 8> png_signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

[[gnu::cold]] EIGENESIS_ONCE void append_big_endian(Bytes& bytes, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

[[gnu::cold]] EIGENESIS_ONCE void append_chunk(Bytes& file, std::string_view type,
                                               std::span<const std::uint8_t> content) {
  append_big_endian(file, content.size());
  const std::size_t begin = file.size();
  file.insert(file.end(), type.begin(), type.end());
  file.insert(file.end(), content.begin(), content.end());
  append_big_endian(file, crc32(std::span(file).subspan(begin)));
}

/// What of a PNG file decides on its pixels (PNG specification, second edition, sections 5 and 11.2, as
/// those below).
struct PngChunks {
  Bytes header, palette, data;  // of IHDR, of PLTE, of all IDAT
};

[[gnu::cold]] EIGENESIS_ONCE PngChunks read_png_chunks(std::string_view function, std::span<const std::uint8_t> file,
                                                       const std::string& path) {
  require<DataError>(file.size() >= 8 && std::equal(png_signature.begin(), png_signature.end(), file.begin()), function,
                     ": expected a PNG file but got another kind in ", path);
  PngChunks chunks;
  std::string type;
  bool data_began = false, data_ended = false;
  for (std::size_t chunk = 8, length = 0; type != "IEND"; chunk += 12 + length) {
    require<DataError>(chunk + 12 <= file.size(), function, ": expected an IEND chunk but the file ends after ",
                       file.size(), " bytes in ", path);
    length = big_endian(&file[chunk]);
    require<DataError>(length <= file.size() - chunk - 12, function, ": expected a chunk of ", length,
                       " bytes at byte ", chunk, " but the file ends after ", file.size(), " bytes in ", path);
    type.assign(reinterpret_cast<const char*>(&file[chunk + 4]), 4);
    const bool named = std::ranges::all_of(type, [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; });
    require<DataError>(named, function, ": expected chunks named by letters but got ", shown(type), " at byte ", chunk,
                       " in ", path);
    const bool is_data = type == "IDAT";
    require<DataError>(!is_data || !data_ended, function,
                       ": expected the pixels in chunks that follow one another but got more at byte ", chunk, " in ",
                       path);
    require<DataError>(type != "PLTE" || (chunks.palette.empty() && !data_began), function,
                       ": expected one palette at most, before the pixels, but got PLTE at byte ", chunk, " in ", path);
    data_began = data_began || is_data;
    data_ended = data_began && !is_data;
    const auto content = file.subspan(chunk + 8, length);
    require<DataError>((type == "IHDR") == (chunk == 8) && (chunk != 8 || length == 13), function,
                       ": expected IHDR of 13 bytes first, and no other, but got ", shown(type), " of ", length,
                       " at byte ", chunk, " in ", path);
    if (type[0] & 0x20) continue;  // A lower-case letter: pixels can be made without this chunk.
    const std::uint32_t stored = big_endian(&file[chunk + 8 + length]);
    const std::uint32_t actual = crc32(file.subspan(chunk + 4, 4 + length));
    require<DataError>(stored == actual, function, ": expected chunk checksum ", stored, " but got ", actual,
                       " at byte ", chunk, " in ", path);
    if (type == "IHDR")
      chunks.header.assign(content.begin(), content.end());
    else if (type == "PLTE") {
      require<DataError>(length >= 3 && length <= 768 && length % 3 == 0, function,
                         ": expected a palette of 1 to 256 colours but got ", length, " bytes in ", path);
      chunks.palette.assign(content.begin(), content.end());
    } else if (is_data)
      chunks.data.insert(chunks.data.end(), content.begin(), content.end());
    else
      require<DataError>(type == "IEND", function, ": expected chunks of a PNG file but got ", shown(type), " in ",
                         path);
  }
  return chunks;
}

/// The sum at the end of a zlib stream (RFC 1950).
EIGENESIS_ONCE std::uint32_t adler32(std::span<const std::uint8_t> bytes) {
  std::uint32_t low = 1, high = 0;
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min<std::size_t>(bytes.size(), 5552));  // so many cannot overflow
    for (const std::uint8_t byte : part) high += low += byte;
    low %= 65521;
    high %= 65521;
    bytes = bytes.subspan(part.size());
  }
  return high << 16 | low;
}

/// One of the pictures that a file consists of: every dx-th column from x, every dy-th row from y.
struct PngPass {
  Index x = 0, y = 0, dx = 1, dy = 1;
  Index width(Index all) const { return (all - x + dx - 1) / dx; }
  Index height(Index all) const { return (all - y + dy - 1) / dy; }
};
/// Section 8.2.
EIGENESIS_ONCE std::span<const PngPass> png_passes(bool interlaced) {
  static constexpr PngPass whole[]{{}};
  static constexpr PngPass adam7[]{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                   {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  return interlaced ? std::span<const PngPass>(adam7) : whole;
}

/// The content of a zlib stream of exactly `size` bytes.
EIGENESIS_ONCE Bytes inflate_pixels(std::string_view function, std::span<const std::uint8_t> stream, std::size_t size,
                                    const std::string& path) {
  require<DataError>(stream.size() >= 6 && (stream[0] & 15) == 8 && stream[0] < 128 && (stream[1] & 32) == 0 &&
                         (stream[0] * 256 + stream[1]) % 31 == 0,
                     function, ": expected pixels in a zlib stream but got another kind in ", path);
  Bytes content(size);
  const std::size_t end = stream.size() - 4;
  const Inflated result = inflate(stream.subspan(2), content);
  require<DataError>(result.good && result.written == size && result.read + 2 == end, function, ": expected ", size,
                     " bytes of pixels and no others but got damaged, missing or surplus data in ", path);
  const std::uint32_t stored = big_endian(&stream[end]), actual = adler32(content);
  require<DataError>(stored == actual, function, ": expected the checksum ", stored, " of all pixels but got ", actual,
                     " in ", path);
  return content;
}

/// Undoes the filter of a row (section 9.2): each byte is a difference to what is expected from those on the left,
/// above and on the upper left. `step` is the distance to the pixel on the left.
EIGENESIS_ONCE void unfilter(int filter, std::span<std::uint8_t> row, const std::uint8_t* above, std::size_t step) {
  const auto add = [&](auto expected) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool first = i < step;
      const int left = first ? 0 : row[i - step], up = above ? above[i] : 0,
                upper_left = !above || first ? 0 : above[i - step];
      row[i] = static_cast<std::uint8_t>(row[i] + expected(left, up, upper_left));
    }
  };
  if (filter == 1) add([](int left, int, int) { return left; });
  if (filter == 2) add([](int, int up, int) { return up; });
  if (filter == 3) add([](int left, int up, int) { return (left + up) / 2; });
  if (filter == 4)
    add([](int left, int up, int upper_left) {
      const int l = std::abs(up - upper_left), u = std::abs(left - upper_left),
                ul = std::abs(left + up - 2 * upper_left);
      return l <= u && l <= ul ? left : u <= ul ? up : upper_left;
    });
}

/// The number of `depth` bits that stands at a bit of a row.
inline std::uint32_t png_sample(const std::uint8_t* row, Index bit, int depth) {
  const std::uint8_t* const at = row + bit / 8;
  return depth >= 8 ? big_endian(at, depth / 8) : at[0] >> (8 - depth - bit % 8) & ((1u << depth) - 1);
}

EIGENESIS_ONCE Pixels decode_png(std::string_view function, std::span<const std::uint8_t> file,
                                 const std::string& path) {
  const PngChunks chunks = read_png_chunks(function, file, path);
  const Bytes& header = chunks.header;
  const Index width = big_endian(&header[0]), height = big_endian(&header[4]);
  const int depth = header[8], kind = header[9];
  // Which depths there are of each kind, as bits (table 11.1).
  constexpr std::array<int, 7> depths{1 | 2 | 4 | 8 | 16, 0, 8 | 16, 1 | 2 | 4 | 8, 8 | 16, 0, 8 | 16};
  require<DataError>(kind <= 6 && std::popcount(header[8]) == 1 && (depths[header[9]] & depth) != 0, function,
                     ": expected a kind and a depth of PNG but got ", kind, " and ", depth, " in ", path);
  require<DataError>(header[10] == 0 && header[11] == 0 && header[12] <= 1, function,
                     ": expected compression 0, filter 0 and interlace 0 or 1 but got ", header[10], ", ", header[11],
                     " and ", header[12], " in ", path);
  const bool has_palette = kind == 3;
  const Index stored = has_palette ? 1 : (kind & 2 ? 3 : 1) + (kind & 4 ? 1 : 0);
  Pixels result{height, width, kind & 2 ? 3 : 1};
  require<DataError>(width > 0 && height > 0 && width <= max_png_values && height <= max_png_values &&
                         width * height * std::max(stored, result.channels) <= max_png_values,
                     function, ": expected at most 2^26 values but got ", height, " x ", width, " x ",
                     std::max(stored, result.channels), " in ", path);
  const std::size_t colours = chunks.palette.size() / 3;
  require<DataError>(!has_palette || colours > 0, function, ": expected a palette but got none in ", path);

  const auto passes = png_passes(header[12] == 1);
  const auto row_size = [&](Index columns) { return static_cast<std::size_t>((columns * stored * depth + 7) / 8); };
  std::size_t size = 0;
  for (const PngPass& pass : passes)
    if (pass.width(width) > 0)
      size += static_cast<std::size_t>(pass.height(height)) * (1 + row_size(pass.width(width)));
  require<DataError>(size / 1032 <= chunks.data.size(), function, ": expected a size that ", chunks.data.size(),
                     " bytes can fill but got ", height, " x ", width, " in ", path);  // deflate cannot grow by more
  Bytes content = inflate_pixels(function, chunks.data, size, path);

  const std::uint32_t unit = 65535u / ((1u << depth) - 1);
  const auto step = static_cast<std::size_t>(std::max<Index>(stored * depth / 8, 1));
  result.values.resize(static_cast<std::size_t>(width * height * result.channels));
  std::uint8_t* row = content.data();
  for (const PngPass& pass : passes) {
    const Index columns = pass.width(width), rows = columns > 0 ? pass.height(height) : 0;
    const std::uint8_t* above = nullptr;
    for (Index y = 0; y < rows; ++y) {
      const int filter = *row++;
      require<DataError>(filter <= 4, function, ": expected filters 0 to 4 but got ", filter, " in ", path);
      unfilter(filter, {row, row_size(columns)}, above, step);
      for (Index x = 0; x < columns; ++x) {
        std::uint16_t* to = &result.values[static_cast<std::size_t>(
            ((pass.y + y * pass.dy) * width + pass.x + x * pass.dx) * result.channels)];
        if (has_palette) {
          const std::uint32_t index = png_sample(row, x * depth, depth);
          require<DataError>(index < colours, function, ": expected indices into a palette of ", colours,
                             " colours but got ", index, " in ", path);
          for (std::size_t c = 0; c < 3; ++c) *to++ = static_cast<std::uint16_t>(257 * chunks.palette[3 * index + c]);
        } else {
          for (Index c = 0; c < result.channels; ++c)
            *to++ = static_cast<std::uint16_t>(unit * png_sample(row, (x * stored + c) * depth, depth));
        }
      }
      above = row;
      row += row_size(columns);
    }
  }
  return result;
}

/// Rows of bytes as a zlib stream. Indices stand as they are, other rows as differences to the one above.
[[gnu::cold]] EIGENESIS_ONCE Bytes pack_rows(std::span<const std::uint8_t> pixels, Index width, Index channels,
                                             bool has_palette) {
  Bytes rows;
  const auto row = static_cast<std::size_t>(width * channels);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const bool first = i < row || has_palette;
    if (i % row == 0) rows.push_back(first ? 0 : 2);
    rows.push_back(static_cast<std::uint8_t>(first ? pixels[i] : pixels[i] - pixels[i - row]));
  }
  return zlib_compress(rows);
}

/// The signature and IHDR.
[[gnu::cold]] EIGENESIS_ONCE Bytes begun_png(Index height, Index width, Index channels, bool has_palette) {
  Bytes file(png_signature.begin(), png_signature.end()), header;
  append_big_endian(header, static_cast<std::size_t>(width));
  append_big_endian(header, static_cast<std::size_t>(height));
  header.insert(header.end(), {8, static_cast<std::uint8_t>(has_palette ? 3 : channels == 3 ? 2 : 0), 0, 0, 0});
  append_chunk(file, "IHDR", header);
  return file;
}

[[gnu::cold]] EIGENESIS_ONCE Bytes encode_png(std::span<const std::uint8_t> pixels, Index height, Index width,
                                              Index channels, std::span<const std::uint8_t> palette) {
  Bytes file = begun_png(height, width, channels, !palette.empty());
  if (!palette.empty()) append_chunk(file, "PLTE", palette);
  append_chunk(file, "IDAT", pack_rows(pixels, width, channels, !palette.empty()));
  append_chunk(file, "IEND", {});
  return file;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
