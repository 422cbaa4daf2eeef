// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <utility>

#include "eigenesis/training/log.hpp"
#include "eigenesis/training/log_file_inl.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

EIGENESIS_ONCE Log::Log(std::string path, LogOptions options) : path_(std::move(path)), options_(options) {
  require<ArgumentError>(path_.ends_with(".csv") || path_.ends_with(".jsonl"),
                         "Log: expected a name that ends in .csv or .jsonl but got ", path_);
  require<ArgumentError>(options_.every >= 0, "Log: expected every >= 0 but got ", options_.every);
}
EIGENESIS_ONCE void Log::begin(TrainingView& now) {
  file_.reset();  // of an earlier training
  over_ = false;
  auto file = std::make_shared<detail::LogFile>(path_, options_.every);
  file->begin(now);
  file_ = std::move(file);
}
EIGENESIS_ONCE void Log::add(TrainingView& now, bool epoch) {
  if (!file_) return;
  const auto own = std::exchange(file_, nullptr);  // a file that does not fit stays as it is
  try {
    own->add(now, epoch);
  } catch (const DataError&) {
    throw;
  } catch (const ArgumentError&) {
    throw;
  } catch (...) {
    file_ = own;
    throw;
  }
  file_ = own;
}
EIGENESIS_ONCE void Log::step(TrainingView& now) { add(now, false); }
EIGENESIS_ONCE void Log::epoch(TrainingView& now) {
  add(now, true);
  if (file_ && !now.past) file_->write();
}
EIGENESIS_ONCE void Log::save(TrainingView&) {
  if (file_) file_->write();
}
EIGENESIS_ONCE void Log::end(TrainingView& now) {
  if (!file_) return;
  const auto own = std::exchange(file_, nullptr);  // other programs may write it now
  over_ = own->end(now);
}
EIGENESIS_ONCE void Log::warning(TrainingView& now, std::string_view sentence) {
  if (file_)
    file_->warn(now, sentence);
  else if (over_)  // one watcher or another warns at the end
    detail::LogFile::warn_behind(path_, now, sentence);
}
EIGENESIS_ONCE bool Log::reads_updates(Index step) const {
  return options_.every > 0 && (step % options_.every == 0 || (file_ && file_->decides_columns()));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
