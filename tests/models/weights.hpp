// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <eigenesis/eigenesis.hpp>
#include <vector>

/// All numbers of a model's state, its running averages included, in the order of its fields.
template <class Model>
std::vector<double> weights(const Model& model) {
  std::vector<double> all;
  eigenesis::for_each_state(model, [&](const auto&, const auto& tensor) {
    all.insert(all.end(), tensor.values().begin(), tensor.values().end());
  });
  return all;
}

/// FNV-1a of the bits of all weights.
template <class Model>
std::uint64_t weight_hash(const Model& model) {
  std::uint64_t hash = 14695981039346656037u;
  for (const double weight : weights(model)) hash = (hash ^ std::bit_cast<std::uint64_t>(weight)) * 1099511628211u;
  return hash;
}

/// Notes whether what passes through depends on something that is learned: whether it is recorded.
struct Recorded {
  bool* noted;
  auto operator()(const auto& x) const {
    *noted = x.differentiable();
    return x;
  }
};
