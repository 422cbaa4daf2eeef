// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>

#include "eigenesis/autodiff/variable.hpp"
#include "eigenesis/data/batches.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Options of importance_log_likelihood.
struct ImportanceOptions {
  Index samples = 1000;    // k, codes drawn for each x
  Index batch_size = 500;  // of x; changes which numbers are drawn, nothing else
};

/// An estimate of log p(x) in nats for each x [N, ...] -> [N], from k codes drawn from the posterior of a VAE,
///   log(1/k sum_i p(x | z_i) p(z_i) / q(z_i | x)),  z_i ~ q(z | x).
/// Its expectation is a lower bound of log p(x) that rises with k, from the ELBO at k = 1 to log p(x) (Burda et al.
/// 2016, theorem 1). The model has an `encoder`, a `decoder` and a `prior` as Vae has; each x is encoded once, in
/// evaluation. A Bernoulli likelihood is one of binary pixels only. Throws DataError without data, ArgumentError for
/// options that do not fit.
template <class Model, class Scalar, int Rank>
Tensor<double, 1> importance_log_likelihood(const Model& model, const Tensor<Scalar, Rank>& x, Rng& rng,
                                            const ImportanceOptions& options = {}) {
  require<ArgumentError>(options.samples >= 1, "importance_log_likelihood: expected samples >= 1 but got ",
                         options.samples);
  const NoGradient no_gradient;
  Batches<Tensor<Scalar, Rank>> batches(x, {.batch_size = options.batch_size, .shuffle = false});
  Tensor<double, 1> result(Shape{x.shape(0)});
  double* of_batch = result.data();
  for (auto batch : batches.epoch(rng)) {
    const Variable data(std::move(batch));
    const Index n = data.shape(0);
    const auto posterior = model.encoder(data);
    // log(sum(exp(w))) = largest + log(rest), w by w
    Tensor<double, 1> largest(Shape{n}, -std::numeric_limits<double>::infinity()), rest(Shape{n}, 0);
    for (Index k = 0; k < options.samples; ++k) {
      const auto z = posterior.sample(rng);
      const auto log_weights = model.decoder(z).log_prob(data) + (model.prior.log_prob(z) - posterior.log_prob(z));
      for (Index i = 0; i < n; ++i) {
        const auto w = static_cast<double>(log_weights.value()(i));
        if (w > largest(i)) {
          rest(i) = rest(i) * std::exp(largest(i) - w) + 1;
          largest(i) = w;
        } else if (w != -std::numeric_limits<double>::infinity()) {
          rest(i) += std::exp(w - largest(i));
        }
      }
    }
    for (Index i = 0; i < n; ++i)
      *of_batch++ = largest(i) + std::log(rest(i)) - std::log(static_cast<double>(options.samples));
  }
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
