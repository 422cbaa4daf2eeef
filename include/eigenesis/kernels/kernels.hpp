// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <utility>

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/machine/threads.hpp"

// The heavy loops on plain memory, for float and double. Each exists for several instruction sets; `use` is for tests.
// Inputs are read up to 128 bytes beyond their last element (tensors' buffers are padded for it), outputs are written
// up to their last element, except by pointwise(). Results do not depend on the number of threads, nor on addresses.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A thread's buffer that grows and is kept, 64-byte aligned; one for each Tag.
template <class T, class Tag>
T* scratch(Index size) {
  struct Free {
    void operator()(T* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  static thread_local std::unique_ptr<T, Free> buffer;
  static thread_local Index capacity = 0;
  if (size > capacity) {
    buffer.reset();
    capacity = 0;
    buffer.reset(static_cast<T*>(::operator new (static_cast<std::size_t>(size) * sizeof(T), std::align_val_t{64})));
    capacity = size;
  }
  return buffer.get();
}

/// parallel_for, or a plain loop where the work is too little to share.
template <class F>
void run_pieces(Index pieces, bool worth_sharing, F&& piece) {
  if (worth_sharing) return parallel_for(pieces, piece);
  for (Index i = 0; i < pieces; ++i) piece(i);
}

/// Cuts [0, n) into pieces of `size` elements: piece(first, last).
template <class F>
void run_ranges(Index n, Index size, F&& piece) {
  parallel_for((n + size - 1) / size, [&](Index i) { piece(i * size, std::min(n, (i + 1) * size)); });
}

template <class T>
const ProductKernels<T>& product_kernels(Isa use) {
  EIGENESIS_DISPATCH(use, product_kernels(static_cast<const T*>(nullptr)));
}
EIGENESIS_COMPILE(const ProductKernels<float>& product_kernels<float>(Isa));

template <class T>
void transpose(const T* x, Index rows, Index columns, T* out, Isa use = isa());

/// What a product is added to: row i lies at data + i row, in one and the same place for row = 0; zeros without data.
template <class T>
struct Start {
  const T* data = nullptr;
  Index row = 0;
};

/// gemm() with the operands in this order; `start` may be c itself.
template <class T>
void multiply(bool transpose_a, bool transpose_b, Index m, Index n, Index k, const T* a, const T* b, T* c,
              Start<T> start, Isa use) {
  const ProductKernels<T>& kernels = product_kernels<T>(use);
  const Index lanes = kernels.lanes, widest = kernels.widest, tallest = kernels.heights[0];
  const bool shared = 2 * m * n * k > 300'000;
  const Index a_row = transpose_a ? 1 : k, a_step = transpose_a ? m : 1;
  // k in even blocks of at most 512, columns in blocks whose panels stay in the caches.
  const Index k_blocks = std::max<Index>(1, (k + 511) / 512);
  for (Index k_block = 0; k_block < k_blocks; ++k_block) {
    if (k_block > 0) start = {c, n};
    const Index k0 = k * k_block / k_blocks, depth = k * (k_block + 1) / k_blocks - k0;
    const Index block_columns = std::max<Index>(1, (1 << 20) / ((depth + 1) * lanes * widest)) * lanes * widest;
    for (Index n0 = 0; n0 < n; n0 += block_columns) {
      const Index vectors = (std::min(block_columns, n - n0) + lanes - 1) / lanes;
      const Index panels = (vectors + widest - 1) / widest;  // of even width
      const Index piece_rows = panels * m < 64 * tallest ? 2 * tallest : 16 * tallest;
      const Index row_pieces = (m + piece_rows - 1) / piece_rows;
      T* const packed = transpose_b ? scratch<T, struct PackedProduct>(vectors * lanes * depth) : nullptr;
      const auto first_vector = [&](Index panel) { return vectors * panel / panels; };
      if (transpose_b)
        run_pieces(panels, shared, [&](Index panel) {
          const Index v0 = first_vector(panel), width = first_vector(panel + 1) - v0, j = n0 + v0 * lanes;
          kernels.pack_transposed(b + j * k + k0, k, depth, n - j, width, packed + v0 * lanes * depth);
        });
      run_pieces(panels * row_pieces, shared, [&](Index piece) {
        const Index panel = piece / row_pieces, v0 = first_vector(panel), j = n0 + v0 * lanes;
        const Index width = (first_vector(panel + 1) - v0) * lanes, columns = std::min(width, n - j);
        const Index first = piece % row_pieces * piece_rows, last = std::min(m, first + piece_rows);
        const T* right = transpose_b ? packed + v0 * lanes * depth : b + k0 * n + j;
        Index right_row = transpose_b ? width : n;
        // Where b is read as it lies, the first of many tiles copies it into a panel for the others.
        const bool copies = !transpose_b && last - first > 2 * tallest;
        T* b_copy = copies ? scratch<T, struct PackedPanel>(width * depth) : nullptr;
        alignas(64) T edge[8 * 48];  // a tile that reaches beyond the last column
        for (Index i = first, height = 0; i < last; i += kernels.heights[height]) {
          while (kernels.heights[height] > last - i) ++height;
          const auto compute = [&](T* out, Index out_row, const T* from, Index from_row) {
            kernels.tiles[height][width / lanes - 1](depth, a + i * a_row + k0 * a_step, a_row, a_step, right,
                                                     right_row, b_copy, out, out_row, from, from_row);
          };
          const T* const from = start.data ? start.data + i * start.row + j : nullptr;
          if (columns == width) {
            compute(c + i * n + j, n, from, start.row);
          } else {
            const auto copy_rows = [&](const T* source, Index source_row, T* target, Index target_row) {
              for (Index r = 0; r < kernels.heights[height]; ++r)
                std::copy_n(source + r * source_row, columns, target + r * target_row);
            };
            if (from) copy_rows(from, start.row, edge, width);
            compute(edge, width, from ? edge : nullptr, width);
            copy_rows(edge, width, c + i * n + j, n);
          }
          if (b_copy) right = b_copy, right_row = width, b_copy = nullptr;
        }
      });
    }
  }
}

/// c [m, n] = bias + op(a) [m, k] op(b) [k, n], all row-major; op(a) is a or the transpose of a [k, m], likewise op(b).
/// Each row starts with the bias [n], or with zeros if there is none. An element's bits depend on its row of op(a), its
/// column of op(b) and its bias only, not on m, n or threads.
template <class T>
void gemm(bool transpose_a, bool transpose_b, Index m, Index n, Index k, const T* a, const T* b, T* c,
          const T* bias = nullptr, Isa use = isa()) {
  // c^T = op(b)^T op(a)^T where c has so few columns that lanes would be idle, or to transpose a and c, not a large b.
  const ProductKernels<T>& kernels = product_kernels<T>(use);
  const auto idle_lanes = [&](Index columns) { return -columns & (kernels.lanes - 1); };
  // An idle lane costs more than copying c does, and op(b)^T too unless b is read transposed anyhow.
  const bool narrow =
      n < m && n < kernels.widest * kernels.lanes && k >= kernels.lanes && idle_lanes(n) > (transpose_a ? 2 : 6);
  const bool large_b = transpose_b && !transpose_a && idle_lanes(m) == 0 && k * n > 2 * m * (k + n);
  if (!narrow && !large_b) return multiply(transpose_a, transpose_b, m, n, k, a, b, c, {bias, 0}, use);
  T* const transposed = n == 1 ? c : scratch<T, struct TransposedProduct>(m * n + 64);
  for (Index j = 0; bias && j < n; ++j) std::fill_n(transposed + j * m, m, bias[j]);
  multiply(!transpose_b, !transpose_a, n, m, k, b, a, transposed, {bias ? transposed : nullptr, m}, use);
  if (n > 1) transpose(transposed, n, m, c, use);
}
EIGENESIS_COMPILE(void gemm<float>(bool, bool, Index, Index, Index, const float*, const float*, float*, const float*,
                                   Isa));

/// The kernel of an operation. It reads whole vectors and writes whole vectors: `out` has room for n rounded up to a
/// multiple of 16 elements; `out` may be any of the inputs.
template <class T>
Pointwise<T> pointwise(Operation operation, Isa use = isa()) {
  EIGENESIS_DISPATCH(use, pointwise(operation, static_cast<const T*>(nullptr)));
}
EIGENESIS_COMPILE(Pointwise<float> pointwise<float>(Operation, Isa));

template <class T>
T sum_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, sum_piece(x, n));
}
template <class T>
T max_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, max_piece(x, n));
}
template <class T>
bool finite_piece(const T* x, Index n, Isa use) {
  EIGENESIS_DISPATCH(use, finite_piece(x, n));
}
template <class T>
void sum_rows_piece(const T* x, Index rows, Index columns, T* out, Index first, Index last, Isa use) {
  EIGENESIS_DISPATCH(use, sum_rows_piece(x, rows, columns, out, first, last));
}
template <class T>
void transpose_rows(const T* x, Index rows, Index columns, T* out, Index first, Index last, Isa use) {
  EIGENESIS_DISPATCH(use, transpose_rows(x, rows, columns, out, first, last));
}
template <class T>
void adam_piece(T* weight, T* m, T* v, const T* gradient, Index n, T beta1, T beta2, T step, T root_scale, T epsilon,
                T decay, Isa use) {
  EIGENESIS_DISPATCH(use, adam_piece(weight, m, v, gradient, n, beta1, beta2, step, root_scale, epsilon, decay));
}

constexpr Index piece_size = 16384;

/// Sum of all elements; 0 for none.
template <class T>
T sum(const T* x, Index n, Isa use = isa()) {
  if (n <= piece_size) return sum_piece(x, n, use);
  constexpr Index most = 64;
  T partial[most];
  const Index size = std::max(piece_size, (n + most - 1) / most);
  run_ranges(n, size,
             [&](Index first, Index last) { partial[first / size] = sum_piece(x + first, last - first, use); });
  return sum_piece(partial, (n + size - 1) / size, use);
}
EIGENESIS_COMPILE(float sum<float>(const float*, Index, Isa));

/// out[c] = sum over rows of x[r, c], x [rows, columns].
template <class T>
void sum_rows(const T* x, Index rows, Index columns, T* out, Isa use = isa()) {
  constexpr Index block = 1024;
  if (rows <= 2 * block) {
    const Index width = rows * columns <= 2 * piece_size ? columns : std::max<Index>(64, piece_size / rows / 64 * 64);
    return run_ranges(columns, std::max<Index>(width, 1),
                      [&](Index first, Index last) { sum_rows_piece(x, rows, columns, out, first, last, use); });
  }
  T* const partial = scratch<T, struct PartialSums>((rows + block - 1) / block * columns + 64);
  run_ranges(rows, block, [&](Index first, Index last) {
    sum_rows_piece(x + first * columns, last - first, columns, partial + first / block * columns, 0, columns, use);
  });
  sum_rows_piece(partial, (rows + block - 1) / block, columns, out, 0, columns, use);
}
EIGENESIS_COMPILE(void sum_rows<float>(const float*, Index, Index, float*, Isa));

/// Pieces of whole rows of about piece_size elements: piece(first row, last row).
template <class F>
void run_rows(Index rows, Index columns, F&& piece) {
  run_ranges(rows, std::max<Index>(1, piece_size / std::max<Index>(columns, 1)), piece);
}

/// out[r] = sum over columns of x[r, c].
template <class T>
void sum_columns(const T* x, Index rows, Index columns, T* out, Isa use = isa()) {
  run_rows(rows, columns, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) out[r] = sum_piece(x + r * columns, columns, use);
  });
}
EIGENESIS_COMPILE(void sum_columns<float>(const float*, Index, Index, float*, Isa));

/// out[r] = greatest x[r, c] over columns, NaN if one is NaN; columns >= 1.
template <class T>
void max_columns(const T* x, Index rows, Index columns, T* out, Isa use = isa()) {
  run_rows(rows, columns, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) out[r] = max_piece(x + r * columns, columns, use);
  });
}
EIGENESIS_COMPILE(void max_columns<float>(const float*, Index, Index, float*, Isa));

/// out [columns, rows] = the transpose of x [rows, columns].
template <class T>
void transpose(const T* x, Index rows, Index columns, T* out, Isa use) {
  const Index size = std::max<Index>(1, piece_size / std::max<Index>(rows, 1) / 16) * 16;
  run_ranges(columns, size, [&](Index first, Index last) { transpose_rows(x, rows, columns, out, first, last, use); });
}
EIGENESIS_COMPILE(void transpose<float>(const float*, Index, Index, float*, Isa));

/// One step of Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019) over n weights:
///   w -= decay w,   m += (1 - beta1) (g - m),   v += (1 - beta2) (g^2 - v),
///   w -= step m / (sqrt(root_scale v) + epsilon).
/// PyTorch's step number t: step = rate / (1 - beta1^t), root_scale = 1 / (1 - beta2^t), decay = rate * weight_decay.
template <class T>
void adam(T* weight, T* m, T* v, const T* gradient, Index n, T beta1, T beta2, T step, T root_scale, T epsilon, T decay,
          Isa use = isa()) {
  run_ranges(n, piece_size, [&](Index first, Index last) {
    adam_piece(weight + first, m + first, v + first, gradient + first, last - first, beta1, beta2, step, root_scale,
               epsilon, decay, use);
  });
}
EIGENESIS_COMPILE(void adam<float>(float*, float*, float*, const float*, Index, float, float, float, float, float,
                                   float, Isa));

/// Whether no element is NaN or infinite.
template <class T>
bool all_finite(const T* x, Index n, Isa use = isa()) {
  if (n <= piece_size) return finite_piece(x, n, use);
  std::atomic<bool> finite{true};
  run_ranges(n, piece_size, [&](Index first, Index last) {
    if (finite.load(std::memory_order_relaxed) && !finite_piece(x + first, last - first, use)) finite = false;
  });
  return finite;
}
EIGENESIS_COMPILE(bool all_finite<float>(const float*, Index, Isa));

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
