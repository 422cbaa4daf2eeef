// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "eigenesis/files/file.hpp"
#include "eigenesis/layers/pass.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A value that an evaluation met.
struct RecordedValue {
  enum class Kind { input, parameter, constant, result } kind;
  std::vector<Index> shape;
  const void* data;   // of a parameter
  Bytes content;      // of a constant
  std::size_t index;  // of an input among the inputs, of a result: of its operation
};

struct RecordedOperation {
  std::string name;  // none for an operation of the program's own
  std::vector<Index> numbers;
  std::shared_ptr<const void> details;
  std::vector<std::size_t> operands;  // indices of values
  std::size_t result;
  std::size_t layer;  // index among the layers that the names are known of, or their number
};

/// All operations of one evaluation, in their order.
struct Recording {
  Index samples = 0;
  std::vector<RecordedValue> values;
  std::vector<RecordedOperation> operations;
  std::vector<std::size_t> outputs;  // indices of values
};

/// A layer that the fields of a model name.
struct NamedLayer {
  const void *layer, *type;
  std::string path;
  std::string_view kind;
};

template <class Layer>
void add_named_layers(std::vector<NamedLayer>& layers, const std::string& path, const Layer& layer) {
  if constexpr (is_sequence_v<Layer>) {
    for (std::size_t i = 0; i < layer.size(); ++i)
      add_named_layers(layers, path + (path.empty() ? "" : ".") + std::to_string(i), layer[i]);
  } else if constexpr (!is_parameter_v<Layer> && !is_tensor_v<Layer> && !is_single_v<Layer>) {
    layers.push_back({&layer, &type_tag<Layer>, path, kind_of<Layer>()});
    if constexpr (HasFields<const Layer>)
      Layer::fields(layer, [&](std::string_view name, const auto& field, InFiles = {}) {
        add_named_layers(layers, path + (path.empty() ? "" : ".") + std::string(name), field);
      });
  }
}

/// Writes down the operations of this thread while it lives.
template <class Scalar>
class Recorder final : public Trace<Scalar> {
 public:
  Recorder(Index samples, std::span<const NamedLayer> layers) : layers_(layers) { recording_.samples = samples; }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder() { Trace<Scalar>::current() = outer_; }

  void add_input(const AnyVariable<Scalar>& x) {
    const std::size_t index = recording_.values.size();
    add(*x.node(), {RecordedValue::Kind::input, {}, nullptr, {}, index});
  }
  void add_output(const AnyVariable<Scalar>& y) { recording_.outputs.push_back(index_of(*y.node())); }
  Recording take() && { return std::move(recording_); }

  void describe(const char* name, std::initializer_list<Index> numbers, std::shared_ptr<const void> details) override {
    described_ = {name, numbers, std::move(details), {}, 0, 0};
  }
  void connect(Node<Scalar>& y, Node<Scalar>& input) override {
    auto& operations = recording_.operations;
    if (&y != last_) {
      last_ = &y;
      described_.result = add(y, {RecordedValue::Kind::result, {}, nullptr, {}, operations.size()});
      described_.layer = layer();
      operations.push_back(std::exchange(described_, {}));
    }
    const std::size_t operand = index_of(input);
    operations.back().operands.push_back(operand);
  }
  void same(Node<Scalar>& copy, Node<Scalar>& original) override {
    const std::size_t index = index_of(original);
    indices_[&copy] = index;
    alive_.emplace_back(&copy);
  }

 private:
  std::size_t add(Node<Scalar>& node, RecordedValue value) {
    value.shape.assign(node.shape.begin(), node.shape.end());
    recording_.values.push_back(std::move(value));
    alive_.emplace_back(&node);
    return indices_[&node] = recording_.values.size() - 1;
  }
  std::size_t index_of(Node<Scalar>& node) {
    if (const auto found = indices_.find(&node); found != indices_.end()) return found->second;
    if (node.parameter) return add(node, {RecordedValue::Kind::parameter, {}, node.data(), {}, 0});
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(node.data());
    const std::size_t size = static_cast<std::size_t>(node.size()) * sizeof(Scalar);
    return add(node, {RecordedValue::Kind::constant, {}, nullptr, {bytes, bytes + size}, 0});
  }
  /// The innermost layer of those on their way that has a name.
  std::size_t layer() const {
    for (const LayerCall* call = LayerCall::innermost(); call; call = call->outer) {
      const auto found = std::ranges::find_if(
          layers_, [&](const NamedLayer& named) { return named.layer == call->layer && named.type == call->type; });
      if (found != layers_.end()) return static_cast<std::size_t>(found - layers_.begin());
    }
    return layers_.size();
  }

  Recording recording_;
  std::span<const NamedLayer> layers_;
  RecordedOperation described_;
  const void* last_ = nullptr;  // whose inputs are being connected
  std::unordered_map<const void*, std::size_t> indices_;
  std::vector<NodeRef<Scalar>> alive_;  // so that no address is used twice
  Trace<Scalar>* outer_ = std::exchange(Trace<Scalar>::current(), this);
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
