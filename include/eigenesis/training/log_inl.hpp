// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "eigenesis/files/file_inl.hpp"
#include "eigenesis/files/safetensors_header_inl.hpp"
#include "eigenesis/training/log.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// A number as the shortest text that gives the same double.
EIGENESIS_ONCE std::string shortest(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// The names and the texts of a row's numbers; no text where there is none.
using Row = std::vector<std::pair<std::string, std::string>>;

EIGENESIS_ONCE std::string row_text(const Row& row, bool json) {
  std::string line;
  for (const auto& [name, text] : row) {
    if (json && text.empty()) continue;
    line += line.empty() ? (json ? "{" : "") : ",";
    if (json) line += json_string(name) + ":";
    const bool word = name == "kind" || name == "warning";
    line += json && word ? json_string(text) : json && (text.find('n') != std::string::npos) ? "null" : text;
  }
  return line + (json ? "}\n" : "\n");
}

/// The text of a number or word of a row that row_text() wrote; nothing if the row does not have it.
EIGENESIS_ONCE std::string text_in(std::string_view line, std::string_view header, const std::string& name, bool json) {
  if (json) {
    const std::string key = json_string(name) + ":";
    const std::size_t at = line.find((name == "kind" ? "{" : ",") + key);
    if (at == std::string_view::npos) return {};
    line.remove_prefix(at + 1 + key.size());
    const std::size_t quote = line.starts_with('"');
    line = line.substr(quote, line.find_first_of(quote ? "\"" : ",}", quote) - quote);
    return std::string(line);
  }
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(','), header.size());
    if (header.substr(0, end) == name) return std::string(line.substr(0, line.find(',')));
    header.remove_prefix(std::min(end + 1, header.size()));
    const std::size_t next = line.find(',');
    if (next == std::string_view::npos) return {};
    line.remove_prefix(next + 1);
  }
  return {};
}

/// The file of a log, locked against other programs. Whole rows are added to it.
class LogFile {
 public:
  explicit LogFile(std::string path)
      : path_(std::move(path)),
        file_(despite_signals([&] { return ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666); })) {
    require<Error>(static_cast<bool>(file_), "Log: expected a file that can be written but got '", std::strerror(errno),
                   "' for ", path_);
    require<Error>(::flock(file_.number(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK,
                   "Log: expected a file for this training only but another one is writing ", path_);
  }

  /// What is there. A last row without an end, of a program that was killed, is removed.
  std::string content() {
    const Bytes bytes = read_file("Log", path_);
    std::string text(bytes.begin(), bytes.end());
    const std::size_t whole = text.rfind('\n') + 1;  // of npos: 0
    if (whole < text.size()) {
      const std::string_view part = std::string_view(text).substr(whole);
      const auto begins = [&](std::string_view row) {
        return part.substr(0, row.size()) == row.substr(0, part.size());
      };
      require<DataError>(json         ? begins("{\"kind\":\"")
                         : whole == 0 ? begins("kind,step,epoch,")
                                      : begins("step,") || begins("epoch,"),
                         "Log: expected a log but got another file: ", path_);
      const bool cut = despite_signals([&] { return ::ftruncate(file_.number(), static_cast<off_t>(whole)); }) == 0;
      require<Error>(cut, "Log: expected a file that can be cut but got '", std::strerror(errno), "' for ", path_);
      text.resize(whole);
    }
    size_ = text.size();
    return text;
  }
  void add(std::string_view line, double now) {
    rows_ += line;
    if (now - written_ < 1) return;
    write();
    written_ = now;
  }
  void write() {
    if (rows_.empty()) return;
    if (!write_all(file_, {reinterpret_cast<const std::uint8_t*>(rows_.data()), rows_.size()})) {
      const std::string reason = std::strerror(errno);
      if (::ftruncate(file_.number(), static_cast<off_t>(size_)) != 0) rows_.clear();  // no row twice
      fail<Error>("Log: expected to write but got '", reason, "' for ", path_);
    }
    size_ += rows_.size();
    rows_.clear();
  }

  bool json = false;
  std::string header;                              // of a CSV file
  std::optional<std::vector<std::string>> models;  // that are updated, as the first step shows
  Index last_step = 0, last_epoch = 0;
  std::string last_row;  // the one of last_step

 private:
  std::string path_;
  Descriptor file_;
  std::string rows_;  // not written yet
  std::size_t size_ = 0;
  double written_ = 0;
};

EIGENESIS_ONCE void read_log(LogFile& file, const std::string& path, bool resumed) {
  const std::string text = file.content();
  std::string_view rest = text;
  const auto next_line = [&] {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    return line;
  };
  if (!file.json && !rest.empty()) {
    file.header = next_line();
    require<DataError>(file.header.starts_with("kind,step,epoch,"), "Log: expected a log but got another file: ", path);
  }
  require<DataError>(rest.empty() || resumed, "Log: expected an empty file for a training that begins but got rows in ",
                     path, "; give it another path, or remove the file");
  while (!rest.empty()) {
    const std::string_view line = next_line();
    const auto number = [&](const char* name) {
      const std::string cell = text_in(line, file.header, name, file.json);
      Index value = -1;
      const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
      require<DataError>(error == std::errc() && end == cell.data() + cell.size() && value >= 0,
                         "Log: expected rows with a whole number as ", name, " but got ", shown(line), " in ", path);
      return value;
    };
    const std::string kind = text_in(line, file.header, "kind", file.json);
    const Index step = number("step"), epoch = number("epoch");
    if (kind == "epoch") file.last_epoch = std::max(file.last_epoch, epoch);
    if (kind == "step" && step > file.last_step) {
      file.last_step = step;
      file.last_row = line;
    }
  }
}

EIGENESIS_ONCE Row log_row(const TrainingView& now, const char* kind, const std::vector<std::string>& models) {
  const bool epoch = std::string_view(kind) == "epoch";
  Row row{{"kind", kind}, {"step", std::to_string(now.step)}, {"epoch", std::to_string(now.epoch)}};
  row.push_back({"seconds", now.past ? "" : formatted("%.3f", now.seconds)});
  for (const NamedValue& loss : now.losses) row.push_back({std::string(loss.name), shortest(loss.value)});
  for (std::size_t i = 0; i < now.losses.size(); ++i)
    row.push_back({"held_out_" + std::string(now.losses[i].name),
                   i < now.held_out.size() ? shortest(now.held_out[i].value) : ""});
  for (const std::string& model : models) {  // of several updates of a model, the last
    std::string rate, norm;
    for (const Update& update : now.updates)
      if (!epoch && update.model == model) {
        rate = shortest(update.learning_rate);
        norm = shortest(update.gradient_norm);
      }
    row.push_back({"learning_rate_" + model, rate});
    row.push_back({"gradient_norm_" + model, norm});
  }
  return row;
}

/// Adds a row unless it is there already.
EIGENESIS_ONCE void add_row(LogFile& file, const std::string& path, const TrainingView& now, const char* kind) {
  const bool epoch = std::string_view(kind) == "epoch";
  const Row row = log_row(now, kind, file.models.value_or(std::vector<std::string>()));
  if (!epoch && now.step == file.last_step)
    for (const NamedValue& loss : now.losses) {
      const std::string there = text_in(file.last_row, file.header, std::string(loss.name), file.json),
                        here = shortest(loss.value);
      require<DataError>(there == here, "Log: expected the rows of this training in ", path, " but in step ", now.step,
                         " its ", loss.name, " is ", there.empty() ? "missing" : there, ", here it is ", here);
    }
  if (now.past || (epoch ? now.epoch <= file.last_epoch : now.step <= file.last_step)) return;
  if (file.json) return file.add(row_text(row, true), now.seconds);

  std::string names;
  for (const auto& [name, text] : row) names += (names.empty() ? "" : ",") + name;
  if (file.header.empty()) {
    file.header = names;
    file.add(names + "\n", now.seconds);
  }
  require<DataError>(names == file.header, "Log: expected the columns ", file.header, " in ", path, " but got ", names,
                     "; rows of a .jsonl file may have different ones");
  file.add(row_text(row, false), now.seconds);
}

}  // namespace detail

EIGENESIS_ONCE Log::Log(std::string path, LogOptions options) : path_(std::move(path)), options_(options) {
  require<ArgumentError>(path_.ends_with(".csv") || path_.ends_with(".jsonl"),
                         "Log: expected a name that ends in .csv or .jsonl but got ", path_);
  require<ArgumentError>(options_.every >= 0, "Log: expected every >= 0 but got ", options_.every);
}
EIGENESIS_ONCE void Log::begin(TrainingView& now) {
  file_.reset();  // of an earlier training
  auto file = std::make_shared<detail::LogFile>(path_);
  file->json = path_.ends_with(".jsonl");
  read_log(*file, path_, now.resumed);
  file_ = std::move(file);
}
EIGENESIS_ONCE void Log::step(TrainingView& now) {
  if (!now.past && options_.every > 0 && !file_->models) {
    file_->models.emplace();
    for (const Update& update : now.updates)
      if (std::ranges::find(*file_->models, update.model) == file_->models->end())
        file_->models->emplace_back(update.model);
  }
  if (options_.every > 0 && now.step % options_.every == 0) add_row(*file_, path_, now, "step");
}
EIGENESIS_ONCE void Log::epoch(TrainingView& now) {
  add_row(*file_, path_, now, "epoch");
  file_->write();
}
EIGENESIS_ONCE void Log::save(TrainingView&) { file_->write(); }
EIGENESIS_ONCE void Log::end(TrainingView&) {
  if (!file_) return;
  file_->write();
  file_.reset();
}
EIGENESIS_ONCE void Log::warning(TrainingView& now, std::string_view sentence) {
  if (!file_ || !file_->json || now.past) return;
  detail::Row row{{"kind", "warning"}, {"step", std::to_string(now.step)}, {"epoch", std::to_string(now.epoch)}};
  row.push_back({"warning", std::string(sentence)});
  file_->add(detail::row_text(row, true), now.seconds);
}
EIGENESIS_ONCE bool Log::reads_updates(Index step) const {
  return options_.every > 0 && (step % options_.every == 0 || !file_ || !file_->models);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
