// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/machine/isa.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// One step of Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019) over n weights:
///   w -= decay w,   m += (1 - beta1) (g - m),   v += (1 - beta2) (g^2 - v),
///   w -= step_size m / (sqrt(root_scale v) + epsilon).
/// PyTorch's step number t: step_size = rate / (1 - beta1^t), root_scale = 1 / (1 - beta2^t), decay = rate *
/// weight_decay.
template <class T>
void adam(T* weight, T* m, T* v, const T* gradient, Index n, T beta1, T beta2, T step_size, T root_scale, T epsilon,
          T decay, Isa use = isa());

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/kernels/adam_inl.hpp"
#endif
