// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/distributions/standard_normal.hpp"
#include "eigenesis/models/autoencoder.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A variational autoencoder (Kingma and Welling 2014): an autoencoder whose code is a distribution q(z | x), held near
/// the prior N(0, I), so that random codes decode to something. The encoder has a head for the log-variance.
template <class EncoderType, class DecoderType, class Prior>
struct Vae : Autoencoder<EncoderType, DecoderType> {
  Prior prior;

  Vae(EncoderType to_code, DecoderType from_code, Prior code_prior)
      : Autoencoder<EncoderType, DecoderType>(std::move(to_code), std::move(from_code)), prior(std::move(code_prior)) {}

  auto elbo_terms(const auto& x, Pass pass) const {
    const auto posterior = this->encoder(x, pass);
    const auto likelihood = this->decoder(posterior.sample(pass.rng), pass);
    return ElboTerms{likelihood.log_prob(x), kl_divergence(posterior, prior)};
  }
  /// log p(x | z) - beta KL(q(z | x) || p(z)) with one z drawn from q(z | x), in nats per sample, x [N, ...] -> [N].
  /// With beta = 1 its expectation is a lower bound of log p(x); other weights are those of Higgins et al. 2017.
  auto elbo(const auto& x, Pass pass, double beta = 1) const { return elbo_terms(x, pass).elbo(beta); }
  /// n new samples: means of p(x | z) for codes z drawn from the prior, [n, ...].
  auto sample(Index n, Rng& rng) const { return this->decode(prior.sample(n, rng)); }

  static void fields(auto& self, auto&& field) {
    Autoencoder<EncoderType, DecoderType>::fields(self, field);
    field("prior", self.prior);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
