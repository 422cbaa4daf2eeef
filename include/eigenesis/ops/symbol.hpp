// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <numbers>
#include <optional>

#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/pointwise.hpp"
#include "eigenesis/machine/memory.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// One step of a program: an argument, a constant, or an operation on the results of earlier steps.
struct Instruction {
  enum class Kind : std::int8_t { argument, constant, operation } kind;
  Operation operation{};
  std::array<std::int16_t, 3> operands{-1, -1, -1};  // indices of instructions; of an argument: its number
  double constant = 0;
  bool operator==(const Instruction&) const = default;
};

/// A pointwise formula as a list of steps, each after the steps it uses.
struct Program {
  CachedVector<Instruction> instructions;

  /// Index of the instruction, which is shared if it is already there.
  std::int16_t add(const Instruction& instruction) {
    const auto found = std::ranges::find(instructions, instruction);
    if (found == instructions.end()) {
      require<ArgumentError>(instructions.size() < 10'000,
                             "map: expected a formula of at most 10000 steps but got more");
      instructions.push_back(instruction);
      return static_cast<std::int16_t>(instructions.size() - 1);
    }
    return static_cast<std::int16_t>(found - instructions.begin());
  }
};

}  // namespace detail

template <class T>
concept Number = std::integral<T> || std::floating_point<T>;

class Symbol;
namespace detail {
template <class... Symbols>
Symbol trace(Operation operation, double constant, const Symbols&... operands);
}

/// What a lambda given to map() computes with: a number that stands for every element. Arithmetic, comparisons (1 or
/// 0), select() and the functions below record what is to be done; plain numbers are constants.
class Symbol {
 public:
  template <Number N>
  Symbol(N constant) : constant_(static_cast<double>(constant)) {}
  Symbol(detail::Program* program, std::int16_t index) : program_(program), index_(index) {}

  bool is_constant() const { return program_ == nullptr; }
  bool is(double number) const { return is_constant() && constant_ == number; }
  double constant() const { return constant_; }
  std::int16_t index() const { return index_; }
  detail::Program* program() const { return program_; }
  /// Index of the instruction that yields this symbol in the program.
  std::int16_t index_in(detail::Program& program) const {
    if (!is_constant()) return index_;
    return program.add({detail::Instruction::Kind::constant, {}, {-1, -1, -1}, constant_});
  }

  // Found through their argument only, so that plain numbers never become symbols by accident.
  friend Symbol operator-(const Symbol& a) {
    return a.is_constant() ? Symbol(-a.constant()) : detail::trace(detail::Operation::negate, 0, a);
  }
  friend Symbol operator+(const Symbol& a, const Symbol& b) {
    if (a.is_constant() && b.is_constant()) return a.constant() + b.constant();
    if (a.is_constant()) return b + a;
    if (!b.is_constant()) return detail::trace(detail::Operation::add, 0, a, b);
    return b.is(0) ? a : detail::trace(detail::Operation::add_constant, b.constant(), a);
  }
  friend Symbol operator-(const Symbol& a, const Symbol& b) {
    if (b.is_constant()) return a + Symbol(-b.constant());
    return a.is_constant() ? detail::trace(detail::Operation::constant_minus, a.constant(), b)
                           : detail::trace(detail::Operation::subtract, 0, a, b);
  }
  friend Symbol operator*(const Symbol& a, const Symbol& b) {
    if (a.is_constant() && b.is_constant()) return a.constant() * b.constant();
    if (a.is_constant()) return b * a;
    if (!b.is_constant())
      return a.index() == b.index() ? square(a) : detail::trace(detail::Operation::multiply, 0, a, b);
    return b.is(1) ? a : b.is(-1) ? -a : detail::trace(detail::Operation::multiply_constant, b.constant(), a);
  }
  friend Symbol operator/(const Symbol& a, const Symbol& b) {
    if (b.is_constant()) return a.is_constant() ? Symbol(a.constant() / b.constant()) : a * Symbol(1 / b.constant());
    if (a.is(1)) return detail::trace(detail::Operation::reciprocal, 0, b);
    return a.is_constant() ? detail::trace(detail::Operation::constant_over, a.constant(), b)
                           : detail::trace(detail::Operation::divide, 0, a, b);
  }

  // Comparisons give 1 where they hold and 0 elsewhere, also where an operand is NaN (except !=).
  friend Symbol operator<(const Symbol& a, const Symbol& b) { return detail::trace(detail::Operation::less, 0, a, b); }
  friend Symbol operator>(const Symbol& a, const Symbol& b) { return b < a; }
  friend Symbol operator<=(const Symbol& a, const Symbol& b) {
    return detail::trace(detail::Operation::less_equal, 0, a, b);
  }
  friend Symbol operator>=(const Symbol& a, const Symbol& b) { return b <= a; }
  friend Symbol operator==(const Symbol& a, const Symbol& b) {
    return detail::trace(detail::Operation::equal, 0, a, b);
  }
  friend Symbol operator!=(const Symbol& a, const Symbol& b) { return 1 - (a == b); }
  /// x where the condition holds, y elsewhere: what stands for `if`. The gradient of the one that is not taken is 0,
  /// also where its derivative is infinite or NaN: `select(t > 0, log(t), 0 * t)` has the gradient 0 at 0. (This holds
  /// for what the same lambda computes; log(x), computed before as a Variable, has a gradient of its own.)
  friend Symbol select(const Symbol& condition, const Symbol& x, const Symbol& y) {
    return detail::trace(detail::Operation::select, 0, condition, x, y);
  }

  // exp, tanh, ...: the functions of one number in the table of operations.
#define EIGENESIS_FUNCTION(name, ...) \
  friend Symbol name(const Symbol& a) { return detail::trace(detail::Operation::name, 0, a); }
#include "eigenesis/kernels/operations.inl"
  /// a for a > 0, slope * a elsewhere.
  friend Symbol leaky_relu(const Symbol& a, double slope) {
    return detail::trace(detail::Operation::gate, slope, a, a);
  }
  friend Symbol relu(const Symbol& a) { return leaky_relu(a, 0); }
  friend Symbol pow(const Symbol& a, const Symbol& b) {
    if (b.is(0)) return 1.0;
    return b.is(1) ? a : b.is(2) ? square(a) : detail::trace(detail::Operation::power, 0, a, b);
  }
  /// The larger one; NaN if either is.
  friend Symbol maximum(const Symbol& a, const Symbol& b) {
    if (a.is_constant() && !b.is_constant()) return maximum(b, a);
    return select(a < b, b, b.is_constant() ? a : select(b == b, a, b));
  }
  /// The smaller one; NaN if either is.
  friend Symbol minimum(const Symbol& a, const Symbol& b) {
    if (a.is_constant() && !b.is_constant()) return minimum(b, a);
    return select(b < a, b, b.is_constant() ? a : select(b == b, a, b));
  }
  /// x within [low, high]; the gradient is zero outside only.
  friend Symbol clamp(const Symbol& x, const Symbol& low, const Symbol& high) {
    return select(x < low, low, select(high < x, high, x));
  }

 private:
  detail::Program* program_ = nullptr;  // none for a constant
  std::int16_t index_ = -1;
  double constant_ = 0;
};

namespace detail {

template <class... Symbols>
[[gnu::noinline]] Symbol trace(Operation operation, double constant, const Symbols&... operands) {
  Program* program = nullptr;
  ((program = program ? program : operands.program()), ...);
  require<ArgumentError>(program != nullptr,
                         "map: expected a function of the argument but got one of constants only; "
                         "compute it outside of the lambda");
  Instruction instruction{Instruction::Kind::operation, operation, {-1, -1, -1}, constant};
  std::size_t i = 0;
  ((instruction.operands[i++] = operands.index_in(*program)), ...);
  return {program, program->add(instruction)};
}

/// Numbers anew the arguments that the result depends on, and returns their old numbers.
EIGENESIS_COMPILABLE CachedVector<std::size_t> drop_unused_arguments(Program& program, std::int16_t result) {
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
EIGENESIS_COMPILE(CachedVector<std::size_t> drop_unused_arguments(Program&, std::int16_t));

/// What instruction `index` of a program yields; 0 for none.
inline Symbol symbol_at(Program& program, std::int16_t index) {
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
inline std::optional<Branch> branch_of(const Symbol& d) {
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
inline Symbol add_masked(const Symbol& a, const Symbol& b, bool is_factor) {
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
inline Symbol log_of_base(const Symbol& a) {
  if (a.is_constant()) return a.is(0) ? 0 : std::log(a.constant());
  return log(select(a == 0, 1, a));
}

/// incoming * d(result)/d(argument), appended to the program that holds `result`: reverse accumulation over the steps,
/// by the derivatives in the table of operations. Constants are folded and common parts shared as symbols are made.
/// Of a select's branch that is not taken the gradient is 0, whatever the derivatives in the branch: what arrives
/// there, select(condition, d, 0), is taken apart, d is multiplied by the derivatives, and the select is put around the
/// product.
EIGENESIS_COMPILABLE Symbol derivative(const Symbol& result, int argument, const Symbol& incoming) {
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
EIGENESIS_COMPILE(Symbol derivative(const Symbol&, int, const Symbol&));

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI
