// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>

#include "eigenesis/onnx/formula.hpp"
#include "eigenesis/onnx/translation.hpp"
#include "eigenesis/ops/map.hpp"
#include "eigenesis/ops/pooling.hpp"

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

// What is the same in all three evaluations, and what grows with the number of samples.

EIGENESIS_ONCE void OnnxTranslation::check_same_operations() {
  const auto name_in = [&](std::size_t run) {
    const auto& operations = model_.runs[run].operations;
    return operation_ >= operations.size()       ? std::string("no more")
           : operations[operation_].name.empty() ? std::string("one of the program's own")
                                                 : operations[operation_].name;
  };
  for (std::size_t run = 1; run < 3; ++run) {
    const auto &left = first().operations, &right = model_.runs[run].operations;
    for (operation_ = 0; operation_ < std::max(left.size(), right.size()); ++operation_) {
      const bool both = operation_ < std::min(left.size(), right.size());
      if (both && left[operation_].name == right[operation_].name &&
          left[operation_].operands == right[operation_].operands)
        continue;
      refuse("the same operations for any samples but got ", name_in(0), " for ", onnx_samples[0], " and ",
             name_in(run), " for ", onnx_samples[run], " samples as operation ", operation_);
    }
    if (first().outputs != model_.runs[run].outputs || first().values.size() != model_.runs[run].values.size())
      refuse("the same operations for any samples but got others for ", onnx_samples[0], " than for ",
             onnx_samples[run], " samples");
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
Index per_sample(const std::array<Number, 3>& found) {
  const double ratio = static_cast<double>(found[0]) / static_cast<double>(onnx_samples[0]);
  if (!(ratio >= 1 && ratio <= 1e15)) return 0;
  const auto factor = static_cast<Index>(ratio);
  for (std::size_t run = 0; run < 3; ++run)
    if (found[run] != static_cast<Number>(factor * onnx_samples[run])) return 0;
  return factor;
}

EIGENESIS_ONCE OnnxSize OnnxTranslation::size_of(const std::array<Index, 3>& found, const char* what) const {
  if (found[0] == found[1] && found[0] == found[2]) return {found[0], 0};
  if (const Index factor = per_sample(found)) return {0, factor};
  refuse(what, " that are fixed or multiples of the number of samples but got ", found[0], ", ", found[1], " and ",
         found[2], " for ", onnx_samples[0], ", ", onnx_samples[1], " and ", onnx_samples[2], " samples in ",
         operation().name);
}

EIGENESIS_ONCE OnnxSizes OnnxTranslation::shape_of(std::size_t value) const {
  OnnxSizes shape;
  for (std::size_t axis = 0; axis < first().values[value].shape.size(); ++axis) {
    std::array<Index, 3> found;
    for (std::size_t run = 0; run < 3; ++run) {
      found[run] = model_.runs[run].values[value].shape[axis];
      if (found[run] == 0) refuse("no axis of size 0 but got ", ShapeView{first().values[value].shape});
    }
    shape.push_back(size_of(found, "sizes"));
  }
  return shape;
}

EIGENESIS_ONCE OnnxSize OnnxTranslation::number(std::size_t i) const {
  std::array<Index, 3> found;
  for (std::size_t run = 0; run < 3; ++run) found[run] = model_.runs[run].operations[operation_].numbers[i];
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
  const std::string name = is_named ? field->name : "parameter_" + std::to_string(value);
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

// Operations.

EIGENESIS_ONCE std::string OnnxTranslation::reshaped(const std::string& x, const OnnxSizes& shape) {
  if (std::ranges::count_if(shape, [](const OnnxSize& size) { return size.per_sample != 0; }) != 1)
    return graph_.node("Reshape", {x, graph_.sizes(shape)});
  std::vector<Index> sizes;
  for (const OnnxSize& size : shape) sizes.push_back(size.per_sample != 0 ? -1 : size.fixed);
  return graph_.node("Reshape", {x, graph_.integers(sizes)});
}
EIGENESIS_ONCE std::string OnnxTranslation::expanded(const std::string& x, const OnnxSizes& shape) {
  return graph_.node("Expand", {x, graph_.sizes(shape)});
}

EIGENESIS_ONCE OnnxTranslation::Written OnnxTranslation::transpose() {
  Written y = written(operation().operands[0]);
  std::swap(y.axes[y.axes.size() - 2], y.axes[y.axes.size() - 1]);
  return y;
}

/// The sum over leading axes that the result does not have, and over those of which it has one entry.
EIGENESIS_ONCE std::string OnnxTranslation::sum() {
  const OnnxSizes from = shape_of(operation().operands[0]), to = result_shape();
  std::vector<Index> leading = same_order(from.size() - to.size()), stretched;
  for (std::size_t axis = leading.size(); axis < from.size(); ++axis)
    if (from[axis] != to[axis - leading.size()]) stretched.push_back(static_cast<Index>(axis));
  std::string y = operand(0);
  if (!stretched.empty()) y = graph_.node("ReduceSum", {y, graph_.integers(stretched)});
  if (!leading.empty()) y = graph_.node("ReduceSum", {y, graph_.integers(leading)}, {{"keepdims", Index{0}}});
  return y;
}

EIGENESIS_ONCE std::string OnnxTranslation::product() {
  std::vector<std::string> inputs;
  std::array<Index, 2> transposed;
  for (std::size_t i = 0; i < 2; ++i) {
    const Written& x = written(operation().operands[i]);
    transposed[i] = numbers()[i] != x.axes[0];  // axes[0] is 1 if it is stored as its transpose
    inputs.push_back(x.stored);
  }
  if (operation().operands.size() == 3) inputs.push_back(operand(2));
  return graph_.node("Gemm", inputs, {{"transA", transposed[0]}, {"transB", transposed[1]}});
}

EIGENESIS_ONCE OnnxTranslation::Written OnnxTranslation::convolution(const char* name) {
  const std::vector<Index> n = numbers();
  const std::string x = permuted(operation().operands[0], {0, 3, 1, 2}),
                    w = permuted(operation().operands[1], {3, 2, 0, 1});
  std::vector<OnnxGraph::Attribute> attributes{{"strides", std::vector{n[0], n[1]}},
                                               {"pads", std::vector{n[2], n[3], n[2], n[3]}},
                                               {"dilations", std::vector{n[4], n[5]}}};
  if (std::string_view(name) == "ConvTranspose") attributes.push_back({"output_padding", std::vector{n[6], n[7]}});
  return {graph_.node(name, {x, w}, attributes), {0, 2, 3, 1}};
}

EIGENESIS_ONCE OnnxTranslation::Written OnnxTranslation::max_pool() {
  const std::vector<Index> n = numbers();
  return {graph_.node("MaxPool", {permuted(operation().operands[0], {0, 3, 1, 2})},
                      {{"kernel_shape", std::vector{n[0], n[0]}},
                       {"strides", std::vector{n[1], n[1]}},
                       {"pads", std::vector(4, n[2])}}),
          {0, 2, 3, 1}};
}

EIGENESIS_ONCE std::string OnnxTranslation::slice() {
  return graph_.node(
      "Slice", {operand(0), graph_.sizes({number(1)}), graph_.sizes({number(2)}), graph_.integers({number(0).fixed})});
}
EIGENESIS_ONCE std::string OnnxTranslation::pad() {
  const std::size_t rank = result_shape().size(), axis = static_cast<std::size_t>(number(0).fixed);
  OnnxSizes counts(2 * rank);
  counts[axis] = number(1);
  counts[rank + axis] = number(2);
  return graph_.node("Pad", {operand(0), graph_.sizes(counts)});
}
EIGENESIS_ONCE std::string OnnxTranslation::concatenate() {
  std::vector<std::string> parts;
  for (const std::size_t part : operation().operands) parts.push_back(plain(part));
  return graph_.node("Concat", parts, {{"axis", number(0).fixed}});
}

/// The product of a matrix [outputs, inputs] with x [outer, inputs, inner].
template <class Scalar>
std::string OnnxTranslation::along_axis() {
  const auto dense_in = [&](std::size_t run) {
    const auto& matrix = *static_cast<const AxisMatrix<Scalar>*>(model_.runs[run].operations[operation_].details.get());
    Tensor<Scalar, 2> dense(Shape{matrix.outputs, matrix.inputs}, Scalar{0});
    for (const auto& tap : matrix.taps) dense(tap.output, tap.input) += tap.weight;
    return dense;
  };
  const Tensor<Scalar, 2> matrix = dense_in(0);
  for (const std::size_t run : {1, 2})
    if (dense_in(run).shape() != matrix.shape() || !std::ranges::equal(dense_in(run).values(), matrix.values()))
      refuse("the same sizes and options for any number of samples but got others for other samples in ",
             operation().name);
  const std::string weights = graph_.constant(
      model_.type, matrix.shape(),
      {reinterpret_cast<const std::uint8_t*>(matrix.data()), static_cast<std::size_t>(matrix.size()) * sizeof(Scalar)});
  const auto axis = static_cast<std::size_t>(numbers()[0]);
  const OnnxSizes to = result_shape();
  const auto product = [&](std::size_t begin, std::size_t end) {
    OnnxSize size{1, 0};
    for (std::size_t i = begin; i < end; ++i) {
      if (size.per_sample != 0 && to[i].per_sample != 0)
        refuse("at most one axis that grows with the number of samples but got two in ", operation().name);
      size = {size.fixed * to[i].fixed, size.per_sample * to[i].fixed + size.fixed * to[i].per_sample};
    }
    return size;
  };
  const OnnxSizes rows{product(0, axis), {matrix.shape(1), 0}, product(axis + 1, to.size())};
  return reshaped(graph_.node("MatMul", {weights, reshaped(operand(0), rows)}), to);
}

template <class Scalar>
std::string OnnxTranslation::formula() {
  std::array<const Call<Scalar>*, 3> calls;
  for (std::size_t run = 0; run < 3; ++run)
    calls[run] = static_cast<const Call<Scalar>*>(model_.runs[run].operations[operation_].details.get());
  const auto& steps = calls[0]->program.instructions;
  std::vector<Index> factors(steps.size(), 0);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::array<double, 3> constants{};
    bool same_steps = true, same_constants = true;
    for (std::size_t run = 0; run < 3; ++run) {
      const auto& others = calls[run]->program.instructions;
      same_steps = same_steps && others.size() == steps.size() && calls[run]->result == calls[0]->result &&
                   others[i].kind == steps[i].kind && others[i].operation == steps[i].operation &&
                   others[i].operands == steps[i].operands;
      if (!same_steps) break;
      constants[run] = others[i].constant;
      same_constants = same_constants && std::memcmp(&constants[run], &constants[0], sizeof(double)) == 0;
    }
    if (!same_steps)
      refuse("the same formula for any number of samples but got others for ", onnx_samples[0], ", ", onnx_samples[1],
             " and ", onnx_samples[2], " samples in ", calls[0]->function);
    if (same_constants) continue;
    factors[i] = per_sample(constants);
    if (factors[i] == 0)
      refuse("numbers that are fixed or multiples of the number of samples but got ", constants[0], ", ", constants[1],
             " and ", constants[2], " for ", onnx_samples[0], ", ", onnx_samples[1], " and ", onnx_samples[2],
             " samples in ", calls[0]->function);
  }
  std::vector<std::string> arguments;
  OnnxSizes stretched;  // the shape to which those that are used are stretched
  for (const std::size_t value : operation().operands) {
    arguments.push_back(plain(value));
    const OnnxSizes shape = shape_of(value);
    if (shape.size() > stretched.size()) stretched.insert(stretched.begin(), shape.size() - stretched.size(), {1, 0});
    for (std::size_t axis = 1; axis <= shape.size(); ++axis) {
      OnnxSize& size = stretched[stretched.size() - axis];
      if (size == OnnxSize{1, 0}) size = shape[shape.size() - axis];
    }
  }
  const std::string y =
      OnnxFormula(graph_, model_.type, calls[0]->program, factors, arguments).result(calls[0]->result);
  return stretched == result_shape() ? y : expanded(y, result_shape());
}

EIGENESIS_ONCE OnnxTranslation::Written OnnxTranslation::translate() {
  const std::string& name = operation().name;
  if (name == "transpose") return transpose();
  if (name == "conv2d") return convolution("Conv");
  if (name == "conv_transpose2d") return convolution("ConvTranspose");
  if (name == "max_pool2d") return max_pool();
  const bool doubles = model_.type == OnnxType::f64;
  const auto result = [&]() -> std::string {
    if (name == "map") return doubles ? formula<double>() : formula<float>();
    if (name == "apply_along") return doubles ? along_axis<double>() : along_axis<float>();
    if (name == "matmul") return product();
    if (name == "reshape") return reshaped(operand(0), result_shape());
    if (name == "broadcast") return expanded(operand(0), result_shape());
    if (name == "sum_to") return sum();
    if (name == "slice") return slice();
    if (name == "pad") return pad();
    if (name == "concatenate") return concatenate();
    if (name == "maximum")
      return graph_.node("ReduceMax", {operand(0)}, {{"axes", std::vector{number(0).fixed}}, {"keepdims", Index{0}}});
    refuse("operations of the library's evaluation but got ",
           name.empty() ? "one that record() made in the program's own code, in training or for a gradient" : name,
           ", with a result of shape ", ShapeView{first().values[operation().result].shape});
  }();
  return {result, same_order(first().values[operation().result].shape.size())};
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
