// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/pictures/heat_map.hpp>
#include <eigenesis/pictures/histogram.hpp>

#include "catch.hpp"
#include "files.hpp"
#include "locale.hpp"

using namespace eigenesis;

namespace {

struct Box {
  Index count = 0, left = 1 << 20, top = 1 << 20, right = -1, bottom = -1;
};
/// Where the pixels of a colour are, from some column on.
Box box_of(const Picture& picture, unsigned hex, Index first_column = 0, Index end_column = 1 << 20) {
  Box box;
  for (Index y = 0; y < picture.height; ++y)
    for (Index x = first_column; x < std::min(end_column, picture.width); ++x) {
      int distance = 0;
      for (Index c = 0; c < 3; ++c)
        distance =
            std::max(distance, std::abs(picture.pixels[static_cast<std::size_t>(3 * (y * picture.width + x) + c)] -
                                        static_cast<int>(hex >> (16 - 8 * c) & 255)));
      if (distance > 6) continue;
      ++box.count;
      box.left = std::min(box.left, x);
      box.right = std::max(box.right, x);
      box.top = std::min(box.top, y);
      box.bottom = std::max(box.bottom, y);
    }
  return box;
}
std::array<int, 3> pixel(const Picture& picture, Index x, Index y) {
  const auto at = static_cast<std::size_t>(3 * (y * picture.width + x));
  return {picture.pixels[at], picture.pixels[at + 1], picture.pixels[at + 2]};
}

/// The frame of the axes: rows and columns of which more than half has its colour.
Box frame_of(const Picture& picture) {
  Box frame;
  const auto is_frame = [&](Index x, Index y) {
    return box_of({1,
                   1,
                   3,
                   {picture.pixels.begin() + 3 * (y * picture.width + x),
                    picture.pixels.begin() + 3 * (y * picture.width + x) + 3}},
                  0x9aa1ac)
               .count == 1;
  };
  for (Index y = 0; y < picture.height; ++y) {
    Index count = 0;
    for (Index x = 0; x < picture.width; ++x) count += is_frame(x, y);
    if (2 * count <= picture.width) continue;
    frame.top = std::min(frame.top, y);
    frame.bottom = y;
  }
  for (Index x = 0; x < picture.width; ++x) {
    Index count = 0;
    for (Index y = 0; y < picture.height; ++y) count += is_frame(x, y);
    if (2 * count <= picture.height) continue;
    frame.left = std::min(frame.left, x);
    frame.right = x;
  }
  return frame;
}

constexpr unsigned first_colour = 0x2f6fb0, second_colour = 0xe0782c, third_colour = 0x3a9d5d;

}  // namespace

TEST_CASE("The key of a scatter stands beside it and shows each class in its colour") {
  const Tensor<float, 2> points(Shape{3, 2}, {-1, 1, 0, 0, 1, -1});
  const Picture without = draw_scatter(points, {.labels = {0, 1, 2}});
  const Picture with = draw_scatter(points, {.labels = {0, 1, 2}, .names = {"one", "two", "three"}});
  CHECK(with.height == without.height);
  CHECK(with.width == without.width + static_cast<Index>(std::ceil(detail::Canvas::text_width("three", 10))) + 30);
  for (Index y = 0; y < with.height; ++y)
    for (Index x = 0; x < 545; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        REQUIRE(std::abs(pixel(with, x, y)[c] - pixel(without, x, y)[c]) <= 8);  // but for the palette they are equal
  const unsigned colours[] = {first_colour, second_colour, third_colour};
  for (Index i = 0; i < 3; ++i) {
    const Box disc = box_of(with, colours[i], 545);
    INFO("class " << i);
    CHECK_THAT(static_cast<double>(disc.count), WithinAbs(3.14 * 25, 15.0));
    CHECK_THAT(0.5 * static_cast<double>(disc.top + disc.bottom + 1),
               WithinAbs(18 + 20 * (static_cast<double>(i) + 0.5), 1.0));
  }
}

TEST_CASE("A scatter has one size for all data, and its axes one scale") {
  const auto draw = [](float x, float y) {
    return draw_scatter(Tensor<float, 2>(Shape{2, 2}, {-x, -y, x, y}), {.radius = 6});
  };
  const Picture first = draw(1, 1);
  for (const float far : {0.0001f, 0.013f, 0.5f, 7.f, 1234.f, 123456.f, 7.3e10f}) {
    const Picture other = draw(far, 0.77f * far);
    CAPTURE(far, other.width, other.height, first.width, first.height);
    CHECK((other.width == first.width && other.height == first.height));
    // The leftmost dot is as far from the middle as the lowest one, by 1 to 0.77.
    const Box dots = box_of(other, 0x7fa6ce);  // 0.6 of the first colour, 0.4 of the paper
    const double wide = static_cast<double>(dots.right - dots.left), high = static_cast<double>(dots.bottom - dots.top);
    CHECK_THAT((high - 12) / (wide - 12), WithinAbs(0.77, 0.01));
  }
}

TEST_CASE("A vector field has an arrow from each point to where its vector leads") {
  // The axes go from -2 to 2 over so many pixels; the middle is where a dot at 0 is.
  const auto draw = [](double x, double y, double scale) {
    return draw_scatter(Tensor<float, 2>(Shape{2, 2}, {0, 0, 5, 5}),
                        {.limit = 2,
                         .vectors = Tensor<float, 2>(Shape{2, 2}, {static_cast<float>(x), static_cast<float>(y), 0, 0}),
                         .arrow_scale = scale});
  };
  const Picture dot = draw_scatter(Tensor<float, 2>(Shape{4, 2}, {0, 0, 0, 0, 0, 0, 0, 0}), {.limit = 2, .radius = 3});
  const Box frame = frame_of(dot);
  const double unit = static_cast<double>(frame.right - frame.left - 1) / 4;
  const double middle = 0.5 * static_cast<double>(frame.left + frame.right + 1);
  const double half = 0.5 * static_cast<double>(frame.top + frame.bottom + 1);
  const auto blue = [](Picture picture) {  // lines are paler than their colour where they cover a part of a pixel
    for (std::size_t i = 0; i < picture.pixels.size(); i += 3)
      if (picture.pixels[i + 2] - picture.pixels[i] > 50) {
        picture.pixels[i] = 0x2f;
        picture.pixels[i + 1] = 0x6f;
        picture.pixels[i + 2] = 0xb0;
      }
    return box_of(picture, first_colour);
  };
  const auto near = [&](Index pixel, double target) {
    CHECK_THAT(static_cast<double>(pixel) + 0.5, WithinAbs(target, 2.5));
  };
  const Box right = blue(draw(1, 0, 1)), up = blue(draw(0, 0.5, 2));
  near(right.left, middle);
  near(right.right, middle + unit);
  near(right.top, half - 3);  // the head
  near(right.bottom, half + 3);
  near(up.top, half - unit);
  near(up.bottom, half);
  // Sixteen points on the square of side 4 are 1 apart: the longest arrow is as long.
  Tensor<float, 2> vectors(Shape{16, 2}, 0.0f);
  vectors(3, 0) = -7;
  near(blue(draw_scatter(Tensor<float, 2>(Shape{16, 2}, 0.0f), {.limit = 2, .vectors = vectors})).left, middle - unit);
  CHECK_THROWS_MATCHES(
      draw_scatter(Tensor<float, 2>(Shape{2, 2}, 0.0f), {.vectors = Tensor<float, 2>(Shape{1, 2}, 0.0f)}), ShapeError,
      Message("draw_scatter: expected 2 vectors, one for each point, but got 1"));
  CHECK_THROWS_MATCHES(
      draw_scatter(Tensor<float, 2>(Shape{1, 2}, 0.0f), {.vectors = Tensor<float, 2>(Shape{1, 2}, NAN)}), NumericError,
      Message("draw_scatter: expected finite vectors but got nan or inf"));
  CHECK_THROWS_MATCHES(draw_scatter(Tensor<float, 2>(Shape{1, 2}, 0.0f), {.arrow_scale = -1}), ArgumentError,
                       Message("draw_scatter: expected arrow_scale >= 0 but got -1"));
}

TEST_CASE("A key of many names has several columns, and 64 classes have 64 colours") {
  double nearest = 1;
  for (std::size_t i = 0; i < 64; ++i)
    for (std::size_t k = 0; k < i; ++k) {
      const auto a = detail::series_colour(i).rgb, b = detail::series_colour(k).rgb;
      nearest = std::min(nearest, std::hypot(double{a[0] - b[0]}, double{a[1] - b[1]}, double{a[2] - b[2]}));
    }
  CHECK(nearest > 0.12);
  Tensor<float, 2> points(Shape{62, 2});
  std::vector<int> labels;
  std::vector<std::string> names;
  for (Index i = 0; i < 62; ++i) {
    labels.push_back(static_cast<int>(i));
    names.push_back(std::to_string(i));
    points(i, 0) = static_cast<float>(i % 8);
    points(i, 1) = static_cast<float>(i / 8);
  }
  const Picture picture = draw_scatter(points, {.labels = labels, .names = names});
  const Index column = static_cast<Index>(std::ceil(detail::Canvas::text_width("00", 10))) + 30;
  CHECK(picture.width == 560 + 3 * column);  // of 23 names
  for (Index i = 0; i < 3; ++i) {
    const Index x = 560 - 20 + 14 + 5 + i * column, y = 18 + 10;
    const auto [red, green, blue] = pixel(picture, x, y);
    std::size_t found = 64;
    double least = 40;
    for (std::size_t k = 0; k < 62; ++k) {
      const auto c = detail::series_colour(k).rgb;
      const double distance = std::hypot(255.0 * c[0] - red, 255.0 * c[1] - green, 255.0 * c[2] - blue);
      if (distance < least) found = k, least = distance;
    }
    INFO("column " << i << ", colour " << red << " " << green << " " << blue);
    CHECK(found == static_cast<std::size_t>(23 * i));
  }
}

TEST_CASE("The axes of a scatter show the limits that they are given, each for itself") {
  // The dot at (1, 15) is in the middle of x, and at a quarter of y from above; that at (3, 0) is beyond the axes.
  const Tensor<float, 2> points(Shape{2, 2}, {1, 15, 3, 0});
  const Picture both = draw_scatter(points, {.x_limits = {0, 2}, .y_limits = {-15, 25}, .radius = 6});
  constexpr unsigned dots = 0x7fa6ce;  // 0.6 of the first colour, 0.4 of the paper
  const Box frame = frame_of(both), dot = box_of(both, dots);
  const auto middle = [](Index low, Index high) { return 0.5 * static_cast<double>(low + high + 1); };
  CHECK_THAT(middle(dot.left, dot.right), WithinAbs(middle(frame.left, frame.right), 1.0));
  CHECK_THAT(middle(dot.top, dot.bottom),
             WithinAbs(static_cast<double>(frame.top) + 0.25 * static_cast<double>(frame.bottom - frame.top), 1.5));
  CHECK(dot.right - dot.left <= 13);
  // Only x is given: y shows the points, 6 % wider.
  const Picture one = draw_scatter(points, {.x_limits = {0, 4}, .radius = 6});
  const Box two = box_of(one, dots), around = frame_of(one);
  CHECK_THAT(middle(two.left, two.right), WithinAbs(middle(around.left, around.right), 1.0));
  const double height = static_cast<double>(around.bottom - around.top);
  CHECK_THAT(static_cast<double>(two.top + 6 - around.top), WithinAbs(0.03 / 1.06 * height, 2.0));
  CHECK_THAT(static_cast<double>(around.bottom - two.bottom + 6), WithinAbs(0.03 / 1.06 * height, 2.0));

  CHECK_THROWS_MATCHES(draw_scatter(points, {.limit = 1, .x_limits = {0, 4}}), ArgumentError,
                       Message("draw_scatter: expected a limit, or x_limits and y_limits, but got both"));
  CHECK_THROWS_MATCHES(draw_scatter(points, {.y_limits = {4, 0}}), ArgumentError,
                       Message("draw_scatter: expected limits low < high but got 4 and 0"));
}

TEST_CASE("A picture is the same in every locale") {
  const auto draw = [] {
    const Tensor<float, 2> points(Shape{2, 2}, {0.25f, -0.5f, 0.75f, 0.5f});
    std::vector<Picture> pictures{draw_scatter(points), draw_chart({{"a", {0.001, 0.5, 1.5}}}, {.logarithmic = true}),
                                  draw_chart({{"a", {1e-9, 2.5e-9}}}), draw_heat_map(points)};
    std::vector<std::vector<std::uint8_t>> pixels;
    for (Picture& picture : pictures) pixels.push_back(std::move(picture.pixels));
    return pixels;
  };
  const auto before = draw();
  const CommaLocale comma;
  CHECK(draw() == before);
}

TEST_CASE("Names that do not fit a scatter are refused") {
  const Tensor<float, 2> points(Shape{2, 2}, 0.0f);
  CHECK_THROWS_MATCHES(draw_scatter(points, {.labels = {0, 2}, .names = {"a", "b"}}), ArgumentError,
                       Message("draw_scatter: expected a name for each label but got 2 names and the label 2"));
  CHECK_THROWS_MATCHES(draw_scatter(points, {.names = {"a"}}), ArgumentError,
                       Message("draw_scatter: expected labels for the names but got none"));
  const std::vector<std::string> long_names(9, "a name that is rather long");
  CHECK_THROWS_WITH(draw_scatter(points, {.labels = {0, 1}, .size = 120, .names = long_names}),
                    ContainsSubstring("draw_scatter: expected names whose key is at most twice as wide as the picture, "
                                      "240, but got one of ") &&
                        ContainsSubstring(" for 9 names; give it a greater size"));
}

TEST_CASE("A chart shows what is within its limits, where it belongs") {
  const Series dots{"dots", {0.5, 0.5, 2, 0.5}, {5, 30, 5, -3}, Marks::dots};  // three are beyond
  const Picture picture = draw_chart({dots}, {.x_limits = {0, 10}, .y_limits = {0, 1}});
  const Box dot = box_of(picture, first_colour), frame = frame_of(picture);
  CHECK_THAT(static_cast<double>(dot.count), WithinAbs(3.14 * 3.5 * 3.5, 12.0));
  CHECK_THAT(static_cast<double>(dot.left + dot.right), WithinAbs(static_cast<double>(frame.left + frame.right), 2.0));
  CHECK_THAT(static_cast<double>(dot.top + dot.bottom), WithinAbs(static_cast<double>(frame.top + frame.bottom), 2.0));

  const Series line{"line", {-9, 11}, {-9, 11}, Marks::line};  // from corner to corner, and beyond
  const Picture diagonal = draw_chart({line}, {.x_limits = {0, 2}, .y_limits = {0, 2}});
  const Box inside = box_of(diagonal, first_colour), edges = frame_of(diagonal);
  CHECK(inside.left > edges.left);
  CHECK(inside.right < edges.right);
  CHECK(inside.top > edges.top);
  CHECK(inside.bottom < edges.bottom);
  CHECK(inside.right - inside.left > edges.right - edges.left - 8);

  // On a logarithmic axis, 10 is the middle of 1 and 100.
  const Picture logarithmic =
      draw_chart({{"dots", {10}, {10}, Marks::dots}},
                 {.logarithmic = true, .logarithmic_x = true, .x_limits = {1, 100}, .y_limits = {1, 100}});
  const Box middle = box_of(logarithmic, first_colour), around = frame_of(logarithmic);
  CHECK_THAT(static_cast<double>(middle.left + middle.right),
             WithinAbs(static_cast<double>(around.left + around.right), 2.0));
  CHECK_THAT(static_cast<double>(middle.top + middle.bottom),
             WithinAbs(static_cast<double>(around.top + around.bottom), 2.0));

  CHECK_THROWS_MATCHES(draw_chart({dots}, {.x_limits = {3, 1}}), ArgumentError,
                       Message("draw_chart: expected limits low < high but got 3 and 1"));
  CHECK_THROWS_MATCHES(draw_chart({dots}, {.logarithmic = true, .y_limits = {-1, 1}}), ArgumentError,
                       Message("draw_chart: expected limits low < high, positive, but got -1 and 1"));
}

TEST_CASE("The marks of a series are a line, dots or both") {
  const auto count = [](Marks marks, std::size_t size) {
    Series series{"level", std::vector<double>(size, 1.0), {}, marks};
    return static_cast<double>(box_of(draw_chart({series}), first_colour).count);
  };
  const double line = count(Marks::line, 10), dots = count(Marks::dots, 10), both = count(Marks::line_and_dots, 10);
  CHECK_THAT(dots, WithinAbs(10 * 3.14 * 3.5 * 3.5, 90.0));
  CHECK(line > 1000);
  CHECK(both > line + 150);
  CHECK(both < line + dots);
  CHECK(count(Marks::automatic, 10) == both);
  CHECK(count(Marks::automatic, 100) == count(Marks::line, 100));
  CHECK(count(Marks::line, 1000) > count(Marks::automatic, 1000) - 100);  // a level line, and its mean
}

TEST_CASE("The legend of a chart stands beside it if it would hide something everywhere else") {
  Series saw{"saw", {}, {}, Marks::line};
  for (int i = 0; i < 60; ++i) saw.add(i, i % 2);
  const Series flat{"flat", {0.5, 0.5}, {20, 40}, Marks::line};
  const Picture picture = draw_chart({saw, flat});
  const Box frame = frame_of(picture);
  CHECK(frame.right < 720);
  CHECK(box_of(picture, first_colour, frame.right + 1).count > 30);
  CHECK(box_of(picture, second_colour, frame.right + 1).count > 30);
  // Where there is room in a corner it stands there.
  const Picture free = draw_chart({{"low", {0, 0, 0}, {0, 1, 2}}, {"high", {1}, {0}}});
  CHECK(frame_of(free).right == 776);
}

TEST_CASE("A heat map has the first row at the bottom and the colours of its scale") {
  const Tensor<double, 2> values(Shape{2, 2}, {0.0, 1.0, 2.0, 3.0});
  const HeatMapOptions size{.width = 400, .height = 400};
  const Picture picture = draw_heat_map(values, size);
  const auto quarter = [](const Picture& p, int column, int row) {  // from the bottom
    const Box frame = frame_of(p);
    return pixel(p, frame.left + (1 + 2 * column) * (frame.right - frame.left) / 4,
                 frame.bottom - (1 + 2 * row) * (frame.bottom - frame.top) / 4);
  };
  using Rgb = std::array<int, 3>;
  CHECK(quarter(picture, 0, 0) == Rgb{0x44, 0x01, 0x54});
  CHECK(quarter(picture, 1, 1) == Rgb{0xfd, 0xe7, 0x25});
  // A third of the way, 2 2/3 of eight stops: between 0x3b528b and 0x2c728e.
  CHECK(quarter(picture, 1, 0) == Rgb{0x31, 0x67, 0x8d});
  // Two thirds, 5 1/3 of eight stops: between 0x28ae80 and 0x5ec962.
  CHECK(quarter(picture, 0, 1) == Rgb{0x3a, 0xb7, 0x76});
  const Box scale = box_of(picture, 0xfde725, frame_of(picture).right + 1);
  CHECK(scale.right - scale.left == 15);

  const Picture clamped = draw_heat_map(Tensor<double, 2>(Shape{2, 2}, {-9.0, 99.0, NAN, 1.0}),
                                        {.colours = {0, 1}, .width = 400, .height = 400});
  CHECK(quarter(clamped, 0, 0) == Rgb{0x44, 0x01, 0x54});
  CHECK(quarter(clamped, 1, 0) == Rgb{0xfd, 0xe7, 0x25});
  CHECK(quarter(clamped, 0, 1) == Rgb{0xb8, 0xbc, 0xc4});
  CHECK(quarter(clamped, 1, 1) == Rgb{0xfd, 0xe7, 0x25});

  CHECK_THROWS_MATCHES(draw_heat_map(Tensor<float, 2>(Shape{0, 2})), ShapeError,
                       Message("draw_heat_map: expected values of shape [rows, columns] but got [0, 2]"));
  CHECK_THROWS_MATCHES(draw_heat_map(Tensor<float, 2>(Shape{1, 2}, NAN)), ArgumentError,
                       Message("draw_heat_map: expected at least one finite value but got none"));
  CHECK_THROWS_MATCHES(draw_heat_map(values, {.colours = {2, 1}}), ArgumentError,
                       Message("draw_heat_map: expected limits low < high but got 2 and 1"));
  CHECK_THROWS_MATCHES(draw_heat_map(values, {.width = 1}), ArgumentError,
                       Message("draw_heat_map: expected a size from 200 x 150 to 8192 x 8192 but got 1 x 560"));
}

TEST_CASE("A histogram shows densities") {
  // Two bins of width 1/2: three of four numbers are in the first, so its density is 3/4 / (1/2).
  const std::vector<double> numbers{0.0, 0.1, 0.4, 0.9};
  const Picture picture = draw_histogram({{"numbers", numbers}}, {.bins = 2, .x_limits = {0, 1}});
  const Box frame = frame_of(picture);
  const auto middle = 0.5 * static_cast<double>(frame.left + frame.right);
  const double height = static_cast<double>(frame.bottom - frame.top - 1) / 1.06;  // of the highest bin
  const auto top = [&](Index first, Index end) {
    return static_cast<double>(frame.bottom - box_of(picture, first_colour, first, end).top);
  };
  CHECK_THAT(top(frame.left, static_cast<Index>(middle) - 5), WithinAbs(height, 2.5));
  CHECK_THAT(top(static_cast<Index>(middle) + 5, frame.right), WithinAbs(height / 3, 2.5));

  const auto densities = [](std::vector<double> values, double low, double high, Index bins) {
    return detail::densities(values, {low, high}, bins);
  };
  CHECK(densities(numbers, 0, 1, 2) == std::vector<double>{1.5, 0.5});
  CHECK(densities({0, 1, 2, 3}, 0, 2, 2) == std::vector<double>{0.25, 0.5});  // 3 is beyond, but one of four
  CHECK(densities({0, 2, 2, 2}, 0, 2, 1) == std::vector<double>{0.5});

  CHECK_THROWS_MATCHES(draw_histogram({}), ArgumentError,
                       Message("draw_histogram: expected sets of numbers but got none"));
  CHECK_THROWS_MATCHES(draw_histogram({{"a", {}}}), ArgumentError,
                       Message("draw_histogram: expected values and no x in each set but got 0 and 0 for a"));
  CHECK_THROWS_MATCHES(draw_histogram({{"a", {1, INFINITY}}}), NumericError,
                       Message("draw_histogram: expected finite numbers but got inf for a"));
  CHECK_THROWS_MATCHES(draw_histogram({{"a", {1}}}, {.bins = 0}), ArgumentError,
                       Message("draw_histogram: expected bins in [1, 10000] but got 0"));
}

TEST_CASE("draw_frames gives the picture of each image") {
  Tensor<float, 4> images(Shape{3, 2, 2, 1});
  for (Index i = 0; i < 12; ++i) images.data()[i] = static_cast<float>(i) / 12;
  const GridOptions look{.padding = 1, .scale = 2};
  const std::vector<Picture> frames = draw_frames(images, look);
  REQUIRE(frames.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const Tensor<float, 4> one(Shape{1, 2, 2, 1}, images.values().subspan(4 * i, 4));
    CHECK(frames[i].pixels == draw_grid(one, look).pixels);
  }
  CHECK(draw_frames(images.reshaped(Shape{3, 4}), look)[2].pixels == frames[2].pixels);
  CHECK_THROWS_MATCHES(draw_frames(Tensor<float, 2>(Shape{1, 5}, 0.0f)), ShapeError,
                       Message("draw_frames: expected rows of square images, or .height and .width that fit, but got "
                               "images of shape [1, 5], height 0 and width 0"));
  CHECK(draw_frames(Tensor<float, 2>(Shape{0, 4})).empty());
}
