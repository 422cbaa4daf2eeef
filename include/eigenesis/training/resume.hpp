// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/training/checkpoint_file.hpp"
#include "eigenesis/training/steps.hpp"

// How fit begins: from a checkpoint, from what rank 0 has, or anew; and what it says of data that are not finite.
namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// Whether a step failed because a number is not finite.
[[gnu::cold]] inline bool is_about_numbers(const Error& error) {
  if (dynamic_cast<const NumericError*>(&error)) return true;
  const std::string_view text = error.what();
  const auto is_letter = [&](std::size_t i) {
    return i < text.size() &&
           ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '_');
  };
  for (const std::string_view word : {"nan", "inf"})
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1))
      if (!is_letter(at - 1) && !is_letter(at + word.size())) return true;
  return false;
}

/// After a step that failed because of numbers: throws DataError if one in the data is not finite, which tells more.
template <class Data>
[[gnu::cold]] void expect_finite(const std::string& name, const char* what, const Data& data, const Error& error) {
  if (!is_about_numbers(error)) return;
  if constexpr (HasRows<Data>)
    for_each_tensor(data, [&](std::string_view field, const auto& tensor) {
      const auto* const end = tensor.data() + tensor.size();
      const auto* const bad = std::find_if_not(tensor.data(), end, [](auto x) { return std::isfinite(x); });
      if (bad != end)
        fail<DataError>(name, ": expected finite ", what, " but got ", *bad, " in row ",
                        (bad - tensor.data()) / (tensor.size() / tensor.shape(0)), " of ", field, " (", error.what(),
                        ")");
    });
}

/// What data go through, for checkpoints: "Transformed(Binarize)" in a line.
template <class Data>
std::string transforms(const Data& data, const char* what = "") {
  if constexpr (requires { data.data, data.f; })
    return "Transformed(" + described(data.f) + ")" + what + "\n" + transforms(data.data, what);
  else
    return {};
}

/// Makes the state of the trainer's optimizers, whose numbers are then overwritten.
template <class Trainer, class Data>
[[gnu::cold, gnu::noinline]] void make_state(Trainer& trainer, const Data& data, Index batch_size) {
  if constexpr (requires { trainer.prepare(); }) {
    trainer.prepare();
  } else {  // a step makes it
    Rng any(0);
    Batches<Data> some(data, {.batch_size = batch_size, .drop_last = TakesSeveralBatches<Trainer>});
    NextBatch<Batches<Data>> next{some, any};
    one_step(trainer, next, any);
  }
}

/// Goes on from a checkpoint; whether there is one. `kept` are the trainer's numbers as they are. If it throws, they
/// may have changed.
template <class Trainer, class Data, class Losses>
[[gnu::cold]] bool resume(const std::string& name, const Checkpoint& checkpoint, Trainer& trainer, const Data& data,
                          Batches<Data>& batches, FitProgress<Losses>& run, Rng& rng, bool held_out, Index most_steps,
                          const std::string& data_text, const KeptNumbers& kept) {
  const std::string& path = checkpoint.path;
  const bool there = file_exists(path);
  for (Index i = 1; !there && checkpoint.start != Start::anew && i <= checkpoint.keep; ++i) {
    const std::string earlier = earlier_file(path, i);
    require<ArgumentError>(!file_exists(earlier), name, ": expected a checkpoint in ", path,
                           " but only an earlier one is there, ", earlier,
                           "; copy it to the path, or begin with Start::anew");
  }
  require<ArgumentError>(there || checkpoint.start != Start::resume, name, ": expected a checkpoint to resume from in ",
                         path, " but there is no such file");
  const CheckpointFunctions& functions = checkpoint.functions;
  if (checkpoint.start == Start::anew) functions.expect_none_or_checkpoint(name, path);
  if (!there || checkpoint.start == Start::anew) return false;
  try {
    const FitMemory here = run.remember(batches, rng);
    FitMemory memory = functions.read_numbers(path, checkpoint.keep, here, checkpoint.reshard);
    const Index evaluated = memory.number(FitMemory::held_out), epochs = memory.number(FitMemory::epochs);
    require<DataError>(evaluated == (held_out ? epochs : 0), "it has held-out losses of ", evaluated, " of its ",
                       epochs, " epochs, here held-out data are ", held_out ? "given" : "not given");
    if (memory.number(FitMemory::step) > 0) make_state(trainer, data, run.batch_size);
    std::string kinds;
    std::vector<SavedField> fields = described_fields<Losses>(trainer, data_text, kinds);
    functions.read(path, memory, fields, kinds, loss_count<Losses>());
    require<DataError>(memory.number(FitMemory::data) == here.number(FitMemory::data),
                       "it was trained on other data, their checksums differ");
    require<DataError>(memory.number(FitMemory::held_out_data) == here.number(FitMemory::held_out_data),
                       "it was evaluated on other held-out data, their checksums differ");
    require<DataError>(begins_alike(memory, here) || goes_on_alike(memory, here),
                       "it began with other random numbers; is the seed of the Rng another one, or what was drawn "
                       "from it before?");
    const Index steps = memory.number(FitMemory::step);
    require<DataError>(steps <= most_steps, "it has ", steps, " steps already, and ", most_steps,
                       " are asked for; more, or another path, or Start::anew");
    if (!begins_alike(memory, here)) functions.expect_kept(fields, kept);
    run.go_on_from(memory, batches, rng);
    return true;
  } catch (const DataError& error) {
    constexpr bool can_prepare = requires { trainer.prepare(); };
    const bool misses_state = std::string_view(error.what()).find("prepare(model)") != std::string_view::npos;
    std::string what = error.what();
    if (const std::string_view reader = "load_safetensors: "; what.find(reader) != what.npos)
      what.erase(what.find(reader), reader.size());  // the caller has not called it
    fail<DataError>(name, ": expected a checkpoint of this training in ", path, " but: ", what,
                    can_prepare || !misses_state ? ""
                                                 : ", and a trainer whose first step does not use all of its "
                                                   "optimizers needs a function prepare() that does so");
  }
}

/// Shows watchers what a checkpoint tells of earlier runs.
template <class Losses>
[[gnu::cold]] void show_past(Watching& watching, const FitHistory<Losses>& history, Index epoch_steps) {
  Index step = 0, epoch = 1;
  for (const Losses& losses : history.steps) {
    watching.step(++step, epoch, named(losses), true);
    if (step != epoch * epoch_steps) continue;
    const auto i = static_cast<std::size_t>(epoch++ - 1);
    if (i >= history.epochs.size()) continue;
    const auto tested = i < history.held_out.size() ? named(history.held_out[i]) : CachedVector<NamedValue>();
    watching.epoch(step, epoch - 1, named(history.epochs[i]), tested, true);
  }
}

/// All ranks begin with what rank 0 has; whether it goes on from a checkpoint.
template <class Trainer, class Data, class Losses>
[[gnu::cold]] bool adopt_start(Ranks& ranks, bool resumed, Trainer& trainer, const Data& data, Batches<Data>& batches,
                               FitProgress<Losses>& run, Rng& rng) {
  FitMemory memory = run.remember(batches, rng);
  ranks.adopt(memory);
  if (memory.number(FitMemory::step) > run.state.step) make_state(trainer, data, run.batch_size);
  ranks.adopt(saved_fields(trainer));
  run.go_on_from(memory, batches, rng);
  return ranks.any("the start", resumed);
}

/// Losses that other ranks had a part in.
template <class Losses>
void set_values(Losses& losses, std::span<const NamedValue> values) {
  Losses::fields(losses, [next = values.begin()](std::string_view, double& value) mutable { value = (next++)->value; });
}

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI
