// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "eigenesis/files/protobuf.hpp"

// The message ModelProto of ONNX (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), operator set 13.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// TensorProto.DataType.
enum class OnnxType { f32 = 1, i64 = 7, boolean = 9, f64 = 11 };

/// A size, position or number that is the same for any number of samples, or a multiple of it.
struct OnnxSize {
  Index fixed = 0, per_sample = 0;  // one of them is 0
  bool operator==(const OnnxSize&) const = default;
};
using OnnxSizes = std::vector<OnnxSize>;

/// A graph that grows node by node. Values are known by their names.
class OnnxGraph {
 public:
  using Attribute = std::pair<const char*, std::variant<Index, float, std::vector<Index>>>;

  /// Keeps a name for what will be added under it; false if it is taken.
  bool reserve(const std::string& name) { return names_.insert(name).second; }
  /// `begin`_n, with the first n that makes it new.
  std::string new_name(const std::string& begin);
  void add_input(const std::string& name, OnnxType type, const OnnxSizes& shape);
  void add_output(const std::string& name, OnnxType type, const OnnxSizes& shape, const std::string& value);

  /// Adds a node and returns the name of its result, `place`/`operation`_n.
  std::string node(const char* operation, const std::vector<std::string>& inputs,
                   const std::vector<Attribute>& attributes = {});
  /// Adds a constant under a name of its own.
  void add_initializer(const std::string& name, OnnxType type, std::span<const Index> shape,
                       std::span<const std::uint8_t> content);
  /// A constant without a name; of equal ones there is one.
  std::string constant(OnnxType type, std::span<const Index> shape, std::span<const std::uint8_t> content);
  /// A number without axes.
  template <class Number>
  std::string number(Number value) {
    constexpr OnnxType type = std::is_integral_v<Number> ? OnnxType::i64
                              : sizeof(Number) == 8      ? OnnxType::f64
                                                         : OnnxType::f32;
    return constant(type, {}, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
  std::string integers(const std::vector<Index>& values);
  /// `sizes` as a vector of integers, which the graph computes if it depends on the number of samples.
  std::string sizes(const OnnxSizes& sizes);
  /// per_sample times the number of samples, as a number of the given type without axes.
  std::string batch_number(Index per_sample, OnnxType type);

  /// The whole file.
  Bytes file() const;

  std::string place;  // in the model, for the names of the nodes that follow

 private:
  static ProtobufMessage value_info(const std::string& name, OnnxType type, const OnnxSizes& shape);
  std::string batch_size(bool as_vector);

  ProtobufMessage nodes_, initializers_, inputs_, outputs_;
  std::string first_input_;
  int count_ = 0;
  std::set<std::string> names_;
  std::map<std::string, std::string> computed_;  // what is made once, and its name
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/onnx/graph_inl.hpp"
#endif
