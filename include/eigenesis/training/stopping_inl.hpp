// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <csignal>
#include <optional>
#include <utility>

#include "eigenesis/files/write_file.hpp"
#include "eigenesis/training/checkpoint.hpp"
#include "eigenesis/training/checksum.hpp"
#include "eigenesis/training/stopping.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

EIGENESIS_ONCE BestMeasure::BestMeasure(const char* function, Measure measure)
    : function_(function), measure_(std::move(measure)) {
  const bool of_losses = !measure_.loss.empty() || measure_.of_training;
  require<ArgumentError>(of_losses + !measure_.metric.empty() + (measure_.function != nullptr) <= 1, function_,
                         ": expected a measure by one of a loss, a .function and a .metric but got two");
}

EIGENESIS_ONCE void BestMeasure::begin(const TrainingView& now, std::optional<double> value) {
  value_ = value;
  waiting_ = 0;
  if (const std::string& name = measure_.metric; !name.empty()) {
    const auto metric = std::ranges::find(now.planned_metrics, name, &PlannedMetric::name);
    require<ArgumentError>(metric != now.planned_metrics.end(), function_, ": expected the name of a Metric but got ",
                           name);
    const Index steps = all_steps(now.epochs, now.steps_per_epoch), every = metric->every;
    require<ArgumentError>((every == 0 ? now.epochs : steps / every) > 1, function_,
                           ": expected a metric that is measured more than once but got ", name, ", measured ",
                           every == 0 ? "after the only epoch" : "every " + std::to_string(every) + " steps", ", of ",
                           steps, " steps");
    return;
  }
  require<ArgumentError>(now.epochs > 1, function_,
                         ": expected a training of several epochs but got one, as .steps make; a .metric of the "
                         "measure may be taken more often");
  if (measure_.function) return;
  require<ArgumentError>(measure_.of_training || now.has_held_out, function_,
                         ": expected held-out data but got none; set .of_training, a .function or a .metric of the "
                         "measure");
  if (measure_.loss.empty() || std::ranges::find(now.loss_names, measure_.loss) != now.loss_names.end()) return;
  std::string names;
  for (const std::string& each : now.loss_names) names += (names.empty() ? "" : ", ") + each;
  fail<ArgumentError>(function_, ": expected the name of a loss (", names, ") but got ", measure_.loss);
}

EIGENESIS_ONCE std::optional<double> BestMeasure::measured(const TrainingView& now) const {
  const bool by_metric = !measure_.metric.empty();
  if (!by_metric && !now.after_epoch) return {};
  if (now.after_epoch && now.step != now.epoch * now.steps_per_epoch) return {};  // a part, and the training may go on
  if (measure_.function) return now.past ? std::nullopt : std::optional(measure_.function());
  const std::span<const NamedValue> values = by_metric ? now.metrics : measure_.of_training ? now.losses : now.held_out;
  const std::string& name = by_metric ? measure_.metric : measure_.loss;
  const auto found = name.empty() ? values.begin() : std::ranges::find(values, name, &NamedValue::name);
  return found == values.end() ? std::nullopt : std::optional(found->value);
}

EIGENESIS_ONCE std::optional<bool> BestMeasure::improves(const TrainingView& now, double change) {
  const std::optional<double> value = measured(now);
  if (!value) return {};
  require<NumericError>(!std::isnan(*value), function_, ": expected a number in ", now.after_epoch ? "epoch " : "step ",
                        now.after_epoch ? now.epoch : now.step, " but got nan");
  const bool better = !value_ || (measure_.greatest ? *value > *value_ + change : *value < *value_ - change);
  if (better) value_ = *value;
  waiting_ = better ? 0 : waiting_ + 1;
  return better;
}

EIGENESIS_ONCE std::vector<double> BestMeasure::remembered() const {
  if (!value_ || (!measure_.function && measure_.metric.empty())) return {};
  return {*value_, static_cast<double>(waiting_)};
}
EIGENESIS_ONCE std::uint32_t BestMeasure::id() const {
  std::string name = measure_.greatest ? "greatest " : "least ";
  name += measure_.function          ? "function"
          : !measure_.metric.empty() ? "metric " + measure_.metric
          : measure_.of_training     ? "loss " + measure_.loss
                                     : "held-out loss " + measure_.loss;
  return crc32({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
}
EIGENESIS_ONCE void BestMeasure::remember(std::span<const double> numbers) {
  if (numbers.size() != 2) return;
  value_ = numbers[0];
  waiting_ = static_cast<Index>(numbers[1]);
}

/// What KeepBest notes in its file: "t0123abcd 0.5 t4567cdef".
struct BestNote {
  std::string training;  // its id
  double value = 0;      // infinite before the first measurement
  std::string measure;   // its id

  std::string text() const {
    char digits[32];
    return training + " " + std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr) + " " +
           measure;
  }
  /// None of a note that is another one.
  static std::optional<BestNote> of(const std::string& text) {
    const std::size_t first = text.find(' '), second = text.rfind(' ');
    if (first == second) return {};
    BestNote note{text.substr(0, first), 0, text.substr(second + 1)};
    const char *const begin = text.data() + first + 1, *const end = text.data() + second;
    const auto [behind, error] = std::from_chars(begin, end, note.value);
    return error == std::errc() && behind == end ? std::optional(note) : std::nullopt;
  }
};

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
    : options_(options), best_("EarlyStopping", std::move(options.measure)) {
  require<ArgumentError>(options_.patience >= 1 && options_.min_change >= 0,
                         "EarlyStopping: expected patience >= 1 and min_change >= 0 but got ", options_.patience,
                         " and ", options_.min_change);
}
EIGENESIS_ONCE void EarlyStopping::begin(TrainingView& now) { best_.begin(now); }
EIGENESIS_ONCE void EarlyStopping::step(TrainingView& now) { look(now); }
EIGENESIS_ONCE void EarlyStopping::epoch(TrainingView& now) { look(now); }
EIGENESIS_ONCE void EarlyStopping::look(TrainingView& now) {
  if (best_.improves(now, options_.min_change).has_value()) stop_if_over(now);
}
EIGENESIS_ONCE void EarlyStopping::remember(TrainingView& now, std::span<const double> numbers) {
  best_.remember(numbers);
  stop_if_over(now);
}
EIGENESIS_ONCE void EarlyStopping::stop_if_over(TrainingView& now) const {
  if (best_.waiting() < options_.patience) return;
  if (!std::exchange(now.stop, true))  // of the past, too: it ends this run before its first step
    now.warn("EarlyStopping: " + std::to_string(best_.waiting()) + " measurements in a row were not better than " +
             detail::text(best_.value()) + ", the training ends after step " + std::to_string(now.step));
}

EIGENESIS_ONCE void KeepBest::begin(TrainingView& now) {
  training_ = detail::id_text(now.id);
  detail::expect_writable("KeepBest", path_);
  untrained_ = {};
  const std::vector<detail::SavedField> fields = fields_();
  const bool of_trainer = std::ranges::any_of(fields, [&](const detail::SavedField& field) {
    return std::ranges::find(now.trained, field.data) != now.trained.end();
  });
  if (!of_trainer) untrained_ = checksum();
  if (!detail::file_exists(path_) || detail::read_file("KeepBest", path_, 1).empty()) {
    best_.begin(now);
    if (now.resumed && now.step >= now.steps_per_epoch)
      now.warn("KeepBest: there is no file of the steps so far, " + path_ +
               "; the best is that of the steps from here");
    return;
  }
  const char* const remedy = "; give this training another path, or remove the file";
  const auto there = detail::BestNote::of(detail::safetensors_note(path_));
  require<DataError>(
      there.has_value(),
      "KeepBest: expected a whole file that a KeepBest wrote, or none, but got another or a damaged one: ", path_,
      remedy);
  if (!now.resumed || now.step == 0) return best_.begin(now);
  require<DataError>(there->training == training_,
                     "KeepBest: expected the best of this training but got that of another one in ", path_, remedy);
  const bool measured = !std::isinf(there->value);
  require<DataError>(!measured || there->measure == detail::id_text(best_.id()),
                     "KeepBest: expected the best by the same measure but got that by another one in ", path_, remedy);
  best_.begin(now, measured ? std::optional(there->value) : std::nullopt);
}
EIGENESIS_ONCE Index KeepBest::checksum() const { return detail::checksum(fields_()); }
EIGENESIS_ONCE void KeepBest::step(TrainingView& now) { look(now); }
EIGENESIS_ONCE void KeepBest::epoch(TrainingView& now) { look(now); }
EIGENESIS_ONCE void KeepBest::look(const TrainingView& now) {
  if (now.past) return;  // what was best is in the file
  const bool better = best_.improves(now, 0).value_or(false);
  const bool first = now.after_epoch && !best_.measured_once();  // of an epoch that was stopped
  if (!better && !first) return;
  if (const auto untrained = std::exchange(untrained_, {}))
    require<ArgumentError>(
        checksum() != *untrained,
        "KeepBest: expected the trainer's model, or another one that changes, but got one that is "
        "as it was; a trainer has copies of a MovingAverage and an optimizer: trainer.average.model");
  const detail::BestNote note{training_, best_.value(), detail::id_text(best_.id())};
  detail::write_safetensors("KeepBest", path_, fields_(), 1, note.text());
}

EIGENESIS_ONCE TimeLimit::TimeLimit(double seconds) : seconds_(seconds) {
  require<ArgumentError>(seconds > 0, "TimeLimit: expected seconds > 0 but got ", seconds);
}
EIGENESIS_ONCE void TimeLimit::step(TrainingView& now) {
  if (now.past || now.stop || now.seconds < seconds_) return;
  now.stop = true;
  now.warn("TimeLimit: " + detail::text(seconds_) + " s are over, the training ends after step " +
           std::to_string(now.step));
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
  for (int i = 0; i < 2; ++i) {
    sigaction(Interrupts::signals[i], nullptr, &own.before[i]);
    if (own.before[i].sa_handler != SIG_IGN) sigaction(Interrupts::signals[i], &action, nullptr);
  }
}
EIGENESIS_ONCE bool StopOnInterrupt::interrupted() { return detail::Interrupts::came() != 0; }
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
