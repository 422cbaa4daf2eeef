// SPDX-License-Identifier: MIT
// Convolutions over a grid of all their options against loops over the definition, and each as the adjoint of the
// other.
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

constexpr Index batch = 2, in = 2, out = 3, height = 7, width = 5;

/// Calls f for kernels 1 to 5 by the same and by another width, strides 1 to 3, paddings 0 to 2 and dilations 1 and 2.
template <class F>
void for_each_option(F f) {
  for (Index kernel = 1; kernel <= 5; ++kernel)
    for (const Index other : {kernel, kernel % 3 + 1})
      for (Index stride = 1; stride <= 3; ++stride)
        for (Index padding = 0; padding <= 2; ++padding)
          for (const Index dilation : {1, 2}) f(kernel, other, stride, padding, dilation);
}

/// How many places a kernel has along an axis, found by trying them.
Index places(Index size, Index kernel, Index stride, Index padding, Index dilation) {
  Index count = 0;
  for (Index start = -padding; start + dilation * (kernel - 1) < size + padding; start += stride) ++count;
  return count;
}

/// Calls add(n, pixel of the image, place, tap) for all that a convolution multiplies.
template <class F>
void for_each_product(const Shape<4>& image, const Shape<4>& result, Index kernel, Index other, Index stride,
                      Index padding, Index dilation, F add) {
  for (Index n = 0; n < image[0]; ++n)
    for (Index h = 0; h < result[1]; ++h)
      for (Index w = 0; w < result[2]; ++w)
        for (Index i = 0; i < kernel; ++i)
          for (Index j = 0; j < other; ++j) {
            const Index y = h * stride + i * dilation - padding, x = w * stride + j * dilation - padding;
            if (y >= 0 && y < image[1] && x >= 0 && x < image[2]) add(n, y, x, h, w, i, j);
          }
}

template <int Rank>
double distance(const Tensor<double, Rank>& a, const Tensor<double, Rank>& b) {
  return a.shape() == b.shape() ? (a.array() - b.array()).abs().maxCoeff() : INFINITY;
}

double dot(const Tensor<double, 4>& a, const Tensor<double, 4>& b) { return (a.array() * b.array()).sum(); }

}  // namespace

TEST_CASE("conv2d agrees with its definition over a grid of options, and its gradients are its adjoints") {
  int legal = 0, refused = 0;
  const auto x = watch(numbers(Shape{batch, height, width, in}, 1));
  for_each_option([&](Index kernel, Index other, Index stride, Index padding, Index dilation) {
    INFO("kernel " << kernel << " x " << other << ", stride " << stride << ", padding " << padding << ", dilation "
                   << dilation);
    const auto weight = watch(numbers(Shape{kernel, other, in, out}, 2));
    const ConvolutionOptions options{stride, padding, dilation};
    const Index rows = places(height, kernel, stride, padding, dilation),
                columns = places(width, other, stride, padding, dilation);
    if (rows < 1 || columns < 1) {
      ++refused;
      CHECK_THROWS_AS(conv2d(x, weight, options), ShapeError);
      return;
    }
    ++legal;
    const auto y = conv2d(x, weight, options);
    REQUIRE(y.shape() == Shape{batch, rows, columns, out});
    const auto dy = numbers(y.shape(), 3);
    Tensor<double, 4> expected(y.shape(), 0.0), dx(x.shape(), 0.0), dw(weight.shape(), 0.0);
    for_each_product(x.shape(), y.shape(), kernel, other, stride, padding, dilation,
                     [&](Index n, Index h, Index w, Index p, Index q, Index i, Index j) {
                       for (Index c = 0; c < out; ++c)
                         for (Index d = 0; d < in; ++d) {
                           expected(n, p, q, c) += x.value()(n, h, w, d) * weight.value()(i, j, d, c);
                           dx(n, h, w, d) += dy(n, p, q, c) * weight.value()(i, j, d, c);
                           dw(i, j, d, c) += dy(n, p, q, c) * x.value()(n, h, w, d);
                         }
                     });
    CHECK(distance(y.value(), expected) < 1e-12);
    const auto [found_dx, found_dw] = gradient(sum(y * Variable(dy)), x, weight);
    CHECK(distance(found_dx.value(), dx) < 1e-12);
    CHECK(distance(found_dw.value(), dw) < 1e-12);
    CHECK_THAT(dot(y.value(), dy), WithinAbs(dot(x.value(), found_dx.value()), 1e-10));
    CHECK_THAT(dot(y.value(), dy), WithinAbs(dot(weight.value(), found_dw.value()), 1e-10));
  });
  CHECK(legal >= 150);
  CHECK(refused >= 5);
}

TEST_CASE("conv_transpose2d agrees with its definition over a grid of options, and is conv2d's adjoint") {
  int legal = 0, refused = 0;
  const Index rows = 3, columns = 2;
  const auto x = watch(numbers(Shape{batch, rows, columns, in}, 1));
  for_each_option([&](Index kernel, Index other, Index stride, Index padding, Index dilation) {
    const auto weight = watch(numbers(Shape{kernel, other, out, in}, 2));
    for (Index extra = 0; extra <= std::max(stride, dilation); ++extra) {
      INFO("kernel " << kernel << " x " << other << ", stride " << stride << ", padding " << padding << ", dilation "
                     << dilation << ", output_padding " << extra);
      const ConvTransposeOptions options{stride, padding, extra, dilation};
      if (extra == std::max(stride, dilation)) {
        ++refused;
        CHECK_THROWS_AS(conv_transpose2d(x, weight, options), ArgumentError);
        continue;
      }
      // The far end of the last place's kernel, without what the padding takes from both ends.
      const Index full_height = (rows - 1) * stride + dilation * (kernel - 1) + 1 + extra - 2 * padding,
                  full_width = (columns - 1) * stride + dilation * (other - 1) + 1 + extra - 2 * padding;
      if (full_height < 1 || full_width < 1) {
        ++refused;
        CHECK_THROWS_AS(conv_transpose2d(x, weight, options), ShapeError);
        continue;
      }
      ++legal;
      const auto y = conv_transpose2d(x, weight, options);
      REQUIRE(y.shape() == Shape{batch, full_height, full_width, out});
      const auto dy = numbers(y.shape(), 3);
      Tensor<double, 4> expected(y.shape(), 0.0), dx(x.shape(), 0.0), dw(weight.shape(), 0.0);
      for_each_product(y.shape(), x.shape(), kernel, other, stride, padding, dilation,
                       [&](Index n, Index h, Index w, Index p, Index q, Index i, Index j) {
                         for (Index c = 0; c < out; ++c)
                           for (Index d = 0; d < in; ++d) {
                             expected(n, h, w, c) += x.value()(n, p, q, d) * weight.value()(i, j, c, d);
                             dx(n, p, q, d) += dy(n, h, w, c) * weight.value()(i, j, c, d);
                             dw(i, j, c, d) += dy(n, h, w, c) * x.value()(n, p, q, d);
                           }
                       });
      CHECK(distance(y.value(), expected) < 1e-12);
      const auto [found_dx, found_dw] = gradient(sum(y * Variable(dy)), x, weight);
      CHECK(distance(found_dx.value(), dx) < 1e-12);
      CHECK(distance(found_dw.value(), dw) < 1e-12);
      // conv2d has a weight of channels in, out; that of its adjoint is the same numbers, and so is its shape.
      if (extra < stride && places(full_height, kernel, stride, padding, dilation) == rows &&
          places(full_width, other, stride, padding, dilation) == columns) {
        const auto back = conv2d(Variable(dy), weight, {stride, padding, dilation});
        CHECK(distance(back.value(), found_dx.value()) < 1e-12);
        CHECK_THAT(dot(y.value(), dy), WithinAbs(dot(x.value(), back.value()), 1e-10));
      }
    }
  });
  CHECK(legal >= 350);
  CHECK(refused >= 150);
}
