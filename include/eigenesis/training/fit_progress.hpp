// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/batches.hpp"
#include "eigenesis/training/fit_options.hpp"
#include "eigenesis/training/losses.hpp"

// How far a training is, and how that becomes numbers of a checkpoint and comes from there.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// 64 bits as two numbers that a double holds exactly.
inline void put_bits(double* to, std::uint64_t bits) {
  to[0] = static_cast<double>(bits >> 32);
  to[1] = static_cast<double>(bits & 0xffffffff);
}
inline std::uint64_t get_bits(const double* from) {
  return static_cast<std::uint64_t>(from[0]) << 32 | static_cast<std::uint64_t>(from[1]);
}

/// Losses as rows, [N, names].
template <class Losses>
Tensor<double, 2> loss_rows(const std::vector<Losses>& losses) {
  Tensor<double, 2> rows(Shape{std::ssize(losses), loss_count<Losses>()});
  double* to = rows.data();
  for (const Losses& each : losses) Losses::fields(each, [&](std::string_view, const double& value) { *to++ = value; });
  return rows;
}
template <class Losses>
std::vector<Losses> losses_of(const Tensor<double, 2>& rows) {
  std::vector<Losses> losses(static_cast<std::size_t>(rows.shape(0)));
  const double* from = rows.data();
  for (Losses& each : losses) Losses::fields(each, [&](std::string_view, double& value) { value = *from++; });
  return losses;
}

/// How far a training is.
template <class Losses>
struct FitProgress {
  FitState<Losses> state = {};
  Index done = 0;                             // steps of the epoch
  MeanLosses<Losses> mean = {}, recent = {};  // over the epoch, and as it is shown
  FitHistory<Losses>& history;
  Index batch_size;
  Index epoch_steps;  // of each epoch, or 0 if a number of steps was asked for
  Rng::State begin;   // of the generator
  Index ranks = 1;
  Isa isa = eigenesis::isa();         // of the steps so far
  Index data = 0, held_out_data = 0;  // checksums
  Index begin_weights = 0;            // another, of the trainer's parameters at its beginning
  std::vector<double> watchers = {};  // what they have to remember

  template <class Batches>
  [[gnu::cold]] FitMemory remember(const Batches& batches, const Rng& rng) const {
    FitMemory memory;
    memory.set(FitMemory::major, EIGENESIS_VERSION_MAJOR);
    memory.set(FitMemory::minor, EIGENESIS_VERSION_MINOR);
    memory.set(FitMemory::patch, EIGENESIS_VERSION_PATCH);
    if constexpr (!Batches::endless) memory.set(FitMemory::samples, batches.samples());
    memory.set(FitMemory::batch_size, batch_size);
    memory.set(FitMemory::epoch_steps, epoch_steps);
    memory.set(FitMemory::data, data);
    memory.set(FitMemory::held_out_data, held_out_data);
    memory.set(FitMemory::begin_weights, begin_weights);
    memory.set(FitMemory::isa, static_cast<Index>(eigenesis::isa()));
    memory.set(FitMemory::step, state.step);
    memory.set(FitMemory::epoch, state.epoch);
    memory.set(FitMemory::done, done);
    memory.set(FitMemory::epochs, std::ssize(history.epochs));
    memory.set(FitMemory::ranks, ranks);
    memory.set(FitMemory::held_out, std::ssize(history.held_out));
    const BatchPlace place = batches.place();
    const std::uint64_t bits[] = {begin.key,
                                  begin.counter,
                                  rng.state().key,
                                  rng.state().counter,
                                  place.epoch_begin.key,
                                  place.epoch_begin.counter,
                                  static_cast<std::uint64_t>(place.step + 1)};
    for (Index i = 0; i < 7; ++i) put_bits(memory.place.data() + 2 * i, bits[i]);
    memory.mean = mean.state();
    memory.recent = recent.state();
    memory.step_losses = loss_rows(history.steps);
    memory.epoch_losses = loss_rows(history.epochs);
    memory.held_out_losses = loss_rows(history.held_out);
    memory.set(FitMemory::watcher_numbers, std::ssize(watchers));
    memory.watchers = Tensor<double, 1>(Shape{std::ssize(watchers)});
    std::ranges::copy(watchers, memory.watchers.data());
    return memory;
  }
  template <class Batches>
  [[gnu::cold]] void go_on_from(const FitMemory& memory, Batches& batches, Rng& rng) {
    state.step = memory.number(FitMemory::step);
    state.epoch = memory.number(FitMemory::epoch);
    done = memory.number(FitMemory::done);
    isa = static_cast<Isa>(std::min(memory.number(FitMemory::isa), Index{2}));
    const auto bits = [&](Index i) { return get_bits(memory.place.data() + 2 * i); };
    begin = {bits(0), bits(1)};
    begin_weights = memory.number(FitMemory::begin_weights);
    rng = Rng(Rng::State{bits(2), bits(3)});
    batches.go_to({{bits(4), bits(5)}, static_cast<Index>(bits(6)) - 1});
    mean.restore(memory.mean);
    recent.restore(memory.recent);
    history.steps = losses_of<Losses>(memory.step_losses);
    history.epochs = losses_of<Losses>(memory.epoch_losses);
    history.held_out = losses_of<Losses>(memory.held_out_losses);
    watchers.assign(memory.watchers.values().begin(), memory.watchers.values().end());
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
