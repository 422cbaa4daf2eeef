// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <eigenesis/files/gzip.hpp>
#include <eigenesis/files/png.hpp>
#include <eigenesis/files/stb.hpp>
#include <string_view>
#include <vector>

#include "fuzz.hpp"

namespace {

using eigenesis::detail::adler32;
using eigenesis::detail::big_endian;
using eigenesis::detail::crc32;
using eigenesis::detail::inflate;
using eigenesis::detail::Inflated;
using Bytes = std::vector<std::uint8_t>;

void put(std::uint8_t* to, std::uint32_t value, bool big) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<std::uint8_t>(value >> (big ? 24 - 8 * i : 8 * i));
}

/// The content of the deflate stream that begins here, at most 64 KiB of it, and where it ends; nothing if it is
/// damaged.
Bytes inflated(fuzz::Span stream, std::size_t& end) {
  Bytes content(1 << 16);
  const Inflated result = inflate(stream, content);
  content.resize(result.good ? result.written : 0);
  end = result.read;
  return content;
}

/// The sum of all pixels, then those of all chunks.
void mend_png(Bytes& file) {
  Bytes stream;
  std::vector<std::size_t> places;  // in the file, of each byte of the stream
  for (std::size_t chunk = 8; chunk + 12 <= file.size(); chunk += 12 + big_endian(&file[chunk])) {
    const std::size_t length = big_endian(&file[chunk]);
    if (length > file.size() - chunk - 12) break;
    if (std::memcmp(&file[chunk + 4], "IDAT", 4) == 0)
      for (std::size_t i = chunk + 8; i < chunk + 8 + length; ++i) {
        stream.push_back(file[i]);
        places.push_back(i);
      }
  }
  std::size_t end = 0;
  if (stream.size() > 6) {
    std::array<std::uint8_t, 4> sum;
    put(sum.data(), adler32(inflated(fuzz::Span(stream).subspan(2), end)), true);
    for (std::size_t i = 0; i < 4; ++i) file[places[places.size() - 4 + i]] = sum[i];
  }
  for (std::size_t chunk = 8; chunk + 12 <= file.size(); chunk += 12 + big_endian(&file[chunk])) {
    const std::size_t length = big_endian(&file[chunk]);
    if (length > file.size() - chunk - 12) break;
    put(&file[chunk + 8 + length], crc32(fuzz::Span(file).subspan(chunk + 4, 4 + length)), true);
  }
}

/// The checksum of the header, if it has one behind nothing else, and the trailer.
void mend_gzip(Bytes& file) {
  if (file.size() < 20 || (file[3] & ~2) != 0) return;
  std::size_t begin = 10;
  if (file[3] == 2) {
    const std::uint32_t crc = crc32(fuzz::Span(file).first(10));
    file[10] = static_cast<std::uint8_t>(crc);
    file[11] = static_cast<std::uint8_t>(crc >> 8);
    begin = 12;
  }
  std::size_t end = 0;
  const Bytes content = inflated(fuzz::Span(file).subspan(begin), end);
  put(&file[file.size() - 8], crc32(content), false);
  put(&file[file.size() - 4], static_cast<std::uint32_t>(content.size()), false);
}

void mend_safetensors(Bytes& file) {
  constexpr std::string_view begin = "{\"__metadata__\": {\"format\": \"pt\", \"crc32\": \"";
  const std::size_t at = 8 + begin.size();
  if (file.size() < at + 8 || !std::equal(begin.begin(), begin.end(), file.begin() + 8)) return;
  std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at), 8, std::uint8_t{'0'});
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", crc32(file));
  std::copy_n(digits, 8, file.begin() + static_cast<std::ptrdiff_t>(at));
}

/// A PNG file: its IHDR, the number of bytes in its palette, the palette, the rows.
Bytes png_of(fuzz::Span parts) {
  Bytes file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const auto take = [&](std::size_t size) {
    const fuzz::Span taken = parts.first(std::min(size, parts.size()));
    parts = parts.subspan(taken.size());
    return taken;
  };
  const auto append = [&](std::string_view type, fuzz::Span content) {
    eigenesis::detail::append_chunk(file, type, content);
  };
  append("IHDR", take(13));
  const fuzz::Span length = take(2);
  if (length.size() == 2 && length[0] != 0) append("PLTE", take(3 * std::size_t{length[1]}));
  const auto rows = static_cast<std::uint16_t>(parts.size());
  Bytes stream{0x78, 0x01, 1};  // one block as it is
  for (const unsigned number : {unsigned{rows}, ~unsigned{rows}}) {
    stream.push_back(static_cast<std::uint8_t>(number));
    stream.push_back(static_cast<std::uint8_t>(number >> 8));
  }
  const fuzz::Span content = take(rows);
  stream.insert(stream.end(), content.begin(), content.end());
  stream.resize(stream.size() + 4);
  put(&stream[stream.size() - 4], adler32(content), true);
  append("IDAT", stream);
  append("IEND", {});
  return file;
}

}  // namespace

bool fuzz::mended(Span input) {
  if (input.empty()) return false;
  const Span rest = input.subspan(1);
  Bytes file(rest.begin(), rest.end());
  switch (input[0] % 5) {
    case 0:
      mend_png(file);
      return png(file);
    case 1:
      mend_gzip(file);
      return idx(file);
    case 2:
      mend_safetensors(file);
      return safetensors(file);
    case 3:
      mend_safetensors(file);
      return checkpoint(file);
    default:
      return png(png_of(rest));
  }
}
