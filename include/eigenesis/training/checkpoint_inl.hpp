// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <numeric>

#include "eigenesis/files/file_inl.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/training/checkpoint.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The fields of a checkpoint: those of the trainer, "trainer.model...", and fit's own, "fit.numbers".
EIGENESIS_ONCE std::vector<SavedField> checkpoint_fields(std::vector<SavedField> trainer, FitMemory& memory) {
  for (SavedField& field : trainer) field.name = "trainer." + field.name;
  for (SavedField& field : saved_fields(memory)) {
    field.name = "fit." + field.name;
    trainer.push_back(std::move(field));
  }
  return trainer;
}

/// The first of a field's numbers that is bad, as text; nothing if there is none.
template <class IsBad>
std::string first_bad(const SavedField& field, IsBad&& is_bad) {
  const auto search = [&]<class Scalar>(const Scalar* x) {
    const Scalar* const end = x + std::accumulate(field.shape.begin(), field.shape.end(), Index{1}, std::multiplies{});
    const Scalar* const bad = std::find_if(x, end, is_bad);
    return bad == end ? std::string() : text(*bad);
  };
  if (field.type == DataType::f64) return search(static_cast<const double*>(field.data));
  if (field.type == DataType::f32) return search(static_cast<const float*>(field.data));
  return {};
}

EIGENESIS_ONCE void expect_finite_fields(const std::vector<SavedField>& trainer, const Error& error) {
  if (!dynamic_cast<const NumericError*>(&error)) return;
  for (const SavedField& field : trainer)
    if (const std::string bad = first_bad(field, [](auto x) { return !std::isfinite(x); }); !bad.empty())
      fail<NumericError>(error.what(), "; ", field.name, " has ", bad);
}

/// Throws NumericError for what could not be read again: the good file from before must not be lost.
EIGENESIS_ONCE void expect_numbers(const std::string& path, const std::vector<SavedField>& trainer) {
  for (const SavedField& field : trainer) {
    const bool count = field.in_files == InFiles::count,
               at_least_zero = count || field.in_files == InFiles::at_least_zero;
    const bool finite = at_least_zero || field.updated != nullptr;  // of a number of one's own, infinity may be meant
    const std::string bad = first_bad(field, [&](auto x) {
      return std::isnan(x) || (finite && std::isinf(x)) || (at_least_zero && x < 0) || (count && x != std::floor(x));
    });
    if (bad.empty()) continue;
    fail<NumericError>("Checkpoint: expected ",
                       count           ? "whole numbers >= 0"
                       : at_least_zero ? "finite numbers >= 0"
                                       : "finite numbers",
                       " in ", field.name, " but got ", bad, "; the file is left as it was: ", path);
  }
}

EIGENESIS_ONCE void save_checkpoint(const std::string& path, Index keep, std::vector<SavedField> trainer,
                                    const FitMemory& memory, std::optional<std::string>& mark) {
  expect_numbers(path, trainer);
  const std::optional<std::string> there = mark_of(path);
  require<DataError>(!there || there->empty() || !mark || *there == *mark, "Checkpoint: expected ",
                     mark && mark->empty() ? "no file" : "the file that this training wrote last,",
                     " but another program has written there since; it is left as it is: ", path);
  FitMemory copy = memory;
  copy.set(FitMemory::text_size, std::ssize(memory.kinds));
  copy.letters = Tensor<double, 1>(Shape{std::ssize(memory.kinds)});
  std::ranges::transform(memory.kinds, copy.letters.data(), [](char c) { return static_cast<unsigned char>(c); });
  remove_abandoned_files(path);
  write_safetensors("Checkpoint", path, checkpoint_fields(std::move(trainer), copy), keep);
  mark = mark_of(path);
}

/// Throws DataError for a checkpoint of another number of ranks that this training cannot go on from.
EIGENESIS_ONCE void expect_ranks(const FitMemory& memory, const FitMemory& expected, bool reshard) {
  const double there = memory.numbers(FitMemory::ranks), here = expected.numbers(FitMemory::ranks);
  if (there == here) return;
  const auto ranks = [](double n) { return text(n) + (n == 1 ? " rank" : " ranks"); };
  require<DataError>(reshard, "it was written by ", ranks(there), ", here it would be ", ranks(here),
                     "; a Checkpoint with .reshard = true goes on, but to other bits");
  const double before = there * memory.numbers(FitMemory::batch_size);
  const double now = here * expected.numbers(FitMemory::batch_size);
  require<DataError>(before == now, "its ", ranks(there), " had batches of ", before, " samples together, here they ",
                     "would be of ", now,
                     std::fmod(before, here) == 0 ? "; a batch_size of " + text(before / here) + " goes on" : "");
}

/// Whether a file's header has a name of fit's: it is a checkpoint, perhaps a damaged one.
EIGENESIS_ONCE bool names_fit(std::string_view function, const std::string& path) {
  const Bytes begin = read_file(function, path, 8);
  std::uint64_t size = 0;
  if (begin.size() == 8) std::memcpy(&size, begin.data(), 8);
  if (size == 0 || size > static_cast<std::uint64_t>(max_file_bytes)) return false;
  const Bytes header = read_file(function, path, static_cast<std::size_t>(8 + size));
  return std::string_view(reinterpret_cast<const char*>(header.data()), header.size()).find("\"fit.numbers\"") !=
         std::string_view::npos;
}

EIGENESIS_ONCE FitMemory checkpoint_numbers(const std::string& path, const FitMemory& expected, bool reshard) {
  FitMemory memory;
  std::vector<SavedField> fields = checkpoint_fields({}, memory);
  fields.resize(2);  // numbers and place, whose shapes are known
  try {
    read_safetensors(path, fields, {.partial = true, .exact = true});
  } catch (const DataError& error) {
    bool is_other = false;
    try {
      is_other = !names_fit("Checkpoint", path);
    } catch (const DataError&) {  // not readable at all
    }
    if (!is_other) throw;
    fail<DataError>("it is no checkpoint, or a damaged one: ", error.what());
  }
  expect_ranks(memory, expected, reshard);
  const bool resharded = memory.number(FitMemory::ranks) != expected.number(FitMemory::ranks);
  for (const auto& [number, name] : {std::pair{FitMemory::major, "library version (major)"},
                                     {FitMemory::minor, "library version (minor)"},
                                     {FitMemory::patch, "library version (patch)"},
                                     {FitMemory::samples, "number of samples"},
                                     {FitMemory::batch_size, "batch_size"},
                                     {FitMemory::epoch_steps, "number of steps in an epoch (0: steps were asked for)"}})
    require<DataError>(
        memory.number(number) == expected.number(number) || (resharded && number == FitMemory::batch_size), "its ",
        name, " is ", memory.number(number), ", here it is ", expected.number(number));
  for (const FitMemory::Number i : {FitMemory::step, FitMemory::epochs, FitMemory::held_out})
    require<DataError>(memory.numbers(i) <= static_cast<double>(max_file_bytes / 8), "its history cannot have ",
                       memory.number(i), " losses");
  return memory;
}

EIGENESIS_ONCE FitMemory read_checkpoint_numbers(const std::string& path, Index keep, const FitMemory& expected,
                                                 bool reshard) {
  try {
    return checkpoint_numbers(path, expected, reshard);
  } catch (const DataError& error) {
    for (Index i = 1; i < keep; ++i) {
      const std::string earlier = earlier_file(path, i);
      Index step = 0;
      try {
        step = checkpoint_numbers(earlier, expected, reshard).number(FitMemory::step);
      } catch (const DataError&) {
        continue;  // this one is no better
      }
      fail<DataError>(error.what(), "; that of step ", step, " is whole and can be copied from ", earlier);
    }
    throw;
  }
}

/// Kinds without the states of optimizers, which a trainer may have after its first step only.
EIGENESIS_ONCE std::string without_states(std::string_view kinds) {
  std::string rest;
  while (!kinds.empty()) {
    const std::string_view line = kinds.substr(0, std::min(kinds.find('\n'), kinds.size() - 1) + 1);
    if (!line.ends_with(" Slot\n")) rest += line;
    kinds.remove_prefix(line.size());
  }
  return rest;
}

/// Throws DataError that names the first part in which two trainers differ.
EIGENESIS_ONCE void expect_kinds(std::string_view there, std::string_view here) {
  const auto same = static_cast<std::size_t>(std::ranges::mismatch(there, here).in1 - there.begin());
  const auto part = [same](std::string_view kinds) -> std::string {  // the line with this letter: a path, a kind
    if (same >= kinds.size()) return "nothing more";
    const std::size_t begin = kinds.substr(0, same).rfind('\n') + 1;  // of npos: 0
    const std::string_view line = kinds.substr(begin, kinds.find('\n', begin) - begin);
    const std::size_t space = line.find(' ');
    if (space == line.npos || line.find('(') < space) return shown(line);
    return shown(line.substr(space + 1)) + " as trainer." + shown(line.substr(0, space));
  };
  require<DataError>(there == here, "it is of a training with ", part(there), ", this one has ", part(here));
}

EIGENESIS_ONCE void read_checkpoint(const std::string& path, FitMemory& memory, std::vector<SavedField> trainer,
                                    const std::string& kinds, Index loss_names) {
  double losses = 0;
  for (const FitMemory::Number i : {FitMemory::step, FitMemory::epochs, FitMemory::held_out})
    losses += memory.numbers(i) * static_cast<double>(loss_names);
  const double numbers = memory.numbers(FitMemory::watcher_numbers);
  struct stat file = {};
  const bool known = despite_signals([&] { return ::stat(path.c_str(), &file); }) == 0;  // before errno is read
  require<DataError>(known, "expected a readable file but got '", std::strerror(errno), "' for ", path);
  const Index letters = memory.number(FitMemory::text_size);
  require<DataError>(letters <= file.st_size / 8, "it cannot have ", letters, " letters in ", file.st_size, " bytes");
  memory.letters = Tensor<double, 1>(Shape{letters});
  const auto text_of = [](const Tensor<double, 1>& from) {
    std::string text;
    for (const double letter : from.values())
      text += static_cast<char>(static_cast<unsigned char>(std::min(letter, 255.0)));
    return text;
  };
  require<DataError>(8 * losses <= static_cast<double>(file.st_size), "its history cannot have ", losses, " losses in ",
                     file.st_size,
                     " bytes");  // before memory is taken
  require<DataError>(8 * numbers <= static_cast<double>(file.st_size), "it cannot have ", numbers,
                     " numbers of watchers in ", file.st_size, " bytes");
  memory.watchers = Tensor<double, 1>(Shape{memory.number(FitMemory::watcher_numbers)});
  memory.mean = memory.recent = Tensor<double, 1>(Shape{loss_names + 1});
  memory.step_losses = Tensor<double, 2>(Shape{memory.number(FitMemory::step), loss_names});
  memory.epoch_losses = Tensor<double, 2>(Shape{memory.number(FitMemory::epochs), loss_names});
  memory.held_out_losses = Tensor<double, 2>(Shape{memory.number(FitMemory::held_out), loss_names});
  try {
    read_safetensors(path, checkpoint_fields(std::move(trainer), memory), {.allow_non_finite = true, .exact = true});
  } catch (const DataError&) {  // a difference of kinds tells more
    std::vector<SavedField> kinds_alone = checkpoint_fields({}, memory);
    std::erase_if(kinds_alone, [](const SavedField& field) { return field.name != "fit.kinds"; });
    read_safetensors(path, kinds_alone, {.partial = true, .exact = true});
    expect_kinds(without_states(text_of(memory.letters)), without_states(kinds));
    throw;
  }
  memory.kinds = text_of(memory.letters);
  expect_kinds(memory.kinds, kinds);
}

EIGENESIS_ONCE std::span<std::uint8_t> bytes_of(const SavedField& field) {
  const Index size =
      std::accumulate(field.shape.begin(), field.shape.end(), facts(field.type).bytes, std::multiplies{});
  return {static_cast<std::uint8_t*>(field.data), static_cast<std::size_t>(size)};
}
EIGENESIS_ONCE KeptNumbers keep_numbers(const std::vector<SavedField>& trainer) {
  KeptNumbers kept;
  for (const SavedField& field : trainer) {
    const auto bytes = bytes_of(field);
    kept.emplace(field.name, std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
  }
  return kept;
}
EIGENESIS_ONCE void put_numbers_back(const std::vector<SavedField>& trainer, const KeptNumbers& kept) {
  for (const SavedField& field : trainer) {
    const auto found = kept.find(field.name);
    if (field.updated) *field.updated = next_serial();
    if (found != kept.end() && found->second.size() == bytes_of(field).size())
      std::ranges::copy(found->second, bytes_of(field).begin());
    else
      std::ranges::fill(bytes_of(field), std::uint8_t{0});
  }
}

EIGENESIS_ONCE void expect_kept_numbers(const std::vector<SavedField>& trainer, const KeptNumbers& kept) {
  for (const SavedField& field : trainer) {
    const auto found = kept.find(field.name);
    require<DataError>(
        found == kept.end() || std::ranges::equal(found->second, bytes_of(field)),
        "the generator goes on from where that training stopped, but the trainer has other numbers in trainer.",
        field.name,
        field.in_files == InFiles::learning_rate
            ? "; a callback may set it while the training goes on, .on_step or .on_epoch; a trainer made anew goes on"
            : "; another model wants a path of its own");
  }
}

EIGENESIS_ONCE void expect_kept_sizes(std::string_view function, const std::vector<SavedField>& trainer,
                                      const KeptSizes& kept) {
  const auto changed = [&](const std::string& name, std::size_t now) {
    const auto found = kept.find(name);
    const std::size_t before = found == kept.end() ? 0 : found->second;
    if (before != now)
      fail<ArgumentError>(function,
                          ": expected fields of the sizes that they had after the first step, as a checkpoint "
                          "cannot be read into others, but got ",
                          now, " bytes after ", before, " in trainer.", name,
                          "; does a later step make the state of an optimizer? A function prepare() makes it at first");
  };
  KeptSizes now;
  for (const SavedField& field : trainer) changed(field.name, now[field.name] = bytes_of(field).size());
  for (const auto& [name, size] : kept)
    if (!now.contains(name)) changed(name, 0);
}

EIGENESIS_ONCE void expect_unchanged_parts(std::string_view function, std::string_view before, std::string_view now) {
  if (now == before) return;
  const auto same = static_cast<std::size_t>(std::ranges::mismatch(now, before).in1 - now.begin());
  const std::size_t begin = now.substr(0, same).rfind('\n') + 1;  // of npos: 0
  const std::string_view whole = now.substr(begin, now.find('\n', begin) - begin),
                         path = whole.substr(0, whole.find(' '));
  require<ArgumentError>(!whole.ends_with(" parameter"), function,
                         ": expected parameters to stay fixed, or trained, in a training with a checkpoint, which ",
                         "begins with what the program says, but got trainer.", path, ",",
                         whole.substr(std::min(path.size(), whole.size())),
                         "; call fit once for each part, with paths of their own");
  const std::string_view line = whole.substr(0, whole.find(" has "));
  fail<ArgumentError>(function,
                      ": expected parts of the trainer without `fields` to stay as they are, as a checkpoint ",
                      "does not keep them, but got other numbers in trainer.", line,
                      "; name them in its `fields`, as doubles or tensors, or compute anew what is a cache");
}

EIGENESIS_ONCE void expect_none_or_checkpoint(std::string_view function, const std::string& path) {
  const bool none = !file_exists(path) || read_file(function, path, 1).empty();
  require<DataError>(none || names_fit(function, path), function,
                     ": expected a checkpoint that may be overwritten, or no file, but got another file: ", path);
}

EIGENESIS_ONCE void remove_earlier_checkpoints(const std::string& path, Index keep) {
  if (keep == 1) return;  // a copy of one's own may lie beside it
  for (Index i = 1; i <= keep || file_exists(earlier_file(path, i)); ++i) try {  // one may be missing after a kill
      const std::string earlier = earlier_file(path, i);
      if (names_fit("Checkpoint", earlier)) ::unlink(earlier.c_str());
    } catch (const DataError&) {  // a folder
    }
}

EIGENESIS_ONCE CheckpointFunctions checkpoint_functions() {
  return {save_checkpoint,        remove_earlier_checkpoints, read_checkpoint_numbers, read_checkpoint,
          keep_numbers,           put_numbers_back,           expect_kept_numbers,     expect_kept_sizes,
          expect_unchanged_parts, expect_none_or_checkpoint};
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
