// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "eigenesis/layers/safetensors.hpp"
#include "eigenesis/onnx/graph.hpp"
#include "eigenesis/onnx/recording.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// For how many samples a model is evaluated: from what differs between the evaluations follows what depends on the
/// number of samples. Odd, so that a division by a multiple of it is never recorded as a product. The last evaluation
/// has as many samples as the first one, but others: from what differs follows what depends on their values.
inline constexpr std::array<Index, 4> onnx_samples{3, 5, 7, 3};
inline constexpr std::size_t onnx_runs = onnx_samples.size();

/// What is to be written down, whatever the types of the model.
struct OnnxModel {
  OnnxType type;
  std::vector<SavedField> fields;
  std::vector<NamedLayer> layers;
  std::vector<std::string> inputs, outputs;  // their names
  std::array<Recording, onnx_runs> runs;     // of onnx_samples
};

/// Makes one graph for any number of samples of the evaluations. Operations of which no output depends are left
/// out.
class OnnxTranslation {
 public:
  explicit OnnxTranslation(const OnnxModel& model) : model_(model) {}
  /// The content of the file. Throws ArgumentError for what has no counterpart in ONNX.
  Bytes file();

 private:
  /// A value as it is written: its axis i is axes[i] of what is stored.
  struct Written {
    std::string stored;
    std::vector<Index> axes;
  };

  const Recording& first() const { return model_.runs[0]; }
  const RecordedOperation& operation() const {
    return operation_ < first().operations.size() ? first().operations[operation_] : outputs_;
  }
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... expected_and_got) const;

  void check_same_operations();
  std::vector<bool> needed_operations() const;

  OnnxSize size_of(const std::array<Index, onnx_runs>& found, const char* what) const;
  OnnxSizes shape_of(std::size_t value) const;
  OnnxSizes result_shape() const { return shape_of(operation().result); }
  OnnxSize number(std::size_t i) const;
  std::vector<Index> numbers() const;

  const Written& written(std::size_t value);
  Written parameter(std::size_t value);
  std::string constant(std::size_t value);
  /// A value with its axes in another order, perhaps that in which it is stored.
  std::string permuted(std::size_t value, const std::vector<Index>& axes);
  std::string plain(std::size_t value);
  std::string operand(std::size_t i) { return plain(operation().operands[i]); }

  Written translate();
  std::string reshaped(const std::string& x, const OnnxSizes& shape);
  std::string expanded(const std::string& x, const OnnxSizes& shape);
  Written transpose();
  std::string sum();
  std::string product();
  Written convolution(const char* name);
  Written max_pool();
  std::string slice();
  std::string pad();
  std::string concatenate();
  template <class Scalar>
  std::string along_axis();
  template <class Scalar>
  std::string formula();

  const OnnxModel& model_;
  const RecordedOperation outputs_{"the output", {}, nullptr, {}, 0, static_cast<std::size_t>(-1)};
  OnnxGraph graph_;
  std::size_t operation_ = 0;  // the one that is being translated
  std::map<std::size_t, Written> written_;
  std::map<std::pair<std::string, std::vector<Index>>, std::string> transposed_;
  std::set<std::string> initializers_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/onnx/translation_inl.hpp"
#include "eigenesis/onnx/translation_operations_inl.hpp"
#endif
