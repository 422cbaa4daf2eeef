// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/broadcast.hpp"
#include "eigenesis/ops/symbol.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// A program and what it was applied to.
template <class Scalar>
struct Call {
  Program program;
  std::int16_t result;
  CachedVector<AnyVariable<Scalar>> operands;
  const char* function;
};

template <class Scalar>
AnyVariable<Scalar> run(Call<Scalar> call);

template <class F, class Scalar, int... Ranks>
Variable<Scalar, std::max({Ranks...})> map_named(const char* function, F&& f, const Variable<Scalar, Ranks>&... x) {
  static_assert(sizeof...(x) <= 6, "eigenesis: map takes at most six operands");
  Call<Scalar> call{{}, 0, {}, function};
  call.operands.reserve(sizeof...(x) + 2);
  (call.operands.push_back(x), ...);
  for (std::int16_t i = 0; i < static_cast<std::int16_t>(sizeof...(x)); ++i)
    call.program.add({Instruction::Kind::argument, {}, {i, -1, -1}, 0});
  const Symbol result = [&]<std::int16_t... I>(std::integer_sequence<std::int16_t, I...>) -> Symbol {
    return f(Symbol(&call.program, I)...);
  }(std::make_integer_sequence<std::int16_t, static_cast<std::int16_t>(sizeof...(x))>());
  call.result = result.index_in(call.program);
  return Variable<Scalar, std::max({Ranks...})>(run(std::move(call)));
}

}  // namespace detail

/// f applied to every element: y[i] = f(a[i], b[i], ...), in one pass over memory, differentiable any number of times:
///   const auto swish = map([](auto t) { return t * sigmoid(t); }, x);
/// Shapes agree or are stretched (see broadcast). f is called once, with symbols (see Symbol): numbers it captures are
/// constants, and `select(a < b, x, y)` stands for `if`. Throws ShapeError.
template <class F, class Scalar, int... Ranks>
auto map(F&& f, const Variable<Scalar, Ranks>&... x) {
  return detail::map_named("map", std::forward<F>(f), x...);
}

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/ops/map_inl.hpp"
#endif
