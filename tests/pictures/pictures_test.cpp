// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

Index count_pixels(const Tensor<float, 3>& image, unsigned hex) {
  Index count = 0;
  for (Index i = 0; i < image.size() / 3; ++i) {
    float distance = 0;
    for (Index c = 0; c < 3; ++c)
      distance =
          std::max(distance, std::abs(255 * image.data()[3 * i + c] - static_cast<float>(hex >> (16 - 8 * c) & 255)));
    count += distance < 3;
  }
  return count;
}

constexpr unsigned first_colour = 0x2f6fb0, second_colour = 0xe0782c, third_colour = 0x3a9d5d;

}  // namespace

TEST_CASE("save_png and load_image are inverse up to 8 bits") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.png";
  for (const Index channels : {1, 3}) {
    Tensor<float, 3> image(Shape{Index{5}, Index{7}, channels});
    for (Index i = 0; i < image.size(); ++i) image.data()[i] = static_cast<float>(i * 37 % 256) / 255.0f;
    save_png(path, image);
    const Tensor<float, 3> loaded = load_image(path);
    REQUIRE(loaded.shape() == image.shape());
    CHECK((loaded.array() == image.array()).all());
  }
  CHECK(directory.file_count() == 1);
}

TEST_CASE("save_png rounds, cuts off if asked and takes the range of a tanh") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.png";
  save_png(path, Tensor<double, 3>(Shape{1, 5, 1}, {-3.0, 0.4999 / 255, 0.5001 / 255, 1.0, INFINITY}), {.clip = true});
  CHECK((load_image(path).array() * 255).round().matrix() == Eigen::VectorXf{{0, 0, 1, 255, 255}});
  save_png(path, Tensor<float, 3>(Shape{1, 3, 1}, {-1.0f, 0.0f, 1.0f}), {-1, 1});
  CHECK((load_image(path).array() * 255).round().matrix() == Eigen::VectorXf{{0, 128, 255}});
  save_png(path, Tensor<float, 3>(Shape{1, 2, 1}, {-1e-6f, 1 + 1e-6f}));  // rounding
  CHECK(load_image(path).array().matrix() == Eigen::VectorXf{{0, 1}});
}

TEST_CASE("Pixels outside of the range are refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.png", options =
                                                    "; give the range that they have, as {-1, 1} after a tanh, or "
                                                    "set its .clip";
  CHECK_THROWS_MATCHES(save_grid(path, Tensor<float, 2>(Shape{1, 4}, {0.0f, 1.0f, -0.5f, -1.0f})), ArgumentError,
                       Message("save_grid: expected pixels in [0, 1] but got -0.5" + options));
  CHECK_THROWS_MATCHES(draw_grid(Tensor<double, 4>(Shape{1, 1, 1, 1}, 255.0)), ArgumentError,
                       Message("draw_grid: expected pixels in [0, 1] but got 255" + options));
  CHECK_THROWS_MATCHES(save_png(path, Tensor<double, 3>(Shape{1, 1, 1}, 1.0001)), ArgumentError,
                       Message("save_png: expected pixels in [0, 1] but got 1.0001" + options));
  CHECK_THROWS_MATCHES(draw_image(Tensor<double, 3>(Shape{1, 1, 1}, -INFINITY), {-1, 1}), ArgumentError,
                       Message("draw_image: expected pixels in [-1, 1] but got -inf" + options));
  CHECK(draw_grid(Tensor<double, 4>(Shape{1, 1, 1, 1}, 255.0), {.padding = 0, .range = {.clip = true}}).pixels ==
        Bytes{255});
  CHECK(directory.file_count() == 0);
}

TEST_CASE("save_grid puts 8 images in a row with 2 pixels around each") {
  const TemporaryDirectory directory;
  const std::string path = directory / "grid.png";
  Tensor<float, 2> digits(Shape{64, 784});
  for (Index i = 0; i < 64; ++i) digits.matrix().row(i).setConstant(static_cast<float>(i + 100) / 255.0f);
  save_grid(path, digits);
  const Tensor<float, 3> grid = load_image(path);
  REQUIRE(grid.shape() == Shape<3>{242, 242, 1});  // torchvision: (28 + 2) * 8 + 2
  for (Index y = 0; y < 242; ++y)
    for (Index x = 0; x < 242; ++x) {
      const bool padding = y % 30 < 2 || x % 30 < 2;
      REQUIRE(std::lround(255 * grid(y, x, 0)) == (padding ? 0 : 100 + 8 * (y / 30) + x / 30));
    }
}

TEST_CASE("save_grid leaves room free, takes colours, sizes, range and scale") {
  const TemporaryDirectory directory;
  const std::string path = directory / "grid.png";
  save_grid(path, Tensor<float, 4>(Shape{5, 3, 4, 3}, 1.0f), {.columns = 3, .padding = 1});
  Tensor<float, 3> grid = load_image(path);
  REQUIRE(grid.shape() == Shape<3>{9, 16, 3});
  CHECK(grid.array().sum() == 5 * 3 * 4 * 3);
  CHECK(grid(5, 11, 0) == 0);  // where a sixth image would be

  save_grid(path, Tensor<float, 2>(Shape{2, 12}, 0.0f),
            {.padding = 0, .height = 3, .width = 4, .scale = 2, .range = {-1, 1}});
  grid = load_image(path);
  REQUIRE(grid.shape() == Shape<3>{6, 16, 1});
  CHECK((grid.array() == 128.0f / 255).all());

  save_grid(path, Tensor<float, 2>(Shape{2, 36}, 1.0f), {.height = 3, .width = 4});
  CHECK(load_image(path).shape() == Shape<3>{7, 14, 3});
}

TEST_CASE("Images of wrong shapes or values are refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.png";
  CHECK_THROWS_MATCHES(save_png(path, Tensor<float, 3>(Shape{2, 3, 2}, 0.0f)), ShapeError,
                       Message("save_png: expected an image of shape [H, W, 1] or [H, W, 3] but got [2, 3, 2]"));
  CHECK_THROWS_MATCHES(save_png(path, Tensor<float, 3>(Shape{0, 3, 1})), ShapeError,
                       Message("save_png: expected an image of shape [H, W, 1] or [H, W, 3] but got [0, 3, 1]"));
  CHECK_THROWS_MATCHES(save_png(path, Tensor<float, 3>(Shape{1, 2, 1}, {0.0f, NAN})), NumericError,
                       Message("save_png: expected pixels that are numbers but got nan"));
  CHECK_THROWS_MATCHES(save_png(path, Tensor<float, 3>(Shape{1, 1, 1}, 0.0f), {1, 0}), ArgumentError,
                       Message("save_png: expected low < high but got 1 and 0"));
  CHECK_THROWS_MATCHES(
      save_grid(path, Tensor<float, 4>(Shape{1, 2, 3, 4}, 0.0f)), ShapeError,
      Message("save_grid: expected images of shape [N, H, W, 1] or [N, H, W, 3] but got [1, 2, 3, 4]"));
  CHECK_THROWS_MATCHES(save_grid(path, Tensor<float, 2>(Shape{1, 10}, 0.0f)), ShapeError,
                       Message("save_grid: expected rows of square images, or .height and .width that fit, but got "
                               "images of shape [1, 10], height 0 and width 0"));
  CHECK_THROWS_MATCHES(save_grid(path, Tensor<float, 2>(Shape{1, 12}, 0.0f), {.height = 5, .width = 2}), ShapeError,
                       Message("save_grid: expected rows of square images, or .height and .width that fit, but got "
                               "images of shape [1, 12], height 5 and width 2"));
  CHECK_THROWS_MATCHES(save_grid(path, Tensor<float, 2>(Shape{1, 4}, 0.0f), {.columns = 0}), ArgumentError,
                       Message("save_grid: expected columns >= 1, padding >= 0 and scale >= 1 but got 0, 2 and 1"));
  CHECK_THROWS_MATCHES(save_grid(path, Tensor<float, 2>(Shape{1, 4}, NAN)), NumericError,
                       Message("save_grid: expected pixels that are numbers but got nan"));
  const Index huge = Index{1} << 62;
  for (const GridOptions& options : {GridOptions{.padding = huge}, GridOptions{.scale = huge}})
    CHECK_THROWS_AS(save_grid(path, Tensor<float, 2>(Shape{1, 4}, 0.0f), options), ShapeError);
  CHECK_THROWS_AS(save_grid(path, Tensor<float, 2>(Shape{1, 4}, 0.0f), {.height = huge, .width = huge}), ShapeError);
  CHECK_THROWS_AS(save_png(path, Picture{Index{1} << 32, Index{1} << 32, 1, {}}), ShapeError);
  CHECK_THROWS_MATCHES(save_grid(path, Tensor<float, 2>(Shape{1, 4}, 0.0f), {.scale = 10'000}), ShapeError,
                       Message("save_grid: expected a picture of at most 16384 x 16384 but got 60000 x 60000"));
  CHECK(directory.file_count() == 0);
}

TEST_CASE("A picture is written whole or not at all") {
  const TemporaryDirectory directory;
  const Tensor<float, 3> image(Shape{2, 2, 1}, 0.5f);
  CHECK_THROWS_MATCHES(save_png("no/such/folder/a.png", image), Error,
                       Message("save_png: expected a writable file but got 'No such file or directory' for "
                               "no/such/folder/a.png"));
  const std::string path = directory / "taken.png";
  std::filesystem::create_directory(path);
  CHECK_THROWS_MATCHES(save_png(path, image), Error,
                       Message("save_png: expected a writable file but got 'Is a directory' for " + path));
  CHECK(directory.file_count() == 1);  // no temporary file stays

  const std::string kept = directory / "kept.png";
  save_png(kept, image);
  const Bytes before = read_bytes(kept);
  CHECK_THROWS_AS(save_png(kept, Tensor<float, 3>(Shape{2, 2, 1}, NAN)), NumericError);
  CHECK(read_bytes(kept) == before);
  save_png(kept, Tensor<float, 3>(Shape{2, 2, 1}, 0.25f));
  CHECK(read_bytes(kept) != before);
  CHECK(directory.file_count() == 2);
}

TEST_CASE("save_scatter draws the points where they are") {
  const TemporaryDirectory directory;
  const std::string path = directory / "scatter.png";
  save_scatter(path, Tensor<float, 2>(Shape{2, 2}, {0.0f, 1.0f, 5.0f, 5.0f}), {.limit = 2, .radius = 8});
  const Tensor<float, 3> image = load_image(path);
  REQUIRE(image.shape(1) == 560);
  REQUIRE(image.shape(2) == 3);
  // One dot: it is nearly as blue as its colour where it was laid on with opacity 0.6, and x is 0 in the middle.
  Index count = 0;
  double x_sum = 0, y_sum = 0;
  for (Index y = 0; y < image.shape(0); ++y)
    for (Index x = 0; x < image.shape(1); ++x)
      if (image(y, x, 2) - image(y, x, 0) > 0.25f) {
        ++count;
        x_sum += static_cast<double>(x) + 0.5;
        y_sum += static_cast<double>(y) + 0.5;
      }
  CHECK_THAT(static_cast<double>(count), WithinAbs(3.14159 * 64, 20.0));  // the second point is beyond the limit
  const double left = x_sum / static_cast<double>(count), top = y_sum / static_cast<double>(count);
  save_scatter(path, Tensor<float, 2>(Shape{1, 2}, {0.0f, -1.0f}), {.limit = 2, .radius = 8});
  const Tensor<float, 3> below = load_image(path);
  CHECK(below(static_cast<Index>(top), static_cast<Index>(left), 0) > 0.8f);
  CHECK(count_pixels(below, 0xf7f8fa) > 200'000);
}

TEST_CASE("save_scatter colours classes and shows a second set in grey") {
  const TemporaryDirectory directory;
  const std::string path = directory / "scatter.png";
  Rng rng(3);
  const Tensor<float, 2> points = ring_of_gaussians(2, 2, 0.01).sample(400, rng);
  std::vector<int> labels;
  for (Index i = 0; i < 400; ++i) labels.push_back(points(i, 0) > 0 ? 1 : 0);
  save_scatter(path, points,
               {.title = "two classes", .labels = labels, .reference = ring_of_gaussians(4).modes(), .radius = 3});
  const Tensor<float, 3> image = load_image(path);
  CHECK(count_pixels(image, first_colour) > 10);
  CHECK(count_pixels(image, second_colour) > 10);
  CHECK(count_pixels(image, third_colour) == 0);
  CHECK(image.shape(0) > 500);
  CHECK(std::filesystem::file_size(path) < 20'000);
  save_scatter(path, Tensor<double, 2>(Shape{0, 2}));  // an empty plane
  CHECK(count_pixels(load_image(path), first_colour) == 0);
  save_scatter(path, Tensor<double, 2>(Shape{30, 2}, 7.0));  // all points in one place
  CHECK(count_pixels(load_image(path), first_colour) > 0);
}

TEST_CASE("save_scatter names wrong arguments") {
  const Tensor<float, 2> points(Shape{2, 2}, 0.0f);
  CHECK_THROWS_MATCHES(save_scatter("a.png", Tensor<float, 2>(Shape{2, 3}, 0.0f)), ShapeError,
                       Message("save_scatter: expected points of shape [N, 2] but got [2, 3]"));
  CHECK_THROWS_MATCHES(save_scatter("a.png", Tensor<float, 2>(Shape{2, 2}, NAN)), NumericError,
                       Message("save_scatter: expected finite points but got nan or inf"));
  CHECK_THROWS_MATCHES(save_scatter("a.png", points, {.reference = Tensor<float, 2>(Shape{4, 1}, 0.0f)}), ShapeError,
                       Message("save_scatter: expected reference points of shape [N, 2] but got [4, 1]"));
  CHECK_THROWS_MATCHES(save_scatter("a.png", points, {.labels = {1}}), ShapeError,
                       Message("save_scatter: expected 2 labels, one for each point, but got 1"));
  CHECK_THROWS_MATCHES(save_scatter("a.png", points, {.labels = {1, -1}}), ArgumentError,
                       Message("save_scatter: expected labels >= 0 but got -1"));
  CHECK_THROWS_MATCHES(save_scatter("a.png", points, {.radius = 0}), ArgumentError,
                       Message("save_scatter: expected radius > 0 and limit >= 0 but got 0 and 0"));
  CHECK_THROWS_MATCHES(save_scatter("a.png", points, {.size = 10}), ArgumentError,
                       Message("save_scatter: expected a size in [100, 8192] but got 10"));
}

TEST_CASE("save_chart draws each series in its colour") {
  const TemporaryDirectory directory;
  const std::string path = directory / "chart.png";
  const std::vector<double> falling{127.3, 115.8, 112.2, 109.6, 108.5}, rising{100, 103, 104, 106, 107};
  save_chart(path, {{"train", falling}, {"test", rising}},
             {.title = "VAE", .x_label = "epoch", .y_label = "nats per image", .width = 640, .height = 400});
  const Tensor<float, 3> image = load_image(path);
  REQUIRE(image.shape() == Shape<3>{400, 640, 3});
  CHECK(count_pixels(image, first_colour) > 500);
  CHECK(count_pixels(image, second_colour) > 500);
  CHECK(count_pixels(image, third_colour) == 0);
  CHECK(std::filesystem::file_size(path) < 20'000);

  // A series that is nan in between has a gap, and of many points the line is the mean.
  save_chart(path, {{"gap", {1, NAN, 2, INFINITY, 1}}});
  CHECK(count_pixels(load_image(path), first_colour) < 200);
  save_chart(path, {{"long", std::vector<double>(5000, 0.25)}}, {.logarithmic = true});
  const Index line = count_pixels(load_image(path), first_colour);
  CHECK(line > 1000);
  CHECK(line < 2000);
  save_chart(path, {{"placed", {1, 2}, {10, 20}}, {"empty", {}}});
  const Tensor<float, 3> placed = load_image(path);
  Series grown{"placed"};
  grown.add(10, 1);
  grown.add(20, 2);
  save_chart(path, {grown, {"empty"}});
  CHECK(std::ranges::equal(load_image(path).values(), placed.values()));
}

TEST_CASE("The legend of a chart keeps clear of lines between distant points") {
  const TemporaryDirectory directory;
  const std::string path = directory / "chart.png";
  // A line along the top has a point in each corner there; at the bottom are more points, but no line.
  save_chart(path, {{"line", {1, 1}, {0, 10}}, {"points", {0, NAN, 0, NAN, 0, NAN, 0}, {0, 0, 1, 1, 9, 9, 10}}});
  CHECK(count_pixels(load_image(path), first_colour) > 770);  // 693 if the legend lies on the line, 814 if not
}

TEST_CASE("save_chart names wrong arguments") {
  CHECK_THROWS_MATCHES(save_chart("a.png", {}), ArgumentError,
                       Message("save_chart: expected at least one finite value but got none"));
  CHECK_THROWS_MATCHES(save_chart("a.png", {{"loss", {-1, 0}}}, {.logarithmic = true}), ArgumentError,
                       Message("save_chart: expected at least one finite, positive value but got none"));
  CHECK_THROWS_MATCHES(save_chart("a.png", {{"loss", {1, 2}, {1}}}), ShapeError,
                       Message("save_chart: expected as many x as values but got 1 and 2 for loss"));
  CHECK_THROWS_MATCHES(save_chart("a.png", {{"loss", {1, 2}}}, {.width = 20}), ArgumentError,
                       Message("save_chart: expected a size from 200 x 150 to 8192 x 8192 but got 20 x 480"));
}

TEST_CASE("save_chart places points on a logarithmic x axis by their logarithms") {
  const TemporaryDirectory directory;
  const std::string linear = directory / "linear.png", logarithmic = directory / "logarithmic.png";
  save_chart(linear, {{"loss", {3, 2, 1}, {0, 1, 2}}});
  save_chart(logarithmic, {{"loss", {3, 2, 1}, {1, 100, 10'000}}}, {.logarithmic_x = true});
  const Tensor<float, 3> expected = load_image(linear), found = load_image(logarithmic);
  for (const Index row : {60, 230, 400})  // discs and lines are where they are over 0, 1, 2; the numbers differ
    for (Index x = 100; x < 780; ++x) {
      const bool line = expected(row, x, 2) - expected(row, x, 0) > 0.3f;
      if (line) CHECK_THAT(found(row, x, 0), WithinAbs(expected(row, x, 0), 0.02));
    }
  CHECK_THROWS_MATCHES(save_chart("a.png", {{"loss", {1, 2}, {0, -1}}}, {.logarithmic_x = true}), ArgumentError,
                       Message("save_chart: expected at least one finite, positive value but got none"));
}

TEST_CASE("beside lays pictures beside each other on white, each column as wide as its widest") {
  const TemporaryDirectory directory;
  const std::string path = directory / "both.png";
  const Picture grey = draw_image(Tensor<float, 3>(Shape{10, 20, 1}, 0.5f));
  Tensor<float, 3> image(Shape{30, 40, 3}, 0);
  for (Index i = 0; i < 30 * 40; ++i) image.data()[3 * i + 2] = 1;
  const Picture blue = draw_image(image);

  save_png(path, beside({grey, blue}));
  const Tensor<float, 3> row = load_image(path);
  REQUIRE(row.shape() == Shape<3>{8 + 30 + 8, 8 + 20 + 8 + 40 + 8, 3});
  CHECK(count_pixels(row, 0x808080) == 200);
  CHECK(count_pixels(row, 0x0000ff) == 1200);
  CHECK_THAT(row(8, 8, 0), WithinAbs(0.5, 0.01));
  CHECK(row(8, 36, 2) == 1);
  CHECK(row(8, 36, 0) == 0);
  CHECK(row(7, 8, 0) == 1);

  save_png(path, beside({{"grey", grey}, blue, grey}, 2));  // a title makes room above all
  const Tensor<float, 3> rows = load_image(path);
  REQUIRE(rows.shape() == Shape<3>{8 + 28 + 30 + 8 + 28 + 10 + 8, 8 + 20 + 8 + 40 + 8, 3});
  CHECK(count_pixels(rows, 0x0000ff) == 1200);
  CHECK_THAT(rows(8 + 28 + 30 + 8 + 28, 8, 0), WithinAbs(0.5, 0.01));
  CHECK(directory.file_count() == 1);
}

TEST_CASE("beside keeps the colours of a picture that has more than 256 of them") {
  Tensor<float, 3> image(Shape{20, 20, 3});
  for (Index i = 0; i < image.size(); ++i) image.data()[i] = static_cast<float>(i * i % 257 % 256) / 255.0f;
  const Picture many = draw_image(image), both = beside({many, many});
  CHECK(std::equal(many.pixels.begin(), many.pixels.begin() + 60, both.pixels.begin() + 3 * (8 * both.width + 8)));
}

TEST_CASE("beside and save_png name wrong pictures") {
  CHECK_THROWS_MATCHES(beside({}), ArgumentError,
                       Message("beside: expected pictures and columns >= 0 but got 0 and 0"));
  CHECK_THROWS_MATCHES(beside({draw_image(Tensor<float, 3>(Shape{1, 16380, 1}, 0.5f))}), ShapeError,
                       Message("beside: expected a picture of at most 16384 x 16384 but got 17 x 16396"));
  CHECK_THROWS_MATCHES(save_png("a.png", Picture{2, 3, 3, {1, 2}}), ShapeError,
                       Message("save_png: expected a picture of height x width x 1 or 3 bytes, at most 2^28 pixels, "
                               "but got 2 x 3 x 3 and 2 bytes"));
}

TEST_CASE("What draws and what saves give the same picture") {
  const TemporaryDirectory directory;
  const std::string drawn = directory / "drawn.png", saved = directory / "saved.png";
  const auto check = [&](const Picture& picture) {
    save_png(drawn, picture);
    CHECK(read_bytes(drawn) == read_bytes(saved));
  };
  const Tensor<float, 2> points(Shape{3, 2}, {0, 1, 2, 3, 4, 5});
  save_scatter(saved, points);
  check(draw_scatter(points));
  save_chart(saved, {{"loss", {1, 2, 3}}});
  check(draw_chart({{"loss", {1, 2, 3}}}));
  save_grid(saved, Tensor<float, 2>(Shape{3, 4}, 0.5f));
  check(draw_grid(Tensor<float, 2>(Shape{3, 4}, 0.5f)));
  save_png(saved, Tensor<float, 3>(Shape{3, 4, 3}, 0.5f));
  check(draw_image(Tensor<float, 3>(Shape{3, 4, 3}, 0.5f)));
  CHECK_THROWS_MATCHES(draw_scatter(Tensor<float, 2>(Shape{2, 3}, 0.0f)), ShapeError,
                       Message("draw_scatter: expected points of shape [N, 2] but got [2, 3]"));
  CHECK_THROWS_MATCHES(draw_chart({}), ArgumentError,
                       Message("draw_chart: expected at least one finite value but got none"));
}

TEST_CASE("Pictures are saved under names that end in .png") {
  const TemporaryDirectory directory;
  const Tensor<float, 2> points(Shape{1, 4}, 0.0f);
  const Tensor<float, 3> image(Shape{2, 2, 1}, 0.5f);
  const auto message = [](const std::string& function, const std::string& path) {
    return Message(function + ": expected a file name that ends in .png but got " + path);
  };
  CHECK_THROWS_MATCHES(save_scatter("s.jpg", Tensor<float, 2>(Shape{1, 2})), ArgumentError,
                       message("save_scatter", "s.jpg"));
  CHECK_THROWS_MATCHES(save_grid("png", points), ArgumentError, message("save_grid", "png"));
  CHECK_THROWS_MATCHES(save_chart("c.png.", {{"loss", {1}}}), ArgumentError, message("save_chart", "c.png."));
  CHECK_THROWS_MATCHES(save_png(".png", image), ArgumentError, message("save_png", ".png"));
  CHECK_THROWS_MATCHES(save_png("a.bmp", draw_image(image)), ArgumentError, message("save_png", "a.bmp"));
  save_png(directory / "A.PNG", image);
  CHECK(directory.file_count() == 1);
}

TEST_CASE("Ticks are round numbers") {
  const auto labels = [](const std::vector<detail::Tick>& ticks) {
    std::string text;
    for (const detail::Tick& tick : ticks) text += tick.label + " ";
    return text;
  };
  CHECK(labels(detail::linear_ticks({0, 1}, 5)) == "0.0 0.2 0.4 0.6 0.8 1.0 ");
  CHECK(labels(detail::linear_ticks({-3, 3}, 6)) == "-3 -2 -1 0 1 2 3 ");
  CHECK(labels(detail::linear_ticks({104.2, 131.7}, 6)) == "105 110 115 120 125 130 ");
  CHECK(labels(detail::linear_ticks({1, 3}, 10, true)) == "1 2 3 ");
  CHECK(labels(detail::linear_ticks({0, 2e-7}, 4)) == "0 5e-08 1e-07 1.5e-07 2e-07 ");
  CHECK(labels(detail::linear_ticks({0, 3e8}, 3)) == "0 1e+08 2e+08 3e+08 ");
  CHECK(labels(detail::logarithmic_ticks({-2, 1.5}, 6)) == "0.01 0.1 1 10 ");
  CHECK(labels(detail::logarithmic_ticks({0, 1}, 6)) == "1 2 5 10 ");
}

TEST_CASE("Every printable character has strokes of its own") {
  std::vector<std::string_view> seen;
  for (char c = '!'; c <= '~'; ++c) {
    const std::string_view strokes = detail::glyph(c);
    INFO(c);
    CHECK(!strokes.empty());
    // These look alike, as they do in many typefaces.
    if (std::string_view("lI|").find(c) == std::string_view::npos)
      CHECK(std::find(seen.begin(), seen.end(), strokes) == seen.end());
    seen.push_back(strokes);
    // The glyph fills the space that its width promises, and nothing beyond: one unit of the font is 4 pixels.
    detail::Canvas canvas(80, 80, detail::Colour(0xffffff));
    canvas.text({20, 50}, std::string(1, c), 28, detail::Colour(0x000000));
    double left = 80, right = 0;
    for (std::size_t i = 0; i < canvas.pixels().size(); ++i)
      if (canvas.pixels()[i][0] < 0.5f) {
        left = std::min(left, static_cast<double>(i % 80));
        right = std::max(right, static_cast<double>(i % 80 + 1));
      }
    CHECK(left >= 17);
    CHECK_THAT(right, WithinAbs(20 + 4 * detail::glyph_width(c), 4.5));
  }
}

TEST_CASE("Text is as wide as it says, wherever it stands") {
  const auto extent = [](detail::Align align, bool upright) {
    detail::Canvas canvas(200, 200, detail::Colour(0xffffff));
    canvas.text({100, 100}, "HnH", 14, detail::Colour(0x000000), align, upright);
    double low = 200, high = 0;
    for (std::size_t i = 0; i < canvas.pixels().size(); ++i)
      if (canvas.pixels()[i][0] < 0.5f) {
        const auto along = static_cast<double>(upright ? i / 200 : i % 200);
        low = std::min(low, along);
        high = std::max(high, along + 1);
      }
    return std::pair(low, high);
  };
  const double width = detail::Canvas::text_width("HnH", 14);
  CHECK_THAT(width, WithinAbs(2 * (5 + 2.2 + 4 + 2.2 + 5), 1e-9));
  CHECK_THAT(extent(detail::Align::left, false).first, WithinAbs(100.0, 1.5));
  CHECK_THAT(extent(detail::Align::left, false).second, WithinAbs(100 + width, 1.5));
  CHECK_THAT(extent(detail::Align::centre, false).first, WithinAbs(100 - width / 2, 1.5));
  CHECK_THAT(extent(detail::Align::right, false).second, WithinAbs(100.0, 1.5));
  CHECK_THAT(extent(detail::Align::left, true).first, WithinAbs(100 - width, 1.5));  // upwards
}

TEST_CASE("Ticks end where neighbouring numbers are farther apart than they are") {
  const auto ticks = detail::linear_ticks({1e9, 1e9 + 2.4e-7}, 7);
  CHECK(ticks.size() <= 9);
  const auto huge = detail::linear_ticks({1e20, 1e20 + 3e4}, 7);
  CHECK(huge.size() <= 9);
}
