// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/layers/silent_units.hpp"
#include "eigenesis/training/watch.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// What Health looks at, and from which number on it warns. The functions are called every so many steps, and after the
/// last epoch of a training that is shorter; those that are not given are not looked at. What they draw comes from
/// generators of their own, so that the training stays as it is. The limits are rules of thumb, chosen so that sound
/// trainings of the examples pass: a loss of 0.01 is that of a discriminator that gives each sample its right side with
/// probability 0.995; a latent of 0.01 nats is a unit that is not active (Burda et al. 2016, section 5.2, count those
/// of variance above 0.01 as active).
struct HealthOptions {
  std::string discriminator_loss = "discriminator";  // of trainers that have such a loss; critics have another one
  double least_loss = 0.01;                          // of D, for so many steps: it has won, G learns nothing more
  /// How many steps in a row D's loss has to be that small.
  Index loss_steps = 200;
  double most_gradient = 100;                      // norm of a model's gradient before clipping
  Index every = 500;                               // steps
  std::function<Tensor<float, 2>()> samples = {};  // rows that the model draws
  std::function<Tensor<float, 2>()> data = {};     // rows of data to compare them with
  double most_copies = 0.1;                        // share of samples that are nearly another one
  double least_spread = 0.3;                       // of the samples' standard deviation to that of the data
  std::function<Tensor<float, 1>()> kl = {};       // of each latent: [&] { return kl_per_latent(vae.encoder(x)); }
  double least_kl = 0.01;                          // nats
  std::function<std::vector<SilentUnits>()> units = {};  // [&] { return silent_units(vae, x); }
  double most_silent = 0.5;                              // share of a layer's units
};

/// Warns of trainings that go wrong in known ways, once when it begins and again if it comes back: a discriminator that
/// has won, gradients that explode, samples that are copies of each other or spread less than the data (mode collapse),
/// latents that carry nothing, Relu units that are silent. It changes nothing.
///   .watch = {Health{{.samples = [&] { return generator.sample(64, draws); }, .data = [&] { return some_digits; }}}}
/// Copies are samples whose nearest other sample is at most a tenth of the median distance of data to their nearest
/// away. Where so many of the data are copies themselves, pairs of copies are counted instead, and warned of if samples
/// have more than twice as many as the data (by the birthday paradox, Arora and Zhang 2017: the fewer the modes, the
/// more such pairs). Spread is sqrt(mean over the features of their variances). Gradients are warned of again after 100
/// steps below the limit. A training that goes on from a checkpoint of a step in which it was looked at is not warned
/// again of these samples, latents and units; from another one it may be. Throws ArgumentError for options that do not
/// fit, NumericError for a number that is not one.
class Health : public Watcher {
 public:
  explicit Health(HealthOptions options = {});
  void begin(TrainingView& now) override;
  void step(TrainingView& now) override;
  void epoch(TrainingView& now) override;

 private:
  /// Warns if `wrong` begins to hold. It is over when it did not hold so many times.
  template <class Sentence>
  void rule(TrainingView& now, const std::string& what, bool wrong, Sentence&& sentence, Index calm = 1);
  void look(TrainingView& now);
  void look_at_samples(TrainingView& now);

  HealthOptions options_;
  Index low_steps_ = 0;
  Index first_step_ = 0;                // of the run: how many there were
  bool looked_ = false;                 // in this run, at samples, latents and units
  std::map<std::string, Index> wrong_;  // how often it is not to hold any more until it is over
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/health_inl.hpp"
#endif
