// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/pass.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The units of a Relu that give 0 for every one of some samples. No gradient passes them: those that stay so are dead.
struct SilentUnits {
  std::string layer;          // its way through the fields, "network.1"
  Index units = 0;            // of that layer: features, or channels of images
  std::vector<Index> silent;  // their numbers
};

namespace detail {

template <class T>
void add_silent_units(std::vector<SilentUnits>& found, const std::string& name, const T& object,
                      const LayerOutputs& all) {
  const std::string prefix = name.empty() ? "" : name + ".";
  if constexpr (is_sequence_v<T>) {
    for (std::size_t i = 0; i < object.size(); ++i) add_silent_units(found, prefix + std::to_string(i), object[i], all);
  } else {
    for (const auto& output : all.outputs)
      if (output.units > 0 && output.layer == &object && output.type == &type_tag<T>)
        found.push_back({name, output.units, output.silent});
    if constexpr (HasFields<const T>)
      T::fields(object, [&](std::string_view field, const auto& each, InFiles = {}) {
        add_silent_units(found, prefix + std::string(field), each, all);
      });
  }
}

}  // namespace detail

/// The silent units of each Relu that a Sequential or a model calls when it evaluates the samples x (and conditions);
/// of an Autoencoder or Vae, when it reconstructs them.
template <class Model, class Scalar, int Rank>
std::vector<SilentUnits> silent_units(const Model& model, const Tensor<Scalar, Rank>& x, const auto&... condition) {
  const NoGradient no_gradient;
  detail::LayerOutputs all;
  all.looks_for_silent = true;
  if constexpr (requires { model.reconstruct(x, condition...); })
    model.reconstruct(x, condition...);
  else
    call(model, Variable(x), Variable(condition)...);
  std::vector<SilentUnits> found;
  detail::add_silent_units(found, "", model, all);
  return found;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
