// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "eigenesis/files/appended_file.hpp"
#include "eigenesis/training/log.hpp"
#include "eigenesis/training/log_lines_inl.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The file of a log. Its rows go by their step, an epoch's behind that of its last step.
class LogFile {
 public:
  LogFile(const std::string& path, Index every)
      : path_(path), every_(every), json_(path.ends_with(".jsonl")), file_("Log", path) {}

  bool decides_columns() const { return !json_ && header_.empty(); }

  /// Finds what stays of the file. Nothing is changed yet.
  void begin(const TrainingView& now) {
    training_ = id_text(now.id);
    resumed_at_ = now.step;
    const std::string_view first = json_ ? "{\"kind\":\"" : "kind,step,epoch,";
    const std::string head = file_.text(0, std::min<Index>(file_.size(), std::ssize(first)));
    require<DataError>(head == first.substr(0, head.size()), "Log: expected a log but got another file: ", path_);
    Index rows = 0;
    if (!json_) {
      header_ = first_line();
      rows = header_.empty() ? file_.size() : std::ssize(header_) + 1;
    }
    const Index end = whole_lines();
    stays_ = end;
    require<DataError>(now.resumed || end <= rows, "Log: expected an empty file for a training that begins but got ",
                       "rows in ", path_, "; give it another path, or remove the file");
    if (end <= rows) {
      header_.clear();
      stays_ = 0;
      return;
    }
    LinesFromEnd lines(file_, rows, end);
    bool knows_seconds = false;
    for (auto line = lines.next(); line; line = lines.next()) {
      const LogLine row(line->first, header_, json_, path_);
      const std::string of = row.cell("training");
      require<DataError>(of == cell_text(training_, json_), "Log: expected rows of this training, ", training_,
                         ", but got some of ", of.empty() ? "no" : of, " in ", path_);
      const bool partial = row.is("epoch") && row.step % now.steps_per_epoch != 0;  // it is trained to its end now
      if (row.step > now.step || partial) {
        stays_ = line->second;
        last_.reset();
        warned_.clear();
        knows_seconds = false;
        continue;
      }
      if (row.is("warning")) {
        if (row.step == now.step) warned_.insert(row.cell("warning"));
        continue;
      }
      if (!last_) last_ = row;
      const std::string seconds = row.cell("seconds");
      if (!knows_seconds && !seconds.empty()) {
        std::from_chars(seconds.data(), seconds.data() + seconds.size(), seconds_before_);
        knows_seconds = true;
      }
      if (row.step < now.step && knows_seconds) break;
    }
  }

  /// Adds a row unless it is there already or not asked for.
  void add(TrainingView& now, bool epoch) {
    const bool there = is_there(now, epoch);
    if (!now.past) {
      compared_ = true;
      add_warnings(now);
    }
    if (there) return;
    const bool due = epoch || (every_ > 0 && now.step % every_ == 0) || !now.metrics.empty();
    if (!due) return;
    const Row row = row_of(now, epoch);
    if (!checked_) check_columns(row);
    for (const auto& [name, cell] : row)
      if (!json_ && !std::holds_alternative<std::monostate>(cell) && !has_column(name) && missed_.insert(name).second)
        now.warn("Log: there is no column for " + name + " in " + path_ + "; rows of a .jsonl file have all numbers");
    add_line(row, now);
  }
  /// Of the past, what the file has already is not added again. A warning waits for the first step: until then the
  /// file is not compared, and the training may not begin at all.
  void warn(const TrainingView& now, std::string_view sentence) {
    if (!json_ || (now.past && now.step < resumed_at_)) return;
    if (now.past && warned_.contains(cell_text(std::string(sentence), true))) return;
    warnings_.push_back(warning_row(now, sentence));
    if (compared_ && !now.past) add_warnings(now);
  }
  /// The training is over. What its end warns of is appended behind it, if the answer is yes.
  bool end(const TrainingView& now) {
    if (now.failed && !compared_) return false;  // before its first step, or for another file
    if (!now.failed) take_rest_away();           // of a training that was over, perhaps half a row
    add_warnings(now);
    write();
    return true;
  }
  static void warn_behind(const std::string& path, const TrainingView& now, std::string_view sentence) {
    if (!path.ends_with(".jsonl")) return;
    AppendedFile file("Log", path);
    file.add(json_line(warning_row(now, sentence)) + "\n", now.seconds);
    file.write();
  }
  void write() { file_.write(); }
  /// Takes away what follows the rows that stay.
  void take_rest_away() {
    if (!std::exchange(began_, true) && stays_ < file_.size()) file_.cut(stays_);
  }

 private:
  /// Whether the file has this row already. Throws DataError if it is the last one there, and another.
  bool is_there(const TrainingView& now, bool epoch) const {
    if (!last_) return false;
    const auto place = std::pair{now.step, epoch}, last = std::pair{last_->step, last_->is("epoch")};
    if (place == last) expect_same(now);
    return place <= last;
  }
  void add_warnings(const TrainingView& now) {
    for (const Row& warning : std::exchange(warnings_, {})) add_line(warning, now);
  }
  static Row warning_row(const TrainingView& now, std::string_view sentence) {
    return {{"kind", "warning"},
            {"step", now.step},
            {"epoch", now.epoch},
            {"warning", std::string(sentence)},
            {"training", id_text(now.id)}};
  }
  static std::string json_line(const Row& row) {
    std::string line;
    for (const auto& [name, cell] : row)
      if (!std::holds_alternative<std::monostate>(cell))
        line += (line.empty() ? "{" : ",") + json_string(name) + ":" + cell_text(cell, true);
    return line + '}';
  }
  /// The first line of the file, or nothing.
  std::string first_line() const {
    std::string line;
    for (Index at = 0; at < file_.size();) {
      const Index to = std::min(file_.size(), at + 4096);
      line += file_.text(at, to);
      if (const std::size_t end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
      at = to;
    }
    return {};
  }
  /// Where the last whole line ends. What follows it is of a program that was killed.
  Index whole_lines() const {
    for (Index to = file_.size(); to > 0;) {
      const Index from = std::max<Index>(0, to - 4096);
      const std::size_t end = file_.text(from, to).rfind('\n');
      if (end != std::string::npos) return from + static_cast<Index>(end) + 1;
      to = from;
    }
    return 0;
  }

  /// The last row that stays is to be the one of this step or epoch.
  void expect_same(const TrainingView& now) const {
    for (const NamedValue& loss : now.losses) {
      const std::string there = last_->cell(std::string(loss.name)), here = cell_text(loss.value, json_);
      require<DataError>(there == here, "Log: expected the rows of this training in ", path_, " but in step ", now.step,
                         " its ", loss.name, " is ", there.empty() ? "missing" : there, ", here it is ", here);
    }
  }

  Row row_of(const TrainingView& now, bool epoch) const {
    const auto number = [&](double value, int digits) -> Cell {
      return now.past ? Cell() : Cell(std::round(value * std::pow(10, digits)) / std::pow(10, digits));
    };
    Row row{{"kind", epoch ? "epoch" : "step"}, {"step", now.step}, {"epoch", now.epoch}};
    row.emplace_back("seconds", number(seconds_before_ + now.seconds, 3));
    for (const NamedValue& loss : now.losses) row.emplace_back(loss.name, loss.value);
    for (std::size_t i = 0; i < now.losses.size(); ++i)
      row.emplace_back("held_out_" + std::string(now.losses[i].name),
                       i < now.held_out.size() ? Cell(now.held_out[i].value) : Cell());
    std::vector<std::string> metrics, optimizers(now.optimizers.begin(), now.optimizers.end());
    const auto add_name = [](std::vector<std::string>& to, std::string_view name) {
      if (std::ranges::find(to, name) == to.end()) to.emplace_back(name);
    };
    for (const PlannedMetric& metric : now.planned_metrics) metrics.push_back(metric.name);
    for (const NamedValue& metric : now.metrics) add_name(metrics, metric.name);
    for (const Update& update : now.updates) add_name(optimizers, update.name);
    for (const std::string& name : metrics) {
      const auto found = std::ranges::find(now.metrics, name, &NamedValue::name);
      row.emplace_back(name, found == now.metrics.end() ? Cell() : Cell(found->value));
    }
    for (const std::string& name : optimizers) {
      Cell rate, norm;
      for (const Update& update : now.updates)  // of several, the last
        if (!epoch && update.name == name) {
          rate = update.learning_rate;
          norm = update.gradient_norm;
        }
      row.emplace_back("learning_rate" + (name.empty() ? "" : "_" + name), rate);
      row.emplace_back("gradient_norm" + (name.empty() ? "" : "_" + name), norm);
    }
    row.emplace_back("training", training_);
    return row;
  }

  void check_columns(const Row& row) {
    std::set<std::string> names{"warning"};
    std::string header;
    for (const auto& [name, cell] : row) {
      require<ArgumentError>(names.insert(name).second, "Log: expected losses and metrics of different names, none of ",
                             "which is another column's, but got ", name, " twice for ", path_);
      require<ArgumentError>(json_ || name.find_first_of("\n\r") == std::string::npos,
                             "Log: expected names in one line but got ", shown(name), " for ", path_);
      header += (header.empty() ? "" : ",") + csv_string(name);
    }
    if (json_) {
      checked_ = true;
      return;
    }
    if (header_.empty()) {
      header_ = header;
      new_header_ = true;
    }
    columns_.clear();
    for (std::string_view rest = header_; !rest.empty();) columns_.emplace_back(take_name(rest));
    for (const auto& [name, cell] : row)
      require<DataError>(has_column(name), "Log: expected the columns ", header_, " in ", path_, " but got ", header,
                         "; rows of a .jsonl file may have different ones");
    checked_ = true;
  }
  /// Takes a name, as the file has it, from a header.
  static std::string take_name(std::string_view& rest) {
    std::size_t end = 0;
    for (bool quoted = false; end < rest.size() && (quoted || rest[end] != ','); ++end)
      if (rest[end] == '"') quoted = !quoted;
    const std::string name(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return name;
  }

  bool has_column(const std::string& name) const {
    return std::ranges::find(columns_, csv_string(name)) != columns_.end();
  }

  void add_line(const Row& row, const TrainingView& now) {
    take_rest_away();
    if (std::exchange(new_header_, false)) file_.add(header_ + "\n", now.seconds);
    std::string line;
    if (json_) {
      line = json_line(row);
    } else {
      for (const std::string& column : columns_) {
        const auto found =
            std::ranges::find_if(row, [&](const auto& each) { return csv_string(each.first) == column; });
        if (&column != columns_.data()) line += ',';
        if (found != row.end()) line += cell_text(found->second, false);
      }
    }
    file_.add(line + "\n", now.seconds);
  }

  std::string path_;
  Index every_;
  bool json_;
  AppendedFile file_;
  std::string training_;              // its id, in each row
  std::string header_;                // of a CSV file
  bool new_header_ = false;           // is to be written
  std::vector<std::string> columns_;  // the names in it, as the file has them
  std::set<std::string> missed_;      // names that it lacks
  bool checked_ = false;              // the names
  Index stays_ = 0;                   // bytes of the file, of rows up to the checkpoint
  bool began_ = false;                // what follows them is taken away
  std::optional<LogLine> last_;       // of these rows
  Index resumed_at_ = 0;              // the step of the checkpoint
  std::set<std::string> warned_;      // in the file in this step
  std::vector<Row> warnings_;         // that are to be added
  bool compared_ = false;             // with what the checkpoint knows; a step was made
  double seconds_before_ = 0;         // of earlier runs
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
