// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/layers/living.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/models/encoder.hpp"
#include "eigenesis/objectives/elbo.hpp"
#include "eigenesis/training/fit.hpp"
#include "eigenesis/training/parts.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Means over samples, in nats per sample.
struct VaeLosses {
  double loss = 0;            // the negative ELBO, reconstruction + divergence, whatever weight it has in training
  double reconstruction = 0;  // -log p(x | z)
  double divergence = 0;      // KL(q(z | x) || p(z))
  static void fields(auto& self, auto&& field) {
    field("loss", self.loss);
    field("reconstruction", self.reconstruction);
    field("KL", self.divergence);
  }
};

namespace detail {

using AnOwnObjective = Other<AnOptimizer, AnAverage, A<Elbo>>;

}  // namespace detail

/// Trains a Vae, or any model with `elbo_terms(x, pass)`: minimises -mean(log p(x | z) - beta KL(q(z | x) || p(z)))
/// with one code z drawn for each sample (Kingma and Welling 2014). After the model come, in any order and each only if
/// wanted: an objective such as Elbo, an optimizer (Adam), a MovingAverage of the model.
///   VaeTrainer trainer{vae, {.beta = 4}};
/// On Conditioned data, the model is given the conditions too. Holds a reference: a step after the model is gone throws
/// Error. A copy trains the same model, with an optimizer of its own.
template <class Model, class Objective = Elbo, class Optimizer = Adam<float>, class Average = NoAverage>
class VaeTrainer {
 public:
  static constexpr const char* name = "VaeTrainer";
  static constexpr const char* title = "VAE";

  template <class P1 = Elbo, class P2 = Elbo, class P3 = Elbo>
  explicit VaeTrainer(Model& model, P1 p1 = {}, P2 p2 = {}, P3 p3 = {})
      : optimizer(detail::part<detail::AnOptimizer>(Adam<float>{}, p1, p2, p3)),
        average(detail::part<detail::AnAverage>(NoAverage{}, p1, p2, p3)),
        model_(model),
        watched_(model),
        objective_(objective_among(p1, p2, p3)) {
    static_assert(detail::part_count<detail::AnOptimizer, P1, P2, P3> <= 1 &&
                      detail::part_count<detail::AnAverage, P1, P2, P3> <= 1 &&
                      detail::part_count<detail::AnOwnObjective, P1, P2, P3> <= 1,
                  "eigenesis: VaeTrainer takes one objective, one optimizer and one MovingAverage");
    static_assert(std::is_same_v<Average, NoAverage> || std::is_same_v<Average, MovingAverage<Model>>,
                  "eigenesis: VaeTrainer takes a MovingAverage of its model");
  }

  /// One update on a batch [N, ...]; returns the losses before it. Throws DataError for an empty batch, NumericError
  /// for a loss or gradient that is not finite, before it changes a weight.
  template <detail::HasRows Batch>
  VaeLosses step(Batch batch, Rng& rng) {
    const auto terms = terms_of("VaeTrainer::step", std::move(batch), Pass::training(rng));
    static_assert(
        requires { detail::kept_by_files(objective_).loss(terms, Index{}); },
        "eigenesis: VaeTrainer takes an objective with loss(terms, step), an optimizer and a MovingAverage; one of "
        "its arguments is none of these. loss is const, unless `fields` name what it changes");
    if constexpr (std::is_same_v<Objective, Elbo> &&
                  requires { requires std::is_same_v<decltype(Model::encoder.log_variance), NoVariance>; })
      require<ArgumentError>(
          objective_.beta == 0,
          "VaeTrainer::step: expected an Encoder{trunk, mean, log_variance}, or beta = 0, but got one "
          "without a head for log-variances and beta = ",
          objective_.beta, "; the divergence is infinite");
    const auto loss = detail::kept_by_files(objective_).loss(terms, static_cast<Index>(steps_.item()));
    detail::in_phase(*this, "step", steps_.item() == 0, [&] { optimizer.minimize(loss, model_); });
    steps_.data()[0] += 1;
    average.update(model_);
    return means(terms);
  }

  /// The losses on a batch [N, ...], with one code drawn for each sample. For a data set: eigenesis::evaluate.
  template <detail::HasRows Batch>
  VaeLosses evaluate(Batch batch, Rng& rng) const {
    const NoGradient no_gradient;
    return means(terms_of("VaeTrainer::evaluate", std::move(batch), Pass::evaluation(rng)));
  }

  /// Trains on `data`, and evaluates on `held_out` after each epoch: eigenesis::fit.
  template <class Data>
  FitHistory<VaeLosses> fit(const Data& data, const FitOptions<VaeLosses>& options, Rng& rng) {
    watched_.expect_here(name);
    return eigenesis::fit(*this, data, options, rng);
  }
  template <class Data, class HeldOut>
  FitHistory<VaeLosses> fit(const Data& data, const HeldOut& held_out, const FitOptions<VaeLosses>& options, Rng& rng) {
    watched_.expect_here(name);
    return eigenesis::fit(*this, data, held_out, options, rng);
  }

  /// Makes the state of the optimizers, which the first step does by itself: to load a file into this trainer.
  void prepare() {
    watched_.expect_here(name);
    detail::prepare_optimizer(optimizer, model_);
  }
  /// The kind of its objective.
  std::string details() const { return detail::full_kind<Objective>(); }
  static void fields(auto& self, auto&& field) {
    self.watched_.expect_here(name);
    field("model", self.model_);
    field("optimizer", self.optimizer);
    field("average", self.average);
    if constexpr (detail::HasFields<Objective>) field("objective", self.objective_);
    field("steps", self.steps_, InFiles::count);
  }

  Optimizer optimizer;  // of the model
  Average average;      // of the model: average.model

 private:
  static Objective objective_among(const auto&... parts) {
    const Elbo elbo = detail::options_among<Elbo>("VaeTrainer", "Elbo", parts...);
    if constexpr (std::is_same_v<Objective, Elbo>) {
      return elbo;
    } else {
      require<ArgumentError>(elbo.is_default(),
                             "VaeTrainer: expected one objective but got an Elbo beside another one");
      return detail::part<detail::AnOwnObjective>(0, parts...);
    }
  }

  template <class Batch>
  auto terms_of(const char* function, Batch batch, Pass pass) const {
    watched_.expect_here(name);
    detail::row_count(function, batch);
    return std::apply(
        [&](const auto&... batch_parts) {
          constexpr bool fits = requires { model_.elbo_terms(batch_parts..., pass); };
          static_assert(
              fits,
              "eigenesis: VaeTrainer trains a Vae, or another model with elbo_terms(x, pass), whose decoder gives "
              "what has the rank of the data");
          if constexpr (fits) return model_.elbo_terms(batch_parts..., pass);
        },
        detail::batch_variables(std::move(batch)));
  }
  static VaeLosses means(const auto& terms) {
    const NoGradient no_gradient;
    const double reconstruction = -static_cast<double>(mean(terms.log_likelihood).item());
    const double divergence = static_cast<double>(mean(terms.divergence).item());
    return {reconstruction + divergence, reconstruction, divergence};
  }

  Model& model_;
  detail::Watched watched_;
  Objective objective_;
  Tensor<double, 0> steps_;  // updates by this trainer, by which the objective's schedule goes
};

template <class Model, class P1 = Elbo, class P2 = Elbo, class P3 = Elbo>
VaeTrainer(Model&, P1 = {}, P2 = {}, P3 = {})
    -> VaeTrainer<Model, detail::PartType<detail::AnOwnObjective, 0, Elbo, P1, P2, P3>,
                  detail::PartType<detail::AnOptimizer, 0, Adam<float>, P1, P2, P3>,
                  detail::PartType<detail::AnAverage, 0, NoAverage, P1, P2, P3>>;

}  // namespace eigenesis::inline EIGENESIS_ABI
