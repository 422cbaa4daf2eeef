// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/rng.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

enum class Mode { evaluation, training };

/// What layers need that behave differently in training or draw noise: handed from call to call, never stored.
struct Pass {
  Mode mode;
  Rng& rng;
  bool update_state = true;  // whether training moves running averages and the like
  bool training() const { return mode == Mode::training; }
};

/// Calls layer(x): evaluation.
template <class Layer, class X>
auto call(const Layer& layer, const X& x) {
  static_assert(
      requires { layer(x); },
      "eigenesis: this layer has no operator()(x) for such an x. Does it take rows [N, F] (Flatten first) or "
      "images [N, H, W, C] (Unflatten first), or another scalar (float, double)? With operator()(x, Pass) "
      "alone it could not be evaluated.");
  return layer(x);
}
/// Calls layer(x, pass) if the layer takes a Pass, layer(x) if it does not.
template <class Layer, class X>
auto call(const Layer& layer, const X& x, Pass pass) {
  if constexpr (requires { layer(x, pass); })
    return layer(x, pass);
  else
    return call(layer, x);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
