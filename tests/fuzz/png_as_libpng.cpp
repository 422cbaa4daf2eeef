// SPDX-License-Identifier: MIT
// Our decoder beside libpng. What we accept, libpng accepts, and gives the same pixels; what libpng accepts without a
// warning, we accept.
#include <png.h>

#include <csetjmp>
#include <eigenesis/files/png.hpp>
#include <optional>
#include <vector>

#include "fuzz.hpp"

namespace {

using eigenesis::detail::Pixels;

struct Reader {
  fuzz::Span rest;
  int warnings = 0;
  const char* error = "";
  std::vector<std::uint8_t> bytes = {};  // all rows
  std::vector<png_bytep> rows = {};
  png_uint_32 width = 0, height = 0;
  int depth = 0, channels = 0;
};

void read_bytes(png_structp png, png_bytep to, std::size_t size) {
  auto& reader = *static_cast<Reader*>(png_get_io_ptr(png));
  if (size > reader.rest.size()) png_error(png, "end of file");
  std::memcpy(to, reader.rest.data(), size);
  reader.rest = reader.rest.subspan(size);
}

/// False if libpng refuses the file. Nothing with a destructor lives here: libpng leaves by longjmp.
bool read_all(png_structp png, png_infop info, Reader& reader) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_read_fn(png, &reader, read_bytes);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_QUIET_USE);  // of chunks that are not needed
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);  // whatever the stream says of its window
  png_set_user_limits(png, 0x4000000, 0x4000000);
  png_read_info(png, info);
  png_set_expand(png);  // palettes to colours, less than 8 bits to 8
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  reader.width = png_get_image_width(png, info);
  reader.height = png_get_image_height(png, info);
  reader.depth = png_get_bit_depth(png, info);
  reader.channels = png_get_channels(png, info);
  const std::size_t row = png_get_rowbytes(png, info);
  if (static_cast<double>(row) * reader.height > 0x8000000) png_error(png, "too large for this test");
  reader.bytes.assign(row * reader.height, 0);
  for (png_uint_32 y = 0; y < reader.height; ++y) reader.rows.push_back(reader.bytes.data() + y * row);
  png_read_image(png, reader.rows.data());
  png_read_end(png, info);  // without info, libpng would skip what stands behind the pixels unseen
  return true;
}

/// What libpng makes of a file; nothing if it refuses it.
std::optional<Pixels> read_by_libpng(Reader& reader) {
  const auto fail = [](png_structp png, png_const_charp text) {
    static_cast<Reader*>(png_get_error_ptr(png))->error = text;
    png_longjmp(png, 1);
  };
  const auto warn = [](png_structp png, png_const_charp) { ++static_cast<Reader*>(png_get_error_ptr(png))->warnings; };
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, fail, warn);
  png_infop info = png_create_info_struct(png);
  const bool good = read_all(png, info, reader);
  png_destroy_read_struct(&png, &info, nullptr);
  if (!good) return {};

  Pixels result{reader.height, reader.width, reader.channels < 3 ? 1 : 3};
  const std::uint8_t* from = reader.bytes.data();
  for (std::size_t i = 0; i < std::size_t{reader.height} * reader.width; ++i)
    for (int c = 0; c < reader.channels; ++c, from += reader.depth / 8)
      if (c < result.channels)  // the others are alpha
        result.values.push_back(
            static_cast<std::uint16_t>(reader.depth == 16 ? from[0] << 8 | from[1] : 257 * from[0]));
  return result;
}

}  // namespace

bool fuzz::png_as_libpng(Span file) {
  Pixels ours;
  const bool accepted = accepts([&] { ours = eigenesis::detail::decode_png("png", file, "memory"); });
  Reader reader{file};
  const std::optional<Pixels> theirs = read_by_libpng(reader);
  if (accepted && !theirs) std::fprintf(stderr, "libpng: %s\n", reader.error);
  expect(!accepted || theirs, "that libpng accepts what we accept");
  expect(accepted || !theirs || reader.warnings > 0, "that we accept what libpng accepts without a warning");
  if (!accepted || !theirs) return false;
  expect(ours.height == theirs->height && ours.width == theirs->width && ours.channels == theirs->channels,
         "the size that libpng gives");
  expect(ours.values == theirs->values, "the pixels that libpng gives");
  return true;
}
