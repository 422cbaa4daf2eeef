// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "eigenesis/ops/broadcast.hpp"
#include "eigenesis/ops/program_run.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// A program and what it was applied to.
template <class Scalar>
struct Call {
  Program program;
  std::int16_t result;
  CachedVector<NodeRef<Scalar>> operands;
  const char* function;
};

template <class Scalar>
NodeRef<Scalar> run(Call<Scalar> call);

/// dy * d(result)/d(operand), summed over the axes along which the operand was stretched. Again one pass of a program;
/// its operands are those of the call, then dy, then the call's result y, with which many derivatives are cheaper.
template <class Scalar>
NodeRef<Scalar> run_derivative(const Call<Scalar>& call, std::size_t operand, const NodeRef<Scalar>& y,
                               const NodeRef<Scalar>& dy) {
  Call<Scalar> next = call;
  const auto argument = [&](const NodeRef<Scalar>& node) {
    next.operands.push_back(node);
    return Instruction{
        Instruction::Kind::argument, {}, {static_cast<std::int16_t>(next.operands.size() - 1), -1, -1}, 0};
  };
  const Symbol incoming(&next.program, next.program.add(argument(dy)));
  const Symbol result(&next.program, call.result);
  next.result = derivative(result, static_cast<int>(operand), incoming).index_in(next.program);
  if (call.program.instructions[static_cast<std::size_t>(call.result)].kind == Instruction::Kind::operation)
    next.program.instructions[static_cast<std::size_t>(call.result)] = argument(y);
  const NodeRef<Scalar>& x = call.operands[operand];
  return sum_to(run(std::move(next)), x->shape);
}

template <class Scalar>
NodeRef<Scalar> run(Call<Scalar> call) {
  const DynamicShape shape = common_shape<Scalar>(call.function, call.operands);
  const std::span<const Index> y_shape = shape;
  const Instruction last = call.program.instructions[static_cast<std::size_t>(call.result)];
  if (last.kind == Instruction::Kind::argument)
    return broadcast_to(call.operands[static_cast<std::size_t>(last.operands[0])], y_shape);
  NodeRef<Scalar> y = make_node<Scalar>(y_shape);
  if (last.kind == Instruction::Kind::constant) {
    fill(y->data(), y->size(), static_cast<Scalar>(last.constant));
    return y;
  }

  CachedVector<NodeRef<Scalar>> nodes;
  CachedVector<Operand<Scalar>> operands;
  for (const std::size_t i : drop_unused_arguments(call.program, call.result)) {
    const NodeRef<Scalar>& x = call.operands[i];
    nodes.push_back(classify(x->shape, y_shape).spread == Spread::other ? broadcast_to(x, y_shape) : x);
    operands.push_back({nodes.back()->data(), nodes.back()->size(), classify(nodes.back()->shape, y_shape)});
  }
  run_program<Scalar>(call.program, call.result, operands, y->data(), y->size());

  if (!recording() || std::ranges::none_of(nodes, [](const auto& x) { return x->differentiable; })) return y;
  call.operands = std::move(nodes);
  const auto shared = std::allocate_shared<const Call<Scalar>>(CachedAllocator<Call<Scalar>>(), std::move(call));
  for (std::size_t i = 0; i < shared->operands.size(); ++i)
    add_rule(y, shared->operands[i], [shared, i](const NodeRef<Scalar>& output, const NodeRef<Scalar>& dy) {
      return run_derivative(*shared, i, output, dy);
    });
  return y;
}
EIGENESIS_COMPILE(NodeRef<float> run<float>(Call<float>));

template <class F, class Scalar, int... Ranks>
Variable<Scalar, std::max({Ranks...})> map_named(const char* function, F&& f, const Variable<Scalar, Ranks>&... x) {
  static_assert(sizeof...(x) <= 6, "eigenesis: map takes at most six operands");
  Call<Scalar> call{{}, 0, {}, function};
  call.operands.reserve(sizeof...(x) + 2);
  (call.operands.push_back(x.node()), ...);
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
