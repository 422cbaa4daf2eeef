// SPDX-License-Identifier: MIT
#pragma once

#include <tuple>
#include <utility>

#include "eigenesis/distributed/distributed_inl.hpp"
#include "eigenesis/machine/isa.hpp"

// What fit asks of ranks: how a training begins, goes on alike, and is compared.
namespace eigenesis::inline EIGENESIS_ABI {

EIGENESIS_ONCE void Distributed::begin(const detail::TrainingOfRanks& training, Rng& rng) {
  function_ = training.function;
  known_ = nullptr;
  begun_ = true;
  expect_same("version of the library",
              EIGENESIS_VERSION_MAJOR * 1e6 + EIGENESIS_VERSION_MINOR * 1e3 + EIGENESIS_VERSION_PATCH);
  if (!options_.any_instruction_set)
    expect_same("instruction set (0: baseline, 1: AVX2, 2: AVX-512)", static_cast<double>(isa()),
                "; they give different bits: set EIGENESIS_ISA to one that all have, or allow it, "
                ".any_instruction_set = true");
  const Checkpoint* const checkpoint = training.checkpoint;
  constexpr const char* all_data = "; each has all data and takes its part of each batch";
  for (const auto& [what, own, hint] :
       {std::tuple{"number of samples", training.samples, all_data},
        {"samples (a checksum)", training.data, all_data},
        {"number of steps", training.steps, ""},
        {"number of epochs", training.epochs, ""},
        {"batch_size", training.batch_size, ""},
        {"drop_last (0 or 1)", Index{training.drop_last}, ""},
        {"number of checkpoints (0 or 1)", Index{checkpoint ? 1 : 0}, ""},
        {"number of steps from one checkpoint to the next", checkpoint ? checkpoint->every : 0, ""}})
    expect_same(what, static_cast<double>(own), hint);
  const Index least = ranks() * (training.drop_last ? training.batch_size : 1);
  if (training.samples > 0 && training.samples < least) {
    all_throw([&] {
      detail::fail<ArgumentError>(function_, ": expected at least ", least, " samples for ", ranks(), " ranks",
                                  training.drop_last ? " with a batch each" : "", " but got ", training.samples);
    });
  }
  agree(false, rng);
}

EIGENESIS_ONCE Progress Distributed::progress(const Progress& given) const {
  if (rank() == 0) return given;
  return ProgressBar({},
                     {.write = [](std::string_view) {}, .seconds = [] { return 0.0; }, .columns = [] { return 0; }});
}

EIGENESIS_ONCE std::vector<WatcherRef> Distributed::watchers(const std::vector<WatcherRef>& given) const {
  std::vector<WatcherRef> mine;
  for (const WatcherRef& each : given)
    if (rank() == 0 || each->on_every_rank()) mine.push_back(each);
  return mine;
}

EIGENESIS_ONCE void Distributed::adopt(const std::vector<detail::SavedField>& trainer) {
  std::vector<double> own;
  for (const detail::SavedField& field : trainer) {
    const std::size_t bytes = detail::bytes_of(field).size();
    detail::Checksum name;
    name.add(std::as_bytes(std::span(field.name)));
    name.add(std::as_bytes(std::span(&bytes, 1)));
    own.push_back(static_cast<double>(name.value()));
  }
  expect_same("fields of the trainer, with the same names and sizes,", trainer, own, "");
  for (const detail::SavedField& field : trainer) {
    const auto bytes = detail::bytes_of(field);
    broadcast(bytes.data(), std::ssize(bytes));
    if (field.updated && rank() > 0) *field.updated = detail::next_serial();
  }
}

EIGENESIS_ONCE void Distributed::adopt(detail::FitMemory& memory) {
  std::vector<double> own;
  detail::FitMemory::fields(memory, [&](std::string_view, const auto& tensor, InFiles = {}) {
    for (const Index size : tensor.shape().sizes) own.push_back(static_cast<double>(size));
  });
  const detail::CachedVector<double> sizes = meet("the progress of the training", own);
  std::size_t i = 0;
  detail::FitMemory::fields(memory, [&]<int Rank>(std::string_view, Tensor<double, Rank>& tensor, InFiles = {}) {
    Shape<Rank> there = tensor.shape();
    for (Index& size : there.sizes) size = static_cast<Index>(sizes[i++]);
    if (rank() > 0) tensor = Tensor<double, Rank>(there);
    broadcast(tensor.data(), tensor.size() * static_cast<Index>(sizeof(double)));
  });
}

EIGENESIS_ONCE void Distributed::expect_same(const std::vector<detail::SavedField>& trainer) {
  if (options_.any_instruction_set) return adopt(trainer);
  std::vector<double> own;
  for (const detail::SavedField& field : trainer) {
    detail::Checksum sum;
    if (field.in_files != InFiles::learning_rate) sum.add(std::as_bytes(detail::bytes_of(field)));
    own.push_back(static_cast<double>(sum.value()));
  }
  expect_same("numbers in the trainer", trainer, own,
              "; callbacks run on rank 0 only: does one change a model? Does a step depend on more than its batch and "
              "its gradients?");
  for (const detail::SavedField& field : trainer)
    if (field.in_files == InFiles::learning_rate)
      broadcast(detail::bytes_of(field).data(), std::ssize(detail::bytes_of(field)));
}

EIGENESIS_ONCE void Distributed::expect_same(std::string_view what, const std::vector<detail::SavedField>& trainer,
                                             std::span<const double> own, std::string_view hint) {
  const detail::CachedVector<double> all = meet("the trainer's fields", own);
  for (std::size_t i = own.size(); i < all.size(); ++i) {
    if (all[i] == all[i % own.size()]) continue;
    all_throw([&] {
      detail::fail<ArgumentError>(function_, ": expected all ranks to have the same ", what, " but rank ",
                                  i / own.size(), " has others than rank 0 in ", trainer[i % own.size()].name, hint);
    });
  }
}

EIGENESIS_ONCE void Distributed::begin_step(Index step) {
  stream_ = static_cast<std::uint64_t>(rank()) << 48 ^ static_cast<std::uint64_t>(step) << 16;
  samples_ = 1;
}

EIGENESIS_ONCE void Distributed::begin_batch(const detail::RowShare& rows, Rng& rng) {
  const Rng::State& state = rng.state();
  const auto low = [](std::uint64_t bits) { return static_cast<std::uint32_t>(bits); };
  const auto words = detail::philox({low(stream_), low(stream_ >> 32), low(state.counter), ~low(state.counter >> 32)},
                                    {low(state.key), low(state.key >> 32)});
  rng.draw_rows(rows, {std::uint64_t{words[0]} << 32 | words[1], 0});
  ++stream_;
  samples_ = rows.rows;
}

EIGENESIS_ONCE Index Distributed::end_step(std::span<NamedValue> losses, Index samples) {
  std::vector<double> own{static_cast<double>(samples)};
  for (const NamedValue& loss : losses) own.push_back(loss.value);
  const detail::CachedVector<double> met = meet("the end of a step", own);
  double all = 0;
  for (NamedValue& loss : losses) loss.value = 0;
  for (std::size_t r = 0; r < met.size(); r += own.size()) {
    all += met[r];
    for (std::size_t i = 0; i < losses.size(); ++i) losses[i].value += detail::rounded(met[r] * met[r + 1 + i]);
  }
  for (NamedValue& loss : losses) loss.value /= all;
  return static_cast<Index>(all);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
