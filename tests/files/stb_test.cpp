// SPDX-License-Identifier: MIT
// A program with a stb of its own, in a configuration that differs from the library's.
#include <eigenesis/eigenesis.hpp>
#include <memory>

#include "catch.hpp"
#include "files.hpp"

#if defined(STBI_INCLUDE_STB_IMAGE_H) || defined(INCLUDE_STB_IMAGE_WRITE_H) || defined(STBIDEF) || defined(STBI_NO_JPEG)
#error "the library's use of stb shows"
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <eigenesis/stb/stb_image.h>
#include <eigenesis/stb/stb_image_write.h>
#pragma GCC diagnostic pop

TEST_CASE("A copy of stb of one's own works beside the library") {
  const TemporaryDirectory directory;
  const std::string bmp = directory / "a.bmp", png = directory / "a.png";
  const std::uint8_t pixels[]{0, 51, 102, 153, 204, 255};
  REQUIRE(stbi_write_bmp(bmp.c_str(), 3, 2, 1, pixels) == 1);  // The library's copy knows PNG only.
  int width = 0, height = 0, channels = 0;
  stbi_uc* loaded = stbi_load(bmp.c_str(), &width, &height, &channels, 1);
  REQUIRE(loaded != nullptr);
  CHECK(std::equal(pixels, pixels + 6, loaded));
  stbi_image_free(loaded);

  REQUIRE(stbi_write_png(png.c_str(), 3, 2, 1, pixels, 3) == 1);
  const eigenesis::Tensor<float, 3> image = eigenesis::load_image(png);
  REQUIRE(image.shape() == eigenesis::Shape<3>{2, 3, 1});
  CHECK(image(1, 2, 0) == 1.0f);
  CHECK(image(0, 1, 0) == 0.2f);
}

TEST_CASE("load_image decodes every kind, depth and filter of PNG as stb does, interlaced or not") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.png";
  eigenesis::Rng rng(1);
  const auto byte = [&](eigenesis::Index below = 256) { return static_cast<std::uint8_t>(rng.below(below)); };
  using Depths = std::vector<std::uint8_t>;
  for (const auto& [kind, depths] : std::vector<std::pair<std::uint8_t, Depths>>{{std::uint8_t{0}, {1, 2, 4, 8, 16}},
                                                                                 {std::uint8_t{2}, {8, 16}},
                                                                                 {std::uint8_t{3}, {1, 2, 4, 8}},
                                                                                 {std::uint8_t{4}, {8, 16}},
                                                                                 {std::uint8_t{6}, {8, 16}}})
    for (const std::uint8_t depth : depths)
      for (int turn = 0; turn < 40; ++turn) {
        const std::uint8_t width = static_cast<std::uint8_t>(1 + byte(20)),
                           height = static_cast<std::uint8_t>(1 + byte(20));
        const std::uint8_t interlace = turn % 2 == 1;
        const eigenesis::Index samples = kind == 2 ? 3 : kind == 4 ? 2 : kind == 6 ? 4 : 1;
        Bytes rows, palette;
        for (const auto& pass : eigenesis::detail::png_passes(interlace == 1))
          for (eigenesis::Index y = pass.y; y < height && pass.x < width; y += pass.dy) {
            rows.push_back(byte(5));
            for (eigenesis::Index i = 0; i < (pass.width(width) * samples * depth + 7) / 8; ++i) rows.push_back(byte());
          }
        for (int i = 0; i < 768; ++i) palette.push_back(byte());
        Bytes file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
        const auto append = [&](const char* type, const Bytes& content) {
          eigenesis::detail::append_chunk(file, type, content);
        };
        append("IHDR", {0, 0, 0, width, 0, 0, 0, height, depth, kind, 0, 0, interlace});
        if (kind == 3) append("PLTE", palette);
        append("IDAT", eigenesis::detail::zlib_compress(rows));
        append("IEND", {});
        write_bytes(path, file);
        INFO("kind " << int{kind} << ", depth " << int{depth} << ", " << int{height} << " x " << int{width});

        int w = 0, h = 0, stored = 0;
        const std::unique_ptr<stbi_us, void (*)(void*)> expected(stbi_load_16(path.c_str(), &w, &h, &stored, 0),
                                                                 &stbi_image_free);
        REQUIRE(expected != nullptr);
        const eigenesis::Tensor<float, 3> image = eigenesis::load_image(path);
        REQUIRE(image.shape() == eigenesis::Shape<3>{h, w, stored < 3 ? 1 : 3});
        bool same = true;
        for (eigenesis::Index i = 0; i < image.size(); ++i)
          same = same &&
                 image.data()[i] ==
                     static_cast<float>(expected.get()[i / image.shape(2) * stored + i % image.shape(2)]) / 65535.0f;
        CHECK(same);
      }
}
