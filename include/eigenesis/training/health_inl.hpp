// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "eigenesis/training/health.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// The distance of each row of x [N, F] to the nearest other one.
EIGENESIS_ONCE std::vector<double> nearest_distances(const Tensor<float, 2>& x) {
  const Index n = x.shape(0), features = x.shape(1);
  std::vector<double> nearest(static_cast<std::size_t>(n), std::numeric_limits<double>::infinity());
  for (Index i = 0; i < n; ++i)
    for (Index j = i + 1; j < n; ++j) {
      double squares = 0;
      for (Index k = 0; k < features; ++k) {
        const double difference = double{x(i, k)} - double{x(j, k)};
        squares += difference * difference;
      }
      for (const Index each : {i, j}) {
        double& least = nearest[static_cast<std::size_t>(each)];
        least = std::min(least, std::sqrt(squares));
      }
    }
  return nearest;
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

EIGENESIS_ONCE std::string three_digits(double value) { return formatted("%.3g", value); }

}  // namespace detail

EIGENESIS_ONCE Health::Health(HealthOptions options) : options_(std::move(options)) {
  require<ArgumentError>(options_.every >= 1 && options_.loss_steps >= 1,
                         "Health: expected every >= 1 and loss_steps >= 1 but got ", options_.every, " and ",
                         options_.loss_steps);
  require<ArgumentError>(!options_.samples == !options_.data,
                         "Health: expected both samples and data to compare them with, or neither");
}

EIGENESIS_ONCE void Health::begin(TrainingView&) {
  low_steps_ = 0;
  looked_ = false;
  wrong_.clear();
}

template <class Sentence>
void Health::rule(TrainingView& now, const std::string& what, bool wrong, Sentence&& sentence) {
  if (wrong && !wrong_[what]) now.warn("Health, step " + std::to_string(now.step) + ": " + sentence());
  wrong_[what] = wrong;
}

EIGENESIS_ONCE void Health::step(TrainingView& now) {
  for (const NamedValue& loss : now.losses)
    if (loss.name == options_.discriminator_loss) {
      low_steps_ = loss.value < options_.least_loss ? low_steps_ + 1 : 0;
      rule(now, "loss", low_steps_ >= options_.loss_steps, [&] {
        return "the " + options_.discriminator_loss + "'s loss is below " + detail::three_digits(options_.least_loss) +
               " for " + std::to_string(options_.loss_steps) +
               " steps; it tells all samples from data, and the generator gets little gradient";
      });
    }
  if (now.past) return;
  for (const Update& update : now.updates) {
    const std::string model(update.model);
    rule(now, "gradient of " + model, update.gradient_norm > options_.most_gradient, [&] {
      return "the gradient of " + model + " has norm " + detail::three_digits(update.gradient_norm) + ", above " +
             detail::three_digits(options_.most_gradient) + "; a lower learning rate or clip_norm may help";
    });
  }
  if (now.step % options_.every == 0) look(now);
}

EIGENESIS_ONCE void Health::end(TrainingView& now) {
  if (!looked_ && now.step > 0 && !now.past) look(now);  // a training that was shorter
}

EIGENESIS_ONCE void Health::look(TrainingView& now) {
  looked_ = true;
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
  std::vector<double> near = detail::nearest_distances(data);
  const auto median = near.begin() + std::ssize(near) / 2;
  std::ranges::nth_element(near, median);
  const double limit = *median / 10;
  const auto distances = detail::nearest_distances(samples);
  const auto copies = std::ranges::count_if(distances, [&](double distance) { return distance < limit; });
  rule(now, "copies", static_cast<double>(copies) > options_.most_copies * static_cast<double>(distances.size()), [&] {
    return std::to_string(copies) + " of " + std::to_string(distances.size()) +
           " samples are nearly copies of another one; has the model collapsed onto a few modes?";
  });
}

}  // namespace eigenesis::inline EIGENESIS_ABI
