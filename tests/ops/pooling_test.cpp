// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

std::vector<double> list(const Variable<double, 4>& x) {
  return {x.value().values().begin(), x.value().values().end()};
}

/// Images [N, H, W, C] whose elements count from 0.
Variable<double, 4> counting(const Shape<4>& shape) {
  Tensor<double, 4> x(shape);
  std::iota(x.data(), x.data() + x.size(), 0.0);
  return watch(std::move(x));
}

}  // namespace

TEST_CASE("avg_pool2d takes means over windows, padding counted as zeros") {
  const auto x = counting(Shape{1, 4, 4, 1});
  CHECK(list(avg_pool2d(x, 2)) == std::vector<double>{2.5, 4.5, 10.5, 12.5});
  CHECK(list(avg_pool2d(x, 2, {.stride = 1})).at(4) == 7.5);
  CHECK(list(avg_pool2d(x, 2, {.padding = 1})) == std::vector<double>{0, 0.75, 0.75, 3, 7.5, 4.5, 3, 6.75, 3.75});
  CHECK(avg_pool2d(counting(Shape{2, 7, 6, 3}), 3, {.stride = 2}).shape() == Shape{2, 3, 2, 3});
  CHECK(avg_pool2d(counting(Shape{0, 4, 4, 3}), 2).shape() == Shape{0, 2, 2, 3});
  const auto dx = gradient(sum(avg_pool2d(x, 2, {.padding = 1})), x);
  CHECK(list(dx) == std::vector<double>(16, 0.25));
}

TEST_CASE("max_pool2d finds the greatest elements, padding never among them") {
  const auto x = counting(Shape{2, 4, 4, 1});
  CHECK(list(max_pool2d(x, 2)) == std::vector<double>{5, 7, 13, 15, 21, 23, 29, 31});
  const auto negative = max_pool2d(x - 100, 3, {.stride = 2, .padding = 1});
  CHECK(negative.shape() == Shape{2, 2, 2, 1});
  CHECK(list(negative) == std::vector<double>{-95, -93, -87, -85, -79, -77, -71, -69});
  CHECK(max_pool2d(counting(Shape{0, 4, 4, 3}), 2).shape() == Shape{0, 2, 2, 3});
}

TEST_CASE("max_pool2d gives the gradient to the first of equal elements and passes NaN") {
  const auto ties = watch(Tensor<double, 4>(Shape{1, 2, 4, 1}, {1, 3, 7, 7, 3, 3, 7, 7}));
  CHECK(list(gradient(sum(max_pool2d(ties, 2)), ties)) == std::vector<double>{0, 1, 1, 0, 0, 0, 0, 0});
  const auto overlapping = watch(Tensor<double, 4>(Shape{1, 2, 3, 1}, {1, 9, 2, 3, 4, 5}));
  const auto twice = max_pool2d(overlapping, 2, {.stride = 1});
  CHECK(list(gradient(sum(twice), overlapping)) == std::vector<double>{0, 2, 0, 0, 0, 0});

  for (const int place : {0, 1, 2, 3}) {
    Tensor<double, 4> bad(Shape{1, 2, 2, 2}, 5.0);
    bad.data()[2 * place] = NAN;  // the first channel
    const auto x = watch(bad);
    const auto y = max_pool2d(x, 2);
    CHECK(std::isnan(y.value()(0, 0, 0, 0)));
    CHECK(y.value()(0, 0, 0, 1) == 5);
    CHECK(gradient(sum(y), x).value().data()[2 * place] == 1);
  }
  const double infinity = std::numeric_limits<double>::infinity();
  const auto lowest = watch(Tensor<double, 4>(Shape{1, 2, 2, 1}, -infinity));
  CHECK(list(max_pool2d(lowest, 2)) == std::vector<double>{-infinity});
  CHECK(list(gradient(sum(max_pool2d(lowest, 2)), lowest)) == std::vector<double>{1, 0, 0, 0});
}

TEST_CASE("upsample2d copies pixels or draws lines between their centres") {
  const Variable x(Tensor<double, 4>(Shape{1, 1, 2, 1}, {0, 4}));
  CHECK(list(upsample2d(x, 2)) == std::vector<double>{0, 0, 4, 4, 0, 0, 4, 4});
  CHECK(list(upsample2d(x, 2, Interpolation::bilinear)) == std::vector<double>{0, 1, 3, 4, 0, 1, 3, 4});
  CHECK(list(upsample2d(x, 1)) == std::vector<double>{0, 4});
  CHECK(list(upsample2d(x, 1, Interpolation::bilinear)) == std::vector<double>{0, 4});
  CHECK(upsample2d(counting(Shape{2, 2, 3, 5}), 3).shape() == Shape{2, 6, 9, 5});
  const auto wide = counting(Shape{2, 3, 2, 37});
  const auto average = avg_pool2d(upsample2d(wide, 3), 3);
  CHECK((average.value().array() - wide.value().array()).abs().maxCoeff() < 1e-12);
}

TEST_CASE("Bilinear upsampling of a slope is the slope at the centres of the new pixels, flat beyond the old ones") {
  const Index factor = GENERATE(1, 2, 3, 4, 5);
  const Index height = 4, width = 5;
  Tensor<double, 4> x(Shape{2, height, width, Index{3}});
  const auto slope = [](Index n, double h, double w, Index c) {
    return static_cast<double>(n + 1) * h - 2 * w + 10 * static_cast<double>(c);
  };
  for (Index n = 0; n < 2; ++n)
    for (Index h = 0; h < height; ++h)
      for (Index w = 0; w < width; ++w)
        for (Index c = 0; c < 3; ++c) x(n, h, w, c) = slope(n, static_cast<double>(h), static_cast<double>(w), c);
  const auto y = upsample2d(Variable(x), factor, Interpolation::bilinear);
  REQUIRE(y.shape() == Shape{2, factor * height, factor * width, Index{3}});
  const auto centre = [&](Index i, Index size) {
    const double at = (static_cast<double>(i) + 0.5) / static_cast<double>(factor) - 0.5;
    return std::clamp(at, 0.0, static_cast<double>(size - 1));
  };
  double furthest = 0;
  for (Index n = 0; n < 2; ++n)
    for (Index h = 0; h < y.shape(1); ++h)
      for (Index w = 0; w < y.shape(2); ++w)
        for (Index c = 0; c < 3; ++c)
          furthest =
              std::max(furthest, std::abs(y.value()(n, h, w, c) - slope(n, centre(h, height), centre(w, width), c)));
  INFO("factor " << factor << ": furthest " << furthest);
  CHECK(furthest < 1e-13);
}

TEST_CASE("Pooling and upsampling have first and second derivatives") {
  const auto x = numbers(Shape{2, 5, 4, 3});
  for (const PoolOptions options : {PoolOptions{}, PoolOptions{.stride = 1}, PoolOptions{.stride = 2, .padding = 1}}) {
    const std::string which = " with stride " + std::to_string(options.stride);
    check_gradients(
        "avg_pool2d" + which, [=](const auto& t) { return square(avg_pool2d(t, 3, options)); }, x);
    // Linear around x, as the steps of the differences are shorter than the distances between its elements.
    check_gradients(
        "max_pool2d" + which, [=](const auto& t) { return square(max_pool2d(t, 3, options)); },
        counting(Shape{2, 4, 4, 2}).value());
  }
  const auto small = numbers(Shape{2, 2, 3, 2});
  check_gradients(
      "nearest upsample2d", [](const auto& t) { return square(upsample2d(t, 2)); }, small);
  for (const Index factor : {2, 3})
    check_gradients(
        "bilinear upsample2d", [=](const auto& t) { return square(upsample2d(t, factor, Interpolation::bilinear)); },
        small);
}

TEST_CASE("Each pixel gets the gradients of all windows that reach it, and of all pixels made of it") {
  for (const auto& [height, width, kernel, stride] :
       {std::array<Index, 4>{30, 25, 20, 1}, std::array<Index, 4>{300, 7, 128, 2}}) {
    const auto windows_over = [k = kernel, s = stride](Index pixel, Index size) {
      Index count = 0;
      for (Index begin = -k / 2; begin <= size - k / 2; begin += s) count += begin <= pixel && pixel < begin + k;
      return static_cast<double>(count) / static_cast<double>(k);
    };
    const auto x = watch(numbers(Shape{Index{2}, height, width, Index{3}}));
    const auto dx = gradient(sum(avg_pool2d(x, kernel, {.stride = stride, .padding = kernel / 2})), x);
    double furthest = 0;
    for (Index n = 0; n < 2; ++n)
      for (Index h = 0; h < height; ++h)
        for (Index w = 0; w < width; ++w)
          for (Index c = 0; c < 3; ++c) {
            const double expected = windows_over(h, height) * windows_over(w, width);
            furthest = std::max(furthest, std::abs(dx.value()(n, h, w, c) - expected));
          }
    INFO("kernel " << kernel << ": furthest " << furthest);
    CHECK(furthest < 1e-14);
  }

  const auto small = watch(numbers(Shape{2, 3, 2, 3}));
  const Index factor = 40;
  const auto weights = counting(Shape{2, 3 * factor, 2 * factor, Index{3}});
  const auto copied = gradient(sum(detach(weights) * upsample2d(small, factor)), small).value();
  Tensor<double, 4> expected(small.shape(), 0.0);
  for (Index n = 0; n < 2; ++n)
    for (Index h = 0; h < 3 * factor; ++h)
      for (Index w = 0; w < 2 * factor; ++w)
        for (Index c = 0; c < 3; ++c) expected(n, h / factor, w / factor, c) += weights.value()(n, h, w, c);
  CHECK((copied.array() == expected.array()).all());  // sums of integers
}

TEST_CASE("Pixels that no window reaches have gradient 0, whatever was in their memory before") {
  const auto x = watch(numbers(Shape{2, 8, 8, 3}));
  const Variable kernel(numbers(Shape{2, 2, 3, 3}, 2));
  const auto check = [&](const char* name, const auto& f) {
    {
      std::vector<Tensor<double, 4>> old(20, Tensor<double, 4>(x.shape(), NAN));  // given to those that come next
    }
    const auto dx = gradient(sum(f(x)), x);
    Index wrong = 0, reached = 0;
    for (Index n = 0; n < 2; ++n)
      for (Index h = 0; h < 8; ++h)
        for (Index w = 0; w < 8; ++w)
          for (Index c = 0; c < 3; ++c) {
            const double found = dx.value()(n, h, w, c);
            const bool reachable = h % 3 < 2 && w % 3 < 2;  // windows of 2 begin at 0, 3 and 6
            wrong += std::isnan(found) || (!reachable && found != 0);
            reached += found != 0;
          }
    INFO(name << ": " << wrong << " of 384 elements are wrong, " << reached << " are not 0");
    CHECK(wrong == 0);
    CHECK(reached >= 2 * 9 * 3);
  };
  check("avg_pool2d", [](const auto& t) { return avg_pool2d(t, 2, {.stride = 3}); });
  check("max_pool2d", [](const auto& t) { return max_pool2d(t, 2, {.stride = 3}); });
  check("conv2d", [&](const auto& t) { return conv2d(t, kernel, {.stride = 3}); });
}

TEST_CASE("Pooling and upsampling are the same on any number of threads") {
  Rng rng(3);
  Tensor<double, 4> noise(Shape{5, 40, 40, 17});
  rng.fill_normal(noise.data(), noise.size());
  const auto x = watch(noise);
  const auto values = [&] {
    std::vector<double> all;
    for (const auto& y : {max_pool2d(x, 3, {.stride = 2}), avg_pool2d(x, 2), upsample2d(x, 2, Interpolation::bilinear)})
      for (const auto& result : {y, gradient(sum(square(y)), x)})
        all.insert(all.end(), result.value().data(), result.value().data() + result.size());
    return all;
  };
  const int before = num_threads();
  set_num_threads(1);
  const auto alone = values();
  set_num_threads(3);
  CHECK(values() == alone);
  set_num_threads(before);
}

TEST_CASE("Pooling and upsampling refuse what makes no sense") {
  const Variable<float, 4> x(Tensor<float, 4>(Shape{1, 2, 5, 1}, 0.0f));
  CHECK_THROWS_MATCHES(avg_pool2d(x, 0), ArgumentError,
                       Message("avg_pool2d: expected kernel >= 1, stride >= 0 and padding from 0 to kernel / 2 but got "
                               "0, 0 and 0"));
  CHECK_THROWS_MATCHES(max_pool2d(x, 2, {.stride = -1}), ArgumentError,
                       Message("max_pool2d: expected kernel >= 1, stride >= 0 and padding from 0 to kernel / 2 but got "
                               "2, -1 and 0"));
  CHECK_THROWS_MATCHES(max_pool2d(x, 3, {.padding = 2}), ArgumentError,
                       Message("max_pool2d: expected kernel >= 1, stride >= 0 and padding from 0 to kernel / 2 but got "
                               "3, 0 and 2"));
  CHECK_THROWS_MATCHES(avg_pool2d(x, 2, {.padding = -1}), ArgumentError,
                       Message("avg_pool2d: expected kernel >= 1, stride >= 0 and padding from 0 to kernel / 2 but got "
                               "2, 0 and -1"));
  CHECK_THROWS_MATCHES(avg_pool2d(x, 3), ShapeError,
                       Message("avg_pool2d: expected images of at least 3 x 3 pixels but got x of shape [1, 2, 5, 1]"));
  CHECK(max_pool2d(x, 3, {.padding = 1}).shape() == Shape{1, 1, 2, 1});
  CHECK_THROWS_MATCHES(max_pool2d(Variable(Tensor<float, 4>(Shape{1, 0, 5, 1})), 2, {.padding = 1}), ShapeError,
                       Message("max_pool2d: expected images of at least 1 x 1 pixels but got x of shape [1, 0, 5, 1]"));
  const Variable point(Tensor<float, 4>(Shape{2, 1, 1, 1}, 0.0f));  // a window of 4 with 1 on each side needs 2
  CHECK_THROWS_MATCHES(avg_pool2d(point, 4, {.padding = 1}), ShapeError,
                       Message("avg_pool2d: expected images of at least 2 x 2 pixels but got x of shape [2, 1, 1, 1]"));
  const Index huge = Index{1} << 62;
  CHECK_THROWS_MATCHES(max_pool2d(x, 2, {.stride = huge}), ArgumentError,
                       Message("max_pool2d: expected kernel and stride of at most 1048576 but got 2 and "
                               "4611686018427387904"));
  CHECK_THROWS_MATCHES(avg_pool2d(x, huge, {.padding = huge / 2}), ArgumentError,
                       Message("avg_pool2d: expected kernel and stride of at most 1048576 but got 4611686018427387904 "
                               "and 0"));
  CHECK_THROWS_MATCHES(upsample2d(x, 0), ArgumentError,
                       Message("upsample2d: expected a factor in [1, 1048576] but got 0"));
  CHECK_THROWS_MATCHES(upsample2d(x, Index{1} << 40), ArgumentError,
                       Message("upsample2d: expected a factor in [1, 1048576] but got 1099511627776"));
}
