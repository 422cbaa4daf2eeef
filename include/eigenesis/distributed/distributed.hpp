// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eigenesis/training/ranks.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// What holds for all trainings of these ranks.
struct DistributedOptions {
  /// BatchNorm normalises by the statistics of the batches of all ranks, not of its own one.
  bool synchronised_batch_norm = false;
  /// Ranks may have different instruction sets, whose results differ in the last bits.
  bool any_instruction_set = false;
};

/// Trains one model by several processes, its ranks. A derived class says how they exchange bytes, as Mpi does: every
/// rank calls the same functions in the same order, with the same numbers of bytes. Sums are taken in the order of
/// ranks, so that they are the same bits each time and on each rank. No rank waits for one that cannot come: everything
/// begins with a meeting, and a rank that threw goes to one more meeting, where all others throw the same kind of
/// error.
class Distributed : public detail::Ranks {
 public:
  /// With these options.
  explicit Distributed(const DistributedOptions& options = {}) : options_(options) {}
  virtual ~Distributed() = default;
  /// This process, counted from 0; rank 0 is the one that prints and writes files.
  Index rank() const override = 0;
  /// How many there are.
  Index ranks() const override = 0;
  /// All ranks get the bytes of all, in the order of ranks.
  virtual void gather(const void* own, void* all, Index bytes) = 0;
  /// Rank r gets part r of each rank's bytes, in the order of ranks; each part has `bytes` bytes.
  virtual void exchange(const void* parts, void* all, Index bytes) = 0;
  /// All ranks get the bytes of rank 0.
  virtual void broadcast(void* data, Index bytes) = 0;

  /// As given.
  const DistributedOptions& options() const { return options_; }

 protected:
  /// All ranks come to the end of the program; one that is in a training yet throws there.
  void leave();
  /// Whether there was a training.
  bool begun() const { return begun_; }
  Distributed(const Distributed&) = default;
  Distributed& operator=(const Distributed&) = default;

 private:
  struct Card;
  bool synchronises() const override { return options_.synchronised_batch_norm; }
  Index samples() const override { return samples_; }
  Index average(std::string_view place, Index weight, std::span<const std::span<float>> parts,
                std::span<double> adopted) override;
  Index average(std::string_view place, Index weight, std::span<const std::span<double>> parts,
                std::span<double> adopted) override;
  void begin(const detail::TrainingOfRanks& training, Rng& rng) override;
  Progress progress(const Progress& given) const override;
  std::vector<WatcherRef> watchers(const std::vector<WatcherRef>& given) const override;
  void adopt(detail::FitMemory& memory) override;
  void adopt(const std::vector<detail::SavedField>& trainer) override;
  void adopt(std::string_view place, std::span<NamedValue> numbers) override;
  void expect_same(const std::vector<detail::SavedField>& trainer) override;
  bool any(std::string_view place, bool own) override;
  bool agree(bool stop, Rng& rng) override;
  void begin_step(Index step) override;
  void begin_batch(const detail::RowShare& rows, Rng& rng) override;
  Index end_step(std::span<NamedValue> losses, Index samples) override;
  void end() override;
  void report() override;

  /// All ranks meet at the same place, each with as many numbers: gives those of all, rank by rank.
  detail::CachedVector<double> meet(std::string_view place, std::span<const double> own);
  /// Throws ArgumentError unless all ranks have the same number.
  void expect_same(std::string_view what, double own, std::string_view hint = {});
  /// Throws ArgumentError unless all ranks have the same number for each of the trainer's fields.
  void expect_same(std::string_view what, const std::vector<detail::SavedField>& trainer, std::span<const double> own,
                   std::string_view hint);
  template <class Scalar>
  Index average_parts(std::string_view place, Index weight, std::span<const std::span<Scalar>> parts,
                      std::span<double> adopted);
  [[noreturn]] void fail_together(std::span<const Card> cards);
  template <class F>
  void all_throw(F&& fail);

  DistributedOptions options_;
  std::string function_;      // of the training, for messages
  std::exception_ptr known_;  // the error that ends the training on all ranks, and which each of them has thrown
  bool begun_ = false;        // a training
  Index samples_ = 1;         // in the batch
  std::uint64_t stream_ = 0;  // of random numbers, others for each rank and batch
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/distributed/distributed_training_inl.hpp"
#endif
