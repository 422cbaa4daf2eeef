// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

// What lessons on the real line have in common: grids, densities, and a generator.

/// The points low, low + width, ... up to high, [N, 1].
inline eigenesis::Tensor<double, 2> points_between(double low, double high, double width) {
  using eigenesis::Index;
  eigenesis::Tensor<double, 2> x(eigenesis::Shape{static_cast<Index>(std::lround((high - low) / width)) + 1, Index{1}});
  for (Index i = 0; i < x.size(); ++i) x(i, 0) = low + width * static_cast<double>(i);
  return x;
}

/// p(x) for each x [N, 1].
inline std::vector<double> density(const eigenesis::GaussianMixture& p, const eigenesis::Tensor<double, 2>& x) {
  const eigenesis::Tensor<double, 1> log_prob = p.log_prob(x);
  std::vector<double> result;
  for (const double value : log_prob.values()) result.push_back(std::exp(value));
  return result;
}

/// The smallest generator that learns: moves all that its prior draws by theta, z [N, 1] -> x = z + theta [N, 1].
template <class Scalar = float>
struct Shift {
  eigenesis::Parameter<Scalar, 1> theta;

  explicit Shift(Scalar start) : theta(eigenesis::Tensor<Scalar, 1>(eigenesis::Shape{1}, start)) {}
  auto operator()(const eigenesis::Variable<Scalar, 2>& z) const { return z + theta; }
  static void fields(auto& self, auto&& field) { field("theta", self.theta); }
};
