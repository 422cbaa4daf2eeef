// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "eigenesis/training/health.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// The distances of rows i < j of x [N, F]: those of row 0, then those of row 1, and so on.
EIGENESIS_ONCE std::vector<float> distances_of_pairs(const Tensor<float, 2>& x) {
  const auto rows = x.matrix();
  std::vector<float> distances;
  distances.reserve(static_cast<std::size_t>(rows.rows() * (rows.rows() - 1) / 2));
  for (Index i = 0; i < rows.rows(); ++i)
    for (Index j = i + 1; j < rows.rows(); ++j) distances.push_back((rows.row(i) - rows.row(j)).norm());
  return distances;
}
/// The distance of each of n rows to the nearest other one.
EIGENESIS_ONCE std::vector<float> nearest_distances(std::span<const float> of_pairs, Index n) {
  std::vector<float> nearest(static_cast<std::size_t>(n), std::numeric_limits<float>::infinity());
  auto distance = of_pairs.begin();
  for (std::size_t i = 0; i < nearest.size(); ++i)
    for (std::size_t j = i + 1; j < nearest.size(); ++j, ++distance)
      for (const std::size_t each : {i, j}) nearest[each] = std::min(nearest[each], *distance);
  return nearest;
}
/// The share of distances up to a limit.
EIGENESIS_ONCE double share_within(std::span<const float> distances, float limit) {
  return static_cast<double>(std::ranges::count_if(distances, [limit](float each) { return each <= limit; })) /
         static_cast<double>(distances.size());
}

/// sqrt(mean over the features of their variances).
EIGENESIS_ONCE double spread(const Tensor<float, 2>& x) {
  const Index n = x.shape(0), features = x.shape(1);
  double total = 0;
  for (Index k = 0; k < features; ++k) {
    double sum = 0, squares = 0;
    for (Index i = 0; i < n; ++i) sum += x(i, k);
    const double mean = sum / static_cast<double>(n);
    for (Index i = 0; i < n; ++i) squares += (x(i, k) - mean) * (x(i, k) - mean);
    total += squares / static_cast<double>(n);
  }
  return std::sqrt(total / static_cast<double>(features));
}

EIGENESIS_ONCE std::string three_digits(double value) { return significant(value, 3); }

}  // namespace detail

EIGENESIS_ONCE Health::Health(HealthOptions options) : options_(std::move(options)) {
  require<ArgumentError>(options_.every >= 1 && options_.loss_steps >= 1,
                         "Health: expected every >= 1 and loss_steps >= 1 but got ", options_.every, " and ",
                         options_.loss_steps);
  require<ArgumentError>(!options_.samples == !options_.data,
                         "Health: expected both samples and data to compare them with, or neither");
}

EIGENESIS_ONCE void Health::begin(TrainingView& now) {
  first_step_ = now.step;
  low_steps_ = 0;
  looked_ = false;
  wrong_.clear();
}

template <class Sentence>
void Health::rule(TrainingView& now, const std::string& what, bool wrong, Sentence&& sentence, Index calm) {
  Index& left = wrong_[what];
  if (wrong && left == 0 && !now.past)  // of the past, an earlier run warned
    now.warn("Health, step " + std::to_string(now.step) + ": " + sentence());
  left = wrong ? calm : std::max<Index>(0, left - 1);
}

EIGENESIS_ONCE void Health::step(TrainingView& now) {
  for (const NamedValue& loss : now.losses)
    if (loss.name == options_.discriminator_loss && now.discriminator_wins_at_zero) {
      low_steps_ = loss.value >= 0 && loss.value < options_.least_loss ? low_steps_ + 1 : 0;
      rule(now, "loss", low_steps_ >= options_.loss_steps, [&] {
        return "the " + options_.discriminator_loss + "'s loss is below " + detail::three_digits(options_.least_loss) +
               " for " + std::to_string(options_.loss_steps) +
               " steps; it tells all samples from data, and the generator gets little gradient";
      });
    }
  if (now.past && now.step < first_step_) return;  // the model is that of the last one
  std::map<std::string, double> greatest;          // of several updates by an optimizer
  for (const Update& update : now.updates) {
    double& norm = greatest[std::string(update.name.empty() ? update.model : update.name)];
    norm = std::max(norm, update.gradient_norm);
  }
  for (const auto& [model, norm] : greatest)
    rule(
        now, "gradient of " + model, norm > options_.most_gradient,
        [&, &name = model, norm = norm] {
          return "the gradient of " + name + " has norm " + detail::three_digits(norm) + ", above " +
                 detail::three_digits(options_.most_gradient) + "; a lower learning rate or clip_norm may help";
        },
        100);
  if (now.step % options_.every == 0) look(now);
}

EIGENESIS_ONCE void Health::epoch(TrainingView& now) {
  const bool last = now.stop || now.epoch == now.epochs || now.step % now.steps_per_epoch != 0;
  if (last && !looked_ && !now.past) look(now);  // a training that was shorter
}

EIGENESIS_ONCE void Health::look(TrainingView& now) {
  looked_ = looked_ || !now.past;
  if (options_.samples) look_at_samples(now);
  if (options_.kl) {
    const Tensor<float, 1> kl = options_.kl();
    Index collapsed = 0;
    for (const float each : kl.values()) {
      require<NumericError>(!std::isnan(each), "Health: expected a KL of each latent but got nan in step ", now.step);
      collapsed += each < options_.least_kl;
    }
    rule(now, "latents", collapsed > 0, [&] {
      return std::to_string(collapsed) + " of " + std::to_string(kl.size()) + " latents have a KL below " +
             detail::three_digits(options_.least_kl) + " nats; they carry nothing of x";
    });
  }
  if (options_.units)
    for (const SilentUnits& layer : options_.units()) {
      const auto silent = std::ssize(layer.silent);
      rule(now, "units of " + layer.layer,
           static_cast<double>(silent) > options_.most_silent * static_cast<double>(layer.units), [&] {
             return std::to_string(silent) + " of " + std::to_string(layer.units) + " units of " + layer.layer +
                    " (Relu) give 0 for all samples; no gradient passes them";
           });
    }
}

EIGENESIS_ONCE void Health::look_at_samples(TrainingView& now) {
  const Tensor<float, 2> samples = options_.samples(), data = options_.data();
  require<ShapeError>(samples.shape(1) == data.shape(1) && samples.shape(0) >= 2 && data.shape(0) >= 2,
                      "Health: expected two or more samples and data, of equal width, but got ", samples.shape(),
                      " and ", data.shape());
  const double spread = detail::spread(samples), of_data = detail::spread(data);
  require<NumericError>(std::isfinite(spread) && std::isfinite(of_data),
                        "Health: expected finite samples and data but got others in step ", now.step);
  rule(now, "spread", spread < options_.least_spread * of_data, [&] {
    return "the samples spread by " + detail::three_digits(spread) + ", the data by " + detail::three_digits(of_data) +
           "; has the model collapsed onto a few of them?";
  });
  const auto data_pairs = detail::distances_of_pairs(data), sample_pairs = detail::distances_of_pairs(samples);
  std::vector<float> near_data = detail::nearest_distances(data_pairs, data.shape(0));
  const auto median = near_data.begin() + std::ssize(near_data) / 2;
  std::ranges::nth_element(near_data, median);
  const float limit = *median / 10;
  const std::vector<float> near = detail::nearest_distances(sample_pairs, samples.shape(0));
  const double copies = detail::share_within(near, limit);
  const bool data_have_copies = detail::share_within(near_data, limit) > options_.most_copies;
  const bool wrong = data_have_copies
                         ? detail::share_within(sample_pairs, limit) > 2 * detail::share_within(data_pairs, limit)
                         : copies > options_.most_copies;
  rule(now, "copies", wrong, [&] {
    return std::to_string(std::lround(copies * static_cast<double>(near.size()))) + " of " +
           std::to_string(near.size()) +
           " samples are nearly copies of another one; has the model collapsed onto a few modes?";
  });
}

}  // namespace eigenesis::inline EIGENESIS_ABI
