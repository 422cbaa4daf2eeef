// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <numbers>

#include "catch.hpp"

using namespace eigenesis;

namespace {

/// Two images [2, height, width, 1] of pixels value(y, x): the second is five times the first, so 25 times as sharp.
template <class F>
Tensor<double, 4> images(Index height, Index width, F value) {
  Tensor<double, 4> result(Shape{Index{2}, height, width, Index{1}});
  for (Index i = 0; i < 2; ++i)
    for (Index y = 0; y < height; ++y)
      for (Index x = 0; x < width; ++x)
        result(i, y, x, 0) = (i == 0 ? 1 : 5) * value(static_cast<double>(y), static_cast<double>(x));
  return result;
}

void check_sharpness(const Tensor<double, 1>& found, double expected) {
  REQUIRE(found.size() == 2);
  CHECK_THAT(found(0), WithinAbs(expected, 1e-12));
  CHECK_THAT(found(1), WithinAbs(25 * expected, 25e-12));
}

}  // namespace

TEST_CASE("The sharpness of an image is the variance of its Laplacian", "[metrics]") {
  check_sharpness(sharpness(images(5, 6, [](double y, double x) { return 2 + 3 * y - x; })), 0);
  check_sharpness(sharpness(images(5, 6, [](double y, double x) { return x * x - 2 * y * y; })), 0);  // always -2
  // -4 at the point, 1 beside it, 0 at the other 7 of 4 x 3 inner pixels.
  check_sharpness(sharpness(images(6, 5, [](double y, double x) { return y == 3 && x == 2 ? 1.0 : 0.0; })), 20.0 / 12);
  // At the border it is seen by one inner pixel only, in the corner by none.
  check_sharpness(sharpness(images(6, 5, [](double y, double x) { return y == 0 && x == 2 ? 1.0 : 0.0; })),
                  1.0 / 12 - 1.0 / 144);
  check_sharpness(sharpness(images(6, 5, [](double y, double x) { return y == 0 && x == 4 ? 1.0 : 0.0; })), 0);
  // A chessboard of +1 and -1 has Laplacians of -8 and +8.
  check_sharpness(sharpness(images(4, 6, [](double y, double x) { return std::fmod(x + y, 2) == 0 ? 1.0 : -1.0; })),
                  64);
  // x^3 has the second difference 6 x, here at x = 1, 2, 3: of variance 36 * 2 / 3.
  check_sharpness(sharpness(images(3, 5, [](double, double x) { return x * x * x; })), 24);
}

TEST_CASE("A blurred wave loses as much sharpness as its Laplacian says", "[metrics]") {
  // cos(w x) has the Laplacian (2 cos(w) - 2) cos(w x), of mean 0 and mean square 1/2 over whole periods.
  const double frequency = 2 * std::numbers::pi / GENERATE(4, 8, 16);
  const auto wave = images(3, 18, [&](double, double x) { return std::cos(frequency * x); });
  const double factor = 2 * std::cos(frequency) - 2;
  check_sharpness(sharpness(wave), factor * factor / 2);
}

TEST_CASE("Sharpness takes all channels of an image together and images in rows", "[metrics]") {
  Tensor<float, 4> two_channels(Shape{1, 3, 3, 2}, 0.0f);
  two_channels(0, 1, 1, 0) = 1;  // Laplacians -4 and 0
  CHECK(sharpness(two_channels)(0) == 4);
  Tensor<float, 2> rows(Shape{2, 16}, 0.0f);
  rows(1, 5) = 1;  // -4, 1, 1, 0
  CHECK(sharpness(rows)(0) == 0);
  CHECK(sharpness(rows)(1) == 18.0 / 4 - 0.25);
}

TEST_CASE("Sharpness names images that are too small or not square", "[metrics]") {
  CHECK_THROWS_MATCHES(
      sharpness(Tensor<float, 4>(Shape{1, 2, 5, 1}, 0.0f)), ShapeError,
      Message("sharpness: expected images of shape [N, H, W, C] with H and W >= 3 but got [1, 2, 5, 1]"));
  CHECK_THROWS_MATCHES(sharpness(Tensor<float, 2>(Shape{3, 15}, 0.0f)), ShapeError,
                       Message("sharpness: expected rows of square images but got shape [3, 15]"));
}
