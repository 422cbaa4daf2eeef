// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/machine/isa.hpp"

// Updates of weights by optimizers: one pass over memory, and nothing that can fail in the middle of it.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// One step of Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019) over n weights:
///   w -= decay w,   m += (1 - beta1) (g - m),   v += (1 - beta2) (g^2 - v),
///   w -= step_size m / (sqrt(root_scale v) + epsilon).
/// PyTorch's step number t: step_size = rate / (1 - beta1^t), root_scale = 1 / (1 - beta2^t), decay = rate *
/// weight_decay.
template <class T>
void adam(T* weight, T* m, T* v, const T* gradient, Index n, T beta1, T beta2, T step_size, T root_scale, T epsilon,
          T decay, Isa use = isa());

/// One step of gradient descent: w -= rate g; with momentum (not null) b = keep b + take g, w -= rate b, or Nesterov's
/// w -= rate (g + ahead b) if ahead > 0.
template <class T>
void sgd(T* weight, T* momentum, const T* gradient, Index n, T rate, T keep, T take, T ahead, Isa use = isa());

/// One step of RMSProp: v = keep v + take g^2, u = g / (sqrt(v) + epsilon), w -= rate u; with momentum (not null)
/// b = factor b + u, w -= rate b.
template <class T>
void rmsprop(T* weight, T* v, T* momentum, const T* gradient, Index n, T rate, T keep, T take, T epsilon, T factor,
             Isa use = isa());

/// average += rate (x - average).
template <class T>
void move_average(T* average, const T* x, Index n, T rate, Isa use = isa());

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/kernels/updates_inl.hpp"
#endif
