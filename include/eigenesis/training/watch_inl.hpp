// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <utility>

#include "eigenesis/files/file.hpp"
#include "eigenesis/training/watch.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

EIGENESIS_ONCE Watching::Watching(std::vector<AWatcher> watchers, Progress& progress, TrainingView training)
    : watchers_(std::move(watchers)), progress_(progress), training_(std::move(training)), began_(seconds_now()) {}

EIGENESIS_ONCE Watching::~Watching() {
  try {
    end();
  } catch (...) {  // another exception is on its way
  }
}

EIGENESIS_ONCE bool Watching::reads_updates(Index step) const {
  return std::ranges::any_of(watchers_, [step](const AWatcher& watcher) { return watcher->reads_updates(step); });
}

EIGENESIS_ONCE void Watching::tell(void (Watcher::*what)(TrainingView&)) {
  training_.seconds = seconds_now() - began_;
  for (const AWatcher& watcher : watchers_) (watcher.operator->()->*what)(training_);
  for (const std::string& sentence : std::exchange(training_.warnings, {})) {
    progress_.say(sentence);
    for (const AWatcher& watcher : watchers_) watcher->warning(training_, sentence);
  }
}

EIGENESIS_ONCE void Watching::begin(Index step, bool resumed, const Rng::State& began_with) {
  if (watchers_.empty()) return;
  training_.id = crc32(std::bit_cast<std::array<std::uint8_t, sizeof began_with>>(began_with));
  training_.step = step;
  training_.resumed = resumed;
  begun_ = true;
  tell(&Watcher::begin);
}

EIGENESIS_ONCE void Watching::step(Index step, Index epoch, std::span<const NamedValue> losses, bool past) {
  training_.step = step;
  training_.epoch = epoch;
  training_.past = past;
  training_.losses = losses;
  training_.held_out = {};
  training_.updates = updates;
  tell(&Watcher::step);
}

EIGENESIS_ONCE void Watching::epoch(Index step, Index epoch, std::span<const NamedValue> losses,
                                    std::span<const NamedValue> held_out, bool past) {
  training_.step = step;
  training_.epoch = epoch;
  training_.past = past;
  training_.losses = losses;
  training_.held_out = held_out;
  training_.updates = updates;
  tell(&Watcher::epoch);
}

EIGENESIS_ONCE void Watching::save() { tell(&Watcher::save); }

EIGENESIS_ONCE void Watching::end() {
  if (std::exchange(begun_, false)) tell(&Watcher::end);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
