// SPDX-License-Identifier: MIT
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "eigenesis/files/appended_file.hpp"
#include "eigenesis/files/event_file.hpp"
#include "eigenesis/files/file_inl.hpp"
#include "eigenesis/pictures/picture_inl.hpp"
#include "eigenesis/training/tensorboard.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// Seconds since 1970.
EIGENESIS_ONCE double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// A new event file of a training, in a folder that is locked against other programs. Whole events are added to it.
class EventFile {
 public:
  EventFile(const std::string& folder, const TrainingView& now)
      : ending_("." + id_text(now.id)), folder_(open_folder(folder)) {
    require<Error>(static_cast<bool>(folder_), "TensorBoard: expected a folder but got '", std::strerror(errno),
                   "' for ", folder);
    require<Error>(::flock(folder_.number(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK,
                   "TensorBoard: expected a folder for this training only but another one is writing to ", folder);
    const Index number = next_number(folder, now.resumed);
    std::string digits = std::to_string(number);
    digits.insert(0, 10 - std::min<std::size_t>(10, digits.size()), '0');
    path_ = folder + "/" + prefix + digits + ending_;
    file_.emplace("TensorBoard", path_, true);
  }

  void add(const Bytes& event, double now) {
    Bytes record;
    append_record(record, event);
    file_->add(record, now);
  }
  void write() { file_->write(); }
  void remove() {
    file_.reset();
    ::unlink(path_.c_str());
  }

 private:
  // TensorBoard takes files with tfevents in their names, and reads them in the order of these.
  static constexpr const char* prefix = "events.out.tfevents.";

  /// A folder, which is made if it is not there.
  static int open_folder(const std::string& path) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
      const std::string part = path.substr(0, end);
      const bool made = despite_signals([&] { return ::mkdir(part.c_str(), 0777); }) == 0;
      const int reason = errno;
      require<Error>(made || reason == EEXIST || file_exists(part),
                     "TensorBoard: expected a folder that can be made but got '", std::strerror(reason), "' for ",
                     part);
      if (end == std::string::npos) break;
    }
    return despite_signals([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  }

  /// One more than the number of the last file.
  Index next_number(const std::string& path, bool resumed) const {
    Index last = 0;
    const std::unique_ptr<DIR, void (*)(DIR*)> folder(::opendir(path.c_str()), [](DIR* open) { ::closedir(open); });
    require<Error>(folder != nullptr, "TensorBoard: expected a folder that can be listed but got '",
                   std::strerror(errno), "' for ", path);
    while (const dirent* const entry = ::readdir(folder.get())) {
      const std::string_view name = entry->d_name;
      if (name.find("tfevents") == std::string_view::npos) continue;
      require<DataError>(resumed, "TensorBoard: expected a folder without event files for a training that begins but ",
                         "got ", shown(name), " in ", path, "; give it another folder, or remove the file");
      const std::string_view rest = name.substr(std::min(name.size(), std::strlen(prefix))),
                             digits = rest.substr(0, 10);
      const bool own = name.starts_with(prefix) && rest.substr(digits.size()) == ending_ && digits.size() == 10 &&
                       std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
      require<DataError>(own, "TensorBoard: expected event files of this training, which end in ", ending_,
                         ", but got ", shown(name), " in ", path, "; give it another folder, or remove the file");
      Index number = 0;
      for (const char c : digits) number = 10 * number + (c - '0');
      last = std::max(last, number);
    }
    return last + 1;
  }

  std::string ending_;  // of names of files of this training
  std::string path_;
  Descriptor folder_;
  std::optional<AppendedFile> file_;
};

}  // namespace detail

EIGENESIS_ONCE TensorBoard::TensorBoard(std::string folder, TensorBoardOptions options)
    : folder_(std::move(folder)), options_(std::move(options)) {
  require<ArgumentError>(!folder_.empty(), "TensorBoard: expected the name of a folder but got none");
  require<ArgumentError>(options_.every >= 0 && options_.pictures_every >= 0,
                         "TensorBoard: expected every >= 0 and pictures_every >= 0 but got ", options_.every, " and ",
                         options_.pictures_every);
  detail::check_pictures("TensorBoard", options_.pictures);
}
EIGENESIS_ONCE void TensorBoard::begin(TrainingView& now) {
  file_.reset();  // of an earlier training
  for (const PlannedMetric& metric : now.planned_metrics) {
    const std::string first = metric.name.substr(0, metric.name.find('/')) + "/";
    for (const char* const own : {"step/", "epoch/", "held_out/", "learning_rate/", "gradient_norm/"})
      require<ArgumentError>(first != own, "TensorBoard: expected a metric whose name does not begin like its own ",
                             "curves, ", own, ", but got ", metric.name);
  }
  first_step_ = now.step;
  drawn_ = 0;
  drawing_ = detail::Drawing("TensorBoard");
  auto file = std::make_shared<detail::EventFile>(folder_, now);
  file->add(detail::version_event(detail::wall_time()), now.seconds);
  file->add(detail::restart_event(detail::wall_time(), now.step + 1), now.seconds);
  file->write();
  file_ = std::move(file);
}
EIGENESIS_ONCE void TensorBoard::step(TrainingView& now) {
  if (now.past) return;
  if (options_.every > 0 && now.step % options_.every == 0) {
    std::vector<detail::EventScalar> scalars;
    for (const NamedValue& loss : now.losses) scalars.push_back({"step/" + std::string(loss.name), loss.value});
    for (std::size_t i = 0; i < now.updates.size(); ++i) {  // of several updates by an optimizer, the last
      const Update& update = now.updates[i];
      const auto later = now.updates.subspan(i + 1);
      if (std::ranges::find(later, update.name, &Update::name) != later.end()) continue;
      const std::string of = update.name.empty() ? "" : "/" + std::string(update.name);
      scalars.push_back({"learning_rate" + of, update.learning_rate});
      scalars.push_back({"gradient_norm" + of, update.gradient_norm});
    }
    file_->add(detail::scalars_event(detail::wall_time(), now.step, scalars), now.seconds);
  }
  add_metrics(now);
  if (options_.pictures_every > 0 && now.step % options_.pictures_every == 0) draw(now);
}
EIGENESIS_ONCE void TensorBoard::epoch(TrainingView& now) {
  if (now.past) return;
  if (now.step % now.steps_per_epoch == 0) {  // a part of an epoch may go on
    std::vector<detail::EventScalar> scalars;
    for (const NamedValue& loss : now.losses) scalars.push_back({"epoch/" + std::string(loss.name), loss.value});
    for (const NamedValue& loss : now.held_out) scalars.push_back({"held_out/" + std::string(loss.name), loss.value});
    file_->add(detail::scalars_event(detail::wall_time(), now.step, scalars), now.seconds);
  }
  add_metrics(now);
  if (drawn_ != now.step) draw(now);
  file_->write();
}
EIGENESIS_ONCE void TensorBoard::save(TrainingView&) { file_->write(); }
EIGENESIS_ONCE void TensorBoard::end(TrainingView& now) {
  if (!file_) return;
  if (now.step == first_step_)
    file_->remove();  // of a training that was over: a mark and nothing more
  else
    file_->write();
  file_.reset();
}
EIGENESIS_ONCE void TensorBoard::add_metrics(const TrainingView& now) {
  if (now.metrics.empty()) return;
  std::vector<detail::EventScalar> scalars;
  for (const NamedValue& metric : now.metrics) scalars.push_back({std::string(metric.name), metric.value});
  file_->add(detail::scalars_event(detail::wall_time(), now.step, scalars), now.seconds);
}
EIGENESIS_ONCE void TensorBoard::draw(TrainingView& now) {
  drawn_ = now.step;
  for (const auto& [name, draw] : options_.pictures) {
    detail::Bytes event;
    const bool drawn = drawing_.succeeds(now, "the picture " + name, [&, &name = name, &draw = draw] {
      const Picture picture = draw();
      event = detail::image_event(
          detail::wall_time(), now.step,
          {name, picture.height, picture.width, picture.channels, detail::png_file("TensorBoard", picture)});
    });
    if (!drawn) continue;
    file_->add(event, now.seconds);
  }
}
EIGENESIS_ONCE bool TensorBoard::reads_updates(Index step) const {
  return options_.every > 0 && step % options_.every == 0;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
