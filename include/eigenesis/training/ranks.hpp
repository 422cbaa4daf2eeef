// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eigenesis/core/ranks.hpp"
#include "eigenesis/data/batches.hpp"
#include "eigenesis/training/checkpoint.hpp"
#include "eigenesis/training/checksum.hpp"
#include "eigenesis/training/progress.hpp"
#include "eigenesis/training/watch.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// A training that all ranks have to agree on.
struct TrainingOfRanks {
  std::string function;  // for messages
  Index samples;         // of all data; 0 for an endless source
  Index data;            // a checksum
  Index steps, epochs, batch_size;
  bool drop_last;
  const Checkpoint* checkpoint;  // or nullptr
};

/// The ranks of a training, as fit sees them: all begin with the numbers of rank 0, have the same losses, and end
/// together. Distributed in distributed/ is one.
class Ranks : public RanksOfStep {
 public:
  /// Throws ArgumentError unless all ranks have the same. All go on with the generator of rank 0.
  virtual void begin(const TrainingOfRanks& training, Rng& rng) = 0;
  /// What this rank shows: rank 0 what is given, the others nothing.
  virtual Progress progress(const Progress& given) const = 0;
  /// Who watches on this rank: all that are given on rank 0, on the others those who want to.
  virtual std::vector<WatcherRef> watchers(const std::vector<WatcherRef>& given) const = 0;

  /// All ranks get what rank 0 has: the progress of the training,
  virtual void adopt(FitMemory& memory) = 0;
  /// a trainer's numbers,
  virtual void adopt(const std::vector<SavedField>& trainer) = 0;
  /// or some numbers.
  virtual void adopt(std::string_view place, std::span<NamedValue> numbers) = 0;
  /// Throws ArgumentError unless the trainers of all ranks have the same numbers. Learning rates become those of rank
  /// 0.
  virtual void expect_same(const std::vector<SavedField>& trainer) = 0;
  /// Whether one of the ranks has it.
  virtual bool any(std::string_view place, bool own) = 0;
  /// After each step and epoch, behind callbacks and watchers: whether one of the ranks stops. All go on with the
  /// generator of rank 0, from which a callback may have drawn.
  virtual bool agree(bool stop, Rng& rng) = 0;

  /// The step after so many.
  virtual void begin_step(Index step) = 0;
  /// The batch of this step, or its next one: from now on `rng` draws these rows, those of this rank.
  virtual void begin_batch(const RowShare& rows, Rng& rng) = 0;
  /// The losses become means over the samples of all ranks, whose number is returned.
  virtual Index end_step(std::span<NamedValue> losses, Index samples) = 0;

  /// The training is over, everywhere and without an error.
  virtual void end() = 0;
  /// The training ends here with the exception in hand: the others are told.
  virtual void report() = 0;

 protected:
  ~Ranks() = default;
};

/// While one lives, this thread is in a step of these ranks, if there are any.
class StepScope {
 public:
  StepScope(Ranks* ranks, Index step, Rng& rng) : outer_(RanksOfStep::now()), rng_(rng) {
    RanksOfStep::now() = ranks;
    if (ranks) ranks->begin_step(step);
  }
  StepScope(const StepScope&) = delete;
  StepScope& operator=(const StepScope&) = delete;
  ~StepScope() {
    RanksOfStep::now() = outer_;
    if (!outer_) rng_.draw_rows({}, {});
  }

 private:
  RanksOfStep* outer_;
  Rng& rng_;
};

}  // namespace detail

/// The ranks that a training is for: FitOptions{.distributed = mpi}. None: this process alone.
class DistributedOver {
 public:
  /// None.
  DistributedOver() = default;
  /// These, which have to outlive the training.
  DistributedOver(detail::Ranks& ranks) : ranks_(&ranks) {}
  /// These, or none for nullptr.
  DistributedOver(detail::Ranks* ranks) : ranks_(ranks) {}
  /// The ranks, or nullptr for this process alone.
  detail::Ranks* get() const { return ranks_ && ranks_->ranks() > 1 ? ranks_ : nullptr; }

 private:
  detail::Ranks* ranks_ = nullptr;
};

}  // namespace eigenesis::inline EIGENESIS_ABI
