// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/ops/pointwise.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The model D of a GAN: a number for each sample, x [N, ...] -> [N, 1]. It is a logit (the probability that x is real
/// is its sigmoid), or a critic's score if the objective says so.
template <class Network>
struct Discriminator {
  Network network;

  explicit Discriminator(Network net) : network(std::move(net)) {}

  auto operator()(const auto& x) const { return network(x); }
  auto operator()(const auto& x, Pass pass) const { return call(network, x, pass); }

  /// D(x), the probability that each sample is real, [N, 1]; records nothing.
  template <class Scalar, int Rank>
  auto probability(Tensor<Scalar, Rank> x) const {
    const NoGradient no_gradient;
    return sigmoid(network(Variable(std::move(x)))).value();
  }

  static void fields(auto& self, auto&& field) { field("network", self.network); }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
