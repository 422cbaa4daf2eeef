// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>

#include "eigenesis/data/batches.hpp"
#include "eigenesis/files/file.hpp"
#include "eigenesis/layers/safetensors.hpp"
#include "eigenesis/training/fit_options.hpp"
#include "eigenesis/training/losses.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// What fit itself has to remember, as tensors of a file.
struct FitMemory {
  enum Number {
    major,
    minor,
    patch,
    samples,
    batch_size,
    epoch_steps,  // must be equal
    step,
    epoch,
    done,
    epochs,
    held_out,
    last_number
  };
  Tensor<double, 1> numbers = Tensor<double, 1>(Shape{Index{last_number}}, 0);
  Tensor<double, 1> place =
      Tensor<double, 1>(Shape{14}, 0);  // the generator, as it was at first and is now; BatchPlace
  Tensor<double, 1> mean, recent;
  Tensor<double, 2> step_losses, epoch_losses, held_out_losses;

  Index number(Number i) const { return static_cast<Index>(numbers(i)); }
  void set(Number i, Index value) { numbers(i) = static_cast<double>(value); }

  static void fields(auto& self, auto&& field) {
    field("numbers", self.numbers, InFiles::count);
    field("place", self.place, InFiles::count);
    field("mean", self.mean);
    field("recent", self.recent);
    field("steps", self.step_losses);
    field("epochs", self.epoch_losses);
    field("held_out", self.held_out_losses);
  }
};

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

  template <class Batches>
  FitMemory remember(const Batches& batches, const Rng& rng) const {
    FitMemory memory;
    memory.set(FitMemory::major, EIGENESIS_VERSION_MAJOR);
    memory.set(FitMemory::minor, EIGENESIS_VERSION_MINOR);
    memory.set(FitMemory::patch, EIGENESIS_VERSION_PATCH);
    if constexpr (!Batches::endless) memory.set(FitMemory::samples, batches.samples());
    memory.set(FitMemory::batch_size, batch_size);
    memory.set(FitMemory::epoch_steps, epoch_steps);
    memory.set(FitMemory::step, state.step);
    memory.set(FitMemory::epoch, state.epoch);
    memory.set(FitMemory::done, done);
    memory.set(FitMemory::epochs, std::ssize(history.epochs));
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
    return memory;
  }
  template <class Batches>
  void go_on_from(const FitMemory& memory, Batches& batches, Rng& rng) {
    state.step = memory.number(FitMemory::step);
    state.epoch = memory.number(FitMemory::epoch);
    done = memory.number(FitMemory::done);
    const auto bits = [&](Index i) { return get_bits(memory.place.data() + 2 * i); };
    begin = {bits(0), bits(1)};
    rng = Rng(Rng::State{bits(2), bits(3)});
    batches.go_to({{bits(4), bits(5)}, static_cast<Index>(bits(6)) - 1});
    mean.restore(memory.mean);
    recent.restore(memory.recent);
    history.steps = losses_of<Losses>(memory.step_losses);
    history.epochs = losses_of<Losses>(memory.epoch_losses);
    history.held_out = losses_of<Losses>(memory.held_out_losses);
  }
};

/// A whole checkpoint, or the numbers of one.
template <class Trainer>
struct CheckpointFile {
  Trainer& trainer;
  FitMemory& fit;
  static void fields(auto& self, auto&& field) {
    field("trainer", self.trainer);
    field("fit", self.fit);
  }
};
struct CheckpointNumbers {
  struct Fit {
    Tensor<double, 1> numbers = FitMemory{}.numbers, place = FitMemory{}.place;
    static void fields(auto& self, auto&& field) {
      field("numbers", self.numbers, InFiles::count);
      field("place", self.place, InFiles::count);
    }
  } fit;
  static void fields(auto& self, auto&& field) { field("fit", self.fit); }
};

/// A copy of what a trainer's fields name. back() restores it; what came to be since then is 0, as it begins.
template <class Trainer>
class Backup {
 public:
  explicit Backup(Trainer& trainer) : trainer_(trainer) {
    for_each_state(std::as_const(trainer), [&](const FieldPath& path, const auto& tensor) {
      kept_.emplace(to_string(path), std::vector<double>(tensor.values().begin(), tensor.values().end()));
    });
  }
  void back() {
    for_each_state(trainer_, [&]<class Scalar, int Rank>(const FieldPath& path, Tensor<Scalar, Rank>& tensor) {
      const auto found = kept_.find(to_string(path));
      for (std::size_t i = 0; i < tensor.values().size(); ++i)
        tensor.values()[i] = found == kept_.end() ? Scalar{0} : static_cast<Scalar>(found->second[i]);
    });
  }

 private:
  Trainer& trainer_;
  std::map<std::string, std::vector<double>> kept_;  // doubles hold every float
};

/// The numbers of a checkpoint. `expected` has those that must be equal. Throws DataError for another training.
inline FitMemory read_checkpoint_numbers(const std::string& path, const FitMemory& expected) {
  CheckpointNumbers read;
  load_safetensors(path, read, {.partial = true, .exact = true});
  FitMemory memory;
  memory.numbers = read.fit.numbers;
  memory.place = read.fit.place;
  for (const auto& [number, name] : {std::pair{FitMemory::major, "library version (major)"},
                                     {FitMemory::minor, "library version (minor)"},
                                     {FitMemory::patch, "library version (patch)"},
                                     {FitMemory::samples, "number of samples"},
                                     {FitMemory::batch_size, "batch_size"},
                                     {FitMemory::epoch_steps, "number of steps in an epoch (0: steps were asked for)"}})
    require<DataError>(memory.number(number) == expected.number(number), "its ", name, " is ", memory.number(number),
                       ", here it is ", expected.number(number));
  const auto is_at = [place = memory.place.data(), begin = std::as_const(expected.place).data()](Index i) {
    return std::equal(place + i, place + i + 4, begin);
  };
  require<DataError>(is_at(0) || is_at(4), "it began with another generator; is the seed another one?");
  for (const FitMemory::Number i : {FitMemory::step, FitMemory::epochs, FitMemory::held_out})
    require<DataError>(memory.numbers(i) <= static_cast<double>(max_file_bytes / 8), "its history cannot have ",
                       memory.number(i), " losses");
  return memory;
}

/// Reads the rest of a checkpoint into its memory and the trainer, which has the state of its optimizers already.
/// Throws DataError, with the trainer as it was, if it does not fit.
template <class Trainer>
void read_checkpoint(const std::string& path, FitMemory& memory, Trainer& trainer, Index loss_names) {
  memory.mean = memory.recent = Tensor<double, 1>(Shape{loss_names + 1});
  memory.step_losses = Tensor<double, 2>(Shape{memory.number(FitMemory::step), loss_names});
  memory.epoch_losses = Tensor<double, 2>(Shape{memory.number(FitMemory::epochs), loss_names});
  memory.held_out_losses = Tensor<double, 2>(Shape{memory.number(FitMemory::held_out), loss_names});
  CheckpointFile<Trainer> whole{trainer, memory};
  load_safetensors(path, whole, {.allow_non_finite = true, .exact = true});
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
