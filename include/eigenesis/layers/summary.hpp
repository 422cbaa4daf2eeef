// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/pass.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

using SummaryRow = std::array<std::string, 4>;  // name; kind or shape; output; numbers

/// A row for an object that fields name, and for all that it holds.
template <class T>
void add_rows(std::vector<SummaryRow>& rows, const std::string& name, const T& object, const LayerOutputs& shapes) {
  const std::string prefix = name.empty() ? "" : name + ".";
  if constexpr (is_parameter_v<T> || is_tensor_v<T>) {
    rows.push_back({name, to_string(object.shape()), "", std::to_string(object.size())});
  } else if constexpr (is_sequence_v<T>) {
    for (std::size_t i = 0; i < object.size(); ++i) add_rows(rows, prefix + std::to_string(i), object[i], shapes);
  } else {
    SummaryRow row{name, described(object), "", ""};
    for (const auto& output : shapes.outputs)
      if (output.layer == &object && output.type == &type_tag<T>) row[2] = output.shape;
    rows.push_back(std::move(row));
    if constexpr (HasFields<const T>)
      T::fields(object, [&](std::string_view field_name, const auto& field, InFiles = {}) {
        add_rows(rows, prefix + std::string(field_name), field, shapes);
      });
  }
}

inline std::string table_of(const std::vector<SummaryRow>& rows) {
  std::array<std::size_t, 4> widths{};
  for (const SummaryRow& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const SummaryRow& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      if (widths[i] > 0) line += (i == 0 ? "" : "  ") + (i == 3 ? padding + row[i] : row[i] + padding);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

template <class Model>
std::string summary(const Model& model, const LayerOutputs& shapes) {
  std::vector<SummaryRow> rows;
  add_rows(rows, "", model, shapes);
  rows.front()[0] = "model";
  rows.push_back({"parameters", "", "", std::to_string(parameter_count(model))});
  return table_of(rows);
}

}  // namespace detail

/// A table of a model, one line for each layer and for each of its parameters and tensors: name; kind and options, or
/// shape; how many numbers it holds. At the end the number of learned numbers.
template <class Model>
std::string summary(const Model& model) {
  return detail::summary(model, {});
}
/// The same with the shapes that the layers give for the example x (and condition), in evaluation. For an Autoencoder
/// or Vae these are of a reconstruction. Layers that are not called by a Sequential or a model, but by a layer of one's
/// own, show none.
template <class Model, class Scalar, int Rank>
std::string summary(const Model& model, const Tensor<Scalar, Rank>& x, const auto&... condition) {
  const NoGradient no_gradient;
  const detail::LayerOutputs shapes;
  if constexpr (requires { model.reconstruct(x, condition...); })
    model.reconstruct(x, condition...);
  else
    call(model, Variable(x), Variable(condition)...);
  return detail::summary(model, shapes);
}

/// Writes the summary to standard output: print(model), or print(model, example).
template <class Model>
void print(const Model& model, const auto&... example) {
  std::fputs(summary(model, example...).c_str(), stdout);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
