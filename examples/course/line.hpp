// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

// Densities on the real line, cut into equal cells.

/// The points low, low + width, ... up to high, [N, 1].
inline eigenesis::Tensor<double, 2> points_between(double low, double high, double width) {
  using eigenesis::Index;
  eigenesis::Tensor<double, 2> x(eigenesis::Shape{static_cast<Index>(std::lround((high - low) / width)) + 1, Index{1}});
  for (Index i = 0; i < x.size(); ++i) x(i, 0) = low + width * static_cast<double>(i);
  return x;
}

/// p(x) for each x [N, 1].
inline std::vector<double> density(const eigenesis::GaussianMixture& p, const eigenesis::Tensor<double, 2>& x) {
  const eigenesis::Tensor<double, 1> log_density = p.log_density(x);
  std::vector<double> result;
  for (const double value : log_density.values()) result.push_back(std::exp(value));
  return result;
}
