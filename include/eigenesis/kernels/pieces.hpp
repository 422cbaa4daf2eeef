// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <new>
#include <utility>

#include "eigenesis/machine/float_state.hpp"
#include "eigenesis/machine/threads.hpp"

// How kernels share their work among threads: in pieces whose sizes never depend on the number of threads, so that
// results do not either. In all of them subnormal numbers are 0.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Numbers in a piece of work that goes through memory once.
constexpr Index piece_size = 16384;

/// How many parts of `size` cover n.
constexpr Index count_parts(Index n, Index size) { return (n + size - 1) / size; }

/// Whether work is enough to wake other threads for it.
constexpr bool is_worth_sharing(Index flops) { return flops > 300'000; }

/// parallel_for, or a plain loop where the work is too little to share.
template <class F>
void run_pieces(Index pieces, bool worth_sharing, F&& piece) {
  const FlushSubnormals scope;
  if (worth_sharing) return parallel_for(pieces, piece);
  for (Index i = 0; i < pieces; ++i) piece(i);
}

/// Cuts [0, n) into pieces of `size` numbers: piece(first, last).
template <class F>
void run_ranges(Index n, Index size, F&& piece) {
  run_pieces(count_parts(n, size), true, [&](Index i) { piece(i * size, std::min(n, (i + 1) * size)); });
}

/// Pieces of whole rows of about piece_size numbers: piece(first row, last row).
template <class F>
void run_rows(Index rows, Index columns, F&& piece) {
  run_ranges(rows, std::max<Index>(1, piece_size / std::max<Index>(columns, 1)), piece);
}

/// A thread's working memory, 64-byte aligned; one buffer for each Tag. It grows and is kept until the thread ends; a
/// static destructor that needs it later gets a new one, which is kept.
template <class T, class Tag>
T* scratch(Index size) {
  constexpr std::align_val_t alignment{64};
  static thread_local T* buffer = nullptr;
  static thread_local Index capacity = 0;
  const auto free = [] {
    capacity = 0;
    ::operator delete(std::exchange(buffer, nullptr), alignment);
  };
  struct AtEnd {
    decltype(free) call;
    ~AtEnd() { call(); }
  };
  if (size > capacity) {
    if (!in_pool_thread()) {
      static thread_local const AtEnd at_end{free};
    }
    free();
    buffer = static_cast<T*>(::operator new(static_cast<std::size_t>(size) * sizeof(T), alignment));
    capacity = size;
  }
  return buffer;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
