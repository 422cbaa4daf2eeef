// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/training/checkpoint.hpp"

// The checkpoints of one training.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The fields of a trainer; their kinds, the names of the losses and a description of the data, in a text that a
/// checkpoint keeps; and its parts without fields, in another one.
template <class Losses, class Trainer>
[[gnu::cold]] std::vector<SavedField> described_fields(Trainer& trainer, const std::string& data, std::string& kinds,
                                                       std::string* others = nullptr) {
  std::vector<SavedField> fields = saved_fields(trainer, &kinds, others);
  kinds += "losses";
  const Losses losses = {};
  Losses::fields(losses, [&](std::string_view loss, const double&) { kinds.append(" ").append(loss); });
  kinds += '\n' + data;
  return fields;
}

/// Where a training keeps its checkpoints, if it does, and what it remembers of them.
class CheckpointFile {
 public:
  /// Throws ArgumentError for a checkpoint that cannot be.
  CheckpointFile(const std::string& name, const std::optional<Checkpoint>& given, bool has_fields) {
    if (!given) return;
    const bool there = !given->path.empty();
    require<ArgumentError>(there || given->start != Start::resume, name,
                           ": expected the path of a checkpoint to resume from but got none");
    require<ArgumentError>(has_fields, name, ": expected a trainer with `fields` for a checkpoint");
    require<ArgumentError>(given->every >= 0 && given->keep >= 1, name,
                           ": expected a checkpoint with every >= 0 and keep >= 1 but got ", given->every, " and ",
                           given->keep);
    require<ArgumentError>(there || (given->every == 0 && given->keep == 1), name,
                           ": expected the path of a checkpoint to keep but got none");
    if (!there) return;
    checkpoint_ = given;
    checkpoint_->path = absolute_path(given->path);
    replaces_all_ = given->start == Start::anew;
  }

  explicit operator bool() const { return checkpoint_.has_value(); }
  const Checkpoint& operator*() const { return *checkpoint_; }
  const Checkpoint* operator->() const { return &*checkpoint_; }
  /// Its path, or nothing.
  std::string path() const { return checkpoint_ ? checkpoint_->path : std::string(); }

  /// Whether there is a file from which the training is to go on.
  bool is_to_be_read() const {
    return checkpoint_ && checkpoint_->start != Start::anew && file_exists(checkpoint_->path);
  }
  /// Before it is read: a file that comes from somebody else from now on is not overwritten.
  void begin() { mark_ = mark_of(checkpoint_->path); }
  /// Before the first step of this run: parts without fields must not change.
  template <class Trainer>
  void note_parts(Trainer& trainer) {
    saved_fields(trainer, nullptr, &parts_);
  }
  /// After it: the fields keep their sizes.
  template <class Trainer>
  void note_sizes(Trainer& trainer) {
    KeptSizes& sizes = sizes_.emplace();
    for (const SavedField& field : saved_fields(trainer)) sizes[field.name] = bytes_of(field).size();
  }
  bool due(Index step) const { return checkpoint_ && checkpoint_->every > 0 && step % checkpoint_->every == 0; }

  template <class Losses, class Trainer>
  void save(const std::string& name, Trainer& trainer, FitMemory memory, const std::string& data) {
    const CheckpointFunctions& functions = checkpoint_->functions;
    std::string parts;
    std::vector<SavedField> fields = described_fields<Losses>(trainer, data, memory.kinds, &parts);
    if (sizes_) functions.expect_sizes(name, fields, *sizes_);
    functions.expect_unchanged(name, parts_, parts);
    const bool alone = std::exchange(replaces_all_, false);  // not beside those of the training before
    functions.save(checkpoint_->path, alone ? 1 : checkpoint_->keep, std::move(fields), memory, mark_);
    if (alone) functions.remove_earlier(checkpoint_->path, checkpoint_->keep);
  }

 private:
  std::optional<Checkpoint> checkpoint_;  // with an absolute path
  std::optional<std::string> mark_;       // of the file that is there
  std::optional<KeptSizes> sizes_;        // of the trainer's fields
  std::string parts_;                     // those without fields
  bool replaces_all_ = false;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
