// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <csignal>
#include <optional>
#include <utility>

#include "eigenesis/training/stopping.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

EIGENESIS_ONCE bool Least::improves(const TrainingView& now, double change) {
  double value = 0;
  if (measure_.function) {
    if (now.past) return true;
    value = measure_.function();
  } else {
    const auto losses = measure_.of_training ? now.losses : now.held_out;
    require<ArgumentError>(!losses.empty(), function_,
                           ": expected held-out data but got none; set .of_training or a .function of the measure");
    const auto found =
        measure_.loss.empty() ? losses.begin() : std::ranges::find(losses, measure_.loss, &NamedValue::name);
    if (found == losses.end()) {
      std::string names;
      for (const NamedValue& each : losses) names += (names.empty() ? "" : ", ") + std::string(each.name);
      fail<ArgumentError>(function_, ": expected the name of a loss (", names, ") but got ", measure_.loss);
    }
    value = found->value;
  }
  require<NumericError>(!std::isnan(value), function_, ": expected a number in epoch ", now.epoch, " but got nan");
  if (epoch_ > 0 && !(value < value_ - change)) return false;
  value_ = value;
  epoch_ = now.epoch;
  return true;
}

/// The signals that StopOnInterrupt listens to.
struct Interrupts {
  static constexpr int signals[] = {SIGINT, SIGTERM};
  struct sigaction before[2];
  static volatile std::sig_atomic_t& came() {
    static volatile std::sig_atomic_t flag = 0;
    return flag;
  }
  static std::optional<Interrupts>& installed() {
    static std::optional<Interrupts> one;
    return one;
  }
};

}  // namespace detail

EIGENESIS_ONCE EarlyStopping::EarlyStopping(EarlyStoppingOptions options)
    : options_(options), least_("EarlyStopping", std::move(options.measure)) {
  require<ArgumentError>(options_.patience >= 1 && options_.min_change >= 0,
                         "EarlyStopping: expected patience >= 1 and min_change >= 0 but got ", options_.patience,
                         " and ", options_.min_change);
}
EIGENESIS_ONCE void EarlyStopping::begin(TrainingView& now) {
  require<ArgumentError>(now.epochs > 1,
                         "EarlyStopping: expected a training of several epochs but got one; .steps make one");
  least_ = {"EarlyStopping", options_.measure};
}
EIGENESIS_ONCE void EarlyStopping::epoch(TrainingView& now) {
  if (!least_.improves(now, options_.min_change) && now.epoch - least_.epoch() >= options_.patience) now.stop = true;
}

EIGENESIS_ONCE void KeepBest::epoch(TrainingView& now) {
  if (least_.improves(now, 0) && !now.past) save_();
}

EIGENESIS_ONCE TimeLimit::TimeLimit(double seconds) : seconds_(seconds) {
  require<ArgumentError>(seconds > 0, "TimeLimit: expected seconds > 0 but got ", seconds);
}
EIGENESIS_ONCE void TimeLimit::step(TrainingView& now) {
  if (!now.past && now.seconds >= seconds_) now.stop = true;
}

EIGENESIS_ONCE void StopOnInterrupt::begin(TrainingView&) {
  using detail::Interrupts;
  require<Error>(!Interrupts::installed(), "StopOnInterrupt: expected one training at a time but another one has it");
  listening_ = true;
  Interrupts::came() = 0;
  Interrupts& own = Interrupts::installed().emplace();
  struct sigaction action = {};
  action.sa_handler = [](int) { Interrupts::came() = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;  // the next one ends the program
  for (int i = 0; i < 2; ++i) sigaction(Interrupts::signals[i], &action, &own.before[i]);
}
EIGENESIS_ONCE bool StopOnInterrupt::came() { return detail::Interrupts::came() != 0; }
EIGENESIS_ONCE void StopOnInterrupt::step(TrainingView& now) {
  if (!detail::Interrupts::came() || now.stop) return;
  now.stop = true;
  now.warn("Interrupted: the training ends after step " + std::to_string(now.step));
}
EIGENESIS_ONCE void StopOnInterrupt::end(TrainingView&) {
  if (!std::exchange(listening_, false)) return;
  auto& installed = detail::Interrupts::installed();
  for (int i = 0; i < 2; ++i) sigaction(detail::Interrupts::signals[i], &installed->before[i], nullptr);
  installed.reset();
}

}  // namespace eigenesis::inline EIGENESIS_ABI
