// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/onnx/graph.hpp"
#include "eigenesis/ops/symbol.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Writes a pointwise program step by step.
class OnnxFormula {
 public:
  /// `per_sample[i]` is not 0 where the constant of step i is that multiple of the number of samples; `arguments` are
  /// names of values.
  OnnxFormula(OnnxGraph& graph, OnnxType type, const Program& program, std::vector<Index> per_sample,
              std::vector<std::string> arguments)
      : graph_(graph),
        type_(type),
        program_(program),
        per_sample_(std::move(per_sample)),
        arguments_(std::move(arguments)),
        numbers_(program.instructions.size()),
        conditions_(program.instructions.size()) {}

  /// The name of what step `last` yields.
  std::string result(std::int16_t last);

 private:
  std::string number(std::int16_t i);
  std::string condition(std::int16_t i);
  std::string comparison(std::int16_t i);
  std::string operation(std::int16_t i);
  std::string constant_of(std::int16_t i);
  std::string constant(double value);
  std::string log1p(const std::string& x);

  OnnxGraph& graph_;
  OnnxType type_;
  const Program& program_;
  std::vector<Index> per_sample_;
  std::vector<std::string> arguments_, numbers_, conditions_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/onnx/formula_inl.hpp"
#endif
