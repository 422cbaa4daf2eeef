// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/layers/activations.hpp"
#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/living.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/layers/sequential.hpp"
#include "eigenesis/ops/pointwise.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The model D of a GAN: a number for each sample, x [N, ...] -> [N, 1]. It is a logit (the probability that x is real
/// is its sigmoid), or a critic's score if the objective says so. A conditional network takes (x, condition, pass).
/// Throws ShapeError unless the network gives one number each.
template <class Network>
struct Discriminator {
  Network network;             // x [N, ...] -> [N, 1]
  detail::Living living = {};  // for trainers

  explicit Discriminator(Network net) : network(std::move(net)) {
    static_assert(!detail::ends_in<Network, Sigmoid>,
                  "eigenesis: a Discriminator gives logits; leave out the Sigmoid at the end, the objectives have it");
  }

  auto operator()(const auto& x, Pass pass = {}) const {
    return checked(x, detail::call_named("discriminator.network", network, x, pass));
  }
  template <class Scalar, int Rank>
  auto operator()(const auto& x, const Variable<Scalar, Rank>& condition, Pass pass = {}) const {
    return checked(x, detail::call_named("discriminator.network", network, x, condition, pass));
  }

  /// D(x), the probability that each sample is real, given perhaps conditions [N, ...], [N, 1]; records nothing.
  template <class Scalar, int Rank>
  auto probability(Tensor<Scalar, Rank> x, const auto&... conditions) const {
    const NoGradient no_gradient;
    return sigmoid((*this)(Variable(std::move(x)), Variable(conditions)...)).value();
  }

  static void fields(auto& self, auto&& field) { field("network", self.network); }

 private:
  static auto checked(const auto& x, auto logits) {
    require(logits.size() == x.shape(0), "Discriminator: expected one logit for each sample, [", x.shape(0),
            ", 1], but got ", logits.shape());
    return logits;
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
