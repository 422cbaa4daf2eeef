// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/reductions.hpp"
#include "eigenesis/ops/arrange.hpp"

// Images [N, H, W, C] made smaller or larger, each channel by itself.
namespace eigenesis::inline EIGENESIS_ABI {

/// How a window moves over an image, the same along height and width.
struct PoolOptions {
  Index stride = 0;   // pixels from one window to the next; 0: as many as the kernel is wide
  Index padding = 0;  // pixels on every side: zeros for avg_pool2d, never the greatest for max_pool2d
};

/// How upsample2d finds the pixels between: the nearest one, or between the four around.
enum class Interpolation { nearest, bilinear };

namespace detail {

// Channels are taken in strips: of loops of constant length compilers make vectors. Tensors may be read beyond their
// end, but not written.
inline constexpr Index strip = 16;
template <class Scalar>
void store_strip(const Scalar* from, Index left, Scalar* to) {
  if (left >= strip)
    std::copy_n(from, strip, to);
  else
    std::copy_n(from, left, to);
}

/// A sparse matrix for one axis: output i is the sum of weight * input over its taps, which stand in order of outputs.
template <class Scalar>
struct AxisMatrix {
  using Tap = AxisTap<Scalar>;
  Index outputs, inputs;
  CachedVector<Tap> taps;

  AxisMatrix transposed() const {
    AxisMatrix result{inputs, outputs, taps};
    for (Tap& tap : result.taps) std::swap(tap.output, tap.input);
    std::sort(result.taps.begin(), result.taps.end(),
              [](const Tap& a, const Tap& b) { return std::pair(a.output, a.input) < std::pair(b.output, b.input); });
    return result;
  }
};

/// Applies a matrix along one axis; the gradient is the same with the transposed matrix.
template <class Scalar, int Rank>
Variable<Scalar, Rank> apply_along(const Variable<Scalar, Rank>& x, int axis, const AxisMatrix<Scalar>& matrix) {
  CachedVector<Index> begin(static_cast<std::size_t>(matrix.outputs) + 1);  // of each output's taps
  for (const auto& tap : matrix.taps) ++begin[static_cast<std::size_t>(tap.output) + 1];
  for (std::size_t output = 1; output < begin.size(); ++output) begin[output] += begin[output - 1];

  Shape<Rank> shape = x.shape();
  shape[axis] = matrix.outputs;
  Tensor<Scalar, Rank> y(shape);
  const AxisView view(x.shape(), axis);
  run_rows(view.outer * matrix.outputs, view.inner, [&, use = isa()](Index first, Index last) {
    for (Index row = first; row < last; ++row) {
      const Scalar* const inputs = x.value().data() + row / matrix.outputs * matrix.inputs * view.inner;
      const Index* const taps = begin.data() + row % matrix.outputs;
      weigh_rows(inputs, view.inner, matrix.taps.data() + taps[0], taps[1] - taps[0], y.data() + row * view.inner, use);
    }
  });
  if (auto* trace = Trace<Scalar>::current()) [[unlikely]]
    trace->describe("apply_along", {axis}, std::make_shared<const AxisMatrix<Scalar>>(matrix));
  return record(std::move(y), wrt(x, [axis, matrix](const auto&, const auto& dy) {
                  return apply_along(dy, axis, matrix.transposed());
                }));
}

/// The windows of a pooling along one axis.
struct Windows {
  Index size, kernel, stride, padding;
  Index count() const { return (size + 2 * padding - kernel) / stride + 1; }
  Index begin(Index window) const { return std::max<Index>(window * stride - padding, 0); }
  Index end(Index window) const { return std::min(window * stride - padding + kernel, size); }
};

template <int Rank>
std::array<Windows, 2> windows_of(const char* function, const Shape<Rank>& x, Index kernel, PoolOptions options) {
  const auto [stride, padding] = options;
  require<ArgumentError>(kernel >= 1 && stride >= 0 && padding >= 0 && padding <= kernel / 2, function,
                         ": expected kernel >= 1, stride >= 0 and padding from 0 to kernel / 2 but got ", kernel, ", ",
                         stride, " and ", padding);
  require<ArgumentError>(std::max(kernel, stride) <= max_step, function, ": expected kernel and stride of at most ",
                         max_step, " but got ", kernel, " and ", stride);
  const Index least = std::max<Index>(kernel - 2 * padding, 1);
  require(std::min(x[1], x[2]) >= least, function, ": expected images of at least ", least, " x ", least,
          " pixels but got x of shape ", x);
  const Index step = stride == 0 ? kernel : stride;
  return {Windows{x[1], kernel, step, padding}, Windows{x[2], kernel, step, padding}};
}

/// Where in its sample of x each element of y stands. gather and scatter are each the other's gradient.
struct Places {
  std::shared_ptr<const CachedVector<Index>> of_y;
  Shape<4> x_shape, y_shape;

  /// Calls f(place in x, place in y) for all elements, samples in parallel.
  template <class F>
  void for_each(F f) const {
    const Index samples = std::max<Index>(x_shape[0], 1), inputs = x_shape.size() / samples,
                outputs = y_shape.size() / samples;
    run_pieces(x_shape[0], true, [&](Index n) {
      for (Index i = n * outputs; i < (n + 1) * outputs; ++i) f(n * inputs + (*of_y)[static_cast<std::size_t>(i)], i);
    });
  }
};

template <class Scalar>
Variable<Scalar, 4> scatter(const Variable<Scalar, 4>& y, const Places& places);

template <class Scalar>
Variable<Scalar, 4> gather(const Variable<Scalar, 4>& x, const Places& places) {
  Tensor<Scalar, 4> y(places.y_shape);
  places.for_each([from = x.value().data(), to = y.data()](Index in_x, Index in_y) { to[in_y] = from[in_x]; });
  return record(std::move(y), wrt(x, [places](const auto&, const auto& dy) { return scatter(dy, places); }));
}

template <class Scalar>
Variable<Scalar, 4> scatter(const Variable<Scalar, 4>& y, const Places& places) {
  Tensor<Scalar, 4> x(places.x_shape, Scalar{0});
  places.for_each([from = y.value().data(), to = x.data()](Index in_x, Index in_y) { to[in_x] += from[in_y]; });
  return record(std::move(x), wrt(y, [places](const auto&, const auto& dx) { return gather(dx, places); }));
}

}  // namespace detail

/// The mean over windows of kernel x kernel pixels, x [N, H, W, C] -> [N, H', W', C] with H' = (H + 2 padding - kernel)
/// / stride + 1, rounded down. Padding counts as zeros, as in PyTorch. Throws ArgumentError for impossible options,
/// ShapeError for images smaller than a window.
template <class Scalar>
Variable<Scalar, 4> avg_pool2d(const Variable<Scalar, 4>& x, Index kernel, PoolOptions options = {}) {
  Variable<Scalar, 4> y = x;
  int axis = 1;
  for (const detail::Windows& windows : detail::windows_of("avg_pool2d", x.shape(), kernel, options)) {
    detail::AxisMatrix<Scalar> matrix{windows.count(), windows.size, {}};
    for (Index window = 0; window < matrix.outputs; ++window)
      for (Index i = windows.begin(window); i < windows.end(window); ++i)
        matrix.taps.push_back({window, i, Scalar{1} / static_cast<Scalar>(kernel)});
    y = detail::apply_along(y, axis++, matrix);
  }
  return y;
}

/// The greatest element of windows of kernel x kernel pixels, NaN if one is NaN; shapes and errors as for avg_pool2d.
/// Padding is never the greatest. Of equal elements the first, row by row, gets the gradient, as in PyTorch.
template <class Scalar>
Variable<Scalar, 4> max_pool2d(const Variable<Scalar, 4>& x, Index kernel, PoolOptions options = {}) {
  const auto windows = detail::windows_of("max_pool2d", x.shape(), kernel, options);
  const detail::Windows &rows = windows[0], &columns = windows[1];
  const Index height = rows.count(), width = columns.count(), channels = x.shape(3);
  Tensor<Scalar, 4> y(Shape{x.shape(0), height, width, channels});
  using Offset = std::conditional_t<sizeof(Scalar) == 4, std::int32_t, Index>;  // as wide, for the sake of vectors
  const auto places = std::allocate_shared<detail::CachedVector<Index>>(detail::CachedAllocator<Index>(),
                                                                        static_cast<std::size_t>(y.size()));
  detail::run_rows(x.shape(0) * height, width * channels, [&](Index first, Index last) {
    for (Index pixel = first * width; pixel < last * width; ++pixel) {
      const Index n = pixel / (height * width), i = pixel / width % height, j = pixel % width;
      const Index begin = (rows.begin(i) * columns.size + columns.begin(j)) * channels;  // of the window, in its image
      const Scalar* const window = x.value().data() + n * rows.size * columns.size * channels + begin;
      const Index window_rows = rows.end(i) - rows.begin(i), window_columns = columns.end(j) - columns.begin(j);
      for (Index channel = 0; channel < channels; channel += detail::strip) {
        Scalar greatest[detail::strip];
        Offset offset[detail::strip] = {};
        std::copy_n(window + channel, detail::strip, greatest);
        for (Index r = 0; r < window_rows; ++r)
          for (Index c = 0; c < window_columns; ++c) {
            const Index at = (r * columns.size + c) * channels;
            const Scalar* const in = window + at + channel;
            const Offset here = static_cast<Offset>(at);
            for (Index lane = 0; lane < detail::strip; ++lane) {
              const bool better = in[lane] > greatest[lane] || in[lane] != in[lane];
              greatest[lane] = better ? in[lane] : greatest[lane];
              offset[lane] = better ? here : offset[lane];
            }
          }
        const Index out = pixel * channels + channel;
        detail::store_strip(greatest, channels - channel, y.data() + out);
        for (Index lane = 0; lane < std::min(detail::strip, channels - channel); ++lane)
          (*places)[static_cast<std::size_t>(out + lane)] = begin + channel + lane + static_cast<Index>(offset[lane]);
      }
    }
  });
  const detail::Places greatest{places, x.shape(), y.shape()};
  detail::describe<Scalar>("max_pool2d", {kernel, rows.stride, rows.padding});
  return record(std::move(y), wrt(x, [greatest](const auto&, const auto& dy) { return scatter(dy, greatest); }));
}

/// Each pixel becomes factor x factor pixels, x [N, H, W, C] -> [N, factor H, factor W, C]: copies of it, or bilinear
/// between the centres of pixels (PyTorch's align_corners = false). Throws ArgumentError for a factor < 1 or > 2^20.
template <class Scalar>
Variable<Scalar, 4> upsample2d(const Variable<Scalar, 4>& x, Index factor,
                               Interpolation interpolation = Interpolation::nearest) {
  require<ArgumentError>(factor >= 1 && factor <= detail::max_step, "upsample2d: expected a factor in [1, ",
                         detail::max_step, "] but got ", factor);
  Variable<Scalar, 4> y = x;
  for (const int axis : {1, 2}) {
    const Index size = x.shape(axis);
    detail::AxisMatrix<Scalar> matrix{size * factor, size, {}};
    for (Index i = 0; i < matrix.outputs; ++i) {
      // How far the centre of output i lies behind that of an input, as a multiple of 1 / (2 factor).
      const Index behind = std::max<Index>(2 * i + 1 - factor, 0), near = behind / (2 * factor);
      const Scalar part = static_cast<Scalar>(behind % (2 * factor)) / static_cast<Scalar>(2 * factor);
      if (interpolation == Interpolation::nearest || part == 0 || near + 1 == size) {
        matrix.taps.push_back({i, interpolation == Interpolation::nearest ? i / factor : near, Scalar{1}});
      } else {
        matrix.taps.push_back({i, near, 1 - part});
        matrix.taps.push_back({i, near + 1, part});
      }
    }
    y = detail::apply_along(y, axis, matrix);
  }
  return y;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
