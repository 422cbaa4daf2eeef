// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/kernels/instruction_sets.hpp"
#include "eigenesis/kernels/pieces.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class T>
void adam_piece(T* weight, T* m, T* v, const T* gradient, Index n, T beta1, T beta2, T step, T root_scale, T epsilon,
                T decay, Isa use) {
  EIGENESIS_DISPATCH(use, adam_piece(weight, m, v, gradient, n, beta1, beta2, step, root_scale, epsilon, decay));
}

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

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
