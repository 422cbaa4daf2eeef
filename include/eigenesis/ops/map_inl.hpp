// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/map.hpp"
#include "eigenesis/ops/program_run.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

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
  if (auto* trace = Trace<Scalar>::current()) [[unlikely]]
    trace->describe("map", {}, std::make_shared<const Call<Scalar>>(call));
  const std::span<const AnyVariable<Scalar>> operands = call.operands;  // which stay where they are if the call moves
  return record(std::move(y),
                wrt_each(operands, [call = std::move(call)](std::size_t i, const auto& output, const auto& dy) {
                  return run_derivative(call, i, output, dy);
                }));
}

EIGENESIS_INSTANTIATE(run);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
