// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include "eigenesis/distributions/standard_normal.hpp"
#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/living.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/machine/float_state.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The model G of a GAN: maps latents z drawn from a prior to samples, z [N, L] -> x [N, ...].
/// The prior is anything with `sample(n, rng)`, such as StandardNormal. A conditional network takes (z, condition,
/// pass).
template <class Network, class Prior>
struct Generator {
  Network network;             // z [N, L] -> x [N, ...]
  Prior prior;                 // of z
  detail::Living living = {};  // for trainers

  Generator(Network net, Prior latent_prior) : network(std::move(net)), prior(std::move(latent_prior)) {}

  auto operator()(const auto& z, Pass pass = {}) const {
    return detail::call_named("generator.network", network, z, pass);
  }
  template <class Scalar, int Rank>
  auto operator()(const auto& z, const Variable<Scalar, Rank>& condition, Pass pass = {}) const {
    return detail::call_named("generator.network", network, z, condition, pass);
  }

  // All below evaluate: they record nothing and normalise by running statistics.

  /// n new samples [n, ...], as a tensor.
  auto sample(Index n, Rng& rng) const { return decode(prior.sample(n, rng)); }
  /// One new sample for each condition, conditions [n, ...] -> [n, ...].
  template <class Scalar, int Rank>
  auto sample(const Tensor<Scalar, Rank>& conditions, Rng& rng) const {
    return decode(prior.sample(conditions.shape(0), rng), conditions);
  }
  /// The samples that belong to the given latents [N, L], and perhaps conditions [N, ...].
  template <class Scalar>
  auto decode(Tensor<Scalar, 2> z, const auto&... conditions) const {
    const NoGradient no_gradient;
    return (*this)(Variable(std::move(z)), Variable(conditions)...).value();
  }
  /// Samples from latent a to latent b, both [L], ends included, [steps, ...]. For a StandardNormal prior along the
  /// great circle (slerp; White 2016), as its latents lie near a sphere that a straight line would leave:
  ///   z(t) = (sin((1 - t) w) a + sin(t w) b) / sin(w), w the angle between a and b, t = 0 ... 1;
  /// for others along the straight line (lerp). Throws ShapeError for unequal shapes, ArgumentError for fewer than two
  /// steps.
  template <class Scalar>
  auto interpolate(const Tensor<Scalar, 1>& a, const Tensor<Scalar, 1>& b, Index steps,
                   const auto&... conditions) const {
    require(a.shape() == b.shape(), "Generator::interpolate: expected latents of equal shape but got ", a.shape(),
            " and ", b.shape());
    require<ArgumentError>(steps >= 2, "Generator::interpolate: expected at least 2 steps but got ", steps);
    const auto from = a.array().template cast<double>(), to = b.array().template cast<double>();
    const double norms = std::sqrt((from * from).sum() * (to * to).sum());
    const double angle = norms > 0 ? std::acos(std::clamp((from * to).sum() / norms, -1.0, 1.0)) : 0;
    // Along one line through the origin the circle is not defined.
    const bool straight = !std::is_same_v<Prior, StandardNormal<Scalar>> || std::sin(angle) < 1e-6;
    Tensor<Scalar, 2> z(Shape{steps, a.size()});
    for (Index i = 0; i < steps; ++i) {
      const double t = static_cast<double>(i) / static_cast<double>(steps - 1);
      const double first = straight ? 1 - t : std::sin((1 - t) * angle) / std::sin(angle);
      const double second = straight ? t : std::sin(t * angle) / std::sin(angle);
      for (Index j = 0; j < a.size(); ++j)
        z(i, j) = static_cast<Scalar>(detail::rounded(first * from(j)) + detail::rounded(second * to(j)));
    }
    return decode(std::move(z), conditions...);
  }

  static void fields(auto& self, auto&& field) {
    field("network", self.network);
    field("prior", self.prior);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
