// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/distributions/standard_normal.hpp"
#include "eigenesis/models/autoencoder.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The two parts of the ELBO, in nats per sample, each [N].
template <class Scalar>
struct ElboTerms {
  Variable<Scalar, 1> log_likelihood;  // log p(x | z), z drawn from q(z | x)
  Variable<Scalar, 1> divergence;      // KL(q(z | x) || p(z))

  /// log_likelihood - beta * divergence; with beta = 0 the divergence may be infinite.
  Variable<Scalar, 1> elbo(double beta = 1) const {
    if (beta == 0) return log_likelihood;
    return log_likelihood - beta * divergence;
  }
};
template <class Scalar>
ElboTerms(Variable<Scalar, 1>, Variable<Scalar, 1>) -> ElboTerms<Scalar>;

/// A variational autoencoder (Kingma and Welling 2014): an autoencoder whose code is a distribution q(z | x), held near
/// the prior, so that random codes decode to something. The encoder has a head for the log-variance. The prior is
/// anything with `sample(n, rng)` and a `kl_divergence(posterior, prior)`, such as StandardNormal, or `log_prob(z)`.
template <class EncoderType, class DecoderType, class Prior>
struct Vae : Autoencoder<EncoderType, DecoderType> {
  Prior prior;  // p(z)

  Vae(EncoderType to_code, DecoderType from_code, Prior code_prior)
      : Autoencoder<EncoderType, DecoderType>(std::move(to_code), std::move(from_code)), prior(std::move(code_prior)) {}

  /// The parts of elbo(). A model whose networks take a condition is given it after x.
  auto elbo_terms(const auto& x, Pass pass) const { return terms(pass, x); }
  template <class Scalar, int Rank>
  auto elbo_terms(const auto& x, const Variable<Scalar, Rank>& condition, Pass pass) const {
    return terms(pass, x, condition);
  }
  /// log p(x | z) - beta KL(q(z | x) || p(z)) with one z drawn from q(z | x), in nats per sample, x [N, ...] -> [N].
  /// With beta = 1 its expectation is a lower bound of log p(x); other weights are those of Higgins et al. 2017.
  auto elbo(const auto& x, Pass pass, double beta = 1) const { return elbo_terms(x, pass).elbo(beta); }
  /// n new samples: means of p(x | z) for codes z drawn from the prior, [n, ...]. For a Bernoulli likelihood these are
  /// grey, for a normal one without its noise; draw() draws x too.
  auto sample(Index n, Rng& rng) const { return this->decode(prior.sample(n, rng)); }
  /// One new sample for each condition, conditions [n, ...] -> [n, ...].
  template <class Scalar, int Rank>
  auto sample(const Tensor<Scalar, Rank>& conditions, Rng& rng) const {
    return this->decode(prior.sample(conditions.shape(0), rng), conditions);
  }
  /// n draws from p(x | z) for codes z drawn from the prior, [n, ...]; perhaps one for each condition [n, ...].
  auto draw(Index n, Rng& rng, const auto&... conditions) const {
    const NoGradient no_gradient;
    return Variable(this->decoder(Variable(prior.sample(n, rng)), Variable(conditions)...).sample(rng)).value();
  }

  static void fields(auto& self, auto&& field) {
    Autoencoder<EncoderType, DecoderType>::fields(self, field);
    field("prior", self.prior);
  }

 private:
  /// The pass comes first because the condition, a pack of none or one, has to come last.
  auto terms(Pass pass, const auto& x, const auto&... condition) const {
    const auto posterior = this->encoder(x, condition..., pass);
    // The sample is a function of mean, variance and noise, through which gradients flow (reparameterization).
    const auto z = posterior.sample(pass.rng());
    const auto likelihood = this->decoder(z, condition..., pass);
    if constexpr (requires { kl_divergence(posterior, prior); })
      return ElboTerms{likelihood.log_prob(x), kl_divergence(posterior, prior)};
    else  // an estimate from the same z, whose mean is the divergence
      return ElboTerms{likelihood.log_prob(x), posterior.log_prob(z) - prior.log_prob(z)};
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
