// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "eigenesis/autodiff/node.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The one model that an optimizer serves: its parameters, and when each was last changed as far as the optimizer
/// knows. A copy of an optimizer serves none yet, so that it can serve a copy of the model.
class ServedModel {
 public:
  ServedModel() = default;
  ServedModel(const ServedModel&) {}
  ServedModel(ServedModel&&) noexcept = default;
  ServedModel& operator=(ServedModel other) noexcept {
    kind_ = other.kind_;
    parameters_.swap(other.parameters_);
    return *this;
  }

  /// Keeps the parameters if there are none yet. Throws ArgumentError if they are others than before.
  template <class Scalar>
  void check(const char* optimizer, const CachedVector<NodeRef<Scalar>>& parameters, std::string_view kind) {
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      require<ArgumentError>(parameters_[i].serial == parameters[i]->serial, optimizer, ": expected the ", kind_,
                             " of earlier steps but got another ", kind,
                             "; an optimizer keeps averages for one model: give each model its own, or a copy");
    if (!parameters_.empty()) return;
    std::vector<Seen> seen;
    for (const auto& p : parameters) seen.push_back({p->serial, never});
    parameters_ = std::move(seen);
    kind_ = kind;
  }

  std::uint64_t& updated(std::size_t i) { return parameters_[i].updated; }
  /// From now on each parameter counts as changed by others.
  void forget_updates() {
    for (Seen& seen : parameters_) seen.updated = never;
  }

 private:
  struct Seen {
    std::uint64_t serial, updated;
  };
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  std::string_view kind_;
  std::vector<Seen> parameters_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
