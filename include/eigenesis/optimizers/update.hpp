// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <utility>

#include "eigenesis/core/tensor.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// What an optimizer did in a step.
struct Update {
  std::string_view model;  // its kind: "Generator"
  /// Of the optimizer, by its place in the trainer's fields: "generator" for generator_optimizer, none for optimizer.
  /// One that the fields do not have goes by the kind of its model, two of one kind as Linear and Linear_2.
  std::string_view name = {};
  double learning_rate = 0;         // the schedule's factor included
  double gradient_norm = 0;         // of all gradients together, before clipping
  const void* optimizer = nullptr;  // its count of steps, which tells it from others
};

namespace detail {

/// While one lives, the optimizers of this thread tell it of their updates.
class NotedUpdates {
 public:
  explicit NotedUpdates(CachedVector<Update>& updates) : updates_(updates), outer_(std::exchange(innermost(), this)) {}
  NotedUpdates(const NotedUpdates&) = delete;
  NotedUpdates& operator=(const NotedUpdates&) = delete;
  ~NotedUpdates() { innermost() = outer_; }

  /// The innermost one of this thread, or nullptr.
  static NotedUpdates*& innermost() {
    static thread_local NotedUpdates* scope = nullptr;
    return scope;
  }
  void add(const Update& update) { updates_.push_back(update); }

 private:
  CachedVector<Update>& updates_;
  NotedUpdates* outer_;
};

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI
