// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/layers/fields.hpp"

// What a trainer's updates are checked for: that each Parameter of a loss is named in the trainer's fields.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// While `scope` lives, losses may depend on no parameters but those in the trainer's fields. If all that changes in a
/// step is to be `saved`, optimizers and averages must be in the fields too.
template <class Trainer>
[[gnu::cold]] void allow_own_parameters(std::optional<ParametersMayBe>& scope, const Trainer& trainer,
                                        std::string_view function, bool saved = false) {
  CachedVector<const void*> nodes, state;
  visit_fields(nullptr, trainer, [&](const FieldPath&, const auto& field) {
    if constexpr (is_parameter_v<std::remove_cvref_t<decltype(field)>>)
      nodes.push_back(field.node().get());
    else
      state.push_back(&field);
  });
  scope.emplace(function, ": expected a loss that depends on parameters in the trainer's fields only",
                " that is in none; does a layer leave it out of its fields, or does a lambda hold a layer? Parameters "
                "that shall not learn: hold_fixed(model)",
                std::move(nodes), saved ? std::optional(std::move(state)) : std::nullopt);
}

/// Calls f, which makes an update of the trainer, its first if `first`. If a number in it is not finite, the error
/// names the trainer's function too.
template <class Trainer, class F>
void in_phase(const Trainer& trainer, const char* function, bool first, F f) {
  try {
    std::string name;
    std::optional<ParametersMayBe> own;
    if (first && !ParametersMayBe::innermost()) {
      name = std::string(Trainer::name) + "::" + function;
      allow_own_parameters(own, trainer, name);
    }
    f();
  } catch (const NumericError& error) {
    fail<NumericError>(Trainer::name, "::", function, ": ", error.what());
  }
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
