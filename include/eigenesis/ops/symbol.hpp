// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <limits>
#include <numbers>

#include "eigenesis/kernels/operations.hpp"
#include "eigenesis/machine/error.hpp"
#include "eigenesis/machine/float_state.hpp"
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

/// A power of two that brings a constant nearer to the normal floats, if it is not 0 but would become 0 or infinity
/// among them; else 1. Formulas take it in several steps: x * 1e-40 is x * 0x1p-64 * (1e-40 * 0x1p64).
inline double scale_to_floats(double constant) {
  const double size = std::abs(constant);
  if (0 < size && size < std::numeric_limits<float>::min()) return 0x1p64;
  return std::numeric_limits<float>::max() < size && std::isfinite(size) ? 0x1p-64 : 1;
}
}  // namespace detail

/// What a lambda given to map() computes with: a number that stands for every element. Arithmetic, comparisons (1 or
/// 0), select() and the functions below record what is to be done; plain numbers are constants. Results and elements
/// that are subnormal (of floats, below 1.18e-38) count as 0, as in all kernels; x * c, x / c and c / x are right for
/// subnormal constants c too, which otherwise count as the smallest normal number.
class Symbol {
 public:
  template <Number N>
  Symbol(N constant) : constant_(static_cast<double>(constant)) {}
  Symbol(detail::Program* program, std::int16_t index) : program_(program), index_(index) {}

  /// Whether it is a plain number.
  bool is_constant() const { return program_ == nullptr; }
  /// Whether it is this plain number.
  bool is(double number) const { return is_constant() && constant_ == number; }
  /// The plain number.
  double constant() const { return constant_; }
  /// Of the instruction that yields this symbol; -1 for a plain number.
  std::int16_t index() const { return index_; }
  /// The program that is recorded; nullptr for a plain number.
  detail::Program* program() const { return program_; }
  /// Index of the instruction that yields this symbol in the program.
  std::int16_t index_in(detail::Program& program) const {
    if (!is_constant()) return index_;
    return program.add({detail::Instruction::Kind::constant, {}, {-1, -1, -1}, constant_});
  }

  // Found through their argument only, so that plain numbers never become symbols by accident.
  /// -a.
  friend Symbol operator-(const Symbol& a) {
    return a.is_constant() ? Symbol(-a.constant()) : detail::trace(detail::Operation::negate, 0, a);
  }
  /// a + b.
  friend Symbol operator+(const Symbol& a, const Symbol& b) {
    if (a.is_constant() && b.is_constant()) return a.constant() + b.constant();
    if (a.is_constant()) return b + a;
    if (!b.is_constant()) return detail::trace(detail::Operation::add, 0, a, b);
    return b.is(0) ? a : detail::trace(detail::Operation::add_constant, b.constant(), a);
  }
  /// a - b.
  friend Symbol operator-(const Symbol& a, const Symbol& b) {
    if (b.is_constant()) return a + Symbol(-b.constant());
    return a.is_constant() ? detail::trace(detail::Operation::constant_minus, a.constant(), b)
                           : detail::trace(detail::Operation::subtract, 0, a, b);
  }
  /// a * b.
  friend Symbol operator*(const Symbol& a, const Symbol& b) {
    if (a.is_constant() && b.is_constant()) return detail::rounded(a.constant() * b.constant());
    if (a.is_constant()) return b * a;
    if (!b.is_constant())
      return a.index() == b.index() ? square(a) : detail::trace(detail::Operation::multiply, 0, a, b);
    if (const double scale = detail::scale_to_floats(b.constant()); scale != 1)
      return a * Symbol(1 / scale) * Symbol(b.constant() * scale);
    return b.is(1) ? a : b.is(-1) ? -a : detail::trace(detail::Operation::multiply_constant, b.constant(), a);
  }
  /// a / b.
  friend Symbol operator/(const Symbol& a, const Symbol& b) {
    if (a.is_constant() && b.is_constant()) return a.constant() / b.constant();
    const double scale = detail::scale_to_floats(a.is_constant() ? a.constant() : b.constant());
    if (a.is_constant() && scale != 1) return Symbol(a.constant() * scale) / b * Symbol(1 / scale);
    if (b.is_constant() && scale != 1) return a * Symbol(scale) / Symbol(b.constant() * scale);
    if (a.is(1)) return detail::trace(detail::Operation::reciprocal, 0, b);
    if (a.is_constant()) return detail::trace(detail::Operation::constant_over, a.constant(), b);
    if (!b.is_constant()) return detail::trace(detail::Operation::divide, 0, a, b);
    int exponent = 0;  // the reciprocal of a power of two is exact, and faster
    return std::abs(std::frexp(b.constant(), &exponent)) == 0.5 && exponent < 127
               ? a * Symbol(1 / b.constant())
               : detail::trace(detail::Operation::divide_constant, b.constant(), a);
  }

  /// Comparisons give 1 where they hold and 0 elsewhere, also where an operand is NaN (except !=).
  friend Symbol operator<(const Symbol& a, const Symbol& b) { return detail::trace(detail::Operation::less, 0, a, b); }
  /// As operator<.
  friend Symbol operator>(const Symbol& a, const Symbol& b) { return b < a; }
  /// As operator<.
  friend Symbol operator<=(const Symbol& a, const Symbol& b) {
    return detail::trace(detail::Operation::less_equal, 0, a, b);
  }
  /// As operator<.
  friend Symbol operator>=(const Symbol& a, const Symbol& b) { return b <= a; }
  /// As operator<.
  friend Symbol operator==(const Symbol& a, const Symbol& b) {
    return detail::trace(detail::Operation::equal, 0, a, b);
  }
  /// As operator<, but 1 where an operand is NaN.
  friend Symbol operator!=(const Symbol& a, const Symbol& b) { return 1 - (a == b); }
  /// x where the condition holds, y elsewhere: what stands for `if`. The gradient of the one that is not taken is 0,
  /// also where its derivative is infinite or NaN: `select(t > 0, log(t), 0 * t)` has the gradient 0 at 0. (This holds
  /// for what the same lambda computes; log(x), computed before as a Variable, has a gradient of its own.)
  friend Symbol select(const Symbol& condition, const Symbol& x, const Symbol& y) {
    return detail::trace(detail::Operation::select, 0, condition, x, y);
  }

  /// See the function of Variables.
#define EIGENESIS_FUNCTION(name, ...) \
  friend Symbol name(const Symbol& a) { return detail::trace(detail::Operation::name, 0, a); }
#include "eigenesis/kernels/operations.inl"
  /// a for a > 0, slope * a elsewhere.
  friend Symbol leaky_relu(const Symbol& a, double slope) {
    return detail::trace(detail::Operation::gate, slope, a, a);
  }
  /// max(a, 0).
  friend Symbol relu(const Symbol& a) { return leaky_relu(a, 0); }
  /// a^b.
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
CachedVector<std::size_t> drop_unused_arguments(Program& program, std::int16_t result);

/// incoming * d(result)/d(argument), appended to the program that holds `result`: reverse accumulation over the steps,
/// by the derivatives in the table of operations. Constants are folded and common parts shared as symbols are made.
Symbol derivative(const Symbol& result, int argument, const Symbol& incoming);

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/ops/symbol_inl.hpp"
#endif
