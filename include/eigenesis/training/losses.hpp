// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "eigenesis/machine/float_state.hpp"
#include "eigenesis/pictures/chart.hpp"
#include "eigenesis/training/progress.hpp"

// What a trainer's step returns: any struct of doubles that lists them in `fields`. By these names they are shown,
// drawn and kept.
namespace eigenesis::inline EIGENESIS_ABI {

/// The losses of a trainer that has only one.
struct Loss {
  double loss = 0;  // what the trainer minimises
  static void fields(auto& self, auto&& field) { field("loss", self.loss); }
};

/// A line for each of the losses, to be drawn: save_chart("losses.png", series(history.steps)).
template <class Losses>
std::vector<Series> series(const std::vector<Losses>& losses) {
  std::vector<Series> lines;
  Losses names;
  Losses::fields(names, [&](std::string_view name, const double&) { lines.push_back({std::string(name), {}}); });
  for (const Losses& each : losses) {
    std::size_t i = 0;
    Losses::fields(each, [&](std::string_view, const double& value) { lines[i++].values.push_back(value); });
  }
  return lines;
}

namespace detail {

template <class Losses>
concept HasNamedDoubles = requires(Losses& losses) {
  Losses::fields(losses, [](std::string_view, double&) {});
};

template <class Losses>
Index loss_count() {
  const Losses names{};
  Index count = 0;
  Losses::fields(names, [&](std::string_view, const double&) { ++count; });
  return count;
}

/// A mean of losses, weighted by the number of samples.
template <class Losses>
class MeanLosses {
 public:
  void add(const Losses& losses, Index samples) {
    const double weight = static_cast<double>(samples);
    std::size_t i = 0;
    Losses::fields(losses, [&](std::string_view, const double& value) {
      if (i == sums_.size()) sums_.push_back(0);
      sums_[i++] += detail::rounded(value * weight);
    });
    samples_ += weight;
  }
  /// The sums and the number of samples, to go on from later.
  Tensor<double, 1> state() const {
    Tensor<double, 1> all(Shape{loss_count<Losses>() + 1}, 0);
    std::ranges::copy(sums_, all.data());
    all(all.size() - 1) = samples_;
    return all;
  }
  void restore(const Tensor<double, 1>& all) {
    sums_.assign(all.data(), all.data() + all.size() - 1);
    samples_ = all(all.size() - 1);
  }
  Losses mean() const {
    Losses result;
    std::size_t i = 0;
    Losses::fields(result, [&](std::string_view, double& value) { value = sums_[i++] / samples_; });
    return result;
  }

 private:
  CachedVector<double> sums_;
  double samples_ = 0;
};

/// The losses by their names.
template <class Losses>
CachedVector<NamedValue> named(const Losses& losses) {
  CachedVector<NamedValue> values;
  Losses::fields(losses, [&](std::string_view name, const double& value) { values.push_back({name, value}); });
  return values;
}

}  // namespace detail

}  // namespace eigenesis::inline EIGENESIS_ABI
