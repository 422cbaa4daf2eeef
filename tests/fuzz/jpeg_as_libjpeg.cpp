// SPDX-License-Identifier: MIT
// Our decoder beside libjpeg-turbo. What we accept, libjpeg accepts without a warning, and gives the same pixels; what
// libjpeg accepts without a warning, and all whose coefficients are given, we accept, or refuse by a rule that libjpeg
// does not have.
#include <csetjmp>
#include <cstdio>
// jpeglib.h needs FILE.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <eigenesis/files/jpeg.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "fuzz.hpp"

namespace {

using eigenesis::detail::JpegPixels;

struct Reader {
  jpeg_error_mgr errors = {};
  std::jmp_buf leave;
  std::string said = {};  // the last warning, or the error
  int warnings = 0;
  bool is_large = false, is_whole = true;
  JpegPixels pixels = {};
  long greatest = 0;  // of all blocks, the sum of the sizes of the coefficients
};

Reader& reader_of(j_common_ptr jpeg) { return *static_cast<Reader*>(jpeg->client_data); }

void tell(j_common_ptr jpeg) {
  char text[JMSG_LENGTH_MAX];
  (*jpeg->err->format_message)(jpeg, text);
  reader_of(jpeg).said = text;
}

void fail(j_common_ptr jpeg) {
  tell(jpeg);
  std::longjmp(reader_of(jpeg).leave, 1);
}

void warn(j_common_ptr jpeg, int level) {
  if (level >= 0 || jpeg->err->msg_code == JWRN_JFIF_MAJOR) return;  // The version of JFIF changes no pixel.
  tell(jpeg);
  ++reader_of(jpeg).warnings;
}

void prepare(jpeg_decompress_struct& jpeg, Reader& reader, fuzz::Span file) {
  jpeg.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = fail;
  reader.errors.emit_message = warn;
  jpeg.client_data = &reader;
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, file.data(), file.size());
  jpeg_read_header(&jpeg, TRUE);
}

/// False if libjpeg refuses the file. Nothing with a destructor lives here: libjpeg leaves by longjmp.
bool read_by_libjpeg(fuzz::Span file, Reader& reader) {
  jpeg_decompress_struct jpeg{};
  if (setjmp(reader.leave)) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  prepare(jpeg, reader, file);
  reader.is_large = std::uint64_t{jpeg.image_width} * jpeg.image_height > 0x1000000;
  if (reader.is_large) std::longjmp(reader.leave, 1);
  jpeg_start_decompress(&jpeg);
  reader.pixels = {jpeg.output_height, jpeg.output_width, jpeg.output_components};
  const std::size_t row = std::size_t{jpeg.output_width} * static_cast<unsigned>(jpeg.output_components);
  reader.pixels.values.assign(row * jpeg.output_height, 0);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW to = reader.pixels.values.data() + row * jpeg.output_scanline;
    jpeg_read_scanlines(&jpeg, &to, 1);
  }
  for (int c = 0; c < jpeg.num_components; ++c) {
    reader.is_whole = reader.is_whole && jpeg.comp_info[c].quant_table != nullptr;  // It was in a scan.
    for (int k = 0; jpeg.progressive_mode && k < DCTSIZE2; ++k)
      reader.is_whole = reader.is_whole && jpeg.coef_bits[c][k] == 0;
  }
  jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  return true;
}

/// Whether a block has coefficients that no picture of 8 bits gives: for them libjpeg's numbers of 16 bits overflow.
bool has_overflow(fuzz::Span file, Reader& reader) {
  jpeg_decompress_struct jpeg{};
  if (setjmp(reader.leave)) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  prepare(jpeg, reader, file);
  jvirt_barray_ptr* const arrays = jpeg_read_coefficients(&jpeg);
  for (int c = 0; c < jpeg.num_components; ++c) {
    const jpeg_component_info& component = jpeg.comp_info[c];
    for (JDIMENSION y = 0; y < component.height_in_blocks; ++y) {
      JBLOCKARRAY row = (*jpeg.mem->access_virt_barray)(reinterpret_cast<j_common_ptr>(&jpeg), arrays[c], y, 1, FALSE);
      for (JDIMENSION x = 0; x < component.width_in_blocks; ++x) {
        long sum = 0;
        for (int i = 0; i < DCTSIZE2; ++i) sum += std::labs(long{row[0][x][i]} * component.quant_table->quantval[i]);
        reader.greatest = std::max(reader.greatest, sum);
      }
    }
  }
  jpeg_destroy_decompress(&jpeg);
  return reader.greatest > 2000;  // A sample is an eighth of the sum at most, and libjpeg's clamp reaches 512.
}

/// What libjpeg accepts without a warning and we do not: what is not supported and what the standard forbids.
bool is_rule_of_ours(const std::string& message) {
  return std::ranges::any_of(std::vector{"with arithmetic codes",
                                         "the number of lines behind the pixels",
                                         "expected 1 or 3 components",
                                         "expected quantisers above 0",
                                         "expected 64 quantisers of 1 or 2 bytes",
                                         "expected Huffman codes before the scan but got none",
                                         "expected Huffman codes that differ",
                                         "expected differences of at most",
                                         "expected DC coefficients of at most",
                                         "expected AC coefficients of at most",
                                         "expected no coefficient beyond",
                                         "expected bits of coefficient",
                                         "expected different components",
                                         "expected components of the frame, in its order",
                                         "expected a segment of a JPEG file but got marker",
                                         "expected a whole segment",
                                         "expected the end of one block",
                                         "expected blocks for the whole run",
                                         "expected a marker behind the last block",
                                         "expected at most 100 scans"},
                             [&](const char* rule) { return message.find(rule) != std::string::npos; });
}

}  // namespace

bool fuzz::jpeg_as_libjpeg(Span file) {
  Reader reader;
  const bool good = read_by_libjpeg(file, reader);
  if (reader.is_large) return false;
  JpegPixels ours;
  std::string message;
  const bool accepted = accepts([&] {
    try {
      ours = eigenesis::detail::decode_jpeg("jpeg", file, "memory");
    } catch (const eigenesis::DataError& error) {
      message = error.what();
      throw;
    }
  });
  const bool theirs = good && reader.warnings == 0 && reader.is_whole;
  if (accepted != theirs && (accepted || !is_rule_of_ours(message))) {
    std::fprintf(stderr, "libjpeg: %s\nours: %s\n", reader.said.c_str(), message.c_str());
    expect(!accepted, "that libjpeg accepts what we accept, without a warning");
    expect(false, "that we accept what libjpeg accepts without a warning, but for rules of ours");
  }
  if (!accepted) return false;
  const JpegPixels& pixels = reader.pixels;
  expect(ours.height == pixels.height && ours.width == pixels.width && ours.channels == pixels.channels,
         "the size that libjpeg gives");
  if (ours.values != pixels.values) expect(has_overflow(file, reader), "the pixels that libjpeg gives");
  return true;
}
