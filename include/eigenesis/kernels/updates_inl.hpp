// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/updates.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
void adam_piece(T* weight, T* m, T* v, const T* gradient, Index n, T beta1, T beta2, T step_size, T root_scale,
                T epsilon, T decay, Isa use) {
  EIGENESIS_DISPATCH(use, adam_piece(weight, m, v, gradient, n, beta1, beta2, step_size, root_scale, epsilon, decay));
}

template <class T>
void adam(T* weight, T* m, T* v, const T* gradient, Index n, T beta1, T beta2, T step_size, T root_scale, T epsilon,
          T decay, Isa use) {
  run_ranges(n, piece_size, [&](Index first, Index last) {
    adam_piece(weight + first, m + first, v + first, gradient + first, last - first, beta1, beta2, step_size,
               root_scale, epsilon, decay, use);
  });
}

template <class T>
void sgd_piece(T* weight, T* momentum, const T* gradient, Index n, T rate, T keep, T take, T ahead, Isa use) {
  EIGENESIS_DISPATCH(use, sgd_piece(weight, momentum, gradient, n, rate, keep, take, ahead));
}

template <class T>
void sgd(T* weight, T* momentum, const T* gradient, Index n, T rate, T keep, T take, T ahead, Isa use) {
  run_ranges(n, piece_size, [&](Index first, Index last) {
    sgd_piece(weight + first, momentum ? momentum + first : nullptr, gradient + first, last - first, rate, keep, take,
              ahead, use);
  });
}

template <class T>
void rmsprop_piece(T* weight, T* v, T* momentum, const T* gradient, Index n, T rate, T keep, T take, T epsilon,
                   T factor, Isa use) {
  EIGENESIS_DISPATCH(use, rmsprop_piece(weight, v, momentum, gradient, n, rate, keep, take, epsilon, factor));
}

template <class T>
void rmsprop(T* weight, T* v, T* momentum, const T* gradient, Index n, T rate, T keep, T take, T epsilon, T factor,
             Isa use) {
  run_ranges(n, piece_size, [&](Index first, Index last) {
    rmsprop_piece(weight + first, v + first, momentum ? momentum + first : nullptr, gradient + first, last - first,
                  rate, keep, take, epsilon, factor, use);
  });
}

template <class T>
void average_piece(T* average, const T* x, Index n, T rate, Isa use) {
  EIGENESIS_DISPATCH(use, average_piece(average, x, n, rate));
}

template <class T>
void move_average(T* average, const T* x, Index n, T rate, Isa use) {
  run_ranges(n, piece_size,
             [&](Index first, Index last) { average_piece(average + first, x + first, last - first, rate, use); });
}

EIGENESIS_INSTANTIATE(adam);
EIGENESIS_INSTANTIATE(move_average);
EIGENESIS_INSTANTIATE(sgd);
EIGENESIS_INSTANTIATE(rmsprop);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
