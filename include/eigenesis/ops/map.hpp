// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/broadcast.hpp"
#include "eigenesis/ops/program_run.hpp"

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

/// dy * d(result)/d(operand), summed over the axes along which the operand was stretched. Again one pass of a program;
/// its operands are those of the call, then dy, then the call's result y, with which many derivatives are cheaper.
template <class Scalar>
AnyVariable<Scalar> run_derivative(const Call<Scalar>& call, std::size_t operand, const AnyVariable<Scalar>& y,
                                   const AnyVariable<Scalar>& dy) {
  Call<Scalar> next = call;
  const auto argument = [&](const AnyVariable<Scalar>& x) {
    next.operands.push_back(x);
    return Instruction{
        Instruction::Kind::argument, {}, {static_cast<std::int16_t>(next.operands.size() - 1), -1, -1}, 0};
  };
  const Symbol incoming(&next.program, next.program.add(argument(dy)));
  const Symbol result(&next.program, call.result);
  next.result = derivative(result, static_cast<int>(operand), incoming).index_in(next.program);
  if (call.program.instructions[static_cast<std::size_t>(call.result)].kind == Instruction::Kind::operation)
    next.program.instructions[static_cast<std::size_t>(call.result)] = argument(y);
  return sum_to(run(std::move(next)), call.operands[operand].shape());
}

template <class Scalar>
AnyVariable<Scalar> run(Call<Scalar> call) {
  const DynamicShape shape = common_shape(call.function, call.operands);
  const Instruction last = call.program.instructions[static_cast<std::size_t>(call.result)];
  if (last.kind == Instruction::Kind::argument)
    return broadcast_to(call.operands[static_cast<std::size_t>(last.operands[0])], shape);
  AnyTensor<Scalar> y(shape);
  if (last.kind == Instruction::Kind::constant) {
    fill(y.data(), y.size(), static_cast<Scalar>(last.constant));
    return record(std::move(y));
  }

  CachedVector<AnyVariable<Scalar>> used;
  CachedVector<Operand<Scalar>> sources;
  for (const std::size_t i : drop_unused_arguments(call.program, call.result)) {
    const AnyVariable<Scalar>& x = call.operands[i];
    const Broadcast stretching = classify(x.shape(), shape);
    const bool whole = stretching.spread == Spread::other;  // such stretching is not done block by block
    used.push_back(whole ? broadcast_to(x, shape) : x);
    sources.push_back({used.back().data(), used.back().size(), whole ? Broadcast{Spread::full} : stretching});
  }
  run_program<Scalar>(call.program, call.result, sources, y.data(), y.size());

  call.operands = std::move(used);
  const std::span<const AnyVariable<Scalar>> operands = call.operands;  // which stay where they are if the call moves
  return record(std::move(y),
                wrt_each(operands, [call = std::move(call)](std::size_t i, const auto& output, const auto& dy) {
                  return run_derivative(call, i, output, dy);
                }));
}
EIGENESIS_COMPILE(AnyVariable<float> run<float>(Call<float>));

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
