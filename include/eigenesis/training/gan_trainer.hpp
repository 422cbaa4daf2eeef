// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <functional>
#include <vector>

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/data/batches.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/objectives/penalties.hpp"
#include "eigenesis/optimizers/adam.hpp"
#include "eigenesis/optimizers/schedules.hpp"
#include "eigenesis/training/loop.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Noise N(0, sigma^2) on all that the discriminator sees, real and fake: distributions that share no points then
/// overlap, and the generator gets a gradient (Sonderby et al. 2017; Arjovsky and Bottou 2017). It fades by a schedule:
/// `{.sigma = 0.5, .schedule = LinearDecay{2000}}`.
struct InstanceNoise {
  double sigma = 0;        // in the unit of the samples,
  Schedule schedule = {};  // times this function of the round, counted from 0

  /// Sigma in a round. Throws ArgumentError unless it is finite and >= 0.
  double sigma_in(Index round) const {
    const double result = sigma * (schedule ? schedule(round) : 1);
    require<ArgumentError>(result >= 0 && std::isfinite(result), "InstanceNoise: expected a finite sigma >= 0 but got ",
                           result, " in round ", round);
    return result;
  }
};

/// How the two phases alternate: k updates of the discriminator, then those of the generator (usually one).
struct GanOptions {
  Index discriminator_steps = 1;
  Index generator_steps = 1;
  InstanceNoise instance_noise = {};
};

/// What a callback sees of a training; it may ask for its end.
struct GanState {
  Index step = 0;   // rounds so far
  Index epoch = 0;  // counted from 1
  // Of the last round.
  double discriminator_loss = 0, generator_loss = 0;
  bool stop = false;
};

struct GanFitOptions {
  Index steps = 0;   // rounds of discriminator and generator steps, or
  Index epochs = 0;  // passes over a finite data set; exactly one of the two is set
  Index batch_size = 128;
  Progress progress = {};
  std::function<void(GanState&)> on_step = {};
  std::function<void(GanState&)> on_epoch = {};
};

/// The losses of every round: the mean over its discriminator and generator steps.
struct GanHistory {
  std::vector<double> discriminator_loss, generator_loss;
};

namespace detail {

/// Tells optimizers from penalties.
template <class T>
concept CountsSteps = requires(const T& t) {
  t.steps();
};

}  // namespace detail

/// Trains a generator and a discriminator against each other (Goodfellow et al. 2014, algorithm 1). Each phase changes
/// one model only, its running averages included, and takes no gradients of the other one's weights. The objective, and
/// a penalty that is added to D's loss in the same step, are values:
///   GanTrainer trainer{generator, critic, Wasserstein{}, GradientPenalty{.weight = 10}, {.discriminator_steps = 5}};
/// Holds references: both models must outlive the trainer.
template <class GeneratorType, class DiscriminatorType, class Objective, class GeneratorOptimizer = Adam<float>,
          class DiscriminatorOptimizer = GeneratorOptimizer, class Penalty = NoPenalty>
class GanTrainer {
 public:
  /// With Adam of learning rate 2e-4, beta1 0.5, beta2 0.999 for both models (Radford et al. 2016).
  GanTrainer(GeneratorType& generator, DiscriminatorType& discriminator, Objective objective,
             const GanOptions& options = {})
      : GanTrainer(generator, discriminator, std::move(objective), Penalty{}, options) {}
  GanTrainer(GeneratorType& generator, DiscriminatorType& discriminator, Objective objective,
             GeneratorOptimizer for_generator, DiscriminatorOptimizer for_discriminator,
             const GanOptions& options = {}) requires detail::CountsSteps<GeneratorOptimizer>
      : GanTrainer(generator, discriminator, std::move(objective), Penalty{}, std::move(for_generator),
                   std::move(for_discriminator), options) {}
  /// The same with a penalty, whose type is asked for by name so that {} means options.
  template <std::same_as<Penalty> Given>
    requires(!std::same_as<Given, GanOptions>)
  GanTrainer(GeneratorType& generator, DiscriminatorType& discriminator, Objective objective, Given penalty,
             const GanOptions& options = {})
      : GanTrainer(generator, discriminator, std::move(objective), std::move(penalty),
                   GeneratorOptimizer{{.learning_rate = 2e-4, .beta1 = 0.5}},
                   DiscriminatorOptimizer{{.learning_rate = 2e-4, .beta1 = 0.5}}, options) {}
  GanTrainer(GeneratorType& generator, DiscriminatorType& discriminator, Objective objective, Penalty penalty,
             GeneratorOptimizer for_generator, DiscriminatorOptimizer for_discriminator,
             const GanOptions& options = {}) requires(!detail::CountsSteps<Penalty>)
      : generator_optimizer(std::move(for_generator)),
        discriminator_optimizer(std::move(for_discriminator)),
        generator_(generator),
        discriminator_(discriminator),
        objective_(std::move(objective)),
        penalty_(std::move(penalty)),
        options_(options) {
    require<ArgumentError>(options.discriminator_steps >= 1 && options.generator_steps >= 1,
                           "GanTrainer: expected at least one step of each model but got discriminator_steps = ",
                           options.discriminator_steps, " and generator_steps = ", options.generator_steps);
  }

  /// Fix G, train D: one update of D on a batch of data [N, ...] and as many samples of G. Returns what D minimises,
  /// its penalty included, before the update.
  template <class Scalar, int Rank>
  double train_discriminator(Tensor<Scalar, Rank> data, Rng& rng) {
    require<DataError>(data.size() > 0, "GanTrainer::train_discriminator: expected at least one sample but got shape ",
                       data.shape());
    const Pass pass{Mode::training, rng};
    const auto samples = generate(data.shape(0), rng);
    // Real and fake samples pass through D apart: a batch normalisation over both would tell them apart by itself.
    const auto real = noisy(Variable(std::move(data)), rng);
    const auto real_logits = discriminator_(real, pass);
    const auto fake = noisy(samples, rng);
    const auto objective = objective_.discriminator_loss(real_logits, discriminator_(fake, pass));
    const auto loss = penalized(objective, real, fake, rng);
    detail::in_phase("GanTrainer", "train_discriminator",
                     [&] { discriminator_optimizer.minimize(loss, discriminator_); });
    return static_cast<double>(loss.item());
  }

  /// Fix D, train G: one update of G on n samples of its own. Returns G's loss before it.
  double train_generator(Index n, Rng& rng) {
    const auto fake = generator_(Variable(generator_.prior.sample(n, rng)), Pass{Mode::training, rng});
    const auto loss = objective_.generator_loss(discriminator_(noisy(fake, rng), fixed(rng)));
    detail::in_phase("GanTrainer", "train_generator", [&] { generator_optimizer.minimize(loss, generator_); });
    return static_cast<double>(loss.item());
  }

  /// Alternates both phases on batches of `data`: a tensor [N, ...], or anything with `sample(n, rng)`. Throws
  /// ArgumentError for options that do not fit, NumericError for a loss or gradient that is not finite, before it
  /// changes a weight.
  template <class Data>
  GanHistory fit(const Data& data, const GanFitOptions& options, Rng& rng) {
    if constexpr (!Batches<Data>::endless)
      require<ArgumentError>(data.shape(0) >= options.batch_size, "GanTrainer::fit: expected at least batch_size = ",
                             options.batch_size, " samples but got ", data.shape(0));
    Batches<Data> batches(data, {.batch_size = options.batch_size, .drop_last = true});
    const detail::Duration duration =
        detail::plan("GanTrainer", batches, options.steps, options.epochs, options_.discriminator_steps);
    GanHistory history;
    const double rounds = static_cast<double>(duration.steps) * static_cast<double>(duration.epochs);
    for (auto* losses : {&history.discriminator_loss, &history.generator_loss})
      losses->reserve(static_cast<std::size_t>(std::min(rounds, 1e6)));  // more may be asked for than will be made
    GanState state;
    std::array<NamedValue, 2> shown{{{"D", 0}, {"G", 0}}};

    const auto step = [&](Index epoch) {
      double discriminator_loss = 0, generator_loss = 0;
      for (Index i = 0; i < options_.discriminator_steps; ++i)
        discriminator_loss += train_discriminator(batches.next(rng), rng);
      for (Index i = 0; i < options_.generator_steps; ++i) generator_loss += train_generator(options.batch_size, rng);
      state.epoch = epoch;
      ++state.step;
      state.discriminator_loss = shown[0].value =
          discriminator_loss / static_cast<double>(options_.discriminator_steps);
      state.generator_loss = shown[1].value = generator_loss / static_cast<double>(options_.generator_steps);
      history.discriminator_loss.push_back(state.discriminator_loss);
      history.generator_loss.push_back(state.generator_loss);
      if (options.on_step) options.on_step(state);
      return std::span<const NamedValue>(shown);
    };
    const auto end_epoch = [&](Index) {
      if (options.on_epoch) options.on_epoch(state);
      return std::span<const NamedValue>(shown);
    };
    detail::train_loop("GAN", duration, options.progress, state.stop, step, end_epoch);
    return history;
  }

  GeneratorOptimizer generator_optimizer;
  DiscriminatorOptimizer discriminator_optimizer;

 private:
  /// For the model that a phase leaves as it is.
  static Pass fixed(Rng& rng) { return {Mode::training, rng, false}; }
  /// Samples as data: without a graph back into G.
  auto generate(Index n, Rng& rng) const {
    const NoGradient no_gradient;
    return generator_(Variable(generator_.prior.sample(n, rng)), fixed(rng));
  }

  /// D's loss and the penalty, which is a function of what D sees.
  auto penalized(const auto& loss, const auto& real, const auto& fake, Rng& rng) const {
    if constexpr (std::is_same_v<Penalty, NoPenalty>)
      return loss;
    else
      return loss + penalty_([&](const auto& x) { return discriminator_(x, fixed(rng)); }, real, fake, rng);
  }

  /// Samples as D sees them. A round is over with the last step of G.
  template <class Scalar, int Rank>
  Variable<Scalar, Rank> noisy(const Variable<Scalar, Rank>& x, Rng& rng) const {
    const double sigma = options_.instance_noise.sigma_in(generator_optimizer.steps() / options_.generator_steps);
    if (sigma == 0) return x;
    Tensor<Scalar, Rank> noise(x.shape());
    rng.fill_normal(noise.data(), noise.size());
    return map([sigma](auto t, auto e) { return t + sigma * e; }, x, Variable(std::move(noise)));
  }

  GeneratorType& generator_;
  DiscriminatorType& discriminator_;
  Objective objective_;
  Penalty penalty_;
  GanOptions options_;
};

template <class GeneratorType, class DiscriminatorType, class Objective, class Penalty>
  requires(!std::same_as<Penalty, GanOptions>)
GanTrainer(GeneratorType&, DiscriminatorType&, Objective, Penalty, const GanOptions& = {})
    -> GanTrainer<GeneratorType, DiscriminatorType, Objective, Adam<float>, Adam<float>, Penalty>;

}  // namespace eigenesis::inline EIGENESIS_ABI
