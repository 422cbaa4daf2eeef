// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/onnx/formula.hpp"
#include "eigenesis/ops/program_run.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE std::string OnnxFormula::constant(double value) {
  return type_ == OnnxType::f64 ? graph_.number(normal_constant<double>(value))
                                : graph_.number(normal_constant<float>(value));
}
EIGENESIS_ONCE std::string OnnxFormula::constant_of(std::int16_t i) {
  const auto at = static_cast<std::size_t>(i);
  if (per_sample_[at] != 0) return graph_.batch_number(per_sample_[at], type_);
  return constant(program_.instructions[at].constant);
}

/// Steps in the order in which operands are written, each behind those that it uses: no call goes deeper than one step,
/// and the file is the same whatever order the compiler gave the steps of a formula. Braces keep the order below, too.
EIGENESIS_ONCE std::string OnnxFormula::result(std::int16_t last) {
  std::vector<std::int16_t> open{last};
  std::vector<bool> seen(static_cast<std::size_t>(last) + 1);
  while (!open.empty()) {
    const std::int16_t i = open.back();
    const auto at = static_cast<std::size_t>(i);
    const Instruction& step = program_.instructions[at];
    if (!seen[at]) {
      seen[at] = true;
      if (step.kind == Instruction::Kind::operation)
        for (std::size_t k = step.operands.size(); k-- > 0;)
          if (const std::int16_t operand = step.operands[k]; operand >= 0 && !seen[static_cast<std::size_t>(operand)])
            open.push_back(operand);
      if (open.back() != i) continue;
    }
    open.pop_back();
    if (i != last && comparison(i).empty()) number(i);
  }
  return number(last);
}

/// The name of what step i yields.
EIGENESIS_ONCE std::string OnnxFormula::number(std::int16_t i) {
  const auto at = static_cast<std::size_t>(i);
  if (!numbers_[at].empty()) return numbers_[at];
  const Instruction& step = program_.instructions[at];
  if (step.kind == Instruction::Kind::argument)
    numbers_[at] = arguments_[static_cast<std::size_t>(step.operands[0])];
  else if (step.kind == Instruction::Kind::constant)
    numbers_[at] = constant_of(i);
  else if (const std::string holds = comparison(i); !holds.empty())
    numbers_[at] = graph_.node("Cast", {holds}, {{"to", static_cast<Index>(type_)}});
  else
    numbers_[at] = operation(i);
  return numbers_[at];
}

/// The name of a truth value; none unless step i is a comparison.
EIGENESIS_ONCE std::string OnnxFormula::comparison(std::int16_t i) {
  const auto at = static_cast<std::size_t>(i);
  const Instruction& step = program_.instructions[at];
  if (step.kind != Instruction::Kind::operation) return {};
  const char* const name = step.operation == Operation::less         ? "Less"
                           : step.operation == Operation::less_equal ? "LessOrEqual"
                           : step.operation == Operation::equal      ? "Equal"
                                                                     : nullptr;
  if (!name) return {};
  if (conditions_[at].empty())
    conditions_[at] = graph_.node(name, {number(step.operands[0]), number(step.operands[1])});
  return conditions_[at];
}
/// Whether step i is not 0, which NaN is not either.
EIGENESIS_ONCE std::string OnnxFormula::condition(std::int16_t i) {
  if (const std::string holds = comparison(i); !holds.empty()) return holds;
  std::string& name = conditions_[static_cast<std::size_t>(i)];
  if (name.empty()) name = graph_.node("Not", {graph_.node("Equal", {number(i), constant(0)})});
  return name;
}

/// log(u) of the rounded u = 1 + x, and what the rounding took away: log(u + r) = log(u) + r / u for a small r.
EIGENESIS_ONCE std::string OnnxFormula::log1p(const std::string& x) {
  const std::string one = constant(1), u = graph_.node("Add", {x, one}), log = graph_.node("Log", {u});
  const std::string taken_away = graph_.node("Sub", {x, graph_.node("Sub", {u, one})});
  return graph_.node(
      "Where", {graph_.node("Equal", {u, x}), log, graph_.node("Add", {log, graph_.node("Div", {taken_away, u})})});
}

EIGENESIS_ONCE std::string OnnxFormula::operation(std::int16_t i) {
  const Instruction& step = program_.instructions[static_cast<std::size_t>(i)];
  const auto operand = [&](std::size_t k) { return number(step.operands[k]); };
  const auto one = [&](const char* name) { return graph_.node(name, {operand(0)}); };
  const auto two = [&](const char* name) { return graph_.node(name, {operand(0), operand(1)}); };
  const auto with_constant = [&](const char* name) { return graph_.node(name, {operand(0), constant_of(i)}); };
  const auto constant_first = [&](const char* name) { return graph_.node(name, {constant_of(i), operand(0)}); };
  switch (step.operation) {
    case Operation::abs:
      return one("Abs");
    case Operation::sqrt:
      return one("Sqrt");
    case Operation::exp:
      return one("Exp");
    case Operation::log:
      return one("Log");
    case Operation::sin:
      return one("Sin");
    case Operation::cos:
      return one("Cos");
    case Operation::erf:
      return one("Erf");
    case Operation::tanh:
      return one("Tanh");
    case Operation::sigmoid:
      return one("Sigmoid");
    case Operation::negate:
      return one("Neg");
    case Operation::reciprocal:
      return one("Reciprocal");
    case Operation::square:
      return graph_.node("Mul", {operand(0), operand(0)});
    case Operation::add:
      return two("Add");
    case Operation::subtract:
      return two("Sub");
    case Operation::multiply:
      return two("Mul");
    case Operation::divide:
      return two("Div");
    case Operation::power:
      return two("Pow");
    case Operation::add_constant:
      return with_constant("Add");
    case Operation::multiply_constant:
      return with_constant("Mul");
    case Operation::divide_constant:
      return with_constant("Div");
    case Operation::constant_minus:
      return constant_first("Sub");
    case Operation::constant_over:
      return constant_first("Div");
    case Operation::select:
      return graph_.node("Where", {condition(step.operands[0]), operand(1), operand(2)});
    case Operation::expm1: {
      // Near 0, where exp(x) - 1 is inaccurate, 2 t / (1 - t) with t = tanh(x / 2).
      const std::string half = graph_.node("Tanh", {graph_.node("Mul", {operand(0), constant(0.5)})});
      const std::string near =
          graph_.node("Div", {graph_.node("Mul", {half, constant(2)}), graph_.node("Sub", {constant(1), half})});
      const std::string is_near = graph_.node("Less", {graph_.node("Abs", {operand(0)}), constant(0.5)});
      return graph_.node("Where", {is_near, near, graph_.node("Sub", {graph_.node("Exp", {operand(0)}), constant(1)})});
    }
    case Operation::softplus:
      if (type_ == OnnxType::f32) return one("Softplus");
      // onnxruntime has none of doubles: max(x, 0) + log(1 + exp(-|x|)).
      return graph_.node("Add", {one("Relu"), log1p(graph_.node("Exp", {graph_.node("Neg", {one("Abs")})}))});
    case Operation::log1p:
      return log1p(operand(0));
    case Operation::gate: {
      // b for a > 0 or NaN, constant b elsewhere.
      const bool is_plain = per_sample_[static_cast<std::size_t>(i)] == 0 && step.operands[0] == step.operands[1];
      if (is_plain && step.constant == 0) return one("Relu");
      if (is_plain && type_ == OnnxType::f32)  // the attribute is a float
        return graph_.node("LeakyRelu", {operand(0)}, {{"alpha", normal_constant<float>(step.constant)}});
      const std::string small = step.constant == 0 ? constant(0) : graph_.node("Mul", {operand(1), constant_of(i)});
      return graph_.node("Where", {graph_.node("LessOrEqual", {operand(0), constant(0)}), small, operand(1)});
    }
    case Operation::less:
    case Operation::less_equal:
    case Operation::equal:
      break;
  }
  return comparison(i);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
