// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <charconv>

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/training/report.hpp"
#include "eigenesis/training/report_curves.hpp"
#include "eigenesis/training/report_explorer_inl.hpp"
#include "eigenesis/training/report_facts_inl.hpp"

// What a report remembers of a training, and its page.
namespace eigenesis::inline EIGENESIS_ABI::detail {

// The parts of the page. Between them stand a title and data; the first line tells a report from other files.
inline constexpr std::string_view report_begin = "<!doctype html>\n<!-- A training's report by eigenesis. -->\n";
inline constexpr std::string_view report_head =
#include "eigenesis/training/report_head.inl"
    ;
// clang-format off
inline constexpr std::string_view report_script =  // in this order
#include "eigenesis/training/report_script.inl"
#include "eigenesis/training/report_charts.inl"
#include "eigenesis/training/report_decoder.inl"
#include "eigenesis/training/report_walk.inl"
    ;
// clang-format on
inline constexpr std::string_view report_kept = "<script type=\"text/plain\" id=\"kept\" data-training=\"";
inline constexpr std::string_view report_data = "<script type=\"application/json\" id=\"data\">\n";
inline constexpr std::string_view report_script_end = "</script>\n";

/// Text of an element of a page.
EIGENESIS_ONCE std::string page_text(std::string_view text) {
  std::string result;
  for (const char c : text)
    c == '<' ? result += "&lt;" : c == '>' ? result += "&gt;" : c == '&' ? result += "&amp;" : result += c;
  return result;
}

/// What a report remembers of one training.
class ReportState {
 public:
  ReportState(const std::string& path, const ReportOptions& options, const TrainingView& now)
      : first_step(now.step),
        training(now.id),
        path_(path),
        options_(options),
        began_(now.step > 0 ? "" : run_began_),
        timed_from_(now.step) {}

  Index first_step;        // how many steps there were
  std::uint32_t training;  // its id
  double drawn = -1;       // seconds of the run
  bool over = false;

  /// Takes pictures, warnings and metrics over from the file that is there, until step `last`; none with last < 0. A
  /// metric of a part of an epoch is measured again when the epoch is whole.
  void read(Index last, Index steps_per_epoch) {
    if (!file_exists(path_)) return;
    const Bytes bytes = read_file("Report", path_);
    const std::string_view page(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::size_t at = page.starts_with(report_begin) ? page.find(report_kept) : std::string_view::npos;
    require<DataError>(at != std::string_view::npos,
                       "Report: expected a report or no file but got another file: ", path_);
    if (last < 0) return;
    std::string_view lines = page.substr(at + report_kept.size());
    const std::string begin = std::to_string(training) + "\">\n";
    require<DataError>(lines.starts_with(begin),
                       "Report: expected the report of this training but got that of another ", "one in ", path_,
                       "; give this one another file, or remove that one");
    lines.remove_prefix(begin.size());
    while (!lines.empty() && !lines.starts_with('<')) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(std::min(line.size() + 1, lines.size()));
      Kept kept;
      const char *text = line.data() + std::min<std::size_t>(2, line.size()), *const end = line.data() + line.size();
      const auto number = [&](Index& to) {
        const auto [behind, error] = std::from_chars(text, end, to);
        const bool good = error == std::errc() && behind != end && *behind == ' ';
        text = good ? behind + 1 : end;
        return good;
      };
      const bool good = line.size() > 2 && line[1] == ' ' &&
                        std::string_view("pwumt").find(line[0]) != std::string_view::npos && number(kept.step) &&
                        number(kept.epoch) && text != end && *text == '"' && end[-1] == '"';
      kept.kind = line[0];
      kept.rest.assign(text, end);
      require<DataError>(good && (kept.kind != 't' || take_time(kept)),
                         "Report: expected a report as it was written but got the line ", shown(line.substr(0, 60)),
                         " in ", path_, "; give this training another file, or remove it");
      const bool partial = kept.kind == 'm' && kept.epoch > 0 && kept.step % steps_per_epoch != 0;
      if (kept.step <= last && kept.kind != 't' && !partial) kept_.push_back(std::move(kept));
    }
    require<DataError>(lines.starts_with(report_script_end),
                       "Report: expected a report as it was written but got a part of one in ", path_,
                       "; give this training another file, or remove it");
  }
  /// The curves that there are going to be, and what earlier runs measured.
  void begin(const TrainingView& now) {
    for (const std::string& name : now.loss_names) curves_of(name);
    for (const PlannedMetric& metric : now.planned_metrics) {
      Curves& curves = curves_of(metric.name);
      const std::string begin = page_string(metric.name) + " \"";
      for (const Kept& kept : kept_) {
        if (kept.kind != 'm' || !kept.rest.starts_with(begin)) continue;
        double value = std::nan("");
        std::from_chars(kept.rest.data() + begin.size(), kept.rest.data() + kept.rest.size() - 1, value);
        (kept.epoch > 0 ? curves.epochs : curves.steps).add(kept.step, value);
      }
    }
  }

  void add(const TrainingView& now, bool epoch) {
    for (const NamedValue& metric : now.metrics) {
      Curves& curves = curves_of(metric.name);
      (epoch ? curves.epochs : curves.steps).add(now.step, metric.value);
      const std::string name = page_string(metric.name) + " \"";
      kept_.push_back({'m', now.step, epoch ? 1 : 0, name + text(metric.value) + "\""});
      const auto is_here = [&](const Kept& kept) { return kept.kind == 'm' && kept.rest.starts_with(name); };
      if (std::ranges::count_if(kept_, is_here) > 2000)  // every second one goes, neither the first nor the last
        std::erase_if(kept_, [&, i = 0](const Kept& kept) mutable { return is_here(kept) && i++ % 2 == 1; });
    }
    for (std::size_t i = 0; i < now.losses.size(); ++i) {
      Curves& curves = curves_of(now.losses[i].name);
      (epoch ? curves.epochs : curves.steps).add(now.step, now.losses[i].value);
      if (i < now.held_out.size()) curves.held_out.add(now.step, now.held_out[i].value);
    }
  }
  /// Of several updates by an optimizer, the last one stays.
  void add_updates(const TrainingView& now) {
    if (now.step / options_.updates_every % updates_stride_ != 0) return;
    for (const Update& update : now.updates) {
      const std::string name = page_string(update.name.empty() ? update.model : update.name) + " ";
      std::erase_if(kept_, [&](const Kept& kept) {
        return kept.kind == 'u' && kept.step == now.step && kept.rest.starts_with(name);
      });
      kept_.push_back(
          {'u', now.step, now.epoch,
           name + "\"" + page_number(update.learning_rate) + " " + page_number(update.gradient_norm) + "\""});
    }
    const auto is_update = [](const Kept& kept) { return kept.kind == 'u'; };
    const Index most = 1000 * std::max<Index>(1, std::ssize(now.updates));
    for (; std::ranges::count_if(kept_, is_update) > most; updates_stride_ *= 2)
      std::erase_if(kept_, [&](const Kept& kept) {
        return kept.kind == 'u' && kept.step / options_.updates_every % (2 * updates_stride_) != 0;
      });
  }
  /// A past warning that the file has already is not added again.
  void warn(const TrainingView& now, std::string_view sentence) {
    Kept warning{'w', now.step, now.epoch, page_string(sentence)};
    if (!now.past || std::ranges::find(kept_, warning) == kept_.end()) kept_.push_back(std::move(warning));
  }

  /// Draws what is to be drawn.
  void draw(TrainingView& now) {
    if (now.failed) return;
    for (const DrawnPicture& picture : options_.pictures)
      drawing_.succeeds(now, "the picture " + picture.name, [&] { add(now, picture); });
    if (options_.explorer)
      drawing_.succeeds(now, "the explorer", [&] { explorer_ = explorer_json(options_.explorer->take()); });
  }

  void write(const TrainingView& now) {
    std::string page(report_begin);
    page += "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>" + page_text(title(now)) + "</title>\n";
    page += report_head;
    page += report_kept;
    page += std::to_string(training) + "\">\n";
    const auto add = [&](const Kept& kept) {
      page += kept.kind;
      page += ' ' + std::to_string(kept.step) + ' ' + std::to_string(kept.epoch) + ' ' + kept.rest + '\n';
    };
    std::ranges::for_each(kept_, add);
    if (time_) add(*time_);
    page += report_script_end;
    page += report_data;
    page += data(now, now.failed ? "failed" : over ? "over" : "running");
    page += report_script_end;
    page += report_script;
    write_file("Report", path_, {reinterpret_cast<const std::uint8_t*>(page.data()), page.size()});
  }
  /// The seconds until a checkpoint, from which another run may go on.
  void note_time(const TrainingView& now) {
    time_ = {'t', now.step, timed_from_, "\"" + page_number(seconds(now)) + " " + began_ + "\""};
  }

 private:
  struct Curves {
    std::string name;
    ThinnedCurve steps, epochs, held_out;
  };
  /// A picture, a warning, an update, a metric or the time, a line of the page. `rest`: a picture's name and its PNG
  /// file; a sentence; the name of an optimizer, its learning rate and gradient norm; a metric's name and value (its
  /// `epoch`: whether it was measured after one); seconds until a checkpoint and the begin (its `epoch`: the step from
  /// which on they were counted).
  struct Kept {
    char kind = 'p';
    Index step = 0, epoch = 0;
    std::string rest;
    bool operator==(const Kept&) const = default;
  };

  /// Takes what earlier runs took: the seconds until their checkpoint, and when they began.
  bool take_time(Kept line) {
    const char *const begin = line.rest.data() + 1, *const end = line.rest.data() + line.rest.size() - 1;
    const auto [behind, error] = std::from_chars(begin, end, seconds_before_);
    if (error != std::errc() || behind == end || *behind != ' ') return false;
    began_.assign(behind + 1, end);
    timed_from_ = line.epoch;
    time_ = std::move(line);
    return true;
  }
  /// Of all runs; none of one without a step.
  double seconds(const TrainingView& now) const {
    return seconds_before_ + (now.step > first_step || first_step == 0 ? now.seconds : 0);
  }
  std::string title(const TrainingView& now) const {
    const std::string& given = options_.title.empty() ? now.title : options_.title;
    return given.empty() ? "Training" : given;
  }
  Curves& curves_of(std::string_view name) {
    for (Curves& curves : curves_)
      if (curves.name == name) return curves;
    return curves_.emplace_back(Curves{std::string(name), {}, {}, {}});
  }

  void add(const TrainingView& now, const DrawnPicture& picture) {
    const std::string name = page_string(picture.name) + " ";
    const std::string png = base64(png_file("Report", picture.draw()));
    const auto is_here = [&](const Kept& kept) { return kept.kind == 'p' && kept.rest.starts_with(name); };
    std::erase_if(kept_, [&](const Kept& kept) { return is_here(kept) && kept.step == now.step; });
    kept_.push_back({'p', now.step, now.epoch, name + "\"" + png + "\""});
    thin_out(is_here);
  }
  /// Removes a picture if there are too many: the one whose neighbours are nearest to each other, and of equal ones the
  /// oldest. The first and the last stay.
  void thin_out(const auto& is_here) {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < kept_.size(); ++i)
      if (is_here(kept_[i])) places.push_back(i);
    for (; std::ssize(places) > options_.frames;) {
      std::size_t least = 1;
      const auto gap = [&](std::size_t i) { return kept_[places[i + 1]].step - kept_[places[i - 1]].step; };
      for (std::size_t i = 2; i + 1 < places.size(); ++i)
        if (gap(i) < gap(least)) least = i;
      kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(places[least]));
      places.erase(places.begin() + static_cast<std::ptrdiff_t>(least));
      for (std::size_t i = least; i < places.size(); ++i) --places[i];
    }
  }

  std::string data(const TrainingView& now, const char* status) const {
    const Index all = all_steps(now.epochs, now.steps_per_epoch);
    std::string json = "{\"title\":" + page_string(title(now)) + ",\"status\":\"" + status + "\"";
    const auto number = [&](const char* name, double value) {
      json += ",\"" + std::string(name) + "\":" + page_number(value);
    };
    json += ",\"step\":" + std::to_string(now.step) + ",\"steps\":" + std::to_string(all);
    json += ",\"epoch\":" + std::to_string(now.epoch) + ",\"epochs\":" + std::to_string(now.epochs);
    const double seconds_of_all = seconds(now);
    number("seconds", seconds_of_all);
    number("steps_per_second", seconds_of_all > 0 ? static_cast<double>(now.step - timed_from_) / seconds_of_all : 0);
    number("every_seconds", options_.every_seconds);
    json += ",\"written\":" + page_string(time_text()) + ",\n\"losses\":[";
    for (const Curves& curves : curves_)
      json += (&curves == curves_.data() ? "{\"name\":" : ",\n{\"name\":") + page_string(curves.name) +
              ",\"steps\":" + curves.steps.json() + ",\"epochs\":" + curves.epochs.json() +
              ",\"held_out\":" + curves.held_out.json() + "}";
    json += "],\n\"facts\":[";
    std::vector<ReportFact> facts = options_.facts;
    if (!began_.empty()) facts.emplace_back("began", began_);
    if (first_step > 0 && now.step > first_step)
      facts.emplace_back("went on", run_began_ + ", after step " + std::to_string(first_step));
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    for (const ReportFact& fact : known_facts_) facts.push_back(fact);
    facts.emplace_back("greatest memory", std::to_string(usage.ru_maxrss / 1024) + " MiB");
    for (const ReportFact& fact : facts)
      json += (&fact == facts.data() ? "[" : ",[") + page_string(fact.name) + "," + page_string(fact.value) + "]";
    return json + "],\n\"model\":" + page_string(options_.model) +
           ",\n\"explorer\":" + (explorer_.empty() ? "null" : explorer_) + "}\n";
  }

  std::string path_;
  ReportOptions options_;
  std::vector<ReportFact> known_facts_ = known_facts();
  std::vector<Curves> curves_;
  std::vector<Kept> kept_;
  std::string run_began_ = time_text(), began_;  // this run, and the first one; nothing if that is not known
  Index timed_from_;                             // the step from which on the seconds were counted
  double seconds_before_ = 0;                    // of earlier runs
  std::optional<Kept> time_;                     // at the last checkpoint
  std::string explorer_;                         // in JSON
  Index updates_stride_ = 1;                     // of so many updates that could be kept, one is
  Drawing drawing_{"Report"};
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
