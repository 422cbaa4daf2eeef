// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "eigenesis/ops/symbol.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE CachedVector<std::size_t> drop_unused_arguments(Program& program, std::int16_t result) {
  CachedVector<std::size_t> kept;
  CachedVector<bool> needed(program.instructions.size(), false);
  needed[static_cast<std::size_t>(result)] = true;
  for (std::size_t i = needed.size(); i-- > 0;) {
    Instruction& instruction = program.instructions[i];
    if (instruction.kind == Instruction::Kind::argument) {
      if (needed[i]) kept.push_back(static_cast<std::size_t>(instruction.operands[0]));
      instruction.operands[0] = needed[i] ? static_cast<std::int16_t>(kept.size() - 1) : std::int16_t{-1};
    } else if (needed[i]) {
      for (const std::int16_t operand : instruction.operands)
        if (operand >= 0) needed[static_cast<std::size_t>(operand)] = true;
    }
  }
  return kept;
}

/// What instruction `index` of a program yields; 0 for none.
EIGENESIS_ONCE Symbol symbol_at(Program& program, std::int16_t index) {
  if (index < 0) return 0.0;
  const Instruction& instruction = program.instructions[static_cast<std::size_t>(index)];
  return instruction.kind == Instruction::Kind::constant ? Symbol(instruction.constant) : Symbol(&program, index);
}

/// One branch of a select whose other branch is 0: `value` where the condition holds (or where it does not), 0
/// elsewhere.
struct Branch {
  Symbol condition, value;
  bool where_it_holds;

  Symbol with(const Symbol& other) const {
    return where_it_holds ? select(condition, other, 0) : select(condition, 0, other);
  }
};
EIGENESIS_ONCE std::optional<Branch> branch_of(const Symbol& d) {
  if (d.is_constant()) return {};
  const Instruction step = d.program()->instructions[static_cast<std::size_t>(d.index())];
  if (step.kind != Instruction::Kind::operation || step.operation != Operation::select) return {};
  const auto operand = [&](std::size_t k) { return symbol_at(*d.program(), step.operands[k]); };
  if (operand(2).is(0)) return Branch{operand(0), operand(1), true};
  if (operand(1).is(0)) return Branch{operand(0), operand(2), false};
  return {};
}

/// A gradient without the selects that make it 0 outside of branches.
struct Masked {
  Symbol value;
  CachedVector<Branch> masks;  // from the outermost

  explicit Masked(const Symbol& d) : value(d) {
    while (const std::optional<Branch> branch = branch_of(value)) {
      masks.push_back(*branch);
      value = branch->value;
    }
  }
  /// `other` with these selects around it.
  Symbol apply_to(Symbol other) const {
    for (auto mask = masks.rbegin(); mask != masks.rend(); ++mask) other = mask->with(other);
    return other;
  }
};

/// a + b. Where `is_factor`, the sum will be multiplied by more derivatives: where selects made both a and b 0, a
/// select makes the sum 0.
EIGENESIS_ONCE Symbol add_masked(const Symbol& a, const Symbol& b, bool is_factor) {
  if (a.is(0)) return b;
  const std::optional<Branch> left = branch_of(a), right = branch_of(b);
  if (!left || !right) return a + b;
  if (left->condition.index() == right->condition.index()) {
    if (left->where_it_holds == right->where_it_holds)
      return left->with(add_masked(left->value, right->value, is_factor));
    return left->where_it_holds ? select(left->condition, left->value, right->value)
                                : select(left->condition, right->value, left->value);
  }
  if (!is_factor) return a + b;
  const Symbol either = select(Masked(a).apply_to(1), 1, Masked(b).apply_to(1));
  return select(either, a + b, 0);
}

/// log(a) as a factor of a power of a; 0 for a = 0, where a power times log(a) would be 0 times infinity.
EIGENESIS_ONCE Symbol log_of_base(const Symbol& a) {
  if (a.is_constant()) return a.is(0) ? 0 : std::log(a.constant());
  return log(select(a == 0, 1, a));
}

/// The derivative b a^(b - 1) of a^b by a; 0 for a = b = 0, where it would be 0 times infinity.
EIGENESIS_ONCE Symbol power_by_base(const Symbol& a, const Symbol& b) {
  const Symbol slope = b * pow(a, b - 1);
  return b.is_constant() ? slope : select((a == 0) * (b == 0), 0, slope);
}

// Of a select's branch that is not taken the gradient is 0, whatever the derivatives in the branch: what arrives
// there, select(condition, d, 0), is taken apart, d is multiplied by the derivatives, and the select is put around the
// product.
EIGENESIS_ONCE Symbol derivative(const Symbol& result, int argument, const Symbol& incoming) {
  if (result.is_constant()) return 0.0;
  Program& program = *result.program();
  const auto count = static_cast<std::size_t>(result.index()) + 1;
  const auto is_argument = [&](std::size_t i) { return program.instructions[i].kind == Instruction::Kind::argument; };
  CachedVector<char> depends(count, false);  // on the argument
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [kind, operation, operands, constant] = program.instructions[i];
    depends[i] =
        kind == Instruction::Kind::operation
            ? std::ranges::any_of(operands, [&](auto k) { return k >= 0 && depends[static_cast<std::size_t>(k)]; })
            : is_argument(i) && operands[0] == argument;
  }
  CachedVector<Symbol> adjoints(count, Symbol(0.0));
  adjoints.back() = incoming;
  for (std::size_t i = count; i-- > 0;) {
    if (!depends[i] || adjoints[i].is(0)) continue;
    if (is_argument(i)) return adjoints[i];
    const Instruction instruction = program.instructions[i];
    const Masked masked(adjoints[i]);
    const auto leads_on = [&](std::size_t k) {
      const std::int16_t operand = instruction.operands[k];
      return operand >= 0 && depends[static_cast<std::size_t>(operand)];
    };
    const auto to = [&](std::size_t k, const Symbol& gradient) {
      if (gradient.is(0)) return;
      const auto operand = static_cast<std::size_t>(instruction.operands[k]);
      adjoints[operand] = add_masked(adjoints[operand], masked.apply_to(gradient), !is_argument(operand));
    };
    const Symbol d = masked.value, y = symbol_at(program, static_cast<std::int16_t>(i)),
                 a = symbol_at(program, instruction.operands[0]), b = symbol_at(program, instruction.operands[1]);
    const double constant = instruction.constant;
    switch (instruction.operation) {
#define EIGENESIS_OPERATION(name, operands, value, by_a, by_b, by_c) \
  case Operation::name:                                              \
    if (leads_on(0)) to(0, by_a);                                    \
    if (leads_on(1)) to(1, by_b);                                    \
    if (leads_on(2)) to(2, by_c);                                    \
    break;
#define EIGENESIS_FUNCTION(name, floats, doubles, derivative) EIGENESIS_OPERATION(name, 1, floats, derivative, 0, 0)
#include "eigenesis/kernels/operations.inl"
    }
  }
  return 0.0;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
