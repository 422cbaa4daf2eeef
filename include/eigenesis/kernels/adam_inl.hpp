// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include "eigenesis/kernels/adam.hpp"
#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pieces.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
void adam_piece(T* weight, T* m, T* v, const T* gradient, Index n, T beta1, T beta2, T step_size, T root_scale,
                T epsilon, T decay, Isa use) {
  EIGENESIS_DISPATCH(use, adam_piece(weight, m, v, gradient, n, beta1, beta2, step_size, root_scale, epsilon, decay));
}

template <class T>
void adam(T* weight, T* m, T* v, const T* gradient, Index n, T beta1, T beta2, T step_size, T root_scale, T epsilon,
          T decay, Isa use) {
  if (epsilon > 0) epsilon = std::max(epsilon, std::numeric_limits<T>::min());  // 0 / 0 where gradients stay 0
  run_ranges(n, piece_size, [&](Index first, Index last) {
    adam_piece(weight + first, m + first, v + first, gradient + first, last - first, beta1, beta2, step_size,
               root_scale, epsilon, decay, use);
  });
}

EIGENESIS_INSTANTIATE(adam);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
