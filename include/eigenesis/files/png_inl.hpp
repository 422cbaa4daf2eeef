// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>

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

/// What of a PNG file decides on its pixels (PNG specification, second edition, sections 5 and 11.2).
struct PngChunks {
  Bytes header, palette, data;  // of IHDR, of PLTE, of all IDAT
};

[[gnu::cold]] EIGENESIS_ONCE PngChunks read_png_chunks(std::string_view function, std::span<const std::uint8_t> file,
                                                       const std::string& path) {
  require<DataError>(file.size() >= 8 && std::equal(png_signature.begin(), png_signature.end(), file.begin()), function,
                     ": expected a PNG file but got another kind in ", path);
  PngChunks chunks;
  std::string type;
  for (std::size_t chunk = 8, length = 0; type != "IEND"; chunk += 12 + length) {
    require<DataError>(chunk + 12 <= file.size(), function, ": expected an IEND chunk but the file ends after ",
                       file.size(), " bytes in ", path);
    length = big_endian(&file[chunk]);
    require<DataError>(length <= file.size() - chunk - 12, function, ": expected a chunk of at most ",
                       file.size() - chunk - 12, " bytes but got ", length, " at byte ", chunk, " in ", path);
    type.assign(reinterpret_cast<const char*>(&file[chunk + 4]), 4);
    const auto content = file.subspan(chunk + 8, length);
    require<DataError>((type == "IHDR") == (chunk == 8) && (chunk != 8 || length == 13), function,
                       ": expected IHDR of 13 bytes first, and no other, but got ", type, " of ", length, " at byte ",
                       chunk, " in ", path);
    if (type[0] & 0x20) continue;  // A lower-case letter: pixels can be made without this chunk.
    const std::uint32_t stored = big_endian(&file[chunk + 8 + length]);
    const std::uint32_t actual = crc32(file.subspan(chunk + 4, 4 + length));
    require<DataError>(stored == actual, function, ": expected chunk checksum ", stored, " but got ", actual,
                       " at byte ", chunk, " in ", path);
    if (type == "IHDR")
      chunks.header.assign(content.begin(), content.end());
    else if (type == "PLTE")
      chunks.palette.assign(content.begin(), content.end());
    else if (type == "IDAT")
      chunks.data.insert(chunks.data.end(), content.begin(), content.end());
    else
      require<DataError>(type == "IEND", function, ": expected chunks of a PNG file but got ", type, " in ", path);
  }
  return chunks;
}

EIGENESIS_ONCE Pixels decode_png(std::string_view function, std::span<const std::uint8_t> file,
                                 const std::string& path) {
  PngChunks chunks = read_png_chunks(function, file, path);
  const std::uint32_t width = big_endian(&chunks.header[0]), height = big_endian(&chunks.header[4]);
  const int depth = chunks.header[8], kind = chunks.header[9];
  const bool has_palette = kind == 3;
  const int channels = kind == 2 || has_palette ? 3 : kind == 4 ? 2 : kind == 6 ? 4 : 1;
  // Deflate grows data at most 1032 times.
  require<DataError>(1.0 * width * height * (has_palette ? 1 : channels) * depth / 8 <=
                         1032.0 * static_cast<double>(chunks.data.size()),
                     function, ": expected a size that ", chunks.data.size(), " bytes can fill but got ", height, " x ",
                     width, " in ", path);
  require<DataError>(1.0 * width * height * channels <= 0x10000000, function, ": expected at most 2^28 values but got ",
                     height, " x ", width, " x ", channels, " in ", path);
  require<DataError>(!has_palette || (depth <= 8 && chunks.palette.size() % 3 == 0 && chunks.palette.size() / 3 >= 1 &&
                                      chunks.palette.size() / 3 <= 256),
                     function, ": expected a palette of 1 to 256 colours but got ", chunks.palette.size(),
                     " bytes for depth ", depth, " in ", path);

  // The decoder gets indices as grey values: it would not notice those beyond the palette.
  if (has_palette) chunks.header[9] = 0;
  Bytes plain(png_signature.begin(), png_signature.end());
  append_chunk(plain, "IHDR", chunks.header);
  append_chunk(plain, "IDAT", chunks.data);
  append_chunk(plain, "IEND", {});
  const Decoded decoded = decode_plain_png(plain);
  require<DataError>(decoded.values != nullptr, function, ": expected a valid PNG file but got damaged pixels in ",
                     path);

  Pixels result{decoded.height, decoded.width, channels < 3 ? 1 : 3};
  const auto count = static_cast<std::size_t>(result.height * result.width);
  const auto kept = static_cast<std::size_t>(result.channels), stored = static_cast<std::size_t>(decoded.channels);
  result.values.resize(count * kept);
  std::uint16_t* to = result.values.data();
  const std::size_t colours = chunks.palette.size() / 3;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t* const from = decoded.values.get() + i * stored;
    if (!has_palette) {
      to = std::copy_n(from, kept, to);
      continue;
    }
    const std::size_t index = from[0] / (65535u / ((1u << depth) - 1));
    require<DataError>(index < colours, function, ": expected indices into a palette of ", colours, " colours but got ",
                       index, " in ", path);
    for (std::size_t c = 0; c < 3; ++c) *to++ = static_cast<std::uint16_t>(257 * chunks.palette[3 * index + c]);
  }
  return result;
}

[[gnu::cold]] EIGENESIS_ONCE Bytes encode_png(std::span<const std::uint8_t> pixels, Index height, Index width,
                                              Index channels, std::span<const std::uint8_t> palette) {
  const bool has_palette = !palette.empty();
  Bytes header;
  append_big_endian(header, static_cast<std::size_t>(width));
  append_big_endian(header, static_cast<std::size_t>(height));
  header.insert(header.end(), {8, static_cast<std::uint8_t>(has_palette ? 3 : channels == 3 ? 2 : 0), 0, 0, 0});
  Bytes rows;
  const auto row = static_cast<std::size_t>(width * channels);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const bool first =
        i < row || has_palette;  // Indices stand as they are, other rows as differences to the one above.
    if (i % row == 0) rows.push_back(first ? 0 : 2);
    rows.push_back(static_cast<std::uint8_t>(first ? pixels[i] : pixels[i] - pixels[i - row]));
  }
  Bytes file(png_signature.begin(), png_signature.end());
  append_chunk(file, "IHDR", header);
  if (has_palette) append_chunk(file, "PLTE", palette);
  append_chunk(file, "IDAT", zlib_compress(rows));
  append_chunk(file, "IEND", {});
  return file;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
