// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>

#include "eigenesis/onnx/translation.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class... Parts>
[[noreturn]] void OnnxTranslation::refuse(const Parts&... expected_and_got) const {
  std::string layer;
  if (operation().layer < model_.layers.size()) {
    const NamedLayer& named = model_.layers[operation().layer];
    layer = ", in layer " + (named.path.empty() ? "" : named.path + " ") + "(" + std::string(named.kind) + ")";
  }
  fail<ArgumentError>("export_onnx: expected ", expected_and_got..., layer);
}

// What is the same in all evaluations, and what grows with the number of samples.

EIGENESIS_ONCE void OnnxTranslation::check_same_operations() {
  const auto name_in = [&](std::size_t run) {
    const auto& operations = model_.runs[run].operations;
    return operation_ >= operations.size()       ? std::string("no more")
           : operations[operation_].name.empty() ? std::string("one of the program's own")
                                                 : operations[operation_].name;
  };
  for (std::size_t run = 1; run < onnx_runs; ++run) {
    const char* const other = run == 3 ? " other samples" : " samples";
    const auto &left = first().operations, &right = model_.runs[run].operations;
    for (operation_ = 0; operation_ < std::max(left.size(), right.size()); ++operation_) {
      const bool both = operation_ < std::min(left.size(), right.size());
      if (both && left[operation_].name == right[operation_].name &&
          left[operation_].operands == right[operation_].operands)
        continue;
      refuse("the same operations for any samples but got ", name_in(0), " for ", onnx_samples[0], " and ",
             name_in(run), " for ", onnx_samples[run], other, " as operation ", operation_);
    }
    if (first().outputs != model_.runs[run].outputs || first().values.size() != model_.runs[run].values.size())
      refuse("the same operations for any samples but got others for ", onnx_samples[0], " than for ",
             onnx_samples[run], other);
  }
}

EIGENESIS_ONCE std::vector<bool> OnnxTranslation::needed_operations() const {
  std::vector<bool> needed(first().operations.size());
  const auto need = [&](std::size_t value) {
    if (first().values[value].kind == RecordedValue::Kind::result) needed[first().values[value].index] = true;
  };
  for (const std::size_t output : first().outputs) need(output);
  for (std::size_t i = needed.size(); i-- > 0;)
    if (needed[i])
      for (const std::size_t operand : first().operations[i].operands) need(operand);
  return needed;
}

/// The factor k in k n for each number of samples n; 0 unless it is a whole number > 0, and the same for all.
template <class Number>
Index per_sample(const std::array<Number, onnx_runs>& found) {
  const double ratio = static_cast<double>(found[0]) / static_cast<double>(onnx_samples[0]);
  if (!(ratio >= 1 && ratio <= 1e15)) return 0;
  const auto factor = static_cast<Index>(ratio);
  for (std::size_t run = 0; run < 3; ++run)
    if (found[run] != static_cast<Number>(factor * onnx_samples[run])) return 0;
  return factor;
}

EIGENESIS_ONCE OnnxSize OnnxTranslation::size_of(const std::array<Index, onnx_runs>& found, const char* what) const {
  const bool fixed = found[0] == found[1] && found[0] == found[2];
  if (const Index factor = fixed ? 0 : per_sample(found); fixed || factor != 0) {
    if (found[3] != found[0])
      refuse(what, " that are the same for other samples but got ", found[0], " and ", found[3], " in ",
             operation().name);
    return {fixed ? found[0] : 0, factor};
  }
  refuse(what, " that are fixed or multiples of the number of samples but got ", found[0], ", ", found[1], " and ",
         found[2], " for ", onnx_samples[0], ", ", onnx_samples[1], " and ", onnx_samples[2], " samples in ",
         operation().name);
}

EIGENESIS_ONCE OnnxSizes OnnxTranslation::shape_of(std::size_t value) const {
  OnnxSizes shape;
  for (std::size_t axis = 0; axis < first().values[value].shape.size(); ++axis) {
    std::array<Index, onnx_runs> found;
    for (std::size_t run = 0; run < onnx_runs; ++run) {
      found[run] = model_.runs[run].values[value].shape[axis];
      if (found[run] == 0) refuse("no axis of size 0 but got ", ShapeView{first().values[value].shape});
    }
    shape.push_back(size_of(found, "sizes"));
  }
  return shape;
}

EIGENESIS_ONCE OnnxSize OnnxTranslation::number(std::size_t i) const {
  std::array<Index, onnx_runs> found;
  for (std::size_t run = 0; run < onnx_runs; ++run) found[run] = model_.runs[run].operations[operation_].numbers[i];
  return size_of(found, "positions");
}
EIGENESIS_ONCE std::vector<Index> OnnxTranslation::numbers() const {
  std::vector<Index> fixed;
  for (std::size_t i = 0; i < operation().numbers.size(); ++i) fixed.push_back(number(i).fixed);
  if (std::ranges::equal(fixed, operation().numbers)) return fixed;
  refuse("the same options for any number of samples but got others for other samples in ", operation().name);
}

// Values.

EIGENESIS_ONCE std::vector<Index> same_order(std::size_t rank) {
  std::vector<Index> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}
EIGENESIS_ONCE std::vector<Index> ordered_axes(const std::vector<Index>& stored, const std::vector<Index>& axes) {
  std::vector<Index> result;
  for (const Index axis : axes) result.push_back(stored[static_cast<std::size_t>(axis)]);
  return result;
}

/// Parameters lie in their own order of axes, with a name of their own.
EIGENESIS_ONCE OnnxTranslation::Written OnnxTranslation::parameter(std::size_t value) {
  const RecordedValue& parameter = first().values[value];
  for (const Recording& run : model_.runs)
    if (run.values[value].data != parameter.data)
      refuse("the same parameters for any samples but got others for other samples");
  const auto field = std::ranges::find(model_.fields, parameter.data, &SavedField::data);
  const bool is_named = field != model_.fields.end();
  const std::string name = is_named ? field->name : graph_.new_name("parameter");
  const InFiles in_files = is_named ? field->in_files : InFiles::as_in_memory;
  const std::size_t rank = parameter.shape.size(), bytes = model_.type == OnnxType::f64 ? 8 : 4;
  std::vector<Index> shape = parameter.shape;
  to_file_order(shape, in_files);
  Bytes content;
  for_each_in_file_order(shape, in_files, [&](Index i) {
    const auto* from = static_cast<const std::uint8_t*>(parameter.data) + static_cast<std::size_t>(i) * bytes;
    content.insert(content.end(), from, from + bytes);
  });
  graph_.add_initializer(name, model_.type, shape, content);
  std::vector<Index> axes = same_order(rank);
  if (in_files == InFiles::features_first && rank >= 2) {  // [out, in, ...] is stored for [..., in, out]
    std::rotate(axes.begin(), axes.begin() + 2, axes.end());
    std::swap(axes[rank - 2], axes[rank - 1]);
  }
  return {name, axes};
}

/// A constant is the same for all samples; an axis that is as long as there are samples is one entry, repeated.
EIGENESIS_ONCE std::string OnnxTranslation::constant(std::size_t value) {
  const RecordedValue& constant = first().values[value];
  const OnnxSizes shape = shape_of(value);
  const auto grows = [](const OnnxSize& size) { return size.per_sample != 0; };
  const auto axis = static_cast<std::size_t>(std::ranges::find_if(shape, grows) - shape.begin());
  std::vector<Index> stored = constant.shape;
  Bytes content = constant.content;
  if (axis < shape.size()) {
    std::size_t inner = model_.type == OnnxType::f64 ? 8 : 4;
    for (std::size_t i = axis + 1; i < stored.size(); ++i) inner *= static_cast<std::size_t>(stored[i]);
    const auto entries = [&](const Recording& run) { return static_cast<std::size_t>(run.values[value].shape[axis]); };
    const std::size_t outer = content.size() / inner / entries(first());
    content.clear();
    for (std::size_t i = 0; i < outer; ++i) {
      const auto entry = [&](const Recording& run, std::size_t j) {
        return std::span(run.values[value].content).subspan((i * entries(run) + j) * inner, inner);
      };
      for (const Recording& run : model_.runs)
        for (std::size_t j = 0; j < entries(run); ++j)
          if (std::ranges::count_if(shape, grows) > 1 || !std::ranges::equal(entry(run, j), entry(first(), 0)))
            refuse("constants that are the same for all samples but got one of shape ", ShapeView{constant.shape},
                   " that was drawn or computed from x.value()");
      const auto kept = entry(first(), 0);
      content.insert(content.end(), kept.begin(), kept.end());
    }
    stored[axis] = 1;
  } else {
    for (const Recording& run : model_.runs)
      if (run.values[value].content != content)
        refuse("constants that are the same for all samples but got one of shape ", ShapeView{constant.shape},
               " that was drawn or computed from x.value()");
  }
  // A tensor of the layer, such as a running average, gives it its name.
  const std::string path = operation().layer < model_.layers.size() ? model_.layers[operation().layer].path : "";
  const DataType type = model_.type == OnnxType::f64 ? DataType::f64 : DataType::f32;
  std::string name;
  for (const SavedField& field : model_.fields)
    if (name.empty() && field.updated == nullptr && field.type == type && field.shape == stored &&
        field.in_files != InFiles::features_first && field.name.starts_with(path.empty() ? path : path + ".") &&
        std::memcmp(field.data, content.data(), content.size()) == 0)
      name = field.name;
  if (name.empty())
    name = graph_.constant(model_.type, stored, content);
  else if (initializers_.insert(name).second)
    graph_.add_initializer(name, model_.type, stored, content);
  return axis < shape.size() ? expanded(name, shape) : name;
}

EIGENESIS_ONCE const OnnxTranslation::Written& OnnxTranslation::written(std::size_t value) {
  const auto [found, is_new] = written_.try_emplace(value);
  if (is_new) {
    const RecordedValue& needed = first().values[value];
    if (needed.kind == RecordedValue::Kind::parameter)
      found->second = parameter(value);
    else
      found->second = {needed.kind == RecordedValue::Kind::input ? model_.inputs[needed.index] : constant(value),
                       same_order(needed.shape.size())};
  }
  return found->second;
}

EIGENESIS_ONCE std::string OnnxTranslation::permuted(std::size_t value, const std::vector<Index>& axes) {
  const Written& x = written(value);
  const std::vector<Index> order = ordered_axes(x.axes, axes);
  if (order == same_order(order.size())) return x.stored;
  const auto [found, is_new] = transposed_.try_emplace({x.stored, order});
  if (is_new) found->second = graph_.node("Transpose", {x.stored}, {{"perm", order}});
  return found->second;
}
EIGENESIS_ONCE std::string OnnxTranslation::plain(std::size_t value) {
  return permuted(value, same_order(first().values[value].shape.size()));
}

EIGENESIS_ONCE Bytes OnnxTranslation::file() {
  check_same_operations();
  for (const auto* names : {&model_.inputs, &model_.outputs})
    for (const std::string& name : *names)
      if (!graph_.reserve(name)) refuse("inputs and outputs of different names but got ", name, " twice");
  for (const SavedField& field : model_.fields)
    if (!graph_.reserve(field.name))
      refuse("fields of different names, none of them that of an input or output, but got ", field.name);
  for (std::size_t i = 0; i < model_.inputs.size(); ++i) graph_.add_input(model_.inputs[i], model_.type, shape_of(i));
  const std::vector<bool> needed = needed_operations();
  for (operation_ = 0; operation_ < needed.size(); ++operation_) {
    if (!needed[operation_]) continue;
    graph_.place = operation().layer < model_.layers.size() ? model_.layers[operation().layer].path : "";
    written_[operation().result] = translate();
  }
  graph_.place.clear();
  for (std::size_t i = 0; i < model_.outputs.size(); ++i) {
    const std::size_t value = first().outputs[i];
    graph_.add_output(model_.outputs[i], model_.type, shape_of(value), plain(value));
  }
  return graph_.file();
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
