// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <limits>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using detail::ConvolutionAxis, detail::ConvolutionGeometry;
using gradient_check::numbers;

namespace {

template <class Scalar>
double inner_product(const Variable<Scalar, 4>& a, const Variable<Scalar, 4>& b) {
  return a.value().array().template cast<double>().matrix().dot(b.value().array().template cast<double>().matrix());
}

}  // namespace

TEST_CASE("conv2d slides the kernel over the image") {
  const Variable x(Tensor<double, 4>({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9}));
  const Variable w(Tensor<double, 4>({2, 2, 1, 1}, {1, 10, 100, 1000}));
  const auto y = conv2d(x, w);
  CHECK(y.shape() == Shape{1, 2, 2, 1});
  CHECK(std::ranges::equal(y.value().values(), std::initializer_list<double>{5421, 6532, 8754, 9865}));
  const auto padded = conv2d(x, w, {.stride = 2, .padding = 1});
  CHECK(std::ranges::equal(padded.value().values(), std::initializer_list<double>{1000, 3200, 7040, 9865}));
  const auto dilated = conv2d(x, w, {.dilation = 2});
  CHECK(std::ranges::equal(dilated.value().values(), std::initializer_list<double>{9731}));
}

TEST_CASE("conv_transpose2d spreads each pixel by the kernel") {
  const Variable x(Tensor<double, 4>({1, 2, 2, 1}, {1, 2, 3, 4}));
  const Variable w(Tensor<double, 4>({2, 2, 1, 1}, {1, 10, 100, 1000}));
  const auto y = conv_transpose2d(x, w);
  CHECK(y.shape() == Shape{1, 3, 3, 1});
  CHECK(std::ranges::equal(y.value().values(),
                           std::initializer_list<double>{1, 12, 20, 103, 1234, 2040, 300, 3400, 4000}));
  const auto apart = conv_transpose2d(x, w, {.stride = 2, .padding = 1, .output_padding = 1});
  CHECK(apart.shape() == Shape{1, 3, 3, 1});
  CHECK(std::ranges::equal(apart.value().values(),
                           std::initializer_list<double>{1000, 200, 2000, 30, 4, 40, 3000, 400, 4000}));
}

TEST_CASE("Convolutions tell their numbers to who listens: for height and width, and what the stride leaves over") {
  struct Listener final : detail::Trace<double> {
    std::vector<std::pair<std::string, std::vector<Index>>> heard;
    detail::Trace<double>* outer = std::exchange(current(), this);
    ~Listener() { current() = outer; }
    void describe(const char* name, std::initializer_list<Index> numbers, std::shared_ptr<const void>) override {
      heard.emplace_back(name, numbers);
    }
    void connect(detail::Node<double>&, detail::Node<double>&) override {}
    void same(detail::Node<double>&, detail::Node<double>&) override {}
  };
  const auto x = numbers(Shape{2, 11, 10, 2});
  const auto w = numbers(Shape{3, 2, 2, 3}), v = numbers(Shape{3, 2, 3, 2}), one = numbers(Shape{1, 1, 2, 3});
  Listener listener;
  const auto numbers_of = [&](const auto& result, const char* name) {
    CHECK(result.size() > 0);
    REQUIRE(listener.heard.size() == 1);
    CHECK(listener.heard[0].first == name);
    return std::exchange(listener.heard, {})[0].second;
  };
  using Numbers = std::vector<Index>;
  // Padded, the height is 15 and the kernel reaches 5 pixels: at 0, 4 and 8, so 2 are left. Of the width, 14 and 3: 3.
  const Numbers height_and_width = {4, 4, 2, 2, 2, 2, 2, 3};
  CHECK(numbers_of(conv2d(Variable(x), Variable(w), {4, 2, 2}), "conv2d") == height_and_width);
  CHECK(numbers_of(conv2d(Variable(x), Variable(one), {3, 0, 1}), "conv2d") == Numbers{3, 3, 0, 0, 1, 1, 1, 0});
  CHECK(numbers_of(conv_transpose2d(Variable(x), Variable(v), {4, 1, 3, 2}), "conv_transpose2d") ==
        Numbers{4, 4, 1, 1, 2, 2, 3, 3});
  CHECK(numbers_of(conv_transpose2d(Variable(x), Variable(v), {1, 0, 0, 1}), "conv_transpose2d") ==
        Numbers{1, 1, 0, 0, 1, 1, 0, 0});
  const ConvolutionGeometry g{2, 2, 3, {11, 3, 3, 5, 2, 1}, {10, 2, 5, 2, 0, 1}};
  CHECK(numbers_of(detail::convolution(g, Variable(x), Variable(w)), "conv2d") == Numbers{5, 2, 2, 0, 1, 1, 2, 0});
}

TEST_CASE("Shapes of convolutions are PyTorch's") {
  const auto conv = [](Index size, Index kernel, ConvolutionOptions options) {
    return conv2d(Variable(Tensor<float, 4>({2, size, size + 1, 3}, 1.0f)),
                  Variable(Tensor<float, 4>({kernel, kernel, 3, 5}, 1.0f)), options)
        .shape();
  };
  CHECK(conv(28, 4, {.stride = 2, .padding = 1}) == Shape{2, 14, 14, 5});
  CHECK(conv(7, 3, {.stride = 3, .padding = 2, .dilation = 2}) == Shape{2, 3, 3, 5});
  CHECK(conv(1, 1, {.padding = 3}) == Shape{2, 7, 8, 5});
  const auto transposed = [](Index size, Index kernel, ConvTransposeOptions options) {
    return conv_transpose2d(Variable(Tensor<float, 4>({2, size, size + 1, 5}, 1.0f)),
                            Variable(Tensor<float, 4>({kernel, kernel, 3, 5}, 1.0f)), options)
        .shape();
  };
  CHECK(transposed(1, 4, {}) == Shape{2, 4, 5, 3});
  CHECK(transposed(4, 3, {.stride = 2, .padding = 1}) == Shape{2, 7, 9, 3});
  CHECK(transposed(4, 3, {.stride = 2, .padding = 1, .output_padding = 1}) == Shape{2, 8, 10, 3});
  CHECK(transposed(4, 3, {.output_padding = 2, .dilation = 3}) == Shape{2, 12, 13, 3});
}

TEMPLATE_TEST_CASE("conv_transpose2d is the adjoint of conv2d", "", float, double) {
  for (const auto& [size, kernel, stride, padding, dilation] :
       {std::array<Index, 5>{9, 3, 1, 1, 1}, {10, 4, 2, 1, 1}, {11, 5, 3, 2, 2}, {7, 1, 2, 0, 1}, {13, 3, 2, 3, 3}}) {
    const auto cast = [](const Tensor<double, 4>& x) {
      Tensor<TestType, 4> y(x.shape());
      y.array() = x.array().template cast<TestType>();
      return Variable(std::move(y));
    };
    const auto x = cast(numbers(Shape{3, size, size + 1, Index{5}})), w = cast(numbers(Shape{kernel, kernel, 5, 4}, 2));
    const auto conv = conv2d(x, w, {stride, padding, dilation});
    const auto y = cast(numbers(conv.shape(), 3));
    // What the stride leaves over is the output padding, here different along height and width.
    const auto axis = [&, s = stride, p = padding, k = kernel, d = dilation](int i) {
      return ConvolutionAxis{x.shape(i), k, y.shape(i), s, p, d};
    };
    const auto back = detail::convolution_input(ConvolutionGeometry{3, 5, 4, axis(1), axis(2)}, y, w);
    CHECK(back.shape() == x.shape());
    CHECK_THAT(inner_product(conv, y), WithinRel(inner_product(x, back), sizeof(TestType) == 4 ? 1e-5 : 1e-13));
    const Index left_over = (size + 2 * padding - dilation * (kernel - 1) - 1) % stride;
    const auto square = slice(x, 2, 0, size);
    const auto small = conv2d(square, w, {stride, padding, dilation});
    const auto small_y = cast(numbers(small.shape(), 4));
    const auto spread = conv_transpose2d(small_y, w, {stride, padding, left_over, dilation});
    CHECK(spread.shape() == square.shape());
    CHECK_THAT(inner_product(small, small_y),
               WithinRel(inner_product(square, spread), sizeof(TestType) == 4 ? 1e-5 : 1e-13));
  }
}

TEST_CASE("Convolutions have first and second derivatives") {
  const auto [size, kernel, stride, padding, dilation] = GENERATE(table<Index, Index, Index, Index, Index>(
      {{1, 1, 1, 0, 1}, {4, 3, 1, 1, 1}, {5, 4, 2, 1, 1}, {5, 2, 3, 1, 2}, {3, 2, 2, 3, 1}}));
  const ConvolutionOptions options{stride, padding, dilation};
  check_gradients(
      "conv2d", [&](const auto& x, const auto& w) { return conv2d(x, w, options); },
      numbers(Shape{2, size, size + 1, Index{2}}), numbers(Shape{kernel, kernel, 2, 3}, 2));
  const ConvTransposeOptions transposed{stride, std::min<Index>(padding, 1), stride - 1, dilation};
  check_gradients(
      "conv_transpose2d", [&](const auto& x, const auto& w) { return conv_transpose2d(x, w, transposed); },
      numbers(Shape{2, Index{2}, Index{3}, Index{3}}), numbers(Shape{kernel + 1, kernel, 2, 3}, 2));
}

TEST_CASE("The weight gradient of a convolution has derivatives, along axes that differ too") {
  const ConvolutionGeometry g{2, 2, 3, {5, 3, 2, 2, 0, 1}, {4, 2, 6, 1, 2, 2}};
  check_gradients(
      "weight gradient", [&](const auto& x, const auto& dy) { return detail::convolution_weight(g, x, dy); },
      numbers(Shape{2, 5, 4, 2}), numbers(Shape{2, 2, 6, 3}, 2));
  check_gradients(
      "convolution", [&](const auto& x, const auto& w) { return detail::convolution(g, x, w); },
      numbers(Shape{2, 5, 4, 2}), numbers(Shape{3, 2, 2, 3}, 2));
  check_gradients(
      "input gradient", [&](const auto& dy, const auto& w) { return detail::convolution_input(g, dy, w); },
      numbers(Shape{2, 2, 6, 3}), numbers(Shape{3, 2, 2, 3}, 2));
}

TEST_CASE("Gradients of convolutions are computed for what was asked for") {
  const auto x = watch(numbers(Shape{2, 6, 6, 3})), w = watch(numbers(Shape{3, 3, 3, 4}, 2));
  const auto loss = sum(square(conv2d(x, w, {.padding = 1})));
  const auto [dx, dw] = gradient(loss, x, w);
  CHECK(dx.shape() == x.shape());
  CHECK(dw.shape() == w.shape());
  CHECK_THAT(inner_product(dx, x), WithinRel(2 * loss.item(), 1e-12));
  CHECK_THAT(inner_product(dw, w), WithinRel(2 * loss.item(), 1e-12));
}

TEMPLATE_TEST_CASE("Convolutions pass NaN to what depends on it and nowhere else", "", float, double) {
  const Index channels = GENERATE(Index{1}, Index{20});
  const TestType nan = std::numeric_limits<TestType>::quiet_NaN();
  const auto is_nan_at = [](const Variable<TestType, 4>& y, auto&& expected) {
    Index wrong = 0;
    for (Index n = 0; n < y.shape(0); ++n)
      for (Index h = 0; h < y.shape(1); ++h)
        for (Index w = 0; w < y.shape(2); ++w)
          for (Index c = 0; c < y.shape(3); ++c) wrong += std::isnan(y.value()(n, h, w, c)) != expected(n, h, w, c);
    return wrong;
  };
  Tensor<TestType, 4> image({2, 6, 7, channels}, TestType{0}), kernel({3, 3, channels, channels}, TestType{0});
  const Variable x(image), w(kernel);
  image(1, 3, 2, channels - 1) = nan;
  const auto near = [](Index n, Index h, Index v, Index) { return n == 1 && h >= 2 && h <= 4 && v >= 1 && v <= 3; };
  CHECK(is_nan_at(conv2d(Variable(image), w, {.padding = 1}), near) == 0);
  CHECK(is_nan_at(conv_transpose2d(Variable(image), w, {.padding = 1}), near) == 0);
  kernel(0, 1, channels - 1, channels - 1) = nan;
  const auto last = channels - 1;
  CHECK(is_nan_at(conv2d(x, Variable(kernel), {.padding = 1}),
                  [&](Index, Index h, Index, Index c) { return h >= 1 && c == last; }) == 0);
  CHECK(is_nan_at(conv_transpose2d(x, Variable(kernel), {.padding = 1}),
                  [&](Index, Index h, Index, Index c) { return h <= 4 && c == last; }) == 0);
}

TEST_CASE("A convolution that no tap reaches is zero") {
  const Variable x(numbers(Shape{2, 1, 1, 2}));
  const auto y = conv2d(x, Variable(numbers(Shape{1, 1, 2, 3})), {.padding = 2});
  CHECK((y.value().array() == 0).count() == 2 * 24 * 3);
  const auto z = conv_transpose2d(x, Variable(numbers(Shape{1, 1, 3, 2})), {.stride = 3, .output_padding = 2});
  CHECK((z.value().array() == 0).count() == 2 * 8 * 3);
}

TEST_CASE("Convolutions refuse what is impossible") {
  const auto zeros = [](const Shape<4>& shape) { return Variable(Tensor<float, 4>(shape, 0.0f)); };
  const auto x = zeros({2, 5, 6, 3}), w = zeros({3, 4, 3, 8}), v = zeros({3, 4, 8, 3});
  CHECK_THROWS_MATCHES(conv2d(x, w, {.stride = 0}), ArgumentError,
                       Message("conv2d: expected stride >= 1, padding >= 0 and dilation >= 1 but got 0, 0 and 1"));
  CHECK_THROWS_MATCHES(conv2d(x, w, {.padding = -1}), ArgumentError,
                       Message("conv2d: expected stride >= 1, padding >= 0 and dilation >= 1 but got 1, -1 and 1"));
  CHECK_THROWS_MATCHES(
      conv_transpose2d(x, v, {.dilation = 0}), ArgumentError,
      Message("conv_transpose2d: expected stride >= 1, padding >= 0 and dilation >= 1 but got 1, 0 and 0"));
  for (const auto& [options, numbers] : std::vector<std::pair<ConvolutionOptions, std::string>>{
           {{.stride = Index{1} << 62}, "4611686018427387904, 0 and 1"},
           {{.padding = Index{1} << 62}, "1, 4611686018427387904 and 1"},
           {{.padding = 9, .dilation = (Index{1} << 20) + 1}, "1, 9 and 1048577"}}) {
    const std::string expected = ": expected stride, padding and dilation of at most 1048576 but got " + numbers;
    CHECK_THROWS_MATCHES(conv2d(x, w, options), ArgumentError, Message("conv2d" + expected));
    const ConvTransposeOptions same{options.stride, options.padding, 0, options.dilation};
    CHECK_THROWS_MATCHES(conv_transpose2d(x, v, same), ArgumentError, Message("conv_transpose2d" + expected));
  }
  CHECK_THROWS_MATCHES(conv2d(zeros({0, 5, 6, 3}), w), ShapeError,
                       Message("conv2d: expected no size to be 0 but got x [0, 5, 6, 3] and weight [3, 4, 3, 8]"));
  CHECK_THROWS_MATCHES(
      conv_transpose2d(x, zeros({3, 0, 8, 3})), ShapeError,
      Message("conv_transpose2d: expected no size to be 0 but got x [2, 5, 6, 3] and weight [3, 0, 8, 3]"));
  CHECK_THROWS_MATCHES(conv2d(x, v), ShapeError,
                       Message("conv2d: expected x of 8 channels for weight [3, 4, 8, 3] but got [2, 5, 6, 3]"));
  CHECK_THROWS_MATCHES(
      conv_transpose2d(x, w), ShapeError,
      Message("conv_transpose2d: expected x of 8 channels for weight [3, 4, 3, 8] but got [2, 5, 6, 3]"));
  CHECK_THROWS_MATCHES(
      conv2d(x, w, {.padding = 1, .dilation = 4}), ShapeError,
      Message("conv2d: expected a kernel of at most the padded size 7 but got 9 along axis 1 of x [2, 5, 6, 3] with "
              "weight [3, 4, 3, 8], padding 1 and dilation 4"));
  CHECK_THROWS_MATCHES(
      conv2d(zeros({2, 5, 3, 3}), w), ShapeError,
      Message("conv2d: expected a kernel of at most the padded size 3 but got 4 along axis 2 of x [2, 5, 3, 3] with "
              "weight [3, 4, 3, 8], padding 0 and dilation 1"));
  for (const Index output_padding : {-1, 3})
    CHECK_THROWS_MATCHES(
        conv_transpose2d(x, v, {.stride = 3, .output_padding = output_padding, .dilation = 2}), ArgumentError,
        Message("conv_transpose2d: expected output_padding >= 0 and less than stride 3 or dilation 2 but got " +
                std::to_string(output_padding)));
  CHECK_THROWS_MATCHES(
      conv_transpose2d(zeros({2, 1, 1, 3}), v, {.stride = 2, .padding = 2, .output_padding = 1}), ShapeError,
      Message("conv_transpose2d: expected a result of at least one pixel but got 0 along axis 1 of x [2, 1, 1, 3] with "
              "weight [3, 4, 8, 3], stride 2, padding 2, output_padding 1 and dilation 1"));
}
