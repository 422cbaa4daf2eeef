// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>

#include "eigenesis/layers/fields.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A table of a model's state, one line for each parameter or tensor: name, shape, count; then the number of parameters.
template <class Model>
std::string summary(const Model& model) {
  std::string text;
  const auto line = [&](const std::string& name, const std::string& shape, const std::string& count) {
    char buffer[160];
    std::snprintf(buffer, sizeof buffer, "%-40s %16s %12s\n", name.c_str(), shape.c_str(), count.c_str());
    text += buffer;
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
