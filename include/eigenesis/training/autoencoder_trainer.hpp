// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/ops/reduce.hpp"
#include "eigenesis/training/fit.hpp"
#include "eigenesis/training/parts.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The mean of -log p(x | z) over samples, in nats per sample.
struct AutoencoderLosses {
  double reconstruction = 0;
  static void fields(auto& self, auto&& field) { field("reconstruction", self.reconstruction); }
};

/// Trains an Autoencoder, or any model with `log_likelihood(x, pass)`, to reconstruct: minimises -mean(log p(x | z)).
/// On Conditioned data, the model is given the conditions too. Holds a reference: the model must outlive the trainer.
template <class Model, class Optimizer = Adam<float>>
class AutoencoderTrainer {
 public:
  static constexpr const char* name = "AutoencoderTrainer";
  static constexpr const char* title = "autoencoder";

  explicit AutoencoderTrainer(Model& model, Optimizer with = Optimizer{}) : optimizer(std::move(with)), model_(model) {}

  /// One update on a batch [N, ...]; returns the loss before it. Throws DataError for an empty batch, NumericError for
  /// a loss or gradient that is not finite, before it changes a weight.
  template <detail::HasRows Batch>
  AutoencoderLosses step(Batch batch, Rng& rng) {
    const auto loss = loss_of("AutoencoderTrainer::step", std::move(batch), Pass::training(rng));
    detail::in_phase(name, "step", [&] { optimizer.minimize(loss, model_); });
    return {static_cast<double>(loss.item())};
  }
  /// The loss on a batch [N, ...]. For a data set: eigenesis::evaluate.
  template <detail::HasRows Batch>
  AutoencoderLosses evaluate(Batch batch, Rng& rng) const {
    const NoGradient no_gradient;
    return {
        static_cast<double>(loss_of("AutoencoderTrainer::evaluate", std::move(batch), Pass::evaluation(rng)).item())};
  }

  /// Trains on `data`, and evaluates on `held_out` after each epoch: eigenesis::fit.
  template <class Data>
  FitHistory<AutoencoderLosses> fit(const Data& data, const FitOptions<AutoencoderLosses>& options, Rng& rng) {
    return eigenesis::fit(*this, data, options, rng);
  }
  template <class Data, class HeldOut>
  FitHistory<AutoencoderLosses> fit(const Data& data, const HeldOut& held_out,
                                    const FitOptions<AutoencoderLosses>& options, Rng& rng) {
    return eigenesis::fit(*this, data, held_out, options, rng);
  }

  static void fields(auto& self, auto&& field) {
    field("model", self.model_);
    field("optimizer", self.optimizer);
  }

  Optimizer optimizer;

 private:
  template <class Batch>
  auto loss_of(const char* function, Batch batch, Pass pass) const {
    detail::row_count(function, batch);
    return std::apply([&](const auto&... batch_parts) { return -mean(model_.log_likelihood(batch_parts..., pass)); },
                      detail::batch_variables(std::move(batch)));
  }

  Model& model_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI
