// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "eigenesis/training/checkpoint.hpp"
#include "eigenesis/training/progress.hpp"
#include "eigenesis/training/ranks.hpp"
#include "eigenesis/training/watch.hpp"

// What one tells fit, and what it tells.
namespace eigenesis::inline EIGENESIS_ABI {

/// What a callback sees of a training; it may ask for its end.
template <class Losses>
struct FitState {
  FitState() = default;
  FitState(const FitState&) = delete;  // a callback that took a copy could not stop the training
  FitState& operator=(const FitState&) = delete;

  Index step = 0;   // steps so far
  Index epoch = 0;  // counted from 1
  Losses losses;    // of the last step; in on_epoch, the mean over the epoch, as in FitHistory::epochs
  Losses held_out;  // in on_epoch, if held-out data were given; else NaN
  /// Set it, and the training ends after this step.
  bool stop = false;
};

namespace detail {

/// A function that is told of a training: [&](auto& now) { ... }.
template <class State>
class Callback {
 public:
  Callback() = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Callback>) Callback(F function) : function_(std::move(function)) {
    static_assert(std::is_invocable_v<F&, State&>,
                  "eigenesis: a callback takes the state of the training by reference, [](auto& now); of a copy, "
                  "now.stop would be lost");
  }
  explicit operator bool() const { return static_cast<bool>(function_); }
  void operator()(State& state) const { function_(state); }

 private:
  std::function<void(State&)> function_;
};

}  // namespace detail

/// The losses of a training.
template <class Losses>
struct FitHistory {
  std::vector<Losses> steps;   // of every step
  std::vector<Losses> epochs;  // means over the samples of each epoch; steps, where they were asked for, make one epoch
  std::vector<Losses> held_out;  // after each epoch, if held-out data were given
};

/// How long and on which batches fit() trains, and what goes on beside it.
template <class Losses>
struct FitOptions {
  Index steps = 0;   // steps of the trainer, or
  Index epochs = 0;  // passes over a finite data set; exactly one of the two is set. Where a step takes several
                     // batches, as a GAN's may, an epoch has as many steps as fit into a pass, but at least one
  /// Samples in each batch.
  Index batch_size = 128;
  bool drop_last = false;  // leave out an epoch's last batch if it is smaller than the others, as a GAN always does
  /// What is shown meanwhile: `ProgressBar{}`.
  Progress progress = {};
  /// Called after each step, [&](auto& now) { ... }.
  detail::Callback<FitState<Losses>> on_step = {};
  /// Called after each epoch and its evaluation.
  detail::Callback<FitState<Losses>> on_epoch = {};
  std::optional<Checkpoint> checkpoint = {};  // Checkpoint{.path = "run.safetensors", .every = 500}
  std::vector<WatcherRef> watch = {};           // {Log{"run.csv"}, EarlyStopping{}}
  DistributedOver distributed = {};           // an Mpi: each of its ranks has batches of batch_size samples
  FitHistory<Losses>* history = nullptr;      // if given, kept up to date here too, so that it outlasts an exception
};

}  // namespace eigenesis::inline EIGENESIS_ABI
