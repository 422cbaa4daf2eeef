// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/layers/living.hpp"
#include "eigenesis/machine/float_state.hpp"
#include "eigenesis/models/decoder.hpp"
#include "eigenesis/models/encoder.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// An encoder and a decoder: x -> code z -> x again. Its codes have no known distribution, so that it cannot make new
/// samples; a Vae can.
template <class EncoderType, class DecoderType>
struct Autoencoder {
  EncoderType encoder;         // x -> distribution of codes
  DecoderType decoder;         // z -> distribution of x
  detail::Living living = {};  // for trainers

  Autoencoder(EncoderType to_code, DecoderType from_code) : encoder(std::move(to_code)), decoder(std::move(from_code)) {
    static_assert(!detail::is_sequential<EncoderType> && !detail::is_sequential<DecoderType>,
                  "eigenesis: an Autoencoder or Vae takes an Encoder and a Decoder, not networks alone: "
                  "Autoencoder{Encoder{trunk, head}, Decoder{network, SquaredError{}}}");
  }

  // A model whose networks take a condition is given it after x or z: encode(x, conditions), decode(z, conditions).

  /// log p(x | z) of each sample with its code z, in nats, x [N, ...] -> [N].
  auto log_likelihood(const auto& x, Pass pass) const {
    return decoder(encoder(x, pass).sample(pass.rng()), pass).log_prob(x);
  }
  template <class Scalar, int Rank>
  auto log_likelihood(const auto& x, const Variable<Scalar, Rank>& condition, Pass pass) const {
    return decoder(encoder(x, condition, pass).sample(pass.rng()), condition, pass).log_prob(x);
  }

  // All below evaluate: they record nothing, draw nothing, and normalise by running statistics.

  /// The codes (means of the posteriors) of x [N, ...], as a tensor [N, L].
  template <class Scalar, int Rank>
  Tensor<Scalar, 2> encode(Tensor<Scalar, Rank> x, const auto&... conditions) const {
    const NoGradient no_gradient;
    return encoder(Variable(std::move(x)), Variable(conditions)...).mean().value();
  }
  /// The means of p(x | z) for codes z [N, L]: for a Bernoulli likelihood these are probabilities, not draws.
  template <class Scalar>
  auto decode(Tensor<Scalar, 2> z, const auto&... conditions) const {
    const NoGradient no_gradient;
    return decoder(Variable(std::move(z)), Variable(conditions)...).mean().value();
  }
  /// decode(encode(x)).
  template <class Scalar, int Rank>
  auto reconstruct(Tensor<Scalar, Rank> x, const auto&... conditions) const {
    return decode(encode(std::move(x), conditions...), conditions...);
  }
  /// Decoded points on the straight line from code a to code b, both [L], ends included, [steps, ...] (lerp).
  /// Throws ShapeError for unequal shapes, ArgumentError for fewer than two steps.
  template <class Scalar>
  auto interpolate(const Tensor<Scalar, 1>& a, const Tensor<Scalar, 1>& b, Index steps,
                   const auto&... conditions) const {
    require(a.shape() == b.shape(), "Autoencoder::interpolate: expected codes of equal shape but got ", a.shape(),
            " and ", b.shape());
    require<ArgumentError>(steps >= 2, "Autoencoder::interpolate: expected at least 2 steps but got ", steps);
    Tensor<Scalar, 2> z(Shape{steps, a.size()});
    for (Index i = 0; i < steps; ++i) {
      const Scalar t = static_cast<Scalar>(i) / static_cast<Scalar>(steps - 1);
      for (Index j = 0; j < a.size(); ++j) z(i, j) = detail::rounded((1 - t) * a(j)) + detail::rounded(t * b(j));
    }
    return decode(std::move(z), conditions...);
  }

  static void fields(auto& self, auto&& field) {
    field("encoder", self.encoder);
    field("decoder", self.decoder);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
