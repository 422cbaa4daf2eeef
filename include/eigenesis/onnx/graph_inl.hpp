// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/onnx/graph.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE ProtobufMessage OnnxGraph::value_info(const std::string& name, OnnxType type, const OnnxSizes& shape) {
  ProtobufMessage dimensions;
  for (const OnnxSize& size : shape) {
    ProtobufMessage dimension;
    if (size.per_sample == 0)
      dimension.number(1, size.fixed);
    else
      dimension.text(2, size.per_sample == 1 ? "batch" : std::to_string(size.per_sample) + "*batch");
    dimensions.message(1, dimension);
  }
  const ProtobufMessage tensor = ProtobufMessage().number(1, static_cast<int>(type)).message(2, dimensions);
  return ProtobufMessage().text(1, name).message(2, ProtobufMessage().message(1, tensor));
}

EIGENESIS_ONCE void OnnxGraph::add_input(const std::string& name, OnnxType type, const OnnxSizes& shape) {
  if (first_input_.empty()) first_input_ = name;
  inputs_.message(11, value_info(name, type, shape));
}
EIGENESIS_ONCE void OnnxGraph::add_output(const std::string& name, OnnxType type, const OnnxSizes& shape,
                                          const std::string& value) {
  nodes_.message(1, ProtobufMessage().text(1, value).text(2, name).text(3, name).text(4, "Identity"));
  outputs_.message(12, value_info(name, type, shape));
}

EIGENESIS_ONCE std::string OnnxGraph::new_name(const std::string& begin) {
  std::string name;
  do name = begin + "_" + std::to_string(count_++);
  while (!reserve(name));
  return name;
}

EIGENESIS_ONCE std::string OnnxGraph::node(const char* operation, const std::vector<std::string>& inputs,
                                           const std::vector<Attribute>& attributes) {
  const std::string name = new_name((place.empty() ? "" : place + "/") + operation);
  ProtobufMessage message;
  for (const std::string& input : inputs) message.text(1, input);
  message.text(2, name).text(3, name).text(4, operation);
  for (const auto& [key, value] : attributes) {
    ProtobufMessage attribute;
    attribute.text(1, key);
    if (const auto* integer = std::get_if<Index>(&value)) {
      attribute.number(3, *integer).number(20, 2);
    } else if (const auto* number = std::get_if<float>(&value)) {
      attribute.real(2, *number).number(20, 1);
    } else {
      for (const Index each : std::get<std::vector<Index>>(value)) attribute.number(8, each);
      attribute.number(20, 7);
    }
    message.message(5, attribute);
  }
  nodes_.message(1, message);
  return name;
}

EIGENESIS_ONCE void OnnxGraph::add_initializer(const std::string& name, OnnxType type, std::span<const Index> shape,
                                               std::span<const std::uint8_t> content) {
  ProtobufMessage tensor;
  for (const Index size : shape) tensor.number(1, size);
  tensor.number(2, static_cast<int>(type)).text(8, name).bytes(9, content);
  initializers_.message(5, tensor);
}

EIGENESIS_ONCE std::string OnnxGraph::constant(OnnxType type, std::span<const Index> shape,
                                               std::span<const std::uint8_t> content) {
  std::string key = std::to_string(static_cast<int>(type)) + to_string(ShapeView{shape});
  key.append(content.begin(), content.end());
  const auto [found, is_new] = computed_.try_emplace(std::move(key));
  if (is_new) {
    found->second = new_name("constant");
    add_initializer(found->second, type, shape, content);
  }
  return found->second;
}

EIGENESIS_ONCE std::string OnnxGraph::integers(const std::vector<Index>& values) {
  const Index size = std::ssize(values);
  return constant(OnnxType::i64, {&size, 1},
                  {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(Index)});
}

EIGENESIS_ONCE std::string OnnxGraph::batch_size(bool as_vector) {
  const auto [found, is_new] = computed_.try_emplace(as_vector ? "batch size as a vector" : "batch size");
  if (is_new) {
    const std::string outside = std::exchange(place, "");
    const std::string axis = as_vector ? integers({0}) : number(Index{0});
    found->second = node("Gather", {node("Shape", {first_input_}), axis}, {{"axis", Index{0}}});
    place = outside;
  }
  return found->second;
}

EIGENESIS_ONCE std::string OnnxGraph::sizes(const OnnxSizes& sizes) {
  std::vector<std::string> parts;
  std::vector<Index> fixed;
  const auto end_of_fixed = [&] {
    if (!fixed.empty()) parts.push_back(integers(std::exchange(fixed, {})));
  };
  for (const OnnxSize& size : sizes) {
    if (size.per_sample == 0) {
      fixed.push_back(size.fixed);
    } else {
      end_of_fixed();
      const std::string samples = batch_size(true);
      parts.push_back(size.per_sample == 1 ? samples : node("Mul", {samples, integers({size.per_sample})}));
    }
  }
  if (parts.empty()) return integers(fixed);
  end_of_fixed();
  return parts.size() == 1 ? parts.front() : node("Concat", parts, {{"axis", Index{0}}});
}

EIGENESIS_ONCE std::string OnnxGraph::batch_number(Index per_sample, OnnxType type) {
  const std::string samples = node("Cast", {batch_size(false)}, {{"to", static_cast<Index>(type)}});
  if (per_sample == 1) return samples;
  return node("Mul", {samples, type == OnnxType::f64 ? number(static_cast<double>(per_sample))
                                                     : number(static_cast<float>(per_sample))});
}

EIGENESIS_ONCE Bytes OnnxGraph::file() const {
  ProtobufMessage graph;
  graph.append(nodes_).text(2, "model").append(initializers_).append(inputs_).append(outputs_);
  // Version 7 of the format is that of operator set 13.
  return ProtobufMessage()
      .number(1, 7)
      .text(2, "eigenesis")
      .message(7, graph)
      .message(8, ProtobufMessage().text(1, "").number(2, 13))
      .content();
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
