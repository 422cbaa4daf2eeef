// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "eigenesis/files/file.hpp"
#include "eigenesis/layers/safetensors.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// What fit itself has to remember, as tensors of a file.
struct FitMemory {
  // Up to epoch_steps these must be those of the training that goes on.
  enum Number {
    major,
    minor,
    patch,
    samples,
    batch_size,
    epoch_steps,
    step,
    epoch,
    done,
    epochs,
    held_out,
    ranks,
    text_size,
    data,           // a checksum
    held_out_data,  // another
    begin_weights,  // another, of the trainer's parameters when the training began
    isa,
    watcher_numbers,
    count
  };
  Tensor<double, 1> numbers = Tensor<double, 1>(Shape{Index{count}}, 0);
  Tensor<double, 1> place = Tensor<double, 1>(Shape{14}, 0);  // the generator, at first and now; the place in the data
  std::string kinds;                                          // of the trainer's parts, a line for each; its losses
  Tensor<double, 1> letters;                                  // of that text, its bytes as files have them
  Tensor<double, 1> mean, recent;
  Tensor<double, 2> step_losses, epoch_losses, held_out_losses;
  Tensor<double, 1> watchers;  // what they have to remember

  Index number(Number i) const { return static_cast<Index>(numbers(i)); }
  void set(Number i, Index value) { numbers(i) = static_cast<double>(value); }

  static void fields(auto& self, auto&& field) {
    field("numbers", self.numbers, InFiles::count);
    field("place", self.place, InFiles::count);
    field("kinds", self.letters, InFiles::count);
    field("mean", self.mean);
    field("recent", self.recent);
    field("steps", self.step_losses);
    field("epochs", self.epoch_losses);
    field("held_out", self.held_out_losses);
    field("watchers", self.watchers);
  }
};

/// Whether the generator is where it was when the training of a checkpoint began,
inline bool begins_alike(const FitMemory& there, const FitMemory& here) {
  return std::equal(there.place.data(), there.place.data() + 4, here.place.data());
}
/// or where it was when the checkpoint was written.
inline bool goes_on_alike(const FitMemory& there, const FitMemory& here) {
  return std::equal(there.place.data() + 4, there.place.data() + 8, here.place.data() + 4);
}

using KeptNumbers = std::map<std::string, std::vector<std::uint8_t>>;

/// The fields of a trainer, and how many bytes each has.
using KeptSizes = std::map<std::string, std::size_t>;

/// What checkpoints need of files, so that only programs that write Checkpoint{...} have its code.
struct CheckpointFunctions {
  /// `mark` has to be that of the file at the path, if both are known, and becomes that of the new one. Throws
  /// DataError for a file that somebody else wrote.
  void (*save)(const std::string& path, Index keep, std::vector<SavedField> trainer, const FitMemory& memory,
               std::optional<std::string>& mark);
  /// Removes the earlier checkpoints at path.1 and so on, if more than one is kept. What is none stays.
  void (*remove_earlier)(const std::string& path, Index keep);
  /// The numbers of a checkpoint. `expected` has those that must be equal; with `reshard` the number of ranks may be
  /// another one if all ranks together have batches of the same size. Throws DataError for another training or a
  /// damaged file, and names the newest of the `keep` - 1 earlier ones that could be read instead.
  FitMemory (*read_numbers)(const std::string& path, Index keep, const FitMemory& expected, bool reshard);
  /// Reads the rest into the memory and into the trainer, which has the state of its optimizers already and parts of
  /// these kinds. Throws DataError if it does not fit; the trainer may have changed then.
  void (*read)(const std::string& path, FitMemory& memory, std::vector<SavedField> trainer, const std::string& kinds,
               Index loss_names);
  /// A copy of a trainer's numbers, and how it is restored: what came to be since then is 0, as it begins.
  KeptNumbers (*keep)(const std::vector<SavedField>& trainer);
  void (*put_back)(const std::vector<SavedField>& trainer, const KeptNumbers& kept);
  /// Throws DataError for a trainer whose numbers, as far as it had them already, were others than those it has now.
  void (*expect_kept)(const std::vector<SavedField>& trainer, const KeptNumbers& kept);
  /// Throws ArgumentError if a field has come or gone or has another size than in `kept`.
  void (*expect_sizes)(std::string_view function, const std::vector<SavedField>& trainer, const KeptSizes& kept);
  /// Throws ArgumentError if parts without fields, a line for each, are not as they were.
  void (*expect_unchanged)(std::string_view function, std::string_view before, std::string_view now);
  /// Throws DataError if there is a file at a path that is no checkpoint.
  void (*expect_none_or_checkpoint)(std::string_view function, const std::string& path);
};
CheckpointFunctions checkpoint_functions();

/// After a step that failed: if it did so for what is not finite, and a number of the trainer is not, throws a
/// NumericError that tells both.
[[gnu::cold]] void expect_finite_fields(const std::vector<SavedField>& trainer, const Error& error);
/// The bytes of a field in memory.
std::span<std::uint8_t> bytes_of(const SavedField& field);

}  // namespace detail

/// Where a training with a checkpoint begins.
enum class Start {
  resume_if_there,  // from the file if there is one, else from the beginning
  resume,           // from the file; it is an error if there is none
  anew              // from the beginning; the first checkpoint takes the place of the one there, or of all with .keep
};

/// Where fit keeps all that the rest of a training depends on, so that the same call goes on from there, to the same
/// bits: what the trainer's `fields` name, the generator, the place in the shuffled data, the history.
struct Checkpoint {
  std::string path = "";                 // a safetensors file with a checksum; none without
  Index every = 0;                       // steps from one to the next; in any case there is one after each epoch
  Start start = Start::resume_if_there;  // where the training begins
  Index keep = 1;        // how many there are: the newest is always at `path`, the one before at path.1, then path.2
  bool reshard = false;  // may be that of another number of ranks, if all of them together have batches of the same
                         // size; what follows then differs by rounding
  detail::CheckpointFunctions functions = detail::checkpoint_functions();  // not to be set
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/checkpoint_inl.hpp"
#endif
