// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "eigenesis/training/watch.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// When a Metric is measured.
struct MetricOptions {
  Index every = 0;  // steps from one measurement to the next; 0: after each epoch
};

/// A number of one's own, which all watchers of the training are shown: a Log, a TensorBoard and a Report keep it under
/// its name, EarlyStopping and KeepBest go by it if their measure names it.
///   .watch = {Metric{"FID", [&] { return frechet_distance(real, features(generator.sample(1000, draws))); },
///                    {.every = 1000}},
///             Log{"run.csv"}}
/// What the function draws comes from a generator of its own, so that the training stays as it is. It is not called for
/// steps and epochs of earlier runs. Throws ArgumentError for every < 0 and a metric without a name or function; fit
/// throws it for two of one name, and for the name of a loss.
class Metric : public Watcher {
 public:
  Metric(std::string name, std::function<double()> function, MetricOptions options = {});
  void measure(TrainingView& now) override;
  bool reads_updates(Index) const override { return false; }
  std::vector<PlannedMetric> planned_metrics() const override { return {{name_, options_.every}}; }

 private:
  std::string name_;
  std::function<double()> function_;
  MetricOptions options_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/metric_inl.hpp"
#endif
