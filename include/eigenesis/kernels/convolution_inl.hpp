// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/convolution.hpp"
#include "eigenesis/kernels/im2col.hpp"

// Images of few channels are laid out as a matrix (im2col.hpp). All others are not copied: micro-kernels read pixels
// where they lie, each row of a tile through a pointer of its own (an indirect convolution, Dukhan 2019):
//
//     x [pixels, channels]                 w of a tap [channels, n]
//     +----------------+                 +----------+
//     | pixel          | <-- from[0] --  | panel    |    --> to[0]  pixel of y
//     |      pixel     | <-- from[1] --  |          |    --> to[1]  pixel of y
//     |           ...  |                 +----------+
//     +----------------+      summed over the taps: a tap moves all pointers by one and the same distance
//
// So the rows of a tile must have the same taps: pixels are sorted by them (AxisTaps), and no tap into the padding
// costs anything.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A convolution seen from its target: target [batch, height, width, n] = sum over taps of
/// source [batch, height', width', k] w[tap] [k, n]. To the input, source and target are dy and dx, and w[tap] is
/// transposed.
template <class T>
struct TapSum {
  const ConvolutionGeometry& g;
  bool to_output;
  AxisTaps height, width;
  Index k, n;
  const ProductKernels<T>& products;
  const ConvolutionKernels<T>& kernels;
  Panels panels;  // of n
  bool shared;

  TapSum(const ConvolutionGeometry& geometry, bool towards_output, Isa use)
      : g(geometry),
        to_output(towards_output),
        height(g.height, to_output),
        width(g.width, to_output),
        k(to_output ? g.in : g.out),
        n(to_output ? g.out : g.in),
        products(product_kernels<T>(use)),
        kernels(convolution_kernels<T>(use)),
        panels(n, products),
        shared(
            is_worth_sharing(2 * g.batch * std::min(g.input_pixels(), g.output_pixels()) * g.taps() * g.in * g.out)) {}
};

/// Packs w panel by panel, each [taps, k, width of the panel]; to the input, taps stand in reverse.
template <class T>
const T* pack_weights(const TapSum<T>& sum, const T* w) {
  const Index taps = sum.g.taps(), k = sum.k, n = sum.n;
  T* const packed = scratch<T, struct PackedWeights>(sum.panels.all_columns() * taps * k);
  run_pieces(sum.panels.count * taps, sum.shared, [&](Index piece) {
    const Index panel = piece / taps, tap = piece % taps, j = sum.panels.begin(panel), width = sum.panels.width(panel);
    T* const out = packed + (j * taps + tap * width) * k;
    if (sum.to_output)
      sum.products.pack(w + tap * k * n + j, n, k, n - j, width / sum.panels.lanes, out);
    else
      sum.products.pack_transposed(w + ((taps - 1 - tap) * n + j) * k, k, k, n - j, width / sum.panels.lanes, out);
  });
  return packed;
}

/// Pixels of the target with the same taps, as many as a piece of work takes.
struct PixelBlock {
  static constexpr Index most = 96;
  const AxisTaps::Group *y, *x;
  Index first, count;  // among all pixels of these groups, image by image
};

template <class T>
CachedVector<PixelBlock> pixel_blocks(const TapSum<T>& sum) {
  CachedVector<PixelBlock> blocks;
  for (const auto& y : sum.height.groups)
    for (const auto& x : sum.width.groups)
      for (Index first = 0, all = sum.g.batch * y.places * x.places; first < all; first += PixelBlock::most)
        blocks.push_back({&y, &x, first, std::min(PixelBlock::most, all - first)});
  return blocks;
}

/// Where the first tap finds the source of each pixel of a block, and where the pixel lies in the target.
template <class T>
void find_pixels(const TapSum<T>& sum, const PixelBlock& block, const T* source, T* target, const T** from, T** to) {
  const auto& [y, x, first, count] = block;
  Index column = first % x->places, row = first / x->places % y->places, image = first / x->places / y->places;
  for (Index i = 0; i < count; ++i) {
    const Index source_y = image * sum.height.source_size + y->source + row * sum.height.source_step;
    const Index target_y = image * sum.height.size + y->target + row * sum.height.target_step;
    from[i] = source + (source_y * sum.width.source_size + x->source + column * sum.width.source_step) * sum.k;
    to[i] = target + (target_y * sum.width.size + x->target + column * sum.width.target_step) * sum.n;
    if (++column < x->places) continue;
    column = 0;
    if (++row == y->places) row = 0, ++image;
  }
}

/// The taps of a block. Taps whose pixels are neighbours in the source are one tap of more channels.
template <class T>
Taps taps_of(const TapSum<T>& sum, const PixelBlock& block) {
  Taps taps{.rows = block.y->taps,
            .columns = block.x->taps,
            .channels = sum.k,
            .a_row = sum.height.tap_source_step * sum.width.source_size * sum.k,
            .a_column = sum.width.tap_source_step * sum.k,
            .b_row = sum.height.tap_step * sum.g.width.kernel * sum.k,
            .b_column = sum.width.tap_step * sum.k};
  if (taps.a_column == sum.k && taps.b_column == sum.k) taps.channels *= std::exchange(taps.columns, 1);
  return taps;
}

/// All channels of a block's pixels, panel by panel, tile by tile.
template <class T>
void sum_taps_of_block(const TapSum<T>& sum, const PixelBlock& block, const T* source, const T* packed, T* target) {
  const T* from[PixelBlock::most];
  T* to[PixelBlock::most];
  find_pixels(sum, block, source, target, from, to);
  const Taps taps = taps_of(sum, block);
  const Index first_tap = block.y->first_tap * sum.g.width.kernel + block.x->first_tap;
  for (Index panel = 0; panel < sum.panels.count; ++panel) {
    const Index j = sum.panels.begin(panel), width = sum.panels.width(panel), columns = std::min(width, sum.n - j);
    const T* const weights = packed + (j * sum.g.taps() + first_tap * width) * sum.k;
    for (Index i = 0, height = 0; i < block.count; i += sum.products.tile_rows[height]) {
      height = sum.products.highest_tile(height, block.count - i);
      const auto micro_kernel = sum.kernels.tap_kernels[height][width / sum.panels.lanes - 1];
      if (columns == width) {
        micro_kernel(taps, from + i, weights, to + i, j);
        continue;
      }
      alignas(64) T edge[max_tile_size];  // as in compute_tile(), but each row has a place of its own
      T* edge_rows[max_tile_rows];
      for (Index r = 0; r < max_tile_rows; ++r) edge_rows[r] = edge + r * width;
      micro_kernel(taps, from + i, weights, edge_rows, 0);
      for (Index r = 0; r < sum.products.tile_rows[height]; ++r) std::copy_n(edge_rows[r], columns, to[i + r] + j);
    }
  }
}

template <class T>
void sum_over_taps(const ConvolutionGeometry& g, bool to_output, const T* source, const T* w, T* target, Isa use) {
  const TapSum<T> sum(g, to_output, use);
  const T* const packed = pack_weights(sum, w);
  const CachedVector<PixelBlock> blocks = pixel_blocks(sum);
  run_pieces(std::ssize(blocks), sum.shared,
             [&](Index i) { sum_taps_of_block(sum, blocks[static_cast<std::size_t>(i)], source, packed, target); });
}

/// The pairs of pixels that a tap joins, of the outputs [begin, end) of all images; how many these are.
inline Index join_pixels(const ConvolutionGeometry& g, Index tap, Index begin, Index end, PixelPair* pairs) {
  const ConvolutionAxis &height = g.height, &width = g.width;
  const Index tap_y = tap / width.kernel, shift = tap % width.kernel * width.dilation - width.padding;
  // The outputs of a line that the tap joins with a pixel of the image.
  const Index reached = std::max<Index>(0, (width.stride - 1 - shift) / width.stride);
  const Index beyond = width.input > shift ? (width.input - shift - 1) / width.stride + 1 : 0;
  Index count = 0;
  for (Index pixel = begin; pixel < end;) {
    const Index line = pixel / width.output, first = pixel % width.output;
    const Index last = std::min(width.output, first + end - pixel);
    const Index y = line % height.output * height.stride + tap_y * height.dilation - height.padding;
    const Index from = (line / height.output * height.input + y) * width.input + shift;
    if (y >= 0 && y < height.input)
      for (Index o = std::max(first, reached); o < std::min(last, beyond); ++o)
        pairs[count++] = {(from + o * width.stride) * g.in, (line * width.output + o) * g.out};
    pixel += last - first;
  }
  return count;
}

/// dw[tap] [in, out] = x^T dy over the pairs of pixels that the tap joins, in blocks of pixels that stay in the caches:
/// each block adds to what those before it gave.
template <class T>
void sum_over_pixels(const ConvolutionGeometry& g, const T* x, const T* dy, T* dw, Isa use) {
  const ProductKernels<T>& products = product_kernels<T>(use);
  const ConvolutionKernels<T>& kernels = convolution_kernels<T>(use);
  const Panels panels(g.out, products);
  constexpr Index most_pixels = 400;
  // Low tiles read the same numbers of x more often: so few that they stay in the first cache.
  const Index block_pixels = products.tile_rows[0] == 8 ? most_pixels : 64;
  const Index piece_rows = g.taps() * g.in > 1024 ? 64 : 32;  // of a tap's dw; enough pieces for several threads
  const Index pixels = g.batch * g.output_pixels(), pieces = count_parts(g.in, piece_rows);
  const bool shared = is_worth_sharing(2 * block_pixels * g.taps() * g.in * g.out);
  for (Index begin = 0; begin < pixels; begin += block_pixels)
    run_pieces(g.taps() * pieces, shared, [&](Index piece) {
      const Index tap = piece / pieces, first = piece % pieces * piece_rows, last = std::min(g.in, first + piece_rows);
      PixelPair pairs[most_pixels];
      const Index count = join_pixels(g, tap, begin, std::min(pixels, begin + block_pixels), pairs);
      for (Index panel = 0; panel < panels.count; ++panel) {
        const Index j = panels.begin(panel), width = panels.width(panel), columns = std::min(width, g.out - j);
        for (Index i = first, height = 0; i < last; i += products.tile_rows[height]) {
          height = products.highest_tile(height, last - i);
          const Rows<T> out{dw + (tap * g.in + i) * g.out + j, g.out};
          const Rows<const T> start{begin > 0 ? out.data : nullptr, g.out};
          compute_tile(out, start, products.tile_rows[height], columns, width, [&](Rows<T> c, Rows<const T>) {
            kernels.pixel_kernels[height][width / panels.lanes - 1](pairs, count, x + i, dy + j, c.data, c.row,
                                                                    begin > 0);
          });
        }
      }
    });
}

/// out [taps, columns, rows], the taps in reverse, each [rows, columns] of w transposed.
template <class T>
void mirror_weights(const T* w, Index taps, Index rows, Index columns, T* out) {
  for (Index tap = 0; tap < taps; ++tap)
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < columns; ++c)
        out[((taps - 1 - tap) * columns + c) * rows + r] = w[(tap * rows + r) * columns + c];
}

/// Whether the output has so few channels that x and y better change roles.
template <class T>
bool is_better_mirrored(const ConvolutionGeometry& g, Isa use) {
  return 2 * g.out <= product_kernels<T>(use).lanes && g.out < g.in && g.height.stride == 1 && g.width.stride == 1;
}

template <class T>
void conv_forward(const ConvolutionGeometry& g, const T* x, const T* w, T* y, Isa use) {
  if (g.is_product())
    return gemm<T>(false, false, g.batch * g.output_pixels(), g.out, g.taps() * g.in, x, w, y, nullptr, use);
  if (is_better_mirrored<T>(g, use)) {
    T* const mirrored = scratch<T, struct MirroredWeights>(g.taps() * g.in * g.out + 32);
    mirror_weights(w, g.taps(), g.in, g.out, mirrored);
    return im2col_input_gradient(g.mirrored(), x, mirrored, y, use);
  }
  sum_over_taps(g, true, x, w, y, use);
}

template <class T>
void conv_input_gradient(const ConvolutionGeometry& g, const T* dy, const T* w, T* dx, Isa use) {
  if (g.is_product())
    return gemm<T>(false, true, g.batch * g.output_pixels(), g.taps() * g.in, g.out, dy, w, dx, nullptr, use);
  if (2 * g.in <= product_kernels<T>(use).lanes) return im2col_input_gradient(g, dy, w, dx, use);
  sum_over_taps(g, false, dy, w, dx, use);
}

template <class T>
void conv_weight_gradient(const ConvolutionGeometry& g, const T* x, const T* dy, T* dw, Isa use) {
  if (g.is_product())
    return gemm<T>(true, false, g.taps() * g.in, g.out, g.batch * g.output_pixels(), x, dy, dw, nullptr, use);
  if (2 * g.in <= product_kernels<T>(use).tile_rows[0]) return im2col_weight_gradient(g, x, dy, dw, use);
  if (is_better_mirrored<T>(g, use)) {
    T* const mirrored = scratch<T, struct MirroredWeights>(g.taps() * g.in * g.out + 32);
    im2col_weight_gradient(g.mirrored(), dy, x, mirrored, use);
    return mirror_weights(mirrored, g.taps(), g.out, g.in, dw);
  }
  sum_over_pixels(g, x, dy, dw, use);
}

EIGENESIS_INSTANTIATE(conv_forward);
EIGENESIS_INSTANTIATE(conv_input_gradient);
EIGENESIS_INSTANTIATE(conv_weight_gradient);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
