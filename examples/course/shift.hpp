// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

/// The smallest generator that learns: moves all that its prior draws by theta, z [N, 1] -> x = z + theta [N, 1].
template <class Scalar = float>
struct Shift {
  eigenesis::Parameter<Scalar, 1> theta;

  explicit Shift(Scalar start) : theta(eigenesis::Tensor<Scalar, 1>(eigenesis::Shape{1}, start)) {}
  auto operator()(const eigenesis::Variable<Scalar, 2>& z) const { return z + theta; }
  static void fields(auto& self, auto&& field) { field("theta", self.theta); }
};
