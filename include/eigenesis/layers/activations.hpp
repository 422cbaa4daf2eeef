// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/pointwise.hpp"

// Activation functions as layers, for Sequential. One of one's own is a struct like these, or just a lambda.
namespace eigenesis::inline EIGENESIS_ABI {

struct Relu {
  static constexpr bool can_be_silent = true;  // a unit that gives 0 for all x does not learn; see silent_units()
  auto operator()(const auto& x) const { return relu(x); }
};
struct LeakyRelu {
  double slope = 0.01;
  auto operator()(const auto& x) const { return leaky_relu(x, slope); }
  std::string details() const { return detail::text(slope); }
};
struct Elu {
  double scale = 1;
  auto operator()(const auto& x) const { return elu(x, scale); }
};
struct Gelu {
  auto operator()(const auto& x) const { return gelu(x); }
};
struct Tanh {
  auto operator()(const auto& x) const { return tanh(x); }
};
struct Sigmoid {
  auto operator()(const auto& x) const { return sigmoid(x); }
};
struct Softplus {
  auto operator()(const auto& x) const { return softplus(x); }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
