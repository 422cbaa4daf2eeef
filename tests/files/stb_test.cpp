// SPDX-License-Identifier: MIT
// A program with a stb of its own, in a configuration that differs from the library's.
#include <eigenesis/eigenesis.hpp>

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
  const eigenesis::Tensor<float, 3> image = eigenesis::load_png(png);
  REQUIRE(image.shape() == eigenesis::Shape<3>{2, 3, 1});
  CHECK(image(1, 2, 0) == 1.0f);
  CHECK(image(0, 1, 0) == 0.2f);
}
