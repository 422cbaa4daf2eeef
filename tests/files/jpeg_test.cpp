// SPDX-License-Identifier: MIT
#include <algorithm>
#include <eigenesis/files/jpeg.hpp>
#include <sstream>

#include "catch.hpp"
#include "files.hpp"
#include "python.hpp"

using namespace eigenesis;

namespace {

Bytes seed(const std::string& name) {
  return read_bytes(
      (std::filesystem::path(__FILE__).parent_path().parent_path() / "fuzz" / "seeds" / "jpeg" / name).string());
}

detail::JpegPixels decode(const Bytes& file) { return detail::decode_jpeg("read", file, "a.jpg"); }

/// In the message, SCAN stands for the place of the codes of the last scan, of one component.
void check_refused(const Bytes& file, std::string message) {
  const std::string scan = "SCAN";
  if (const std::size_t at = message.find(scan); at != std::string::npos) {
    const Bytes marker{0xff, 0xda};
    const auto found = std::ranges::find_end(file, marker);
    message.replace(at, scan.size(), std::to_string(found.begin() - file.begin() + 10));
  }
  CHECK_THROWS_MATCHES(decode(file), DataError, Message("read: expected " + message + " in a.jpg"));
}

/// Where the segment with this marker begins.
std::size_t place_of(const Bytes& file, int marker) {
  std::size_t at = 2;
  while (at + 4 < file.size() && file[at + 1] != marker) at += 2 + detail::big_endian(&file[at + 2], 2);
  REQUIRE(at + 4 < file.size());
  return at;
}

Bytes with(Bytes file, std::size_t at, int value) {
  file[at] = static_cast<std::uint8_t>(value);
  return file;
}
Bytes with_inserted(Bytes file, std::size_t at, const Bytes& bytes) {
  file.insert(file.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
  return file;
}

// Files by hand. Their quantisers are 1. The codes 00, 01 and 10 stand for sizes 0, 3 and 12 of differences, and for
// symbols 0x00, 0xf0 and 0x1b of other coefficients.

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Bytes segment(int marker, const Bytes& content) {
  return Bytes{0xff, static_cast<std::uint8_t>(marker), 0, static_cast<std::uint8_t>(content.size() + 2)} + content;
}
const Bytes begin{0xff, 0xd8}, end{0xff, 0xd9};
const Bytes quantisers = segment(0xdb, Bytes{0} + Bytes(64, 1));
Bytes codes(int table, const Bytes& symbols) {
  Bytes counts(17, 0);
  counts[0] = static_cast<std::uint8_t>(table);
  counts[2] = static_cast<std::uint8_t>(symbols.size());
  return segment(0xc4, counts + symbols);
}
const Bytes both_codes = codes(0, {0, 3, 12}) + codes(16, {0x00, 0xf0, 0x1b});
Bytes frame(int marker, std::uint8_t height, std::uint8_t width) {
  return segment(marker, {8, 0, height, 0, width, 1, 1, 0x11, 0});
}
Bytes scan(int first, int last, int bits, const Bytes& data) {
  const auto byte = [](int x) { return static_cast<std::uint8_t>(x); };
  return segment(0xda, {1, 1, 0, byte(first), byte(last), byte(bits)}) + data;
}
/// A grey file of these blocks. Their codes begin at byte 2 + 69 + 48 + 13 + 10 = 142.
Bytes baseline(const Bytes& data, std::uint8_t width = 8) {
  return begin + quantisers + both_codes + frame(0xc0, 8, width) + scan(0, 63, 0, data) + end;
}
Bytes progressive(const Bytes& scans, std::uint8_t width = 8) {
  return begin + quantisers + both_codes + frame(0xc2, 8, width) + scans + end;
}

}  // namespace

TEST_CASE("decode_jpeg gives the pixels that Pillow gives, for files of every kind") {
  struct File {
    std::string name;
    Index height, width, channels;
    std::uint32_t crc;  // of the pixels; printed by tests/fuzz/jpeg_seeds.py with Pillow 13.0 and libjpeg-turbo 3.2
  };
  for (const auto& [name, height, width, channels, crc] : {File{"good_grey", 13, 11, 1, 0xb071cdfa},
                                                           File{"good_444", 11, 13, 3, 0x9386b0cd},
                                                           File{"good_422", 12, 21, 3, 0xb06e0b43},
                                                           File{"good_420", 19, 22, 3, 0x05fc2633},
                                                           File{"good_420_standard_tables", 9, 10, 3, 0x12a5eea6},
                                                           File{"good_quality_1", 20, 18, 3, 0x38f2b45c},
                                                           File{"good_quality_100", 10, 9, 3, 0x61597bc1},
                                                           File{"good_one_pixel", 1, 1, 3, 0xd2cc5301},
                                                           File{"good_narrow", 12, 4, 3, 0x98ec32fe},
                                                           File{"good_progressive", 19, 22, 3, 0x05fc2633},
                                                           File{"good_progressive_grey", 9, 17, 1, 0x05b9b092},
                                                           File{"good_restart", 17, 33, 3, 0xb02b441f},
                                                           File{"good_segments", 8, 12, 3, 0x1c2fb78e},
                                                           File{"good_440", 21, 12, 3, 0xcc58f28e},
                                                           File{"good_411", 9, 35, 3, 0x2022abcb},
                                                           File{"good_410", 34, 33, 3, 0xcd215927},
                                                           File{"good_rgb", 9, 10, 3, 0x8561cf6d},
                                                           File{"good_extended", 16, 17, 3, 0xc5f5352a},
                                                           File{"good_scans", 10, 17, 3, 0x050ea029},
                                                           File{"good_two_scans", 18, 17, 3, 0x23bab232},
                                                           File{"good_progressive_restart", 18, 35, 3, 0xd48827ca},
                                                           File{"good_progressive_bits", 17, 18, 1, 0x7aa01632}}) {
    const detail::JpegPixels pixels = decode(seed(name));
    INFO(name);
    CHECK(pixels.height == height);
    CHECK(pixels.width == width);
    CHECK(pixels.channels == channels);
    CHECK(detail::crc32(pixels.values) == crc);
  }
}

TEST_CASE("decode_jpeg gives the pixels that Pillow gives, for 300 random pictures") {
  const TemporaryDirectory directory;
  std::istringstream lines(run_python(__FILE__, "jpeg_pictures.py", directory.path() + " 300"));
  std::string name;
  Index height = 0, width = 0, channels = 0;
  std::uint32_t crc = 0;
  int count = 0, different = 0;
  for (; lines >> name >> height >> width >> channels >> crc; ++count) {
    const detail::JpegPixels pixels = decode(read_bytes(directory / name));
    INFO(name << ", " << height << " x " << width << " x " << channels);
    CHECK(pixels.height == height);
    CHECK(pixels.width == width);
    CHECK(pixels.channels == channels);
    different += detail::crc32(pixels.values) != crc;
  }
  CHECK(different == 0);
  CHECK((count == 300 || lines.str().empty()));
}

TEST_CASE("decode_jpeg reads a file that was made by hand") {
  // The first difference 7, 01 111, no other coefficient, 00; then -7, 01 000, and 00. 7 / 8 is rounded to 1.
  const detail::JpegPixels pixels = decode(baseline({0b01111000, 0b10000001}, 16));
  REQUIRE(pixels.width == 16);
  for (std::size_t i = 0; i < 128; ++i) CHECK(int{pixels.values[i]} == (i % 16 < 8 ? 129 : 128));
  CHECK(decode(baseline({0x00}) + Bytes(20, 7)).values == Bytes(64, 128));  // bytes behind the picture
  // Any number of 0xff before a marker; 0xff 0 among the codes is 0xff.
  Bytes filled = baseline({0x00});
  filled = with_inserted(filled, filled.size() - 2, Bytes(5, 0xff));
  filled = with_inserted(filled, 2, Bytes(3, 0xff));
  CHECK(decode(filled).values == Bytes(64, 128));
  // Where the frame's colours are those of Adobe or of the names of the components, but not if JFIF says otherwise.
  const Bytes rgb = seed("good_rgb");
  const Bytes pixels_of_rgb = decode(rgb).values;
  Bytes without = rgb;
  const std::size_t adobe = place_of(rgb, 0xee);
  without.erase(without.begin() + static_cast<std::ptrdiff_t>(adobe),
                without.begin() + static_cast<std::ptrdiff_t>(adobe) + 16);
  CHECK(decode(without).values == pixels_of_rgb);
  CHECK(decode(with(rgb, adobe + 15, 1)).values != pixels_of_rgb);
  CHECK(decode(with_inserted(rgb, 2, segment(0xe0, {'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0}))).values !=
        pixels_of_rgb);
  check_refused(with(rgb, adobe + 15, 2), "colour transform 0 or 1 of Adobe but got 2");
}

TEST_CASE("decode_jpeg refuses other kinds of JPEG by name") {
  const Bytes file = baseline({0x00});
  const std::size_t at = place_of(file, 0xc0);
  const std::string kinds = "a baseline, extended or progressive JPEG file with Huffman codes but got ";
  check_refused({'G', 'I', 'F', '8'}, "a JPEG file but got another kind");
  check_refused(with(file, at + 1, 0xc3), kinds + "a lossless one");
  for (const int marker : {0xc5, 0xc6, 0xc7, 0xde, 0xdf})
    check_refused(with(file, at + 1, marker), kinds + "a hierarchical one");
  for (const int marker : {0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf})
    check_refused(with(file, at + 1, marker), kinds + "one with arithmetic codes");
  check_refused(with(file, at + 1, 0xdc), kinds + "one with the number of lines behind the pixels");
  check_refused(with(file, at + 4, 12), "8 bits for each sample but got 12");
  check_refused(with(file, at + 9, 4), "1 or 3 components, grey or colour, but got 4");
  check_refused(with(file, at + 9, 2), "1 or 3 components, grey or colour, but got 2");
  CHECK(decode(with(file, at + 1, 0xc1)).values == Bytes(64, 128));  // extended
}

TEST_CASE("decode_jpeg refuses damaged segments") {
  const Bytes file = baseline({0x00}), colour = seed("good_444");
  check_refused(Bytes(file.begin(), file.end() - 2), "a marker behind the scan at byte SCAN but the file ends after " +
                                                         std::to_string(file.size() - 2) + " bytes");
  check_refused(Bytes(file.begin(), file.begin() + 2), "an EOI marker but the file ends after 2 bytes");
  check_refused(begin + Bytes{0xff, 0xfe, 0, 9, 1}, "a whole segment at byte 4 but got 9 bytes of 3");
  check_refused(begin + Bytes{0xff, 0xfe, 0, 1, 1}, "a whole segment at byte 4 but got 1 bytes of 3");
  check_refused(begin + Bytes{0xff, 0xfe, 0}, "a whole segment at byte 4 but got 0 bytes of 1");
  check_refused(begin + Bytes{7, 0xff, 0xd9}, "a marker at byte 2 but got 7");
  check_refused(begin + end, "a picture but got none");
  check_refused(begin + segment(0x01, {}) + end, "a segment of a JPEG file but got marker 1 before byte 4");
  check_refused(begin + segment(0xdd, {0}), "a restart interval of 2 bytes but got 1");
  // Tables.
  const std::size_t table = place_of(file, 0xdb), dc = place_of(file, 0xc4);
  check_refused(with(file, table + 4, 4), "64 quantisers of 1 or 2 bytes in table 0 to 3 but got 64 bytes in table 4");
  check_refused(with(file, table + 4, 0x10),
                "64 quantisers of 1 or 2 bytes in table 0 to 3 but got 64 bytes in table 16");
  check_refused(with(file, table + 30, 0), "quantisers above 0 but got 0 in table 0");
  const std::string tables = "at most 256 Huffman codes in table 0 to 3 or 16 to 19 but got ";
  check_refused(with(file, dc + 4, 4), tables + "3 and 19 bytes in table 4");
  check_refused(with(file, dc + 4, 32), tables + "3 and 19 bytes in table 32");
  check_refused(with(file, dc + 6, 4), tables + "4 and 19 bytes in table 0");
  check_refused(begin + segment(0xc4, {0, 1}), tables + "1 and 1 bytes in table 0");
  check_refused(begin + codes(0, {1, 2, 3, 4}), "Huffman codes that differ but got too many in table 0");
  check_refused(begin + codes(0, {16}), "differences of at most 15 bits but got more in table 0");
  check_refused(begin + both_codes + frame(0xc0, 8, 8) + scan(0, 63, 0, {0}) + end,
                "quantisers before the scan but got none in table 0");
  check_refused(begin + quantisers + codes(0, {0}) + frame(0xc0, 8, 8) + scan(0, 63, 0, {0}) + end,
                "Huffman codes before the scan but got none in table 16");
  check_refused(begin + quantisers + codes(16, {0}) + frame(0xc0, 8, 8) + scan(0, 63, 0, {0}) + end,
                "Huffman codes before the scan but got none in table 0");
  // The frame.
  const std::size_t at = place_of(file, 0xc0);
  check_refused(with_inserted(file, at, frame(0xc0, 8, 8)), "one frame but got another");
  check_refused(begin + segment(0xc0, {8, 0, 8, 0, 8}), "a frame header of 6 bytes or more but got 5");
  check_refused(begin + segment(0xc0, {8, 0, 8, 0, 8, 1}), "a frame header of 9 bytes but got 6");
  check_refused(with(file, at + 6, 0), "1 to 2^26 values but got 0 x 8 x 1");
  const std::string factors = "sampling factors 1 to 4 and a table 0 to 3 but got ";
  check_refused(with(file, at + 11, 0x51), factors + "5, 1 and 0");
  check_refused(with(file, at + 11, 0x10), factors + "1, 0 and 0");
  check_refused(with(file, at + 12, 4), factors + "1, 1 and 4");
  const std::size_t colours = place_of(colour, 0xc0);
  check_refused(with(colour, colours + 13, 1), "different components but got two of 1");
  check_refused(with(with(colour, colours + 11, 0x31), colours + 14, 0x21),
                "sampling factors that divide the largest, 3 and 1, but got 2 and 1");
  check_refused(with(with(with(colour, colours + 11, 0x44), colours + 14, 0x44), colours + 17, 0x44),
                "at most 10 blocks in an MCU but got 48");
  check_refused(with(with(with(colour, colours + 11, 0x41), colours + 14, 0x41), colours + 17, 0x41),
                "at most 10 blocks in an MCU but got 12");
  check_refused(with(with(with(colour, colours + 11, 0x42), colours + 14, 0x12), colours + 17, 0x11),
                "at most 10 blocks in an MCU but got 11");
  // Scan headers.
  const std::size_t scan_at = place_of(file, 0xda);
  check_refused(begin + quantisers + both_codes + scan(0, 63, 0, {0}) + end,
                "a frame before its scans but got a scan at byte 129");
  check_refused(with(file, scan_at + 4, 0), "a scan header of 1 to 3 components but got 0 and 6 bytes");
  check_refused(with(file, scan_at + 4, 2), "a scan header of 1 to 3 components but got 2 and 6 bytes");
  check_refused(with(file, scan_at + 5, 2), "components of the frame, in its order, but got component 2");
  check_refused(with(colour, place_of(colour, 0xda) + 7, 1),
                "components of the frame, in its order, but got component 1");
  check_refused(with(with(colour, place_of(colour, 0xda) + 5, 2), place_of(colour, 0xda) + 7, 1),
                "components of the frame, in its order, but got component 1");
  check_refused(with(file, scan_at + 7, 1), "all coefficients in a scan but got 1 to 63, bits 0");
  check_refused(with(file, scan_at + 8, 62), "all coefficients in a scan but got 0 to 62, bits 0");
  check_refused(with(file, scan_at + 9, 1), "all coefficients in a scan but got 0 to 63, bits 1");
}

TEST_CASE("decode_jpeg refuses damaged codes") {
  check_refused(baseline({0b11000000}), "codes of the table in the scan at byte SCAN but got another");
  check_refused(baseline({}), "codes for all blocks in the scan at byte SCAN but they end at byte 142");
  check_refused(baseline({0x00}, 32), "codes for all blocks in the scan at byte SCAN but they end at byte 143");
  check_refused(baseline({0x00, 0x00}), "a marker behind the last block of the scan at byte SCAN but got 1 more bytes");
  check_refused(baseline({0b10000000, 0, 0}), "differences of at most 11 bits in the scan at byte SCAN but got 12");
  // Three runs of sixteen zeros reach coefficient 48, another would end behind the last.
  check_refused(baseline({0b00010101, 0b01000000}), "no coefficient beyond 63 in the scan at byte SCAN but got 64");
  check_refused(baseline({0b00100000, 0, 0}), "AC coefficients of at most 10 bits in the scan at byte SCAN but got 11");
  const Bytes runs = begin + quantisers + codes(0, {0}) + codes(16, {0x10}) + frame(0xc0, 8, 8);
  check_refused(runs + scan(0, 63, 0, {0}) + end,
                "the end of one block in the scan at byte SCAN but got a run of them");
  // 2047 is the sum of many differences.
  const Bytes sums = begin + quantisers + codes(0, {11}) + codes(16, {0}) + frame(0xc0, 8, 16);
  check_refused(sums + scan(0, 63, 0, {0b00111111, 0b11111000, 0b01111111, 0b11110000}) + end,
                "DC coefficients of at most 11 bits in the scan at byte SCAN but got 4094");
  // Restart markers between three blocks.
  const auto intervals = [](const Bytes& data) {
    return begin + quantisers + both_codes + segment(0xdd, {0, 1}) + frame(0xc0, 8, 24) + scan(0, 63, 0, data) + end;
  };
  CHECK(decode(intervals({0, 0xff, 0xd0, 0, 0xff, 0xd1, 0})).values == Bytes(192, 128));
  check_refused(intervals({0, 0xff, 0xd1, 0, 0xff, 0xd0, 0}), "restart marker 208 at byte 149 but got marker 209");
  check_refused(intervals({0, 0xff, 0xd0, 0}), "restart marker 209 at byte 152 but got marker 217");
  check_refused(intervals({0, 0xff, 0xd0, 0, 0xff, 0xd1, 0, 0xff, 0xd2}),
                "a segment of a JPEG file but got marker 210 before byte 157");
  check_refused(intervals({0, 0, 0xff, 0xd0, 0, 0xff, 0xd1, 0}),
                "a marker behind the last block of the scan at byte SCAN but got 1 more bytes");
}

TEST_CASE("decode_jpeg refuses scans that do not give each bit of each coefficient once") {
  const Bytes dc = scan(0, 0, 0, {0}), ac = scan(1, 63, 0, {0});
  CHECK(decode(progressive(dc + ac)).values == Bytes(64, 128));
  CHECK(decode(progressive(scan(0, 0, 1, {0}) + scan(1, 20, 2, {0}) + scan(21, 63, 0, {0}) + scan(0, 0, 0x10, {0x80}) +
                           scan(1, 20, 0x21, {0}) + scan(1, 20, 0x10, {0})))
            .values == Bytes(64, 128));
  // Quantisers are those of the first scan: a table behind it changes nothing. 01 111 is a DC coefficient of 7.
  const Bytes seven = scan(0, 0, 0, {0b01111000}), others = segment(0xdb, Bytes{0} + Bytes(64, 100));
  CHECK(decode(progressive(seven + others + ac)).values == Bytes(64, 129));
  const std::string all = "scans that give all bits of each coefficient but got ";
  check_refused(progressive(dc), all + "0 of 14 bits of coefficient 1 of component 1");
  check_refused(progressive(dc + scan(1, 63, 3, {0})), all + "11 of 14 bits of coefficient 1 of component 1");
  const std::string order = ", after those of the DC coefficient, but got ";
  check_refused(progressive(ac + dc), "bits of coefficient 1 of component 1 below 14" + order + "0 to 0");
  check_refused(progressive(dc + dc), "bits of coefficient 0 of component 1 below 0" + order + "0 to 0");
  check_refused(progressive(scan(0, 0, 2, {0}) + scan(0, 0, 0x10, {0})),
                "bits of coefficient 0 of component 1 below 2" + order + "1 to 0");
  check_refused(progressive(scan(0, 0, 2, {0}) + scan(0, 0, 0x20, {0})),
                "bits of coefficient 0 of component 1 below 2" + order + "2 to 0");
  const std::string bands =
      "DC coefficients or some AC coefficients of one component, of 14 bits, but got coefficients ";
  check_refused(progressive(scan(0, 63, 0, {0})), bands + "0 to 63, bits 0, of 1 components");
  check_refused(progressive(scan(5, 4, 0, {0})), bands + "5 to 4, bits 0, of 1 components");
  check_refused(progressive(scan(5, 64, 0, {0})), bands + "5 to 64, bits 0, of 1 components");
  check_refused(progressive(scan(0, 0, 14, {0})), bands + "0 to 0, bits 14, of 1 components");
  check_refused(progressive(scan(0, 0, 0xed, {0})), bands + "0 to 0, bits 237, of 1 components");
  Bytes three = seed("good_progressive");
  three = with(three, place_of(three, 0xda) + 11, 1);
  check_refused(three, bands + "1 to 0, bits 1, of 3 components");
  // A run of blocks that goes on behind the last; new coefficients of two bits; one behind the band.
  const Bytes runs = begin + quantisers + codes(0, {0}) + codes(16, {0x10, 0x02, 0x31}) + frame(0xc2, 8, 8) + dc;
  CHECK(decode(runs + codes(16, {0}) + ac + end).values == Bytes(64, 128));
  check_refused(runs + ac + end, "blocks for the whole run in the scan at byte SCAN but 1 are missing");
  const Bytes rough = codes(16, {0}) + scan(1, 3, 1, {0}) + codes(16, {0x10, 0x02, 0x31});
  check_refused(runs + rough + scan(1, 3, 0x10, {0b01000000}) + end,
                "new coefficients of one bit in the scan at byte SCAN but got 2");
  check_refused(runs + rough + scan(1, 3, 0x10, {0b10100000}) + end,
                "no coefficient beyond 3 in the scan at byte SCAN but got 4");
}

TEST_CASE("decode_jpeg bounds the number of scans") {
  // A scan for the DC coefficient, one for 27 others, two for 36 others.
  Bytes scans = scan(0, 0, 0, {0});
  for (int k = 1; k < 64; ++k) {
    scans = scans + scan(k, k, k <= 36 ? 1 : 0, {0});
    if (k <= 36) scans = scans + scan(k, k, 0x10, {0});
  }
  CHECK(decode(progressive(scans)).values == Bytes(64, 128));
  check_refused(progressive(scans + scan(1, 1, 0x10, {0})), "at most 100 scans but got more");
}

TEST_CASE("decode_jpeg takes no memory for a size that the file cannot fill") {
  const auto sized = [](int marker, std::uint8_t height, std::uint8_t width) {
    Bytes file = begin + quantisers + both_codes + frame(marker, 0xff, 0xff) + scan(0, 63, 0, {0}) + end;
    file[place_of(file, marker) + 5] = height;
    file[place_of(file, marker) + 7] = width;
    return file;
  };
  check_refused(sized(0xc0, 0xff, 0xff), "1 to 2^26 values but got 65535 x 65535 x 1");
  check_refused(sized(0xc0, 0x1f, 0x1f), "a size that 145 bytes can fill but got 8191 x 8191");
  check_refused(sized(0xc2, 0x1f, 0x1f), "a size that 145 bytes can fill but got 8191 x 8191");
  // Two bits are the least that a block takes, one in progressive files, where a run can end 1922 blocks of 248 x 496
  // pixels: 2^10 of them, and 898 more.
  const auto sized_wide = [](int marker, const Bytes& scans) {
    const auto one_code = [](std::uint8_t table, std::uint8_t symbol) {
      return segment(0xc4, Bytes{table, 1} + Bytes(15, 0) + Bytes{symbol});
    };
    return begin + quantisers + one_code(0, 0) + one_code(16, 0xa0) +
           segment(marker, {8, 0, 248, 496 >> 8, 496 & 255, 1, 1, 0x11, 0}) + scans + end;
  };
  const Bytes scans = scan(0, 0, 0, Bytes(1922 / 8 + 1, 0)) + scan(1, 63, 0, {0b01110000, 0b01000000});
  CHECK(decode(sized_wide(0xc2, scans)).values == Bytes(248 * 496, 128));
  check_refused(sized_wide(0xc0, scans), "a size that 393 bytes can fill but got 248 x 496");
}
