// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/training/watch.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The watchers of a training, and what they are told.
class WatchedRun {
 public:
  WatchedRun(Watching& front, std::vector<WatcherRef> watchers, Progress& progress, TrainingView training)
      : front_(front),
        watchers_(std::move(watchers)),
        progress_(progress),
        training_(std::move(training)),
        began_(seconds_now()),
        exceptions_(std::uncaught_exceptions()) {}
  WatchedRun(const WatchedRun&) = delete;
  WatchedRun& operator=(const WatchedRun&) = delete;
  ~WatchedRun();

  bool reads_updates(Index step) const;
  void begin(const RunBegin& run, TrainerFields fields);
  void step(Index step, Index epoch, std::span<const NamedValue> losses, bool past);
  void epoch(Index step, Index epoch, std::span<const NamedValue> losses, std::span<const NamedValue> held_out,
             bool past);
  std::vector<double> save();
  void end();
  void add_gradient_norms(CachedVector<NamedValue>& values);

 private:
  void expect_paths(const RunBegin& run) const;
  void remember(std::span<const double> numbers);
  void plan_metrics(const RunBegin& run);
  template <class Call>
  void attempt(Call&& call);
  void tell(void (Watcher::*what)(TrainingView&));
  void tell_warnings();
  void set(Index step, Index epoch, std::span<const NamedValue> losses, bool past);
  void find_optimizers();
  void name_updates();

  Watching& front_;
  std::vector<WatcherRef> watchers_;
  Progress& progress_;
  TrainingView training_;
  double began_;
  std::size_t begun_ = 0;                        // so many watchers' begin() returned
  int exceptions_;                               // on their way when it began
  std::exception_ptr failure_;                   // the first of a watcher
  CachedVector<NamedValue> losses_, held_out_;   // of the step or epoch that watchers were told last
  std::vector<std::vector<double>> remembered_;  // by each watcher
  TrainerFields fields_;
  std::vector<std::string> optimizers_;       // names of those in the trainer's fields
  std::map<const void*, std::string> names_;  // of all that made an update
  std::map<const void*, std::string> shown_;  // the same on the progress line
};

EIGENESIS_ONCE WatchedRun::~WatchedRun() {
  try {
    try {
      end();
    } catch (const std::exception& error) {  // another exception is on its way
      progress_.print_above(error.what());
    }
  } catch (...) {
  }
}

EIGENESIS_ONCE bool WatchedRun::reads_updates(Index step) const {
  return progress_.functions_for_gradient_norms() ||
         std::ranges::any_of(watchers_, [step](const WatcherRef& watcher) { return watcher->reads_updates(step); });
}

template <class Call>
void WatchedRun::attempt(Call&& call) {
  try {
    call();
  } catch (...) {
    if (training_.past) throw;  // before the first step of this run
    if (!failure_) failure_ = std::current_exception();
    training_.stop = true;
  }
}

EIGENESIS_ONCE void WatchedRun::tell(void (Watcher::*what)(TrainingView&)) {
  training_.seconds = seconds_now() - began_;
  for (std::size_t i = 0; i < begun_; ++i) attempt([&] { (watchers_[i].operator->()->*what)(training_); });
  tell_warnings();
  front_.note_stop(training_.stop);
}

EIGENESIS_ONCE void WatchedRun::tell_warnings() {
  for (const std::string& sentence : std::exchange(training_.warnings, {})) {
    attempt([&] { progress_.print_above(sentence); });
    for (std::size_t i = 0; i < begun_; ++i) attempt([&] { watchers_[i]->warning(training_, sentence); });
  }
}

EIGENESIS_ONCE void WatchedRun::expect_paths(const RunBegin& run) const {
  std::vector<std::string> paths;
  if (run.keep > 0) paths.push_back(run.checkpoint);
  for (Index i = 1; run.keep > 1 && i <= run.keep; ++i)  // the last one is there while they move up
    paths.push_back(earlier_file(run.checkpoint, i));
  std::vector<const Watcher*> known;
  for (const WatcherRef& watcher : watchers_) {
    require<ArgumentError>(std::ranges::find(known, watcher.operator->()) == known.end(), run.function,
                           ": expected each watcher once but got one twice");
    known.push_back(watcher.operator->());
    const std::string path = watcher->path();
    if (path.empty()) continue;
    for (const std::string& other : paths)
      require<ArgumentError>(!same_file(path, other), run.function,
                             ": expected another file for each watcher and the checkpoint but got ", path, " twice");
    paths.push_back(path);
  }
}

EIGENESIS_ONCE void WatchedRun::plan_metrics(const RunBegin& run) {
  for (const NamedValue& loss : run.losses) training_.loss_names.emplace_back(loss.name);
  std::vector<std::string> taken = training_.loss_names;
  for (const WatcherRef& watcher : watchers_)
    for (PlannedMetric& metric : watcher->planned_metrics()) {
      require<ArgumentError>(std::ranges::find(taken, metric.name) == taken.end(), run.function,
                             ": expected metrics of different names, none of which is a loss's, but got ", metric.name,
                             " twice");
      taken.push_back(metric.name);
      training_.planned_metrics.push_back(std::move(metric));
    }
}

EIGENESIS_ONCE std::string id_text(std::uint32_t id) {
  char digits[8];
  const std::string text(digits, std::to_chars(digits, digits + 8, id, 16).ptr);
  return "t" + std::string(8 - text.size(), '0') + text;
}

EIGENESIS_ONCE void WatchedRun::begin(const RunBegin& run, TrainerFields fields) {
  fields_ = fields;
  expect_paths(run);
  plan_metrics(run);
  training_.has_held_out = run.has_held_out;
  if (fields_.trainer)
    for (const SavedField& field : fields_.of(fields_.trainer)) training_.trained.push_back(field.data);
  find_optimizers();
  const auto began_with = std::bit_cast<std::array<std::uint8_t, sizeof run.began_with>>(run.began_with);
  training_.id = crc32(began_with);
  training_.optimizers = optimizers_;
  training_.step = run.step;
  training_.epoch = run.epoch;
  training_.resumed = run.resumed;
  training_.seconds = seconds_now() - began_;
  for (; begun_ < watchers_.size(); ++begun_) watchers_[begun_]->begin(training_);
  training_.past = run.resumed;  // what is said now may have been said in an earlier run
  remember(run.remembered);
  tell_warnings();
  training_.past = false;
  front_.note_stop(training_.stop);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

/// What watchers remember is, one behind the other: a number of the class and the memory's name, how many numbers there
/// are, these.
EIGENESIS_ONCE double class_number(const Watcher& watcher) {
  const std::string name = typeid(watcher).name() + (' ' + watcher.memory_name());
  return crc32({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
}
EIGENESIS_ONCE std::vector<double> WatchedRun::save() {
  tell(&Watcher::save);
  std::vector<double> all;
  for (std::size_t i = 0; i < begun_; ++i) {
    std::vector<double>& numbers = remembered_[i];
    attempt([&] { numbers = watchers_[i]->remembered(); });
    all.insert(all.end(), {class_number(*watchers_[i].operator->()), static_cast<double>(numbers.size())});
    all.insert(all.end(), numbers.begin(), numbers.end());
  }
  front_.note_stop(training_.stop);
  return all;
}
EIGENESIS_ONCE void WatchedRun::remember(std::span<const double> numbers) {
  std::vector<bool> knows(watchers_.size());
  remembered_.assign(watchers_.size(), {});
  while (numbers.size() >= 2 && numbers[1] >= 0 && numbers[1] <= static_cast<double>(numbers.size() - 2)) {
    const auto count = static_cast<std::size_t>(numbers[1]);
    for (std::size_t i = 0; i < watchers_.size(); ++i) {
      if (knows[i] || class_number(*watchers_[i].operator->()) != numbers[0]) continue;
      knows[i] = true;
      const std::span<const double> own = numbers.subspan(2, count);
      remembered_[i].assign(own.begin(), own.end());
      if (count > 0) watchers_[i]->remember(training_, own);
      break;
    }
    numbers = numbers.subspan(2 + count);
  }
}

EIGENESIS_ONCE void WatchedRun::set(Index step, Index epoch, std::span<const NamedValue> losses, bool past) {
  training_.stop = front_.stop();
  training_.step = step;
  training_.epoch = epoch;
  training_.past = past;
  losses_.assign(losses.begin(), losses.end());
  training_.losses = losses_;
  training_.held_out = {};
  training_.metrics.clear();
  name_updates();
  training_.updates = front_.updates;
}

EIGENESIS_ONCE void WatchedRun::step(Index step, Index epoch, std::span<const NamedValue> losses, bool past) {
  set(step, epoch, losses, past);
  training_.after_epoch = false;
  tell(&Watcher::measure);
  tell(&Watcher::step);
}

EIGENESIS_ONCE void WatchedRun::epoch(Index step, Index epoch, std::span<const NamedValue> losses,
                                      std::span<const NamedValue> held_out, bool past) {
  set(step, epoch, losses, past);
  held_out_.assign(held_out.begin(), held_out.end());
  training_.held_out = held_out_;
  training_.after_epoch = true;
  tell(&Watcher::measure);
  tell(&Watcher::epoch);
}

EIGENESIS_ONCE void WatchedRun::end() {
  training_.past = false;
  training_.failed = failure_ || std::uncaught_exceptions() > exceptions_;
  tell(&Watcher::end);
  begun_ = 0;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

/// The names that updates have, of the optimizers among a trainer's fields, with their counts of steps.
EIGENESIS_ONCE std::vector<std::pair<const void*, std::string>> named_optimizers(
    const std::vector<SavedField>& fields) {
  const auto has = [&](const std::string& name) {
    return std::ranges::find(fields, name, &SavedField::name) != fields.end();
  };
  std::vector<std::pair<const void*, std::string>> named;
  std::vector<std::string> paths;
  for (const SavedField& field : fields)
    if (field.name.ends_with(".steps") && has(field.name.substr(0, field.name.size() - 5) + "learning_rate")) {
      paths.push_back(field.name.substr(0, field.name.size() - 6));
      std::string name = paths.back();
      if (name.ends_with("optimizer")) name.resize(name.size() - 9);
      if (name.ends_with('_') || name.ends_with('.')) name.pop_back();
      named.push_back({field.data, name});
    }
  std::vector<std::string> names;
  for (const auto& each : named) names.push_back(each.second);
  for (std::size_t i = 0; i < named.size(); ++i)
    if (std::ranges::count(names, names[i]) > 1) named[i].second = paths[i];  // a and a_optimizer
  return named;
}

EIGENESIS_ONCE void WatchedRun::find_optimizers() {
  if (!fields_.trainer) return;
  optimizers_.clear();
  for (auto& [steps, name] : named_optimizers(fields_.of(fields_.trainer))) {
    names_[steps] = name;
    optimizers_.push_back(std::move(name));
  }
  training_.optimizers = optimizers_;
}

EIGENESIS_ONCE void WatchedRun::name_updates() {
  for (Update& update : front_.updates) {
    if (!names_.contains(update.optimizer)) find_optimizers();  // one was assigned to, and counts elsewhere now
    if (!names_.contains(update.optimizer)) {
      const auto taken = [&](const std::string& name) {
        return std::ranges::any_of(names_, [&](const auto& each) { return each.second == name; });
      };
      std::string name(update.model);
      for (int i = 2; taken(name); ++i) name = std::string(update.model) + "_" + std::to_string(i);
      names_[update.optimizer] = name;
    }
    update.name = names_[update.optimizer];
  }
}

EIGENESIS_ONCE void WatchedRun::add_gradient_norms(CachedVector<NamedValue>& values) {
  if (!progress_.functions_for_gradient_norms()) return;
  name_updates();
  for (std::size_t i = 0; i < front_.updates.size(); ++i) {  // of several updates by an optimizer, the last
    const Update& update = front_.updates[i];
    const auto later = std::span(front_.updates).subspan(i + 1);
    if (std::ranges::find(later, update.name, &Update::name) != later.end()) continue;
    std::string& name = shown_[update.optimizer];
    name = "gradient_norm" + (update.name.empty() ? "" : "_" + std::string(update.name));
    values.push_back({name, update.gradient_norm});
  }
}

EIGENESIS_ONCE const WatchingFunctions& watching_functions() {
  static constexpr WatchingFunctions functions{
      [](Watching& front, const std::vector<WatcherRef>& watchers, Progress& progress, const TrainingView& training) {
        return std::make_shared<WatchedRun>(front, watchers, progress, training);
      },
      [](const WatchedRun& run, Index step) { return run.reads_updates(step); },
      [](WatchedRun& run, const RunBegin& begin, TrainerFields fields) { run.begin(begin, fields); },
      [](WatchedRun& run, Index step, Index epoch, std::span<const NamedValue> losses, bool past) {
        run.step(step, epoch, losses, past);
      },
      [](WatchedRun& run, Index step, Index epoch, std::span<const NamedValue> losses,
         std::span<const NamedValue> held_out, bool past) { run.epoch(step, epoch, losses, held_out, past); },
      [](WatchedRun& run) { return run.save(); },
      [](WatchedRun& run) { run.end(); },
      [](WatchedRun& run, CachedVector<NamedValue>& values) { run.add_gradient_norms(values); }};
  return functions;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
