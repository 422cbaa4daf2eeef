// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include <eigenesis/eigenesis.hpp>
#include <memory_resource>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

/// 4 x 2 pixels, red, green and blue, each with alpha 128; encoded by Python's zlib.
const Bytes rgba{0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
                 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x02, 0x08, 0x06, 0x00, 0x00, 0x00, 0x7f, 0xa8, 0x7d, 0x63, 0x00,
                 0x00, 0x00, 0x2a, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x60, 0x60, 0x64, 0x6a, 0xb0, 0xb1, 0xb5,
                 0x6b, 0xa8, 0xa8, 0xac, 0x6a, 0xd8, 0xb2, 0x75, 0x5b, 0x03, 0x83, 0x88, 0xa8, 0x58, 0x43, 0x40, 0x60,
                 0x50, 0x43, 0x4f, 0x6f, 0x5f, 0xc3, 0x89, 0x93, 0xa7, 0x1a, 0x00, 0xbf, 0xae, 0x0d, 0x79, 0x7b, 0x3c,
                 0x42, 0x16, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
/// 3 x 2 grey pixels 0 51 102 / 153 204 255, interlaced.
const Bytes grey{0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
                 0x52, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x00, 0x00, 0x01, 0xcf,
                 0x18, 0x09, 0x50, 0x00, 0x00, 0x00, 0x12, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x60,
                 0x60, 0x48, 0x63, 0x30, 0x66, 0x98, 0x79, 0xe6, 0x3f, 0x00, 0x08, 0x35, 0x02, 0xfe, 0x9b,
                 0xb5, 0xc4, 0x2e, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

/// A whole file of chunks with right checksums.
Bytes png_of(const std::vector<std::pair<std::string, Bytes>>& chunks) {
  Bytes file(grey.begin(), grey.begin() + 8);
  for (const auto& [type, content] : chunks) detail::append_chunk(file, type, content);
  return file;
}
Bytes header(std::uint8_t height, std::uint8_t width, std::uint8_t depth, std::uint8_t kind) {
  return {0, 0, 0, width, 0, 0, 0, height, depth, kind, 0, 0, 0};
}

Bytes jpeg(const std::string& name) {
  return read_bytes(
      (std::filesystem::path(__FILE__).parent_path().parent_path() / "fuzz" / "seeds" / "jpeg" / name).string());
}

struct Fixture {
  TemporaryDirectory directory;
  std::string path = directory / "a.png";

  Tensor<float, 3> load(const Bytes& bytes) {
    write_bytes(path, bytes);
    return load_image(path);
  }
  void check_refused(const Bytes& bytes, const std::string& message) {
    write_bytes(path, bytes);
    CHECK_THROWS_MATCHES(load_image(path), DataError, Message("load_image: expected " + message + " in " + path));
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "load_image reads PNG files in grey and colour") {
  const Tensor<float, 3> image = load(grey);
  REQUIRE(image.shape() == Shape<3>{2, 3, 1});
  for (Index i = 0; i < 6; ++i) CHECK_THAT(image.data()[i], WithinAbs(0.2f * static_cast<float>(i), 1e-6f));

  const Tensor<float, 3> colour = load(rgba);
  REQUIRE(colour.shape() == Shape<3>{2, 4, 3});
  for (Index y = 0; y < 2; ++y)
    for (Index x = 0; x < 4; ++x)
      for (Index c = 0; c < 3; ++c)
        CHECK_THAT(colour(y, x, c), WithinAbs(static_cast<float>(60 * x + 20 * y + c) / 255.0f, 1e-6f));
}

TEST_CASE_METHOD(Fixture, "load_image refuses PNG files that are not what they claim to be") {
  check_refused({'G', 'I', 'F', '8', '9', 'a', 0, 0, 0}, "a PNG or JPEG file but got a GIF file");
  Bytes file(grey.begin(), grey.end() - 12);
  check_refused(file, "an IEND chunk but the file ends after " + std::to_string(file.size()) + " bytes");
  file = grey;
  file[8] = 0x7f;
  check_refused(
      file, "a chunk of 2130706445 bytes at byte 8 but the file ends after " + std::to_string(grey.size()) + " bytes");
  file = grey;
  file[19] = 4;  // the width
  CHECK_THROWS_AS(load(file), DataError);
  file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  file.insert(file.end(), grey.end() - 12, grey.end());
  check_refused(file, "IHDR of 13 bytes first, and no other, but got IEND of 0 at byte 8");
  check_refused(
      Bytes{0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x0f,
            0x42, 0x40, 0x00, 0x0f, 0x42, 0x40, 0x08, 0x00, 0x00, 0x00, 0x00, 0x79, 0x06, 0x67, 0xa1, 0x00, 0x00, 0x00,
            0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x60, 0x60, 0x60, 0x00, 0x00, 0x00, 0x04, 0x00, 0x01, 0xc8,
            0xea, 0xeb, 0xf9, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82},
      "at most 2^26 values but got 1000000 x 1000000 x 1");
  // Right checksums around a deflate stream that cannot be.
  check_refused(Bytes{0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
                      0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x00, 0x00, 0x00, 0xb8, 0x1f, 0x39,
                      0xc6, 0x00, 0x00, 0x00, 0x06, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x07, 0x01, 0x02, 0x03, 0x23,
                      0xe8, 0x90, 0x22, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82},
                "8 bytes of pixels and no others but got damaged, missing or surplus data");
}

TEST_CASE_METHOD(Fixture, "load_image refuses PNG files with pixels that are not those that the header says") {
  const auto file = [](const Bytes& stream, const Bytes& ihdr = header(2, 2, 8, 0)) {
    return png_of({{"IHDR", ihdr}, {"IDAT", stream}, {"IEND", {}}});
  };
  const Bytes rows{0, 1, 2, 0, 3, 4}, stream = detail::zlib_compress(rows);
  CHECK(load(file(stream)).shape() == Shape<3>{2, 2, 1});
  const std::string others = "6 bytes of pixels and no others but got damaged, missing or surplus data";
  check_refused(file(detail::zlib_compress(Bytes(5))), others);
  check_refused(file(detail::zlib_compress(Bytes(7))), others);
  check_refused(file(detail::zlib_compress(Bytes(2'000'000))), others);
  Bytes longer = stream;
  longer.insert(longer.end() - 4, 0);
  check_refused(file(longer), others);
  check_refused(file(Bytes(stream.begin(), stream.end() - 1)), others);
  Bytes wrong = stream;
  wrong.back() ^= 1;
  // Adler-32 of `rows` by Python's zlib.
  check_refused(file(wrong), "the checksum 1900554 of all pixels but got 1900555");
  for (const std::size_t i : {0u, 1u}) {
    wrong = stream;
    wrong[i] ^= 7;
    check_refused(file(wrong), "pixels in a zlib stream but got another kind");
  }
  wrong = stream;
  wrong[0] = 0x88;  // a window of 64 KiB
  wrong[1] = 0x1c;
  check_refused(file(wrong), "pixels in a zlib stream but got another kind");
  check_refused(file({0x78, 0x5e, 1}), "pixels in a zlib stream but got another kind");
  check_refused(file(detail::zlib_compress(Bytes{5, 1, 2, 0, 3, 4})), "filters 0 to 4 but got 5");
  check_refused(file(stream, header(2, 2, 3, 0)), "a kind and a depth of PNG but got 0 and 3");
  check_refused(file(stream, header(2, 2, 8, 5)), "a kind and a depth of PNG but got 5 and 8");
  check_refused(file(stream, header(2, 2, 8, 7)), "a kind and a depth of PNG but got 7 and 8");
  check_refused(file(stream, header(0, 2, 8, 0)), "at most 2^26 values but got 0 x 2 x 1");
  for (const std::size_t i : {10u, 11u, 12u}) {
    Bytes ihdr = header(2, 2, 8, 0);
    ihdr[i] = 2;
    const auto number = [&](std::size_t k) { return k == i ? "2" : "0"; };
    check_refused(file(stream, ihdr), std::string("compression 0, filter 0 and interlace 0 or 1 but got ") +
                                          number(10) + ", " + number(11) + " and " + number(12));
  }
}

namespace {

/// Memory that runs out after so many pieces.
struct Scarce : std::pmr::memory_resource {
  int left = 0;
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    if (left-- == 0) throw std::bad_alloc();
    return std::pmr::new_delete_resource()->allocate(size, alignment);
  }
  void do_deallocate(void* p, std::size_t size, std::size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(p, size, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "save_png throws when memory runs out") {
  const Tensor<float, 3> image(Shape{100, 100, 1}, 0.5f);
  Scarce scarce;
  std::pmr::memory_resource* const before = std::pmr::set_default_resource(&scarce);
  int failures = 0;
  for (;; ++failures) {
    scarce.left = failures;
    try {
      save_png(path, image);
      break;
    } catch (const std::bad_alloc&) {
      CHECK(directory.file_count() == 0);
    }
  }
  std::pmr::set_default_resource(before);
  CHECK(failures > 0);
  CHECK(load_image(path).shape() == image.shape());
}

TEST_CASE_METHOD(Fixture, "load_image keeps the precision of 16 bits") {
  const Tensor<float, 3> image = load(png_of(
      {{"IHDR", header(1, 3, 16, 0)}, {"IDAT", detail::zlib_compress(Bytes{0, 0, 0, 0, 1, 255, 255})}, {"IEND", {}}}));
  CHECK(image(0, 0, 0) == 0.0f);
  CHECK(image(0, 1, 0) == 1 / 65535.0f);
  CHECK(image(0, 2, 0) == 1.0f);
}

TEST_CASE_METHOD(Fixture, "load_image makes grey of colour, as luma, and colour of grey") {
  const Tensor<float, 3> red(Shape{1, 3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1});
  save_png(path, red);
  const Tensor<float, 3> luma = load_image(path, {.channels = 1});
  REQUIRE(luma.shape() == Shape<3>{1, 3, 1});
  CHECK(luma(0, 0, 0) == 0.299f);
  CHECK(luma(0, 1, 0) == 0.587f);
  CHECK(luma(0, 2, 0) == 0.114f);
  CHECK(std::ranges::equal(load_image(path, {.channels = 3}).values(), red.values()));
  const Tensor<float, 3> colour = (write_bytes(path, grey), load_image(path, {.channels = 3}));
  REQUIRE(colour.shape() == Shape<3>{2, 3, 3});
  for (Index i = 0; i < 18; ++i) CHECK_THAT(colour.data()[i], WithinAbs(0.2f * static_cast<float>(i / 3), 1e-6f));
}

TEST_CASE_METHOD(Fixture, "load_image cuts out the middle, or resizes") {
  write_bytes(path, grey);
  const Tensor<float, 3> middle = load_image(path, {.height = 1, .width = 1, .crop = true});
  REQUIRE(middle.shape() == Shape<3>{1, 1, 1});
  CHECK(middle(0, 0, 0) == 0.2f);
  CHECK(load_image(path, {.width = 2, .crop = true}).shape() == Shape<3>{2, 2, 1});
  CHECK_THROWS_MATCHES(
      load_image(path, {.height = 2, .width = 4, .crop = true}), DataError,
      Message("load_image: expected a picture of at least 2 x 4 pixels to crop but got [2, 3, 1] in " + path));
  const Tensor<float, 3> row = load_image(path, {.height = 1});  // the mean of both
  REQUIRE(row.shape() == Shape<3>{1, 3, 1});
  for (Index i = 0; i < 3; ++i) CHECK_THAT(row(0, i, 0), WithinAbs(0.3f + 0.2f * static_cast<float>(i), 1e-6f));
  for (const ImageOptions& options :
       {ImageOptions{.channels = 2}, ImageOptions{.height = -1}, ImageOptions{.width = Index{1} << 40}})
    CHECK_THROWS_MATCHES(load_image(path, options), ArgumentError,
                         Message("load_image: expected channels 0, 1 or 3 and sizes from 0 to 16384 but got " +
                                 std::to_string(options.channels) + ", " + std::to_string(options.height) + " and " +
                                 std::to_string(options.width)));
}

TEST_CASE("Pictures are resized as by Pillow") {
  Tensor<float, 3> x(Shape{5, 7, 1});
  for (Index i = 0; i < 35; ++i) x.data()[i] = static_cast<float>(i * 37 % 101) / 100;
  struct Case {
    Index height, width;
    double first, second, last, weighted;  // weighted: sum of (i + 1) times element i
  };
  // Image.resize of Pillow 9.4 with BILINEAR, mode F.
  for (const auto& [height, width, first, second, last, weighted] :
       {Case{2, 3, 0.493636, 0.445856, 0.523831, 10.6647}, Case{2, 7, 0.294545, 0.618636, 0.624545, 53.7936},
        Case{9, 10, 0, 0.2035, 0.46, 2093.3841}, Case{8, 3, 0.317143, 0.397059, 0.359286, 152.2032}}) {
    const Tensor<float, 3> y = detail::resized(detail::resized(x, 0, height), 1, width);
    REQUIRE(y.shape() == Shape{height, width, Index{1}});
    CHECK_THAT(y.data()[0], WithinAbs(first, 2e-6));
    CHECK_THAT(y.data()[1], WithinAbs(second, 2e-6));
    CHECK_THAT(y.data()[y.size() - 1], WithinAbs(last, 2e-6));
    double sum = 0;
    for (Index i = 0; i < y.size(); ++i) sum += static_cast<double>(i + 1) * static_cast<double>(y.data()[i]);
    CHECK_THAT(sum, WithinAbs(weighted, 1e-6 * weighted + 1e-4));
  }
}

TEST_CASE_METHOD(Fixture, "load_image resizes to a shorter side, and cuts the middle out of that") {
  Tensor<float, 3> x(Shape{6, 9, 1});
  for (Index i = 0; i < 54; ++i) x.data()[i] = static_cast<float>(i * 37 % 256) / 255;
  save_png(path, x);
  // Image.resize((6, 4)) of Pillow 13 with BILINEAR, mode F, and of that crop((1, 0, 5, 4)).
  CHECK(load_image(path, {.shorter_side = 4}).shape() == Shape<3>{4, 6, 1});
  const Tensor<float, 3> y = load_image(path, {.height = 4, .width = 4, .crop = true, .shorter_side = 4});
  REQUIRE(y.shape() == Shape<3>{4, 4, 1});
  CHECK_THAT(y(0, 0, 0), WithinAbs(0.371187, 2e-6));
  CHECK_THAT(y(0, 1, 0), WithinAbs(0.580774, 2e-6));
  CHECK_THAT(y(3, 3, 0), WithinAbs(0.333388, 2e-6));
  double sum = 0;
  for (Index i = 0; i < 16; ++i) sum += static_cast<double>(i + 1) * static_cast<double>(y.data()[i]);
  CHECK_THAT(sum, WithinAbs(66.6100, 2e-4));
  CHECK(load_image(path, {.width = 2, .crop = true, .shorter_side = 12}).shape() == Shape<3>{12, 2, 1});  // 12 x 18
  // The longer side is rounded down, as by torchvision: 9 * 5 / 6 = 7.5.
  CHECK(load_image(path, {.shorter_side = 5}).shape() == Shape<3>{5, 7, 1});
  CHECK_THROWS_MATCHES(
      load_image(path, {.height = 6, .crop = true, .shorter_side = 4}), DataError,
      Message("load_image: expected a picture of at least 6 x 6 pixels to crop but got [4, 6, 1] in " + path));
  CHECK_THROWS_MATCHES(load_image(path, {.height = 2, .width = 3, .shorter_side = 4}), ArgumentError,
                       Message("load_image: expected a shorter_side from 0 to 16384, and .crop for a height and width "
                               "beside it, but got 4, 2 and 3"));
  CHECK_THROWS_AS(load_image(path, {.shorter_side = -1}), ArgumentError);
  save_png(path, Tensor<float, 3>(Shape{1, 5, 1}, 0.0f));
  CHECK_THROWS_MATCHES(
      load_image(path, {.shorter_side = 4000}), DataError,
      Message("load_image: expected sides of at most 16384 after resizing but got 4000 and 20000 in " + path));
}

TEST_CASE_METHOD(Fixture, "load_image reads palettes of every depth and refuses an index beyond") {
  const auto file = [](std::uint8_t depth, const Bytes& palette, const Bytes& row) {
    return png_of({{"IHDR", header(1, 2, depth, 3)},
                   {"PLTE", palette},
                   {"tRNS", {0}},
                   {"IDAT", detail::zlib_compress(row)},
                   {"IEND", {}}});
  };
  const Bytes palette{0, 51, 102, 153, 204, 255};
  for (const auto& [depth, row] :
       std::vector<std::pair<std::uint8_t, Bytes>>{{1, {0, 0x40}}, {2, {0, 0x10}}, {4, {0, 0x01}}, {8, {0, 0, 1}}}) {
    const Tensor<float, 3> image = load(file(depth, palette, row));
    REQUIRE(image.shape() == Shape<3>{1, 2, 3});
    for (Index i = 0; i < 6; ++i) CHECK(image.data()[i] == static_cast<float>(51 * i) / 255.0f);
  }
  check_refused(file(8, palette, {0, 0, 2}), "indices into a palette of 2 colours but got 2");
  check_refused(file(2, palette, {0, 0x30}), "indices into a palette of 2 colours but got 3");
  check_refused(file(8, {1, 2}, {0, 0, 0}), "a palette of 1 to 256 colours but got 2 bytes");
  check_refused(file(8, {}, {0, 0, 0}), "a palette of 1 to 256 colours but got 0 bytes");
  check_refused(file(8, Bytes(771), {0, 0, 0}), "a palette of 1 to 256 colours but got 771 bytes");
  check_refused(file(16, palette, {0, 0, 0, 0, 0}), "a kind and a depth of PNG but got 3 and 16");
}

TEST_CASE_METHOD(Fixture, "load_image ignores what libpng ignores") {
  Bytes file = grey;
  file.insert(file.end(), 20, std::uint8_t{7});  // behind the image
  CHECK(load(file).shape() == Shape<3>{2, 3, 1});
  const Bytes text{0, 0, 0, 1, 't', 'E', 'X', 't', 'x', 1, 2, 3, 4};  // with a wrong checksum
  file = grey;
  file.insert(file.begin() + 33, text.begin(), text.end());
  CHECK(load(file).shape() == Shape<3>{2, 3, 1});
  file[33 + 4] = 'T';
  CHECK_THROWS_AS(load(file), DataError);
  check_refused(png_of({{"IHDR", header(1, 1, 8, 0)}, {"IHDR", {}}, {"IEND", {}}}),
                "IHDR of 13 bytes first, and no other, but got IHDR of 0 at byte 33");
  check_refused(png_of({{"IHDR", header(1, 1, 8, 0)}, {"TEXT", {}}, {"IEND", {}}}),
                "chunks of a PNG file but got TEXT");
}

TEST_CASE_METHOD(Fixture, "load_image refuses orders of chunks that libpng refuses") {
  const Bytes size = header(1, 1, 8, 3), colours{0, 51, 102}, pixels = detail::zlib_compress(Bytes{0, 0});
  const Bytes first(pixels.begin(), pixels.begin() + 3), rest(pixels.begin() + 3, pixels.end());
  CHECK(load(png_of({{"IHDR", size}, {"PLTE", colours}, {"IDAT", first}, {"IDAT", {}}, {"IDAT", rest}, {"IEND", {}}}))
            .shape() == Shape<3>{1, 1, 3});
  check_refused(png_of({{"IHDR", size}, {"IDAT", pixels}, {"IEND", {}}}), "a palette but got none");
  check_refused(png_of({{"IHDR", size}, {"PLTE", colours}, {"PLTE", colours}, {"IDAT", pixels}, {"IEND", {}}}),
                "one palette at most, before the pixels, but got PLTE at byte 48");
  check_refused(png_of({{"IHDR", size}, {"IDAT", {}}, {"PLTE", colours}, {"IDAT", pixels}, {"IEND", {}}}),
                "one palette at most, before the pixels, but got PLTE at byte 45");
  check_refused(
      png_of({{"IHDR", size}, {"PLTE", colours}, {"IDAT", first}, {"tEXt", {}}, {"IDAT", rest}, {"IEND", {}}}),
      "the pixels in chunks that follow one another but got more at byte 75");
  check_refused(png_of({{"IHDR", size},
                        {"\xb7\xc3"
                         "AT",
                         {}},
                        {"PLTE", colours},
                        {"IDAT", pixels},
                        {"IEND", {}}}),
                "chunks named by letters but got \\xb7\\xc3AT at byte 33");
}

TEST_CASE_METHOD(Fixture, "load_image refuses PNG files of sizes that take too much memory") {
  const Bytes size{0, 0, 0x50, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0};  // 1 bit for each pixel
  check_refused(png_of({{"IHDR", size}, {"IDAT", Bytes(100'000)}, {"IEND", {}}}),
                "at most 2^26 values but got 4096 x 20480 x 1");
  Bytes colour = size;
  colour[2] = 0x20;
  colour[8] = 8;
  colour[9] = 6;
  check_refused(png_of({{"IHDR", colour}, {"IDAT", Bytes(100'000)}, {"IEND", {}}}),
                "at most 2^26 values but got 4096 x 8192 x 4");
  colour[9] = 0;
  check_refused(png_of({{"IHDR", colour}, {"IDAT", Bytes(100)}, {"IEND", {}}}),
                "a size that 100 bytes can fill but got 4096 x 8192");
}

TEST_CASE_METHOD(Fixture, "Names from files stand in messages without control characters and cut") {
  CHECK(detail::shown("a\x1b[31m\n\xc3\xa9~") == "a\\x1b[31m\\x0a\\xc3\\xa9~");
  std::string cut(100, 'n');
  cut.append("...");
  CHECK(detail::shown(std::string(1000, 'n')) == cut);
  check_refused(png_of({{"IHDR", header(1, 1, 8, 0)}, {"A\n\x1b\x80", {}}, {"IEND", {}}}),
                "chunks named by letters but got A\\x0a\\x1b\\x80 at byte 33");
}

TEST_CASE_METHOD(Fixture, "Every flipped bit of a PNG file is found") {
  for (std::size_t bit = 0; bit < 8 * grey.size(); ++bit) {
    Bytes file = grey;
    file[bit / 8] = static_cast<std::uint8_t>(file[bit / 8] ^ 1 << bit % 8);
    INFO("bit " << bit);
    CHECK_THROWS_AS(load(file), DataError);
  }
}

TEST_CASE_METHOD(Fixture, "load_image reads JPEG, whatever the name of the file, and refuses other formats by name") {
  const Tensor<float, 3> pixel = load(jpeg("good_one_pixel"));
  REQUIRE(pixel.shape() == Shape<3>{1, 1, 3});
  // As Pillow 13.0 reads it.
  CHECK(pixel(0, 0, 0) == 0 / 255.0f);
  CHECK(pixel(0, 0, 1) == 220 / 255.0f);
  CHECK(pixel(0, 0, 2) == 0 / 255.0f);
  CHECK(load(jpeg("good_grey")).shape() == Shape<3>{13, 11, 1});
  CHECK(load_image(path, {.channels = 3, .height = 8, .width = 8, .crop = true}).shape() == Shape<3>{8, 8, 3});
  CHECK(load(jpeg("good_segments")).shape() == Shape<3>{8, 12, 3});  // The camera's orientation is not applied.
  const Bytes whole = jpeg("good_444");
  check_refused(Bytes(whole.begin(), whole.begin() + 2), "an EOI marker but the file ends after 2 bytes");
  for (const auto& [beginning, format] :
       std::vector<std::pair<std::string, std::string>>{{"", "an empty file"},
                                                        {"GIF89a", "a GIF file"},
                                                        {std::string("RIFF\x1a\0\0\0WEBPVP8L", 16), "a WebP file"},
                                                        {"BM6", "a BMP file"},
                                                        {std::string("II*\0", 4), "a TIFF file"},
                                                        {std::string("MM\0*", 4), "a TIFF file"},
                                                        {std::string("\0\0\0\x20"
                                                                     "ftypavif",
                                                                     12),
                                                         "an AVIF file"},
                                                        {std::string("\0\0\0\x20"
                                                                     "ftypheic",
                                                                     12),
                                                         "an HEIC file"},
                                                        {std::string("\0\0\0\x0cjP  ", 8), "a JPEG 2000 file"},
                                                        {"<html>", "another kind"},
                                                        {"\xff", "another kind"}})
    check_refused(Bytes(beginning.begin(), beginning.end()), "a PNG or JPEG file but got " + format);
}

TEST_CASE("load_image_folder reads PNG and JPEG files in the order of their names") {
  const TemporaryDirectory directory;
  save_png(directory / "c.png", Tensor<float, 3>(Shape{13, 11, 1}, 0.2f));
  for (const std::string name : {"d.JPG", "b.jpeg", "a.jpg"}) write_bytes(directory / name, jpeg("good_grey"));
  const Tensor<float, 4> images = load_image_folder(directory.path());
  REQUIRE(images.shape() == Shape<4>{4, 13, 11, 1});
  const Tensor<float, 3> grey = load_image(directory / "a.jpg");
  for (const Index i : {0, 1, 3})
    CHECK(std::equal(grey.values().begin(), grey.values().end(), images.data() + i * grey.size()));
  CHECK(images(2, 0, 0, 0) == 0.2f);
  Bytes damaged = jpeg("good_grey");
  damaged.resize(damaged.size() - 2);
  write_bytes(directory / "b.jpeg", damaged);
  CHECK_THROWS_MATCHES(load_image_folder(directory.path()), DataError,
                       Message("load_image_folder: expected a marker behind the scan at byte 176 but the file ends "
                               "after " +
                               std::to_string(damaged.size()) + " bytes in " + directory.path() + "/b.jpeg"));
}

TEST_CASE("load_image_folder reads the files in the order of their names") {
  const TemporaryDirectory directory;
  CHECK_THROWS_MATCHES(load_image_folder(directory.path()), DataError,
                       Message("load_image_folder: expected at least one .png, .jpg or .jpeg file but found none in " +
                               directory.path()));
  for (const int i : {2, 0, 1})
    save_png(directory / ("digit" + std::to_string(i) + (i == 1 ? ".PNG" : ".png")),
             Tensor<float, 3>(Shape{2, 3, 1}, 0.2f * static_cast<float>(i)));
  write_bytes(directory / "notes.txt", {'x'});
  write_bytes(directory / "._digit0.png", {'x'});  // hidden
  const std::string log = directory / "log";
  std::fflush(stderr);
  const int screen = dup(2), file = open(log.c_str(), O_CREAT | O_WRONLY, 0600);
  dup2(file, 2);
  const Tensor<float, 4> images = load_image_folder(directory.path());
  dup2(screen, 2);
  close(screen);
  close(file);
  const Bytes said = read_bytes(log);
  CHECK(std::string(said.begin(), said.end()) ==
        "load_image_folder: read 3 images in " + directory.path() + " and left out 3 other entries\n");
  REQUIRE(images.shape() == Shape<4>{3, 2, 3, 1});
  for (Index i = 0; i < 3; ++i) CHECK(images(i, 1, 2, 0) == 0.2f * static_cast<float>(i));

  save_png(directory / "other.png", Tensor<float, 3>(Shape{2, 4, 3}, 0.0f));
  CHECK_THROWS_MATCHES(
      load_image_folder(directory.path()), DataError,
      Message("load_image_folder: expected equal sizes but got [2, 3, 1] for digit0.png and [2, 4, 3] for "
              "other.png in " +
              directory.path() + "; .channels makes all grey or colour, .height and .width resize or .crop"));
  const Tensor<float, 4> equal = load_image_folder(directory.path(), {.channels = 3, .height = 2, .width = 3});
  REQUIRE(equal.shape() == Shape<4>{4, 2, 3, 3});
  for (Index i = 0; i < 3; ++i)
    for (Index c = 0; c < 3; ++c) CHECK_THAT(equal(i, 0, 0, c), WithinAbs(0.2f * static_cast<float>(i), 1e-6f));
  CHECK(load_image_folder(directory.path(), {.channels = 1, .width = 1, .crop = true}).shape() == Shape<4>{4, 2, 1, 1});

  write_bytes(directory / "a\x1b[31m.png", {'x'});
  CHECK_THROWS_MATCHES(load_image_folder(directory.path()), DataError,
                       Message("load_image_folder: expected a PNG or JPEG file but got another kind in " +
                               directory.path() + "/a\\x1b[31m.png"));
  CHECK_THROWS_MATCHES(
      load_image_folder(directory / "no"), DataError,
      Message("load_image_folder: expected a readable directory but got 'No such file or directory' for " +
              (directory / "no")));
}

TEST_CASE("load_labelled_image_folder reads a class from each subdirectory, in the order of their names") {
  const TemporaryDirectory directory;
  const auto refused = [&](const std::string& message, const ImageOptions& options = {}) {
    CHECK_THROWS_MATCHES(load_labelled_image_folder(directory.path(), options), DataError,
                         Message("load_labelled_image_folder: expected " + message));
  };
  refused("a directory for each class but found none in " + directory.path());
  for (const std::string name : {"dog", "cat", "a\x1bnt"}) std::filesystem::create_directory(directory / name);
  const auto save = [&](const std::string& name, float value, Shape<3> shape = {2, 3, 1}) {
    save_png(directory / name, Tensor<float, 3>(shape, value));
  };
  save("dog/1.png", 0.2f);
  save("dog/0.png", 0.4f);
  save("cat/b.PNG", 0.6f);
  refused("at least one .png, .jpg or .jpeg file but found none in " + directory.path() + "/a\\x1bnt");
  save("a\x1bnt/only.png", 0.8f);

  const LabelledImages pictures = load_labelled_image_folder(directory.path());
  CHECK(pictures.classes == std::vector<std::string>{"a\x1bnt", "cat", "dog"});
  CHECK(pictures.labels == std::vector<int>{0, 1, 2, 2});
  REQUIRE(pictures.images.shape() == Shape<2>{4, 6});
  CHECK(pictures.height == 2);
  CHECK(pictures.width == 3);
  CHECK(pictures.channels == 1);
  const float values[]{0.8f, 0.6f, 0.4f, 0.2f};
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 6; ++j) CHECK(pictures.images(i, j) == values[i]);

  std::filesystem::create_directory(directory / ".hidden");
  std::filesystem::create_directory(directory / "cat/more");
  write_bytes(directory / "notes.txt", {'x'});
  write_bytes(directory / "cat/c.gif", {'x'});
  const std::string log = directory / ".log";
  std::fflush(stderr);
  const int screen = dup(2), file = open(log.c_str(), O_CREAT | O_WRONLY, 0600);
  dup2(file, 2);
  const LabelledImages again = load_labelled_image_folder(directory.path());
  dup2(screen, 2);
  close(screen);
  close(file);
  CHECK(again.labels == pictures.labels);
  const Bytes said = read_bytes(log);
  CHECK(std::string(said.begin(), said.end()) ==
        "load_labelled_image_folder: read 4 images in " + directory.path() + " and left out 5 other entries\n");

  save("dog/2.png", 0.5f, {2, 4, 3});
  refused("equal sizes but got [2, 3, 1] for a\\x1bnt/only.png and [2, 4, 3] for dog/2.png in " + directory.path() +
          "; .channels makes all grey or colour, .height and .width resize or .crop");
  const LabelledImages equal = load_labelled_image_folder(directory.path(), {.channels = 3, .width = 2, .crop = true});
  CHECK(equal.images.shape() == Shape<2>{5, 2 * 2 * 3});
  CHECK(equal.channels == 3);
  CHECK(equal.labels == std::vector<int>{0, 1, 2, 2, 2});
  write_bytes(directory / "cat/b.PNG", {'x'});
  refused("a PNG or JPEG file but got another kind in " + directory.path() + "/cat/b.PNG", {.channels = 3, .width = 2});
  CHECK_THROWS_MATCHES(load_labelled_image_folder(directory / "no"), DataError,
                       Message("load_labelled_image_folder: expected a readable directory but got 'No such file or "
                               "directory' for " +
                               (directory / "no")));
}
