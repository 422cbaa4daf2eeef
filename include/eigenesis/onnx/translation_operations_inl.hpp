// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/onnx/formula.hpp"
#include "eigenesis/onnx/translation_inl.hpp"
#include "eigenesis/ops/map.hpp"
#include "eigenesis/ops/pooling.hpp"

// The operations, each by nodes of ONNX.
namespace eigenesis::inline EIGENESIS_ABI::detail {

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
  for (std::size_t run = 1; run < onnx_runs; ++run) {
    const Tensor<Scalar, 2> other = dense_in(run);
    if (other.shape() != matrix.shape() || !std::ranges::equal(other.values(), matrix.values()))
      refuse("the same sizes and options for any number of samples but got others for other samples in ",
             operation().name);
  }
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
  std::array<const Call<Scalar>*, onnx_runs> calls;
  for (std::size_t run = 0; run < onnx_runs; ++run)
    calls[run] = static_cast<const Call<Scalar>*>(model_.runs[run].operations[operation_].details.get());
  const auto& steps = calls[0]->program.instructions;
  std::vector<Index> factors(steps.size(), 0);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::array<double, onnx_runs> constants{};
    for (std::size_t run = 0; run < onnx_runs; ++run) {
      const auto& others = calls[run]->program.instructions;
      const bool same = others.size() == steps.size() && calls[run]->result == calls[0]->result &&
                        others[i].kind == steps[i].kind && others[i].operation == steps[i].operation &&
                        others[i].operands == steps[i].operands;
      if (!same && run == 3)
        refuse("the same formula for any samples but got another for other samples in ", calls[0]->function);
      if (!same)
        refuse("the same formula for any number of samples but got others for ", onnx_samples[0], ", ", onnx_samples[1],
               " and ", onnx_samples[2], " samples in ", calls[0]->function);
      constants[run] = others[i].constant;
    }
    const auto differs = [&](std::size_t run) {
      return std::memcmp(&constants[run], &constants[0], sizeof(double)) != 0;
    };
    if (differs(1) || differs(2)) {
      factors[i] = per_sample(constants);
      if (factors[i] == 0)
        refuse("numbers that are fixed or multiples of the number of samples but got ", constants[0], ", ",
               constants[1], " and ", constants[2], " for ", onnx_samples[0], ", ", onnx_samples[1], " and ",
               onnx_samples[2], " samples in ", calls[0]->function);
    }
    if (differs(3))
      refuse("numbers that are the same for other samples but got ", constants[0], " and ", constants[3], " in ",
             calls[0]->function);
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

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
