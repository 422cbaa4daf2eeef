// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include "eigenesis/machine/error.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Threads that parallel_for may use, the calling one included. At first what this process may use (affinity and
/// control group), or the environment variable EIGENESIS_THREADS; throws ArgumentError if that is not a number.
int num_threads();

/// Sets the number of threads; results do not depend on it. Throws ArgumentError for n < 1.
void set_num_threads(int n);

namespace detail {
/// Whether this thread is one of the pool, which end with the process only.
inline bool& in_pool_thread() {
  static thread_local bool flag = false;
  return flag;
}
/// Calls piece(context, i) for each i in [0, pieces), as parallel_for does.
void run_on_threads(Index pieces, void (*piece)(void* context, Index i), void* context);
}  // namespace detail

/// Calls piece(i) once for each i in [0, pieces), on several threads, and returns when all are done. Serial when called
/// from inside a piece or while another thread is using the pool. Throws what the lowest piece that throws has thrown.
/// All pieces compute in the caller's floating-point state. A child of fork() has threads of its own; if a piece has
/// forked, the child lacks the pieces that other threads were doing.
template <class F>
void parallel_for(Index pieces, F&& piece) {
  using Function = std::remove_reference_t<F>;
  if (pieces > 1)
    detail::run_on_threads(
        pieces, [](void* function, Index i) { (*static_cast<Function*>(function))(i); }, &piece);
  else if (pieces == 1)
    piece(Index{0});
}

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/machine/threads_inl.hpp"
#endif
