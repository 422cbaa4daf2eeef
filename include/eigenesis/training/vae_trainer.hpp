// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/data/batches.hpp"
#include "eigenesis/models/vae.hpp"
#include "eigenesis/optimizers/adam.hpp"
#include "eigenesis/training/loop.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Means over samples, in nats per sample.
struct VaeLosses {
  double reconstruction = 0;  // -log p(x | z)
  double divergence = 0;      // KL(q(z | x) || p(z)); 0 for an autoencoder

  /// The negative ELBO, whatever weight the divergence has in training.
  double total() const { return reconstruction + divergence; }
};

/// What a callback sees of a training; it may ask for its end.
struct VaeState {
  Index step = 0;      // updates so far
  Index epoch = 0;     // counted from 1
  double beta = 1;     // weight of the divergence in the last step
  VaeLosses losses;    // of the last batch; at the end of an epoch, the mean over it (where steps were asked for, since
                       // a multiple of 100)
  VaeLosses held_out;  // at the end of an epoch, if held-out data were given
  bool stop = false;
};

struct VaeFitOptions {
  Index steps = 0;   // updates, or
  Index epochs = 0;  // passes over a finite data set; exactly one of the two is set
  Index batch_size = 128;
  Binarize binarize = Binarize::none;  // of the training batches
  double beta = 1;                     // weight of the divergence,
  Schedule beta_schedule = {};         // times this function of the step, counted from 0
  Progress progress = {};
  std::function<void(VaeState&)> on_step = {};
  std::function<void(VaeState&)> on_epoch = {};
};

/// The mean losses of each epoch; where steps were asked for, the losses of each.
struct VaeHistory {
  std::vector<VaeLosses> train;
  std::vector<VaeLosses> held_out;
};

/// Trains a Vae, or any model with `elbo_terms(x, pass)`: minimises -mean(log p(x | z) - beta KL(q(z | x) || p(z)))
/// with one code z drawn for each sample (Kingma and Welling 2014). Holds a reference: the model must outlive the
/// trainer.
template <class Model, class Optimizer = Adam<float>>
class VaeTrainer {
 public:
  explicit VaeTrainer(Model& model, Optimizer with = Optimizer{})
      : VaeTrainer(model, std::move(with), "VaeTrainer", "VAE") {}

  /// One update on a batch [N, ...]; returns the losses before it. Throws ArgumentError unless beta >= 0, DataError for
  /// an empty batch, NumericError for a loss or gradient that is not finite, before it changes a weight.
  template <class Scalar, int Rank>
  VaeLosses train(Tensor<Scalar, Rank> batch, Rng& rng, double beta = 1) {
    require<ArgumentError>(beta >= 0 && std::isfinite(beta), name_, "::train: expected a finite beta >= 0 but got ",
                           beta);
    require<DataError>(batch.size() > 0, name_, "::train: expected at least one sample but got shape ", batch.shape());
    const auto terms = model_.elbo_terms(Variable(std::move(batch)), Pass{Mode::training, rng});
    detail::in_phase(name_, "train", [&] { optimizer.minimize(-mean(terms.elbo(beta)), model_); });
    return means(terms);
  }

  /// The losses on held-out data [N, ...], every sample weighted alike, with one code drawn for each. The generator is
  /// a copy: equal data and seeds give equal losses, and evaluation leaves a training as it is.
  template <class Scalar, int Rank>
  VaeLosses evaluate(const Tensor<Scalar, Rank>& data, Rng rng, Index batch_size = 1000) const {
    const NoGradient no_gradient;
    Batches<Tensor<Scalar, Rank>> batches(data, {.batch_size = batch_size, .shuffle = false});
    Average average;
    for (auto batch : batches.epoch(rng)) {
      const Index n = batch.shape(0);
      average.add(means(model_.elbo_terms(Variable(std::move(batch)), Pass{Mode::evaluation, rng})), n);
    }
    return average.mean();
  }

  /// Trains on `data`: a tensor [N, ...], or anything with `sample(n, rng)`; with `held_out`, evaluates after each
  /// epoch. Throws ArgumentError for options that do not fit, NumericError for a loss or gradient that is not finite,
  /// before it changes a weight.
  template <class Data>
  VaeHistory fit(const Data& data, const VaeFitOptions& options, Rng& rng) {
    return run(data, options, rng, nullptr);
  }
  template <class Data, class Scalar, int Rank>
  VaeHistory fit(const Data& data, const Tensor<Scalar, Rank>& held_out, const VaeFitOptions& options, Rng& rng) {
    return run(data, options, rng, [&] { return evaluate(held_out, rng); });
  }

  Optimizer optimizer;

 protected:
  VaeTrainer(Model& model, Optimizer with, const char* name, const char* title)
      : optimizer(std::move(with)), model_(model), name_(name), title_(title) {}

 private:
  /// A mean of losses, weighted by the number of samples.
  struct Average {
    VaeLosses sum;
    double samples = 0;
    void add(const VaeLosses& losses, Index count) {
      sum.reconstruction += losses.reconstruction * static_cast<double>(count);
      sum.divergence += losses.divergence * static_cast<double>(count);
      samples += static_cast<double>(count);
    }
    VaeLosses mean() const { return {sum.reconstruction / samples, sum.divergence / samples}; }
  };

  template <class Scalar>
  static VaeLosses means(const ElboTerms<Scalar>& terms) {
    const NoGradient no_gradient;
    return {-static_cast<double>(mean(terms.log_likelihood).item()),
            static_cast<double>(mean(terms.divergence).item())};
  }

  template <class Data>
  VaeHistory run(const Data& data, const VaeFitOptions& options, Rng& rng, const std::function<VaeLosses()>& held_out) {
    Batches<Data> batches(data, {.batch_size = options.batch_size, .binarize = options.binarize});
    const detail::Duration duration = detail::plan(name_, batches, options.steps, options.epochs, 1);
    VaeHistory history;
    if (options.steps > 0)  // more may be asked for than will be made
      history.train.reserve(static_cast<std::size_t>(std::min<Index>(options.steps, 1'000'000)));
    VaeState state;
    Average average;
    std::array<NamedValue, 3> shown{{{"loss", 0}, {"KL", 0}, {"test", 0}}};

    const auto step = [&](Index epoch) {
      auto batch = batches.next(rng);
      const Index n = batch.shape(0);
      state.epoch = epoch;
      state.beta = options.beta * (options.beta_schedule ? options.beta_schedule(state.step) : 1);
      state.losses = train(std::move(batch), rng, state.beta);
      if (options.steps > 0 && state.step % 100 == 0) average = {};
      ++state.step;
      average.add(state.losses, n);
      if (options.steps > 0) history.train.push_back(state.losses);
      shown[0].value = average.mean().total();
      shown[1].value = average.mean().divergence;
      if (options.on_step) options.on_step(state);
      return std::span<const NamedValue>(shown).first(2);
    };
    const auto end_epoch = [&](Index) {
      state.losses = std::exchange(average, {}).mean();
      if (options.epochs > 0) history.train.push_back(state.losses);
      if (held_out) {
        state.held_out = held_out();
        history.held_out.push_back(state.held_out);
        shown[2].value = state.held_out.total();
      }
      if (options.on_epoch) options.on_epoch(state);
      return std::span<const NamedValue>(shown).first(held_out ? 3 : 2);
    };
    detail::train_loop(title_, duration, options.progress, state.stop, step, end_epoch);
    return history;
  }

  Model& model_;
  const char* name_;   // in messages
  const char* title_;  // in the progress bar
};

}  // namespace eigenesis::inline EIGENESIS_ABI
