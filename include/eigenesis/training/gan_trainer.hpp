// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <tuple>

#include "eigenesis/layers/living.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/objectives/instance_noise.hpp"
#include "eigenesis/objectives/penalties.hpp"
#include "eigenesis/training/fit.hpp"
#include "eigenesis/training/parts.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How the two phases alternate: k updates of the discriminator, then those of the generator (usually one).
struct GanOptions {
  Index discriminator_steps = 1;  // k; each takes a batch of its own
  Index generator_steps = 1;      // all on the last of these batches
  bool is_default() const { return discriminator_steps == 1 && generator_steps == 1; }
};

/// What the two models minimise: means over the updates of a step.
struct GanLosses {
  double discriminator = 0;  // penalty included
  double generator = 0;      // of the objective
  static void fields(auto& self, auto&& field) {
    field("discriminator", self.discriminator);
    field("generator", self.generator);
  }
};

namespace detail {

using APenalty = Other<AnOptimizer, AnAverage, A<InstanceNoise>, A<GanOptions>>;

/// For a penalty that asks for the slope of D at each sample.
struct ExpectNoneThatMixesSamples {
  template <class T>
  static constexpr void check() {
    static_assert(
        !requires { T::mixes_samples; },
        "eigenesis: R1 and GradientPenalty need a discriminator whose logit for a sample depends on that sample "
        "only; take LayerNorm or InstanceNorm in place of BatchNorm");
  }
};

/// Adam of learning rate 2e-4, beta1 0.5, beta2 0.999 (Radford et al. 2016).
inline Adam<float> adam_for_gan() { return Adam<float>{{.learning_rate = 2e-4, .beta1 = 0.5}}; }

}  // namespace detail

/// Trains a generator and a discriminator against each other (Goodfellow et al. 2014, algorithm 1). Each phase changes
/// one model only, its running averages included, and takes no gradients of the other one's weights. After the models
/// and the objective come, in any order and each only if wanted: a penalty, which is added to D's loss in the same
/// step; InstanceNoise; an optimizer for G and one for D (a single one serves both, as a copy each); a MovingAverage of
/// the generator; options.
///   GanTrainer trainer{generator, critic, Wasserstein{}, GradientPenalty{.weight = 10}, {.discriminator_steps = 5}};
/// On Conditioned data, G and D are given the conditions too. Holds references: a step after a model is gone throws
/// Error. A copy trains the same models, with optimizers of its own.
template <class GeneratorType, class DiscriminatorType, class Objective, class Penalty = NoPenalty,
          class GeneratorOptimizer = Adam<float>, class DiscriminatorOptimizer = GeneratorOptimizer,
          class Average = NoAverage>
class GanTrainer {
 public:
  static constexpr const char* name = "GanTrainer";
  static constexpr const char* title = "GAN";

  template <class P1 = GanOptions, class P2 = GanOptions, class P3 = GanOptions, class P4 = GanOptions,
            class P5 = GanOptions, class P6 = GanOptions>
  GanTrainer(GeneratorType& generator, DiscriminatorType& discriminator, Objective objective, P1 p1 = {}, P2 p2 = {},
             P3 p3 = {}, P4 p4 = {}, P5 p5 = {}, P6 p6 = {})
      : generator_optimizer(detail::part<detail::AnOptimizer>(detail::adam_for_gan(), p1, p2, p3, p4, p5, p6)),
        discriminator_optimizer(detail::part<detail::AnOptimizer, 1>(generator_optimizer, p1, p2, p3, p4, p5, p6)),
        average(detail::part<detail::AnAverage>(NoAverage{}, p1, p2, p3, p4, p5, p6)),
        generator_(generator),
        discriminator_(discriminator),
        watched_{detail::Watched(generator), detail::Watched(discriminator)},
        objective_(std::move(objective)),
        penalty_(detail::part<detail::APenalty>(NoPenalty{}, p1, p2, p3, p4, p5, p6)),
        noise_(detail::part<detail::A<InstanceNoise>>(InstanceNoise{}, p1, p2, p3, p4, p5, p6)),
        options_(detail::options_among<GanOptions>("GanTrainer", "GanOptions", p1, p2, p3, p4, p5, p6)) {
    static_assert(
        detail::part_count<detail::APenalty, P1, P2, P3, P4, P5, P6> <= 1,
        "eigenesis: GanTrainer takes one penalty, InstanceNoise, optimizers, a MovingAverage and GanOptions; one "
        "of its arguments is none of these, or there are two penalties");
    static_assert(detail::part_count<detail::AnOptimizer, P1, P2, P3, P4, P5, P6> <= 2 &&
                      detail::part_count<detail::AnAverage, P1, P2, P3, P4, P5, P6> <= 1 &&
                      detail::part_count<detail::A<InstanceNoise>, P1, P2, P3, P4, P5, P6> <= 1,
                  "eigenesis: GanTrainer takes at most two optimizers, one MovingAverage and one InstanceNoise");
    static_assert(
        requires { generator.prior; },
        "eigenesis: GanTrainer takes a generator, a discriminator and an objective, in this order");
    static_assert(std::is_same_v<Average, NoAverage> || std::is_same_v<Average, MovingAverage<GeneratorType>>,
                  "eigenesis: GanTrainer takes a MovingAverage of its generator");
    if constexpr (requires { requires Penalty::needs_separate_samples; })
      detail::check_types<detail::ExpectNoneThatMixesSamples, DiscriminatorType>();
    require<ArgumentError>(options_.discriminator_steps >= 1 && options_.generator_steps >= 1,
                           "GanTrainer: expected at least one step of each model but got discriminator_steps = ",
                           options_.discriminator_steps, " and generator_steps = ", options_.generator_steps);
  }

  /// Fix G, train D: one update of D on a batch of data and as many samples of G. Returns what D minimises, its penalty
  /// included, before the update.
  template <detail::HasRows Batch>
  double train_discriminator(Batch batch, Rng& rng) {
    detail::row_count("GanTrainer::train_discriminator", batch);
    return std::apply([&](const auto&... batch_parts) { return update_discriminator(rng, batch_parts...); },
                      detail::batch_variables(std::move(batch)));
  }

  /// Fix D, train G: one update of G on n samples of its own. Returns G's loss before it.
  double train_generator(Index n, Rng& rng) {
    return minimize_generator(rng, n, [](const auto&) {});
  }
  /// The same for the conditions of a batch, or with an objective that compares with real samples.
  template <detail::HasRows Batch>
  double train_generator(Batch batch, Rng& rng) {
    detail::row_count("GanTrainer::train_generator", batch);
    return std::apply([&](const auto&... batch_parts) { return update_generator(rng, batch_parts...); },
                      detail::batch_variables(std::move(batch)));
  }

  /// One step: the updates of D, each on a batch of its own, then those of G on the conditions of the last one.
  template <class NextBatch>
  GanLosses step(NextBatch& next_batch, Rng& rng) {
    GanLosses sum;
    auto batch = detail::batch_variables(next_batch());
    for (Index i = 0; i < options_.discriminator_steps; ++i) {
      if (i > 0) batch = detail::batch_variables(next_batch());
      sum.discriminator +=
          std::apply([&](const auto&... batch_parts) { return update_discriminator(rng, batch_parts...); }, batch);
    }
    for (Index i = 0; i < options_.generator_steps; ++i)
      sum.generator +=
          std::apply([&](const auto&... batch_parts) { return update_generator(rng, batch_parts...); }, batch);
    return {sum.discriminator / static_cast<double>(options_.discriminator_steps),
            sum.generator / static_cast<double>(options_.generator_steps)};
  }
  /// How many batches a step takes.
  Index batches_per_step() const { return options_.discriminator_steps; }

  /// Alternates both phases on batches of `data`: eigenesis::fit. An epoch's last batch is left out if it is smaller
  /// than the others. Throws NumericError for a loss or gradient that is not finite, before it changes a weight.
  template <class Data>
  FitHistory<GanLosses> fit(const Data& data, const FitOptions<GanLosses>& options, Rng& rng) {
    expect_models();
    return eigenesis::fit(*this, data, options, rng);
  }

  /// Of a critic's loss, which has no least value, 0 tells nothing: Health asks for this.
  static constexpr bool discriminator_wins_at_zero = !requires { requires Objective::is_critic; };

  /// Makes the state of the optimizers, which the first step does by itself: to load a file into this trainer.
  void prepare() {
    expect_models();
    detail::prepare_optimizer(generator_optimizer, generator_);
    detail::prepare_optimizer(discriminator_optimizer, discriminator_);
  }
  /// The kinds of its objective and its penalty, and how many steps its phases have.
  std::string details() const {
    std::string text = detail::full_kind<Objective>();
    if constexpr (!std::is_same_v<Penalty, NoPenalty>) text += ", " + detail::full_kind<Penalty>();
    return text + detail::option<Index>("discriminator steps", options_.discriminator_steps, 1) +
           detail::option<Index>("generator steps", options_.generator_steps, 1);
  }
  static void fields(auto& self, auto&& field) {
    self.expect_models();
    field("generator", self.generator_);
    field("discriminator", self.discriminator_);
    field("generator_optimizer", self.generator_optimizer);
    field("discriminator_optimizer", self.discriminator_optimizer);
    field("average", self.average);
    if constexpr (detail::HasFields<Objective>) field("objective", self.objective_);
    if constexpr (detail::HasFields<Penalty>) field("penalty", self.penalty_);
    field("generator_updates", self.generator_updates_, InFiles::count);
    field("discriminator_updates", self.discriminator_updates_, InFiles::count);
  }

  GeneratorOptimizer generator_optimizer;          // of G
  DiscriminatorOptimizer discriminator_optimizer;  // of D
  Average average;                                 // of the generator: average.model

 private:
  void expect_models() const {
    for (const detail::Watched& model : watched_) model.expect_here(name);
  }

  /// For the model that a phase leaves as it is: it still normalises by the batch, as when it is trained.
  static Pass fixed(Rng& rng) { return Pass::training(rng).without_updates(); }

  /// The step that an update belongs to, by which noise fades. A step ends with its last update of G. Where only one of
  /// the models is trained, its updates alone are counted.
  Index step_of(Index discriminator_updates) const {
    return std::max(discriminator_updates / options_.discriminator_steps,
                    static_cast<Index>(generator_updates_.item()) / options_.generator_steps);
  }

  /// Samples as data: without a graph back into G.
  auto generate(Index n, Rng& rng, const auto&... condition) const {
    const NoGradient no_gradient;
    return generator_(Variable(generator_.prior.sample(n, rng)), condition..., fixed(rng));
  }

  double update_discriminator(Rng& rng, const auto& data, const auto&... condition) {
    expect_models();
    const Pass pass = Pass::training(rng);
    const Index now = step_of(static_cast<Index>(discriminator_updates_.item()));
    const auto samples = generate(data.shape(0), rng, condition...);
    // Real and fake samples pass through D apart: a batch normalisation over both would tell them apart by itself.
    const auto real = noise_(data, now, rng);
    const auto real_logits = discriminator_(real, condition..., pass);
    const auto fake = noise_(samples, now, rng);
    const auto fake_logits = discriminator_(fake, condition..., pass);
    static_assert(
        requires { detail::kept_by_files(objective_).discriminator_loss(real_logits, fake_logits); },
        "eigenesis: GanTrainer takes an objective, such as NonSaturating{}, after its models. Its functions are const, "
        "unless `fields` name what they change");
    const auto game = detail::kept_by_files(objective_).discriminator_loss(real_logits, fake_logits);
    const auto loss = penalized(game, rng, real, fake, condition...);
    detail::in_phase(*this, "train_discriminator", discriminator_updates_.item() == 0,
                     [&] { discriminator_optimizer.minimize(loss, discriminator_); });
    discriminator_updates_.data()[0] += 1;
    return static_cast<double>(loss.item());
  }

  /// D's loss and the penalty, which is a function of what D sees.
  auto penalized(const auto& loss, Rng& rng, const auto& real, const auto& fake, const auto&... condition) const {
    if constexpr (std::is_same_v<Penalty, NoPenalty>) {
      return loss;
    } else {
      const auto judge = [&](const auto& x) { return discriminator_(x, condition..., fixed(rng)); };
      static_assert(
          requires { penalty_(judge, real, fake, rng); },
          "eigenesis: GanTrainer takes a penalty, InstanceNoise, optimizers, a MovingAverage and GanOptions; "
          "one of its arguments is none of these. An optimizer has steps() and minimize(loss, model)");
      return loss + penalty_(judge, real, fake, rng);
    }
  }

  double update_generator(Rng& rng, const auto& data, const auto&... condition) {
    const auto real_logits = [&](Index now) {
      const NoGradient no_gradient;
      return discriminator_(noise_(data, now, rng), condition..., fixed(rng));
    };
    return minimize_generator(rng, data.shape(0), real_logits, condition...);
  }

  double minimize_generator(Rng& rng, Index n, const auto& real_logits, const auto&... condition) {
    expect_models();
    // Of D's updates the last one belongs to this step, not to the next.
    const Index now = step_of(static_cast<Index>(discriminator_updates_.item()) - 1);
    const auto fake = generator_(Variable(generator_.prior.sample(n, rng)), condition..., Pass::training(rng));
    const auto fake_logits = discriminator_(noise_(fake, now, rng), condition..., fixed(rng));
    const auto loss = [&] {
      if constexpr (requires { detail::kept_by_files(objective_).generator_loss(fake_logits); }) {
        return detail::kept_by_files(objective_).generator_loss(fake_logits);
      } else {
        static_assert(
            !std::is_void_v<decltype(real_logits(now))>,
            "eigenesis: this objective compares with real samples: train_generator(batch, rng), not (n, rng)");
        return detail::kept_by_files(objective_).generator_loss(real_logits(now), fake_logits);
      }
    }();
    detail::in_phase(*this, "train_generator", generator_updates_.item() == 0,
                     [&] { generator_optimizer.minimize(loss, generator_); });
    generator_updates_.data()[0] += 1;
    average.update(generator_);
    return static_cast<double>(loss.item());
  }

  GeneratorType& generator_;
  DiscriminatorType& discriminator_;
  std::array<detail::Watched, 2> watched_;
  Objective objective_;
  Penalty penalty_;
  InstanceNoise noise_;
  GanOptions options_;
  Tensor<double, 0> generator_updates_, discriminator_updates_;  // updates of each model by this trainer
};

template <class G, class D, class Objective, class P1 = GanOptions, class P2 = GanOptions, class P3 = GanOptions,
          class P4 = GanOptions, class P5 = GanOptions, class P6 = GanOptions>
GanTrainer(G&, D&, Objective, P1 = {}, P2 = {}, P3 = {}, P4 = {}, P5 = {}, P6 = {})
    -> GanTrainer<G, D, Objective, detail::PartType<detail::APenalty, 0, NoPenalty, P1, P2, P3, P4, P5, P6>,
                  detail::PartType<detail::AnOptimizer, 0, Adam<float>, P1, P2, P3, P4, P5, P6>,
                  detail::PartType<detail::AnOptimizer, 1,
                                   detail::PartType<detail::AnOptimizer, 0, Adam<float>, P1, P2, P3, P4, P5, P6>, P1,
                                   P2, P3, P4, P5, P6>,
                  detail::PartType<detail::AnAverage, 0, NoAverage, P1, P2, P3, P4, P5, P6>>;

}  // namespace eigenesis::inline EIGENESIS_ABI
