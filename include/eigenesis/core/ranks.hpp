// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string_view>

#include "eigenesis/core/rng.hpp"

// A training on several processes, its ranks, as optimizers and BatchNorm see it. What fit asks of them is added in
// training/ranks.hpp, and distributed/ has the code, so that only programs that include it pay for it.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// All ranks call the same functions in the same order. What one rank throws, the others throw in their next call.
class RanksOfStep {
 public:
  /// This process, counted from 0.
  virtual Index rank() const = 0;
  /// How many there are.
  virtual Index ranks() const = 0;
  /// Whether BatchNorm normalises by the statistics of all ranks.
  virtual bool synchronises() const = 0;
  /// The samples in the batch of this rank.
  virtual Index samples() const = 0;
  /// x = sum over ranks of weight x / sum of weights, for each number of all parts, added in the order of ranks. The
  /// numbers in `adopted` become those of rank 0. Returns the sum of weights.
  virtual Index average(std::string_view place, Index weight, std::span<const std::span<float>> parts,
                        std::span<double> adopted) = 0;
  /// The same of doubles.
  virtual Index average(std::string_view place, Index weight, std::span<const std::span<double>> parts,
                        std::span<double> adopted) = 0;

  /// Those of the step that this thread is in, or nullptr.
  static RanksOfStep*& now() {
    static thread_local RanksOfStep* ranks = nullptr;
    return ranks;
  }

 protected:
  RanksOfStep() = default;
  RanksOfStep(const RanksOfStep&) = default;
  RanksOfStep& operator=(const RanksOfStep&) = default;
  ~RanksOfStep() = default;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
