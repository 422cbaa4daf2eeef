// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/convolution_geometry.hpp"
#include "eigenesis/kernels/product_inl.hpp"
#include "eigenesis/kernels/reductions.hpp"

// Gradients of convolutions of few input channels, whose channels alone would not fill a tile: im2col lays a few lines
// of the image out as a matrix, one row for each output with all numbers that its taps see, and a convolution is then
// one matrix product. For an image of 4 x 3 pixels and a kernel of 2 x 2 (a ... l are pixels, all channels of each):
//
//     image          columns [outputs, taps channels]
//     a b c d        a b e f     output 0
//     e f g h        b c f g     output 1
//     i j k l        c d g h     output 2
//                    e f i j     output 3, ...
//
// Neighbouring taps of a line are neighbours in the image: `a b` is one run of memory, and so are `b c` and `c d`, with
// equal steps in the image and in the columns. A border output, some of whose taps lie in the padding, is copied tap by
// tap.
namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
const ConvolutionKernels<T>& convolution_kernels(Isa use) {
  EIGENESIS_DISPATCH(use, convolution_kernels(static_cast<const T*>(nullptr)));
}

struct Range {
  Index begin, end;
};
/// The outputs of a line all of whose taps lie in the image and are neighbours there; may be empty.
inline Range inner_outputs(const ConvolutionAxis& width) {
  const Index reach = width.dilation * (width.kernel - 1), edge = width.input + width.padding;
  const Index begin = std::clamp<Index>((width.padding + width.stride - 1) / width.stride, 0, width.output);
  if (width.dilation > 1 || edge <= reach) return {begin, begin};
  return {begin, std::clamp((edge - reach - 1) / width.stride + 1, begin, width.output)};
}

/// Where the columns of lines [first, last) of outputs (of all images) and the image x meet, as runs of equal steps:
/// run(place in the columns, place in x, number of runs, numbers in each).
template <class F>
void for_each_run(const ConvolutionGeometry& g, Index first, Index last, F&& run) {
  const ConvolutionAxis &height = g.height, &width = g.width;
  const Index row = g.taps() * g.in;
  const auto [begin, end] = inner_outputs(width);
  for (Index line = first; line < last; ++line)
    for (Index tap = 0; tap < height.kernel; ++tap) {
      const Index y = line % height.output * height.stride + tap * height.dilation - height.padding;
      if (y < 0 || y >= height.input) continue;
      const Index from = (line / height.output * height.input + y) * width.input * g.in;
      const Index to = (line - first) * width.output * row + tap * width.kernel * g.in;
      if (begin < end)
        run(to + begin * row, from + (begin * width.stride - width.padding) * g.in, end - begin, width.kernel * g.in);
      const auto run_taps = [&](Index o) {
        for (Index q = 0; q < width.kernel; ++q) {
          const Index column = o * width.stride + q * width.dilation - width.padding;
          if (column >= 0 && column < width.input) run(to + o * row + q * g.in, from + column * g.in, Index{1}, g.in);
        }
      };
      for (Index o = 0; o < begin; ++o) run_taps(o);
      for (Index o = end; o < width.output; ++o) run_taps(o);
    }
}

/// columns [outputs of the lines, taps in] = the numbers of x that each output sees, 0 in the padding.
template <class T>
void im2col(const ConvolutionGeometry& g, const T* x, Index first, Index last, T* columns, Isa use) {
  const auto& kernels = convolution_kernels<T>(use);
  const Index row = g.taps() * g.in;
  std::fill_n(columns, (last - first) * g.width.output * row, T{0});
  for_each_run(g, first, last, [&](Index to, Index from, Index runs, Index size) {
    kernels.copy_runs(x + from, g.width.stride * g.in, columns + to, row, runs, size);
  });
}

/// The adjoint of im2col: adds each number of the columns to the number of x it came from.
template <class T>
void add_col2im(const ConvolutionGeometry& g, const T* columns, Index first, Index last, T* x, Isa use) {
  const auto& kernels = convolution_kernels<T>(use);
  for_each_run(g, first, last, [&](Index from, Index to, Index runs, Index size) {
    kernels.add_runs(columns + from, g.taps() * g.in, x + to, g.width.stride * g.in, runs, size);
  });
}

/// Lines of outputs that make about `pixels` pixels.
inline Index lines_of(const ConvolutionGeometry& g, Index pixels) { return count_parts(pixels, g.width.output); }

/// dx, by images: the columns' gradient dy w^T, then col2im.
template <class T>
void im2col_input_gradient(const ConvolutionGeometry& g, const T* dy, const T* w, T* dx, Isa use) {
  const Index row = g.taps() * g.in, lines = lines_of(g, 512), line = g.width.output * g.out;
  const Index images = std::max<Index>(1, lines / g.height.output), image = g.input_pixels() * g.in;
  run_ranges(g.batch, images, [&](Index begin, Index end) {
    T* const columns = scratch<T, struct ImageColumns>(lines * g.width.output * row + 32);
    std::fill_n(dx + begin * image, (end - begin) * image, T{0});
    for (Index first = begin * g.height.output, last; first < end * g.height.output; first = last) {
      last = std::min(first + lines, end * g.height.output);
      gemm<T>(false, true, (last - first) * g.width.output, row, g.out, dy + first * line, w, columns, nullptr, use);
      add_col2im(g, columns, first, last, dx, use);
    }
  });
}

/// dw = columns^T dy, summed over pieces of lines.
template <class T>
void im2col_weight_gradient(const ConvolutionGeometry& g, const T* x, const T* dy, T* dw, Isa use) {
  const Index row = g.taps() * g.in, lines = lines_of(g, 1024), line = g.width.output * g.out;
  const Index all_lines = g.batch * g.height.output, piece_lines = std::max(lines, count_parts(all_lines, 64));
  const Index pieces = count_parts(all_lines, piece_lines);
  T* const partial = pieces == 1 ? dw : scratch<T, struct PartialWeights>(pieces * row * g.out + 32);
  run_ranges(all_lines, piece_lines, [&](Index begin, Index end) {
    T* const columns = scratch<T, struct ImageColumns>(lines * g.width.output * row + 32);
    T* const sums = partial + begin / piece_lines * row * g.out;
    for (Index first = begin, last; first < end; first = last) {
      last = std::min(first + lines, end);
      im2col(g, x, first, last, columns, use);
      const Rows<const T> start{first > begin ? sums : nullptr, g.out};
      multiply<T>({true, false, row, g.out, (last - first) * g.width.output, columns, dy + first * line, sums, start},
                  use);
    }
  });
  if (pieces > 1) sum_rows(partial, pieces, row * g.out, dw, use);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
