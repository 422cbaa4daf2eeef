// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <numbers>

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
  friend Symbol square(const Symbol& a) { return detail::trace(detail::Operation::square, 0, a); }
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
  /// x where the condition holds, y elsewhere: what stands for `if`.
  friend Symbol select(const Symbol& condition, const Symbol& x, const Symbol& y) {
    return detail::trace(detail::Operation::select, 0, condition, x, y);
  }

  friend Symbol abs(const Symbol& a) { return detail::trace(detail::Operation::abs, 0, a); }
  friend Symbol sqrt(const Symbol& a) { return detail::trace(detail::Operation::sqrt, 0, a); }
  friend Symbol exp(const Symbol& a) { return detail::trace(detail::Operation::exp, 0, a); }
  friend Symbol expm1(const Symbol& a) { return detail::trace(detail::Operation::expm1, 0, a); }
  friend Symbol log(const Symbol& a) { return detail::trace(detail::Operation::log, 0, a); }
  friend Symbol log1p(const Symbol& a) { return detail::trace(detail::Operation::log1p, 0, a); }
  friend Symbol tanh(const Symbol& a) { return detail::trace(detail::Operation::tanh, 0, a); }
  friend Symbol sigmoid(const Symbol& a) { return detail::trace(detail::Operation::sigmoid, 0, a); }
  friend Symbol softplus(const Symbol& a) { return detail::trace(detail::Operation::softplus, 0, a); }
  friend Symbol erf(const Symbol& a) { return detail::trace(detail::Operation::erf, 0, a); }
  friend Symbol sin(const Symbol& a) { return detail::trace(detail::Operation::sin, 0, a); }
  friend Symbol cos(const Symbol& a) { return detail::trace(detail::Operation::cos, 0, a); }
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

}  // namespace detail

namespace detail {

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

/// incoming * d(result)/d(argument), appended to the program that holds `result`: reverse accumulation over the steps,
/// each elementary function beside its derivative. Constants are folded and common parts shared as symbols are made.
EIGENESIS_COMPILABLE Symbol derivative(const Symbol& result, int argument, const Symbol& incoming) {
  if (result.is_constant()) return 0.0;
  Program& program = *result.program();
  CachedVector<Symbol> adjoints(static_cast<std::size_t>(result.index()) + 1, Symbol(0.0));
  adjoints.back() = incoming;
  for (std::int16_t i = result.index(); i >= 0; --i) {
    const Symbol d = adjoints[static_cast<std::size_t>(i)];
    const Instruction instruction = program.instructions[static_cast<std::size_t>(i)];
    if (instruction.kind == Instruction::Kind::argument && instruction.operands[0] == argument) return d;
    if (instruction.kind != Instruction::Kind::operation || d.is(0)) continue;
    const auto operand = [&](std::size_t k) -> Symbol {
      const std::int16_t index = instruction.operands[k];
      const Instruction& from = program.instructions[static_cast<std::size_t>(index)];
      return from.kind == Instruction::Kind::constant ? Symbol(from.constant) : Symbol(&program, index);
    };
    const auto to = [&](std::size_t k, const Symbol& gradient) {
      Symbol& sum = adjoints[static_cast<std::size_t>(instruction.operands[k])];
      sum = sum.is(0) ? gradient : sum + gradient;
    };
    const Symbol y(&program, i), a = operand(0), c = instruction.constant;
    // clang-format off
    switch (instruction.operation) {
      case Operation::negate: to(0, -d); break;
      case Operation::abs: to(0, d * ((0 < a) - (a < 0))); break;
      case Operation::square: to(0, d * (2 * a)); break;
      case Operation::reciprocal: to(0, -(d * square(y))); break;
      case Operation::sqrt: to(0, 0.5 * d / y); break;
      case Operation::exp: to(0, d * y); break;
      case Operation::expm1: to(0, d * (y + 1)); break;
      case Operation::log: to(0, d / a); break;
      case Operation::log1p: to(0, d / (1 + a)); break;
      case Operation::tanh: to(0, d * (1 - square(y))); break;
      case Operation::sigmoid: to(0, d * (y * (1 - y))); break;
      case Operation::softplus: to(0, d * sigmoid(a)); break;
      case Operation::erf: to(0, d * (2 * std::numbers::inv_sqrtpi * exp(-square(a)))); break;
      case Operation::sin: to(0, d * cos(a)); break;
      case Operation::cos: to(0, -(d * sin(a))); break;
      case Operation::add_constant: to(0, d); break;
      case Operation::multiply_constant: to(0, d * c); break;
      case Operation::constant_minus: to(0, -d); break;
      case Operation::constant_over: to(0, -(d * (y / a))); break;
      case Operation::add: to(0, d), to(1, d); break;
      case Operation::subtract: to(0, d), to(1, -d); break;
      case Operation::multiply: to(0, d * operand(1)), to(1, d * a); break;
      case Operation::divide: to(0, d / operand(1)), to(1, -(d * (y / operand(1)))); break;
      case Operation::power: {
        const Symbol b = operand(1);
        to(0, d * (b * pow(a, b - 1)));
        if (b.is_constant()) break;
        // 0 for the base 0, where y log(a) would be 0 times infinity.
        to(1, d * (y * (a.is_constant() ? Symbol(a.is(0) ? 0 : std::log(a.constant())) : log(select(a == 0, 1, a)))));
        break;
      }
      case Operation::less:
      case Operation::less_equal:
      case Operation::equal: break;
      case Operation::gate: to(1, trace(Operation::gate, instruction.constant, a, d)); break;
      case Operation::select: to(1, select(a, d, 0)), to(2, select(a, 0, d)); break;
    }
    // clang-format on
  }
  return 0.0;
}
EIGENESIS_COMPILE(Symbol derivative(const Symbol&, int, const Symbol&));

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI
