// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/convolution_geometry.hpp"
#include "eigenesis/kernels/kernels.hpp"

// Gradients of convolutions of few input channels, as matrix products with the unfolded image [output pixels, taps in],
// a few lines of it at a time: channels alone would not fill a register tile.
namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
const ConvolutionKernels<T>& convolution_kernels(Isa use) {
  EIGENESIS_DISPATCH(use, convolution_kernels(static_cast<const T*>(nullptr)));
}

/// Where the unfolded lines [first, last) of outputs (of all images) and the image x meet, as runs of equal steps:
/// run(place in the unfolded lines, place in x, number of runs, elements of each).
template <class F>
void for_each_run(const ConvolutionGeometry& g, Index first, Index last, F&& run) {
  const ConvolutionAxis &height = g.height, &width = g.width;
  const Index reach = width.dilation * (width.kernel - 1), row = g.taps() * g.in;
  // The outputs all of whose taps lie in the image, if these are neighbours there.
  Index begin = std::clamp<Index>((width.padding + width.stride - 1) / width.stride, 0, width.output), end = begin;
  if (width.dilation == 1 && width.input + width.padding > reach)
    end = std::clamp((width.input + width.padding - reach - 1) / width.stride + 1, begin, width.output);
  for (Index line = first; line < last; ++line)
    for (Index tap = 0; tap < height.kernel; ++tap) {
      const Index y = line % height.output * height.stride + tap * height.dilation - height.padding;
      if (y < 0 || y >= height.input) continue;
      const Index from = (line / height.output * height.input + y) * width.input * g.in;
      const Index to = (line - first) * width.output * row + tap * width.kernel * g.in;
      if (begin < end)
        run(to + begin * row, from + (begin * width.stride - width.padding) * g.in, end - begin, width.kernel * g.in);
      for (Index o = 0; o < width.output; ++o) {
        if (o == begin) o = end;
        for (Index q = 0; q < width.kernel && o < width.output; ++q) {
          const Index column = o * width.stride + q * width.dilation - width.padding;
          if (column >= 0 && column < width.input) run(to + o * row + q * g.in, from + column * g.in, Index{1}, g.in);
        }
      }
    }
}

/// columns [pixels of the lines, taps in] = the elements of x that each output sees, 0 beyond the edges.
template <class T>
void unfold(const ConvolutionGeometry& g, const T* x, Index first, Index last, T* columns, Isa use) {
  const auto& kernels = convolution_kernels<T>(use);
  const Index row = g.taps() * g.in;
  std::fill_n(columns, (last - first) * g.width.output * row, T{0});
  for_each_run(g, first, last, [&](Index to, Index from, Index runs, Index size) {
    kernels.copy_runs(x + from, g.width.stride * g.in, columns + to, row, runs, size);
  });
}

/// Adds what unfold() spreads: the adjoint.
template <class T>
void add_folded(const ConvolutionGeometry& g, const T* columns, Index first, Index last, T* x, Isa use) {
  const auto& kernels = convolution_kernels<T>(use);
  for_each_run(g, first, last, [&](Index from, Index to, Index runs, Index size) {
    kernels.add_runs(columns + from, g.taps() * g.in, x + to, g.width.stride * g.in, runs, size);
  });
}

/// Lines of outputs that make about `pixels` pixels.
inline Index lines_of(const ConvolutionGeometry& g, Index pixels) { return (pixels - 1) / g.width.output + 1; }

template <class T>
void unfolded_input_gradient(const ConvolutionGeometry& g, const T* dy, const T* w, T* dx, Isa use) {
  const Index row = g.taps() * g.in, lines = lines_of(g, 512), line = g.width.output * g.out;
  const Index images = std::max<Index>(1, lines / g.height.output), image = g.input_pixels() * g.in;
  run_ranges(g.batch, images, [&](Index begin, Index end) {
    T* const columns = scratch<T, struct UnfoldedColumns>(lines * g.width.output * row + 32);
    std::fill_n(dx + begin * image, (end - begin) * image, T{0});
    for (Index first = begin * g.height.output, last; first < end * g.height.output; first = last) {
      last = std::min(first + lines, end * g.height.output);
      gemm<T>(false, true, (last - first) * g.width.output, row, g.out, dy + first * line, w, columns, nullptr, use);
      add_folded(g, columns, first, last, dx, use);
    }
  });
}

template <class T>
void unfolded_weight_gradient(const ConvolutionGeometry& g, const T* x, const T* dy, T* dw, Isa use) {
  const Index row = g.taps() * g.in, lines = lines_of(g, 1024), line = g.width.output * g.out;
  const Index all_lines = g.batch * g.height.output, piece_lines = std::max(lines, (all_lines + 63) / 64);
  const Index pieces = (all_lines + piece_lines - 1) / piece_lines;
  T* const partial = pieces == 1 ? dw : scratch<T, struct PartialWeights>(pieces * row * g.out + 32);
  run_ranges(all_lines, piece_lines, [&](Index begin, Index end) {
    T* const columns = scratch<T, struct UnfoldedColumns>(lines * g.width.output * row + 32);
    T* const sums = partial + begin / piece_lines * row * g.out;
    for (Index first = begin, last; first < end; first = last) {
      last = std::min(first + lines, end);
      unfold(g, x, first, last, columns, use);
      const Start<T> start{first > begin ? sums : nullptr, g.out};
      multiply(true, false, row, g.out, (last - first) * g.width.output, columns, dy + first * line, sums, start, use);
    }
  });
  if (pieces > 1) sum_rows(partial, pieces, row * g.out, dw, use);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
