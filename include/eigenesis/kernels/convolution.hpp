// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/unfold.hpp"

// The three products of a convolution on plain memory: y of x and w, dx of dy and w, dw of x and dy. As in kernels.hpp,
// inputs are read up to 128 bytes beyond their last element, and results do not depend on the number of threads. No
// image is unfolded but those of few channels: register tiles gather their operands where the taps lead (an indirect
// product), places with the same taps together, so that taps that lead into the padding are left out.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// n columns in panels of even width, as few as tiles allow.
struct Panels {
  Index lanes, vectors, count;
  template <class T>
  Panels(Index n, const ProductKernels<T>& kernels)
      : lanes(kernels.lanes),
        vectors((n + lanes - 1) / lanes),
        count((vectors + kernels.widest - 1) / kernels.widest) {}
  Index begin(Index panel) const { return vectors * panel / count * lanes; }
  Index width(Index panel) const { return begin(panel + 1) - begin(panel); }
};

/// Packs w panel by panel, each [taps, k, width of the panel]; to the input w[tap] is transposed, and taps stand in
/// reverse.
template <class T>
const T* pack_weights(const Panels& panels, bool to_output, Index taps, Index k, Index n, const T* w, bool shared,
                      const ProductKernels<T>& kernels) {
  T* const packed = scratch<T, struct PackedWeights>(panels.vectors * panels.lanes * taps * k);
  run_pieces(panels.count * taps, shared, [&](Index piece) {
    const Index panel = piece / taps, tap = piece % taps, j = panels.begin(panel), width = panels.width(panel);
    T* const out = packed + (j * taps + tap * width) * k;
    if (to_output)
      kernels.pack(w + tap * k * n + j, n, k, n - j, width / panels.lanes, out);
    else
      kernels.pack_transposed(w + ((taps - 1 - tap) * n + j) * k, k, k, n - j, width / panels.lanes, out);
  });
  return packed;
}

/// target [batch, height, width, n] = sum over taps of source [batch, height', width', k] w[tap] [k, n]; to the input,
/// w[tap] is transposed.
template <class T>
void sum_over_taps(const ConvolutionGeometry& g, bool to_output, const T* source, const T* w, T* target, Isa use) {
  const ProductKernels<T>& products = product_kernels<T>(use);
  const ConvolutionKernels<T>& kernels = convolution_kernels<T>(use);
  const AxisTaps height(g.height, to_output), width(g.width, to_output);
  const Index k = to_output ? g.in : g.out, n = to_output ? g.out : g.in, taps = g.taps();
  const bool shared = 2 * g.batch * std::min(g.input_pixels(), g.output_pixels()) * taps * g.in * g.out > 300'000;
  const Panels panels(n, products);
  const T* const packed = pack_weights(panels, to_output, taps, k, n, w, shared, products);

  constexpr Index most_rows = 96;
  struct Rows {
    const AxisTaps::Group *y, *x;
    Index first;
  };
  CachedVector<Rows> blocks;
  for (const auto& y : height.groups)
    for (const auto& x : width.groups)
      for (Index first = 0; first < g.batch * y.places * x.places; first += most_rows)
        blocks.push_back({&y, &x, first});

  run_pieces(static_cast<Index>(blocks.size()), shared, [&](Index piece) {
    const auto& [y, x, first] = blocks[static_cast<std::size_t>(piece)];
    const Index rows = std::min(most_rows, g.batch * y->places * x->places - first);
    const T* from[most_rows];
    T* to[most_rows];
    Index column = first % x->places, row = first / x->places % y->places, image = first / x->places / y->places;
    for (Index i = 0; i < rows; ++i) {
      const Index source_y = image * height.source_size + y->source + row * height.source_step;
      const Index target_y = image * height.size + y->target + row * height.target_step;
      from[i] = source + (source_y * width.source_size + x->source + column * width.source_step) * k;
      to[i] = target + (target_y * width.size + x->target + column * width.target_step) * n;
      if (++column < x->places) continue;
      column = 0;
      if (++row == y->places) row = 0, ++image;
    }
    Taps lead{.rows = y->taps,
              .columns = x->taps,
              .channels = k,
              .a_row = height.tap_source_step * width.source_size * k,
              .a_column = width.tap_source_step * k,
              .b_row = height.tap_step * g.width.kernel * k,
              .b_column = width.tap_step * k};
    if (lead.a_column == k && lead.b_column == k) lead.channels *= std::exchange(lead.columns, 1);

    alignas(64) T edge[8 * 48];  // a tile that reaches beyond the last column
    T* edge_rows[8];
    for (Index panel = 0; panel < panels.count; ++panel) {
      const Index j = panels.begin(panel), panel_width = panels.width(panel), columns = std::min(panel_width, n - j);
      const T* const weights = packed + (j * taps + (y->first_tap * g.width.kernel + x->first_tap) * panel_width) * k;
      for (Index r = 0; r < 8; ++r) edge_rows[r] = edge + r * panel_width;
      for (Index i = 0, h = 0; i < rows; i += products.heights[h]) {
        while (products.heights[h] > rows - i) ++h;
        const auto tile = kernels.tap_tiles[h][panel_width / panels.lanes - 1];
        if (columns == panel_width) {
          tile(lead, from + i, weights, to + i, j);
          continue;
        }
        tile(lead, from + i, weights, edge_rows, 0);
        for (Index r = 0; r < products.heights[h]; ++r) std::copy_n(edge_rows[r], columns, to[i + r] + j);
      }
    }
  });
}

/// dw, tap by tap: sums over pairs of pixels that the tap joins, in blocks that stay in the caches.
template <class T>
void sum_over_pixels(const ConvolutionGeometry& g, const T* x, const T* dy, T* dw, Isa use) {
  const ProductKernels<T>& products = product_kernels<T>(use);
  const ConvolutionKernels<T>& kernels = convolution_kernels<T>(use);
  const Panels panels(g.out, products);
  const ConvolutionAxis &height = g.height, &width = g.width;
  constexpr Index most_pixels = 400;
  // Low tiles read the same elements of x more often: so few that they stay in the first cache.
  const Index block_pixels = products.heights[0] == 8 ? most_pixels : 64;
  const Index block_rows = g.taps() * g.in > 1024 ? 64 : 32;  // enough pieces for several threads
  const Index pixels = g.batch * g.output_pixels(), row_blocks = (g.in + block_rows - 1) / block_rows;
  for (Index begin = 0; begin < pixels; begin += block_pixels)
    run_pieces(g.taps() * row_blocks, 2 * block_pixels * g.taps() * g.in * g.out > 300'000, [&](Index piece) {
      const Index tap = piece / row_blocks, tap_y = tap / width.kernel, tap_x = tap % width.kernel;
      const Index shift = tap_x * width.dilation - width.padding;
      // The outputs of a line that the tap joins with a column of the image.
      const Index reached = std::max<Index>(0, (width.stride - 1 - shift) / width.stride);
      const Index beyond = width.input > shift ? (width.input - shift - 1) / width.stride + 1 : 0;
      PixelPair pairs[most_pixels];
      Index count = 0;
      for (Index pixel = begin, end = std::min(pixels, begin + block_pixels); pixel < end;) {
        const Index line = pixel / width.output, first = pixel % width.output;
        const Index last = std::min(width.output, first + end - pixel);
        const Index y = line % height.output * height.stride + tap_y * height.dilation - height.padding;
        const Index from = (line / height.output * height.input + y) * width.input + shift;
        if (y >= 0 && y < height.input)
          for (Index o = std::max(first, reached); o < std::min(last, beyond); ++o)
            pairs[count++] = {(from + o * width.stride) * g.in, (line * width.output + o) * g.out};
        pixel += last - first;
      }
      const Index row_begin = piece % row_blocks * block_rows, row_end = std::min(g.in, row_begin + block_rows);
      alignas(64) T edge[8 * 48];  // a tile that reaches beyond the last column
      for (Index panel = 0; panel < panels.count; ++panel) {
        const Index j = panels.begin(panel), panel_width = panels.width(panel);
        const Index columns = std::min(panel_width, g.out - j);
        for (Index i = row_begin, h = 0; i < row_end; i += products.heights[h]) {
          while (products.heights[h] > row_end - i) ++h;
          const auto tile = kernels.pixel_tiles[h][panel_width / panels.lanes - 1];
          T* const out = dw + (tap * g.in + i) * g.out + j;
          if (columns == panel_width) {
            tile(pairs, count, x + i, dy + j, out, g.out, begin > 0);
            continue;
          }
          const auto copy_rows = [&](const T* source, Index source_row, T* target, Index target_row) {
            for (Index r = 0; r < products.heights[h]; ++r)
              std::copy_n(source + r * source_row, columns, target + r * target_row);
          };
          if (begin > 0) copy_rows(out, g.out, edge, panel_width);
          tile(pairs, count, x + i, dy + j, edge, panel_width, begin > 0);
          copy_rows(edge, panel_width, out, g.out);
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

/// y[n, o, c] = sum over taps q and channels d of x[n, input(o, q), d] w[q, d, c].
template <class T>
void conv_forward(const ConvolutionGeometry& g, const T* x, const T* w, T* y, Isa use = isa()) {
  if (g.is_product())
    return gemm<T>(false, false, g.batch * g.output_pixels(), g.out, g.taps() * g.in, x, w, y, nullptr, use);
  if (is_better_mirrored<T>(g, use)) {
    T* const mirrored = scratch<T, struct MirroredWeights>(g.taps() * g.in * g.out + 32);
    mirror_weights(w, g.taps(), g.in, g.out, mirrored);
    return unfolded_input_gradient(g.mirrored(), x, mirrored, y, use);
  }
  sum_over_taps(g, true, x, w, y, use);
}
EIGENESIS_COMPILE(void conv_forward<float>(const ConvolutionGeometry&, const float*, const float*, float*, Isa));

/// dx[n, i, d] = sum over taps q, outputs o with input(o, q) = i and channels c of dy[n, o, c] w[q, d, c].
template <class T>
void conv_input_gradient(const ConvolutionGeometry& g, const T* dy, const T* w, T* dx, Isa use = isa()) {
  if (g.is_product())
    return gemm<T>(false, true, g.batch * g.output_pixels(), g.taps() * g.in, g.out, dy, w, dx, nullptr, use);
  if (2 * g.in <= product_kernels<T>(use).lanes) return unfolded_input_gradient(g, dy, w, dx, use);
  sum_over_taps(g, false, dy, w, dx, use);
}
EIGENESIS_COMPILE(void conv_input_gradient<float>(const ConvolutionGeometry&, const float*, const float*, float*, Isa));

/// dw[q, d, c] = sum over images n and outputs o of x[n, input(o, q), d] dy[n, o, c].
template <class T>
void conv_weight_gradient(const ConvolutionGeometry& g, const T* x, const T* dy, T* dw, Isa use = isa()) {
  if (g.is_product())
    return gemm<T>(true, false, g.taps() * g.in, g.out, g.batch * g.output_pixels(), x, dy, dw, nullptr, use);
  if (2 * g.in <= product_kernels<T>(use).heights[0]) return unfolded_weight_gradient(g, x, dy, dw, use);
  if (is_better_mirrored<T>(g, use)) {
    T* const mirrored = scratch<T, struct MirroredWeights>(g.taps() * g.in * g.out + 32);
    unfolded_weight_gradient(g.mirrored(), dy, x, mirrored, use);
    return mirror_weights(mirrored, g.taps(), g.out, g.in, dw);
  }
  sum_over_pixels(g, x, dy, dw, use);
}
EIGENESIS_COMPILE(void conv_weight_gradient<float>(const ConvolutionGeometry&, const float*, const float*, float*,
                                                   Isa));

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
