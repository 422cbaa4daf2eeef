// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/pointwise.hpp"

// Activation functions as layers, for Sequential. One of one's own is a struct like these, or just a lambda.
namespace eigenesis::inline EIGENESIS_ABI {

/// max(x, 0); see relu().
struct Relu {
  static constexpr bool can_be_silent = true;  // a unit that gives 0 for all x does not learn; see silent_units()
  auto operator()(const auto& x) const { return relu(x); }
};
/// x for x > 0, slope * x elsewhere; see leaky_relu().
struct LeakyRelu {
  double slope = 0.01;  // for x <= 0
  auto operator()(const auto& x) const { return leaky_relu(x, slope); }
  std::string details() const { return detail::text(slope); }
};
/// x for x > 0, scale * (exp(x) - 1) elsewhere; see elu().
struct Elu {
  double scale = 1;  // y goes to -scale as x goes to minus infinity
  auto operator()(const auto& x) const { return elu(x, scale); }
  std::string details() const { return detail::text(scale); }
};
/// x * Phi(x); see gelu().
struct Gelu {
  auto operator()(const auto& x) const { return gelu(x); }
};
/// tanh(x).
struct Tanh {
  auto operator()(const auto& x) const { return tanh(x); }
};
/// 1 / (1 + exp(-x)).
struct Sigmoid {
  auto operator()(const auto& x) const { return sigmoid(x); }
};
/// log(1 + exp(x)).
struct Softplus {
  auto operator()(const auto& x) const { return softplus(x); }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
