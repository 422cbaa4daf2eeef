// SPDX-License-Identifier: MIT
#pragma once

#include <numeric>

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/pointwise.hpp"
#include "eigenesis/ops/program_run.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

inline constexpr Index block_limit = 1024;
inline constexpr Index lanes = 16;  // kernels write whole vectors of at most this many elements
inline constexpr Index register_stride = block_limit + 2 * lanes;  // not a power of two: stores would alias later loads

/// A program with a place for every intermediate result.
template <class Scalar>
class Plan {
 public:
  Plan(const Program& program, std::int16_t result) {
    const auto& code = program.instructions;
    CachedVector<std::int16_t> last_use(code.size(), -1);
    last_use[static_cast<std::size_t>(result)] = result;
    for (std::int16_t i = result; i >= 0; --i) {
      const Instruction& instruction = code[static_cast<std::size_t>(i)];
      if (last_use[static_cast<std::size_t>(i)] < 0 || instruction.kind != Instruction::Kind::operation) continue;
      for (const std::int16_t operand : instruction.operands)
        if (operand >= 0 && last_use[static_cast<std::size_t>(operand)] < 0)
          last_use[static_cast<std::size_t>(operand)] = i;
    }
    CachedVector<Place> places(code.size());
    CachedVector<std::int16_t> unused;
    const auto new_register = [&] {
      if (unused.empty()) return static_cast<std::int16_t>(registers_++);
      const std::int16_t top = unused.back();
      unused.pop_back();
      return top;
    };
    for (std::int16_t i = 0; i <= result; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const Instruction& instruction = code[at];
      if (last_use[at] < 0) continue;
      if (instruction.kind == Instruction::Kind::argument) {
        places[at] = {Place::argument, instruction.operands[0]};
      } else if (instruction.kind == Instruction::Kind::constant) {
        // Constants are written once for all blocks, so that their registers are never given away.
        places[at] = {Place::scratch, static_cast<std::int16_t>(registers_++)};
        constants_.push_back({places[at].index, normal_constant<Scalar>(instruction.constant)});
      } else {
        Step step{pointwise<Scalar>(instruction.operation), {}, {}, normal_constant<Scalar>(instruction.constant)};
        for (std::size_t k = 0; k < 3; ++k) {
          const std::int16_t operand = instruction.operands[k];
          if (operand < 0) continue;
          const auto from = static_cast<std::size_t>(operand);
          step.operands[k] = places[from];
          if (last_use[from] == i && code[from].kind == Instruction::Kind::operation) {
            unused.push_back(places[from].index);
            last_use[from] = result + 1;  // given back once, even if it is used twice here
          }
        }
        step.result = i == result ? Place{Place::result, 0} : Place{Place::scratch, new_register()};
        places[at] = step.result;
        steps_.push_back(step);
      }
    }
  }

  /// out[i] = program(operands[0][i], operands[1][i], ...) for i in [0, n), over all threads.
  void run(std::span<const Operand<Scalar>> operands, Scalar* out, Index n) const {
    Index block = lanes;
    for (const auto& operand : operands)
      if (is_tile(operand))
        block = std::lcm(block, operand.size) <= block_limit ? std::lcm(block, operand.size) : block;
    block *= std::max<Index>(1, block_limit / block);

    CachedVector<Tensor<Scalar, 1>> tiles;  // small operands written out to a whole block
    CachedVector<Operand<Scalar>> sources(operands.begin(), operands.end());
    for (auto& source : sources)
      if (is_tile(source) && block % source.size == 0) {
        tiles.emplace_back(Shape{block});
        std::copy_n(source.data, source.size, tiles.back().data());
        repeat(tiles.back().data(), source.size, block);
        source = {tiles.back().data(), block, source.broadcast};
      }

    const Index piece = std::max<Index>(1, piece_size / block) * block;
    const Index scratch_blocks = registers_ + std::ssize(sources) + 1;
    run_ranges(n, piece, [&](Index first, Index last) {
      Scalar* const registers = scratch<Scalar, struct ProgramRegisters>(scratch_blocks * register_stride);
      for (const auto& [index, value] : constants_) fill(registers + index * register_stride, block, value);
      CachedVector<const Scalar*> arguments(sources.size());
      for (Index begin = first; begin < last; begin += block)
        run_block(sources, arguments, registers, out, begin, std::min(block, last - begin));
    });
  }

 private:
  struct Place {
    enum Kind : std::int8_t { none, argument, scratch, result } kind = none;
    std::int16_t index = 0;
  };
  struct Step {
    Pointwise<Scalar> function;
    Place result;
    std::array<Place, 3> operands;
    Scalar constant;
  };

  static bool is_tile(const Operand<Scalar>& x) { return x.broadcast.spread == Spread::tiled && x.size > 0; }

  void run_block(std::span<const Operand<Scalar>> sources, std::span<const Scalar*> arguments, Scalar* scratch,
                 Scalar* out, Index begin, Index n) const {
    for (std::size_t k = 0; k < sources.size(); ++k) {
      const Operand<Scalar>& x = sources[k];
      Scalar* copy = scratch + (registers_ + static_cast<Index>(k)) * register_stride;
      arguments[k] = copy;
      if (x.broadcast.spread == Spread::full) {
        arguments[k] = x.data + begin;
      } else if (x.broadcast.spread == Spread::repeat) {
        const Index count = x.broadcast.count, first = begin / count;
        const Scalar* value = x.data + first;
        for (Index i = 0, end = (first + 1) * count - begin; i < n; i = end, end += count, ++value)
          fill(copy + i, std::min(n, end) - i, *value);
      } else if (const Index offset = begin % x.size; offset + n <= x.size) {
        arguments[k] = x.data + offset;
      } else {
        for (Index i = 0, from = offset; i < n; from = 0) {
          const Index count = std::min(n - i, x.size - from);
          std::copy_n(x.data + from, count, copy + i);
          i += count;
        }
      }
    }
    const auto address = [&](Place place) -> const Scalar* {
      return place.kind == Place::argument ? arguments[static_cast<std::size_t>(place.index)]
                                           : scratch + place.index * register_stride;
    };
    for (const Step& step : steps_) {
      Scalar* y = step.result.kind == Place::result ? out + begin : scratch + step.result.index * register_stride;
      step.function(y, address(step.operands[0]), address(step.operands[1]), address(step.operands[2]), step.constant,
                    n);
    }
  }

  CachedVector<Step> steps_;
  CachedVector<std::pair<std::int16_t, Scalar>> constants_;
  Index registers_ = 0;
};

template <class Scalar>
void run_program(const Program& program, std::int16_t result, std::span<const Operand<Scalar>> operands, Scalar* out,
                 Index n) {
  Plan<Scalar>(program, result).run(operands, out, n);
}

EIGENESIS_INSTANTIATE(run_program);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
