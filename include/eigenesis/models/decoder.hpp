// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/distributions/likelihoods.hpp"
#include "eigenesis/layers/activations.hpp"
#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/layers/sequential.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// p(x | z): a network, and a likelihood that makes a distribution of what it gives, z [N, L] -> distribution over x
/// [N, ...]. Likelihoods: BernoulliLikelihood (the network gives logits), NormalLikelihood, LearnedNormalLikelihood,
/// SquaredError. A conditional network takes (z, condition, pass).
template <class Network, class Likelihood>
struct Decoder {
  Network network;        // z -> what the likelihood takes
  Likelihood likelihood;  // that -> distribution of x

  Decoder(Network net, Likelihood of) : network(std::move(net)), likelihood(std::move(of)) {
    static_assert(
        !std::is_same_v<Likelihood, BernoulliLikelihood> || !detail::ends_in<Network, Sigmoid>,
        "eigenesis: with BernoulliLikelihood, the network of a Decoder gives logits; leave out the Sigmoid at "
        "the end");
  }

  auto operator()(const auto& z, Pass pass = {}) const {
    return likelihood(detail::call_named("decoder.network", network, z, pass));
  }
  template <class Scalar, int Rank>
  auto operator()(const auto& z, const Variable<Scalar, Rank>& condition, Pass pass = {}) const {
    return likelihood(detail::call_named("decoder.network", network, z, condition, pass));
  }

  static void fields(auto& self, auto&& field) {
    field("network", self.network);
    field("likelihood", self.likelihood);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
