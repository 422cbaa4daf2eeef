// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>

#include "eigenesis/layers/fields.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A table of a model's state, one line for each parameter or tensor: name, shape, count; then the number of
/// parameters.
template <class Model>
std::string summary(const Model& model) {
  std::string text;
  const auto padding = [](std::size_t width, const std::string& part) {
    return std::string(std::max(width, part.size()) - part.size(), ' ');
  };
  const auto line = [&](const std::string& name, const std::string& shape, const std::string& count) {
    text += name + padding(40, name) + " " + padding(16, shape) + shape + " " + padding(12, count) + count + "\n";
  };
  for_each_state(model, [&](const FieldPath& path, const auto& tensor) {
    line(to_string(path), to_string(tensor.shape()), std::to_string(tensor.size()));
  });
  line("parameters", "", std::to_string(parameter_count(model)));
  return text;
}

/// Writes the summary to standard output.
template <class Model>
void print(const Model& model) {
  std::fputs(summary(model).c_str(), stdout);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
