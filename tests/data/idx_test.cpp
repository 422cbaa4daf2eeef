// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

// 24 x 25 bytes, made by the formula below and compressed by zlib with dynamic Huffman codes.
const Bytes compressed{0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x8d, 0x91, 0xc1, 0x0a, 0x84, 0x30,
                       0x0c, 0x05, 0x5f, 0x45, 0x45, 0x5a, 0x56, 0x49, 0xac, 0xc5, 0xfd, 0xff, 0x1f, 0xdd, 0xbe, 0xdb,
                       0xf2, 0x9a, 0x43, 0x03, 0x39, 0x64, 0x0e, 0xd3, 0x81, 0x02, 0xc7, 0x02, 0xe0, 0xed, 0xfb, 0xed,
                       0x9b, 0x78, 0xfc, 0x4f, 0x31, 0xec, 0x1f, 0x61, 0x4f, 0x6e, 0x45, 0x50, 0xb7, 0xd4, 0x2b, 0x0b,
                       0x33, 0x33, 0xbf, 0x85, 0x2d, 0xc7, 0x59, 0x57, 0x61, 0x39, 0x10, 0x5a, 0xd9, 0xe0, 0x18, 0x27,
                       0xc9, 0xbd, 0x31, 0x70, 0xc2, 0x77, 0x32, 0x70, 0xec, 0x33, 0x7d, 0xa3, 0x32, 0x50, 0x58, 0xa3,
                       0x10, 0x41, 0xe0, 0xcc, 0x30, 0x70, 0xc2, 0x57, 0x19, 0x28, 0xcc, 0x19, 0x28, 0xec, 0x62, 0xa0,
                       0xfe, 0x11, 0x85, 0xc2, 0xf6, 0x20, 0x30, 0x05, 0x79, 0x1e, 0x04, 0x46, 0xbe, 0x95, 0x81, 0xc2,
                       0x6e, 0x1f, 0xfb, 0x32, 0x03, 0x85, 0xfd, 0x00, 0x57, 0x2e, 0x9c, 0x28, 0x64, 0x02, 0x00, 0x00};

Bytes expected_values() {
  Bytes values;
  for (int i = 0; i < 600; ++i) values.push_back(static_cast<std::uint8_t>(i / 5 % 4 == 0 ? i * i / 7 % 23 : 0));
  return values;
}

void append(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
Bytes joined(Bytes bytes, const Bytes& more) {
  append(bytes, more);
  return bytes;
}

/// The deflate stream of `compressed` behind another gzip header.
Bytes with_header(const Bytes& header) { return joined(header, Bytes(compressed.begin() + 10, compressed.end())); }

/// A gzip file whose trailer says that it holds `size` bytes.
Bytes gzip_of(const Bytes& content, std::uint32_t size) {
  const Bytes stream = detail::zlib_compress(content);
  Bytes file{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  file.insert(file.end(), stream.begin() + 2, stream.end() - 4);
  for (const std::uint32_t number : {detail::crc32(content), size})
    for (int shift = 0; shift < 32; shift += 8) file.push_back(static_cast<std::uint8_t>(number >> shift));
  return file;
}

struct Fixture {
  TemporaryDirectory directory;
  std::string path = directory / "file";

  IdxFile read(const Bytes& bytes) {
    write_bytes(path, bytes);
    return read_idx(path);
  }
  void check_refused(const Bytes& bytes, const std::string& message) {
    write_bytes(path, bytes);
    CHECK_THROWS_MATCHES(read_idx(path), DataError, Message("read_idx: expected " + message + " in " + path));
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "read_idx reads sizes and values") {
  const IdxFile file = read({0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255});
  CHECK(file.sizes == std::vector<Index>{2, 3});
  CHECK(file.values == Bytes{1, 2, 3, 4, 5, 255});
  CHECK(read({0, 0, 8, 1, 0, 0, 0, 0}).values.empty());
}

TEST_CASE_METHOD(Fixture, "read_idx reads gzip files whatever their optional header fields") {
  const IdxFile file = read(compressed);
  CHECK(file.sizes == std::vector<Index>{24, 25});
  CHECK(file.values == expected_values());
  CHECK(read(with_header({0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, 'n', 'a', 0})).values == expected_values());
  CHECK(read(with_header({0x1f, 0x8b, 8, 4 + 16, 0, 0, 0, 0, 0, 3, 2, 0, 7, 7, 'c', 0})).values == expected_values());
  // The low 16 bits of the CRC-32 of the ten bytes before them, computed by Python's zlib.
  CHECK(read(with_header({0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 3, 0xa7, 0x77})).values == expected_values());
  check_refused(with_header({0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 3, 0xa6, 0x77}),
                "gzip header checksum 30630 but got 30631");
}

TEST_CASE_METHOD(Fixture, "read_idx refuses plain files that are not what they claim to be") {
  check_refused({0, 0, 8}, "at least 4 bytes but got 3");
  check_refused({0, 1, 8, 1, 0, 0, 0, 0}, "the file to start with 0 0 but got 0 1");
  check_refused({'P', 'K', 3, 4}, "the file to start with 0 0 but got 80 75");
  check_refused({0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0}, "unsigned bytes (type 8) but got type 13");
  check_refused({0, 0, 8, 0, 1}, "at least one axis but got 0");
  check_refused({0, 0, 8, 3, 0, 0, 0, 1}, "a header of 16 bytes but got 8");
  check_refused({0, 0, 8, 1, 0, 0, 0, 3, 1, 2},
                "sizes whose product is 2, the number of values in the file, but got [3]");
  check_refused({0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3, 4},
                "sizes whose product is 4, the number of values in the file, but got [3]");
  check_refused({0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 3, 1},
                "sizes whose product is 1, the number of values in the file, but got [0, 3]");
}

TEST_CASE_METHOD(Fixture, "read_idx checks sizes before it takes memory") {
  Bytes huge{0, 0, 8, 2, 0x40, 0, 0, 0, 0x40, 0, 0, 0};  // 2^60 values
  huge.resize(100);
  check_refused(huge, "sizes whose product is 88, the number of values in the file, but got [1073741824, 1073741824]");
  Bytes wrapping{0, 0, 8, 4, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1};  // 2^64, which is 0 in 64 bits
  check_refused(wrapping,
                "sizes whose product is 0, the number of values in the file, but got [2147483648, 2147483648, 4, 1]");
  Bytes lying = compressed;
  std::fill(lying.end() - 4, lying.end(), std::uint8_t{0x7f});
  write_bytes(path, lying);
  CHECK_THROWS_MATCHES(read_idx(path), DataError,
                       Message("read_idx: expected at most 130032 bytes from 126 compressed ones but the gzip trailer "
                               "says 2139062143; the file is truncated or damaged: " +
                               path));
}

TEST_CASE_METHOD(Fixture, "read_idx takes no memory that the content does not ask for") {
  Bytes zeros(1'000'000);
  zeros[2] = 8;
  zeros[3] = 1;
  zeros[7] = 9;
  write_bytes(path, gzip_of(zeros, 1'000'000));
  CHECK_THROWS_MATCHES(read_idx(path), DataError,
                       Message("read_idx: expected 17 bytes, as its content begins, but the gzip trailer says 1000000; "
                               "the file is truncated or damaged: " +
                               path));
  check_refused(gzip_of({0, 0, 8, 2, 0x40, 0, 0, 0, 0x40, 0, 0, 0}, 12),
                "sizes of at most 2147483647 values but got [1073741824, 1073741824]");
  check_refused(gzip_of({7, 0, 8, 1, 0, 0, 0, 0}, 8), "the file to start with 0 0 but got 7 0");
}

TEST_CASE_METHOD(Fixture, "read_idx refuses damaged gzip files") {
  Bytes file = compressed;
  file[2] = 7;
  check_refused(file, "gzip compression method 8 but got 7");
  file = compressed;
  file[3] = 0x20;
  check_refused(file, "gzip flags below 32 but got 32");
  check_refused({0x1f, 0x8b, 8, 0, 0}, "a whole gzip header but the file ends after 5 bytes");
  check_refused({0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, 'n', 'a', 'm', 'e', 1, 2, 3, 4, 5, 6, 7},
                "a whole gzip header but the file ends after 21 bytes");
  for (const std::uint8_t size : Bytes{0x63, 0x65}) {
    file = compressed;
    file[compressed.size() - 4] = size;
    write_bytes(path, file);
    CHECK_THROWS_MATCHES(read_idx(path), DataError,
                         Message("read_idx: expected 612 bytes, as its content begins, but the gzip trailer says " +
                                 std::to_string(0x200 + size) + "; the file is truncated or damaged: " + path));
  }
  check_refused(gzip_of({0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3, 4}, 11),
                "11 bytes, as the gzip trailer says, but the compressed data are damaged, truncated or longer");
  check_refused(gzip_of({0, 0, 8, 1, 0, 0, 0, 5, 1, 2, 3, 4}, 13), "13 bytes, as the gzip trailer says, but got 12");
  file = compressed;
  file[compressed.size() - 8] ^= 1;
  check_refused(file, "gzip checksum 681324118 but got 681324119");
  file = compressed;
  file.insert(file.end() - 8, 0);
  check_refused(file, "the compressed data to end at byte 137 but they end at 136");
  check_refused(joined(compressed, compressed), "the compressed data to end at byte 280 but they end at 136");
}

TEST_CASE_METHOD(Fixture,
                 "Every flipped bit and every missing or added byte of a gzip file is found or changes nothing") {
  const Bytes values = expected_values();
  std::size_t found = 0;
  for (std::size_t bit = 0; bit < 8 * compressed.size(); ++bit) {
    Bytes file = compressed;
    file[bit / 8] = static_cast<std::uint8_t>(file[bit / 8] ^ 1 << bit % 8);
    INFO("bit " << bit);
    Bytes got = values;
    try {
      got = read(file).values;
    } catch (const DataError&) {
      ++found;
    }
    CHECK(got == values);
  }
  CHECK(found >= 1090);  // of 1152; the others are time, system and text flag of the header, and padding
  for (std::size_t size = 0; size < compressed.size(); ++size) {
    INFO("size " << size);
    CHECK_THROWS_AS(read(Bytes(compressed.begin(), compressed.begin() + static_cast<std::ptrdiff_t>(size))), DataError);
  }
  for (const std::uint8_t more : Bytes{0, 1, 255}) CHECK_THROWS_AS(read(joined(compressed, {more})), DataError);
}

TEST_CASE_METHOD(Fixture, "A gzip file that ends too soon is called truncated") {
  for (std::size_t size = 40; size < compressed.size() - 8; ++size) {
    write_bytes(path, Bytes(compressed.begin(), compressed.begin() + static_cast<std::ptrdiff_t>(size)));
    std::string message;
    try {
      read_idx(path);
    } catch (const DataError& error) {
      message = error.what();
    }
    INFO(size << ": " << message);
    CHECK(message.find("truncated") != std::string::npos);
  }
  // The last four bytes stand for a length that could be: here, only the decoder finds that the data do not end.
  Bytes file(compressed.begin(), compressed.begin() + 100);
  for (const std::uint8_t byte : Bytes{0, 0x10, 0, 0}) file.push_back(byte);
  check_refused(file, "a whole gzip file but got a truncated one or damaged data");
}

TEST_CASE("read_idx names a file that cannot be read") {
  CHECK_THROWS_MATCHES(
      read_idx("no/such/file"), DataError,
      Message("read_idx: expected a readable file but got 'No such file or directory' for no/such/file"));
  const TemporaryDirectory directory;
  CHECK_THROWS_MATCHES(read_idx(directory.path()), DataError,
                       Message("read_idx: expected a readable file but got 'Is a directory' for " + directory.path()));
}

TEST_CASE_METHOD(Fixture, "Images become pixels in [0, 1], labels integers") {
  write_bytes(path, {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 51, 255, 102});
  const Tensor<float, 4> images = read_idx_images(path);
  CHECK(images.shape() == Shape<4>{2, 1, 2, 1});
  CHECK(images(0, 0, 0, 0) == 0.0f);
  CHECK(images(0, 0, 1, 0) == 0.2f);
  CHECK(images(1, 0, 0, 0) == 1.0f);
  CHECK(images(1, 0, 1, 0) == 0.4f);
  CHECK_THROWS_MATCHES(read_idx_labels(path), DataError,
                       Message("read_idx_labels: expected sizes [N] but got [2, 1, 2] in " + path));
  write_bytes(path, {0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9});
  CHECK(read_idx_labels(path) == std::vector<int>{7, 0, 9});
  CHECK_THROWS_MATCHES(read_idx_images(path), DataError,
                       Message("read_idx_images: expected sizes [N, H, W] but got [3] in " + path));
}
