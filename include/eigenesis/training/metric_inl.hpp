// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "eigenesis/training/metric.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

EIGENESIS_ONCE Metric::Metric(std::string name, std::function<double()> function, MetricOptions options)
    : name_(std::move(name)), function_(std::move(function)), options_(options) {
  require<ArgumentError>(!name_.empty() && function_, "Metric: expected a name and a function but got no ",
                         name_.empty() ? "name" : "function");
  require<ArgumentError>(options_.every >= 0, "Metric: expected every >= 0 but got ", options_.every);
}
EIGENESIS_ONCE void Metric::measure(TrainingView& now) {
  const bool due = options_.every == 0 ? now.after_epoch : !now.after_epoch && now.step % options_.every == 0;
  if (due && !now.past) now.metrics.push_back({name_, function_()});
}

}  // namespace eigenesis::inline EIGENESIS_ABI
