// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/layers/living.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/ops/reduce.hpp"
#include "eigenesis/training/fit.hpp"
#include "eigenesis/training/parts.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The mean of -log p(x | z) over samples, in nats per sample.
struct AutoencoderLosses {
  double reconstruction = 0;  // -log p(x | z)
  static void fields(auto& self, auto&& field) { field("reconstruction", self.reconstruction); }
};

/// Trains an Autoencoder, or any model with `log_likelihood(x, pass)`, to reconstruct: minimises -mean(log p(x | z)).
/// After the model come, in any order and each only if wanted: an optimizer (Adam), a MovingAverage of the model. On
/// Conditioned data, the model is given the conditions too. Holds a reference: a step after the model is gone throws
/// Error. A copy trains the same model, with an optimizer of its own.
template <class Model, class Optimizer = Adam<float>, class Average = NoAverage>
class AutoencoderTrainer {
 public:
  static constexpr const char* name = "AutoencoderTrainer";
  static constexpr const char* title = "autoencoder";

  template <class P1 = NoAverage, class P2 = NoAverage>
  explicit AutoencoderTrainer(Model& model, P1 p1 = {}, P2 p2 = {})
      : optimizer(detail::part<detail::AnOptimizer>(Adam<float>{}, p1, p2)),
        average(detail::part<detail::AnAverage>(NoAverage{}, p1, p2)),
        model_(model),
        watched_(model) {
    static_assert(detail::part_count<detail::Other<detail::AnOptimizer, detail::AnAverage>, P1, P2> == 0 &&
                      detail::part_count<detail::AnOptimizer, P1, P2> <= 1 &&
                      detail::part_count<detail::AMovingAverage, P1, P2> <= 1,
                  "eigenesis: AutoencoderTrainer takes an optimizer and a MovingAverage");
    static_assert(std::is_same_v<Average, NoAverage> || std::is_same_v<Average, MovingAverage<Model>>,
                  "eigenesis: AutoencoderTrainer takes a MovingAverage of its model");
  }

  /// One update on a batch [N, ...]; returns the loss before it. Throws DataError for an empty batch, NumericError for
  /// a loss or gradient that is not finite, before it changes a weight.
  template <detail::HasRows Batch>
  AutoencoderLosses step(Batch batch, Rng& rng) {
    const auto loss = loss_of("AutoencoderTrainer::step", std::move(batch), Pass::training(rng));
    detail::in_phase(*this, "step", optimizer.steps() == 0, [&] { optimizer.minimize(loss, model_); });
    average.update(model_);
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
    watched_.expect_here(name);
    return eigenesis::fit(*this, data, options, rng);
  }
  template <class Data, class HeldOut>
  FitHistory<AutoencoderLosses> fit(const Data& data, const HeldOut& held_out,
                                    const FitOptions<AutoencoderLosses>& options, Rng& rng) {
    watched_.expect_here(name);
    return eigenesis::fit(*this, data, held_out, options, rng);
  }

  /// Makes the state of the optimizers, which the first step does by itself: to load a file into this trainer.
  void prepare() {
    watched_.expect_here(name);
    detail::prepare_optimizer(optimizer, model_);
  }
  static void fields(auto& self, auto&& field) {
    self.watched_.expect_here(name);
    field("model", self.model_);
    field("optimizer", self.optimizer);
    field("average", self.average);
  }

  Optimizer optimizer;  // of the model
  Average average;      // of the model: average.model

 private:
  template <class Batch>
  auto loss_of(const char* function, Batch batch, Pass pass) const {
    watched_.expect_here(name);
    detail::row_count(function, batch);
    return std::apply(
        [&](const auto&... batch_parts) {
          constexpr bool fits = requires { model_.log_likelihood(batch_parts..., pass); };
          static_assert(
              fits,
              "eigenesis: AutoencoderTrainer trains an Autoencoder, or another model with log_likelihood(x, pass)");
          static_assert(
              !requires { model_.elbo_terms(batch_parts..., pass); },
              "eigenesis: AutoencoderTrainer would leave the divergence of a Vae out; VaeTrainer trains one, "
              "with Elbo{.beta = 0} without its divergence");
          if constexpr (fits) return -mean(model_.log_likelihood(batch_parts..., pass));
        },
        detail::batch_variables(std::move(batch)));
  }

  Model& model_;
  detail::Watched watched_;
};

template <class Model, class P1 = NoAverage, class P2 = NoAverage>
AutoencoderTrainer(Model&, P1 = {}, P2 = {})
    -> AutoencoderTrainer<Model, detail::PartType<detail::AnOptimizer, 0, Adam<float>, P1, P2>,
                          detail::PartType<detail::AnAverage, 0, NoAverage, P1, P2>>;

}  // namespace eigenesis::inline EIGENESIS_ABI
