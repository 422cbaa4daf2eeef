// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <iterator>

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/safetensors_header.hpp"
#include "eigenesis/machine/isa.hpp"
#include "eigenesis/machine/threads.hpp"
#include "eigenesis/training/report.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

// The parts of the page. Between them stand a title and data; the first line tells a report from other files.
inline constexpr std::string_view report_begin = "<!doctype html>\n<!-- A training's report by eigenesis. -->\n";
inline constexpr std::string_view report_head =
#include "eigenesis/training/report_head.inl"
    ;
inline constexpr std::string_view report_script =
#include "eigenesis/training/report_script.inl"
    ;
inline constexpr std::string_view report_kept = "<script type=\"text/plain\" id=\"kept\">\n";
inline constexpr std::string_view report_data = "<script type=\"application/json\" id=\"data\">\n";
inline constexpr std::string_view report_script_end = "</script>\n";

/// A JSON string that cannot end the element of a page in which it stands.
EIGENESIS_ONCE std::string page_string(std::string_view text) {
  std::string result;
  for (const char c : json_string(text)) c == '<' ? result += "\\u003c" : result += c;
  return result;
}
/// Text of an element of a page.
EIGENESIS_ONCE std::string page_text(std::string_view text) {
  std::string result;
  for (const char c : text)
    c == '<' ? result += "&lt;" : c == '>' ? result += "&gt;" : c == '&' ? result += "&amp;" : result += c;
  return result;
}
/// A number in JSON; null if it is not finite.
EIGENESIS_ONCE std::string page_number(double value) {
  return std::isfinite(value) ? significant(value, 7) : std::string("null");
}

EIGENESIS_ONCE std::string base64(std::span<const std::uint8_t> bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t there = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k) three = three << 8 | (k < there ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) result += k <= there ? digits[three >> (18 - 6 * k) & 63] : '=';
  }
  return result;
}
/// Numbers as base64 of their bytes, the least significant first.
template <class Bits>
std::string base64_of(std::span<const float> numbers) {
  Bytes bytes;
  bytes.reserve(numbers.size() * sizeof(Bits));
  for (const float number : numbers) {
    Bits bits = 0;
    if constexpr (sizeof(Bits) == 2)
      bits = std::bit_cast<Bits>(Eigen::half(number));
    else
      bits = std::bit_cast<Bits>(number);
    for (std::size_t k = 0; k < sizeof(Bits); ++k) bytes.push_back(static_cast<std::uint8_t>(bits >> (8 * k)));
  }
  return "\"" + base64(bytes) + "\"";
}

/// A curve of at most 2000 points. When there would be more, neighbours are joined; mean, least and greatest stay.
class ThinnedCurve {
 public:
  static constexpr std::size_t most = 2000;

  void add(Index step, double value) {
    if (points_.empty() || points_.back().count == width_) {
      if (points_.size() == most) join();
      points_.push_back({step});
    }
    Point& point = points_.back();
    point.last = step;
    ++point.count;
    if (!std::isfinite(value)) return;
    point.low = point.numbers == 0 ? value : std::min(point.low, value);
    point.high = point.numbers == 0 ? value : std::max(point.high, value);
    point.sum += value;
    ++point.numbers;
  }

  /// {"at": [...], "mean": [...], "low": [...], "high": [...], "width": 1}; no low and high of single numbers.
  std::string json() const {
    std::string at, mean, low, high;
    for (const Point& point : points_) {
      const char* const comma = &point == points_.data() ? "" : ",";
      const bool none = point.numbers == 0;
      at += comma + text((static_cast<double>(point.first) + static_cast<double>(point.last)) / 2);
      mean += comma + (none ? "null" : page_number(point.sum / static_cast<double>(point.numbers)));
      if (width_ == 1) continue;
      low += comma + (none ? "null" : page_number(point.low));
      high += comma + (none ? "null" : page_number(point.high));
    }
    return "{\"at\":[" + at + "],\"mean\":[" + mean + "]" +
           (width_ > 1 ? ",\"low\":[" + low + "],\"high\":[" + high + "]" : "") +
           ",\"width\":" + std::to_string(width_) + "}";
  }

 private:
  struct Point {
    Index first, last = first, count = 0, numbers = 0;  // steps; how many values, and how many of them are finite
    double sum = 0, low = 0, high = 0;
  };
  void join() {
    for (std::size_t i = 0; i < most / 2; ++i) {
      Point joined = points_[2 * i];
      const Point& next = points_[2 * i + 1];
      const bool first = joined.numbers == 0;
      if (next.numbers > 0) {
        joined.low = first ? next.low : std::min(joined.low, next.low);
        joined.high = first ? next.high : std::max(joined.high, next.high);
      }
      joined.last = next.last;
      joined.count += next.count;
      joined.numbers += next.numbers;
      joined.sum += next.sum;
      points_[i] = joined;
    }
    points_.resize(most / 2);
    width_ *= 2;
  }

  std::vector<Point> points_;
  Index width_ = 1;
};

/// "2026-11-27 14:05:09 +0000"
EIGENESIS_ONCE std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &local)};
}

/// The command line of this process as one would type it.
EIGENESIS_ONCE std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string words(std::istreambuf_iterator<char>(file), {}), line;
  for (std::size_t at = 0, end = 0; at < words.size(); at = end + 1) {
    end = std::min(words.find('\0', at), words.size());
    const std::string word = words.substr(at, end - at);
    const auto is_plain = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             std::string_view("-_./=,:+@%").find(c) != std::string_view::npos;
    };
    line += line.empty() ? "" : " ";
    if (!word.empty() && std::ranges::all_of(word, is_plain)) {
      line += word;
    } else {
      line += '\'';
      for (const char c : word) c == '\'' ? line += "'\\''" : line += c;
      line += '\'';
    }
  }
  return line;
}

/// What /proc/cpuinfo calls the processor, or nothing.
EIGENESIS_ONCE std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (const std::size_t colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  return {};
}

/// Of the library, the machine, and this process.
EIGENESIS_ONCE std::vector<ReportFact> known_facts() {
  std::vector<ReportFact> facts;
  if (const std::string command = command_line(); !command.empty()) facts.emplace_back("command", command);
  utsname system{};
  uname(&system);
  facts.emplace_back(
      "machine", std::string(system.nodename) + ", " + system.sysname + " " + system.release + ", " + system.machine);
  if (const std::string processor = processor_name(); !processor.empty()) facts.emplace_back("processor", processor);
  facts.emplace_back("threads", num_threads());
  facts.emplace_back("instruction set", isa() == Isa::avx512 ? "AVX-512" : isa() == Isa::avx2 ? "AVX2" : "baseline");
  facts.emplace_back("library", "eigenesis " + std::to_string(EIGENESIS_VERSION_MAJOR) + "." +
                                    std::to_string(EIGENESIS_VERSION_MINOR) + "." +
                                    std::to_string(EIGENESIS_VERSION_PATCH));
#if defined(__clang__)
  facts.emplace_back("compiler", __VERSION__);
#else
  facts.emplace_back("compiler", "GCC " __VERSION__);
#endif
  return facts;
}

/// What a report remembers of one training.
class ReportState {
 public:
  ReportState(const std::string& path, const ReportOptions& options) : path_(path), options_(options) {}

  std::string began = time_text();
  int exceptions = std::uncaught_exceptions();  // on their way when it began
  Index first_step = 0;                         // how many steps there were
  double written = -1;                          // seconds of the run
  bool over = false;

  /// Takes pictures and warnings over from the file that is there, until step `last`; none with last < 0.
  void read(Index last) {
    if (!file_exists(path_)) return;
    const Bytes bytes = read_file("Report", path_);
    const std::string_view page(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::size_t at = page.starts_with(report_begin) ? page.find(report_kept) : std::string_view::npos;
    require<DataError>(at != std::string_view::npos,
                       "Report: expected a report or no file but got another file: ", path_);
    if (last < 0) return;
    std::string_view lines = page.substr(at + report_kept.size());
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
      const bool good = (line.starts_with("p ") || line.starts_with("w ")) && number(kept.step) && number(kept.epoch) &&
                        text != end && *text == '"' && end[-1] == '"';
      require<DataError>(good, "Report: expected a report as it was written but got the line ",
                         shown(line.substr(0, 60)), " in ", path_);
      kept.kind = line[0];
      kept.rest.assign(text, end);
      if (kept.step <= last) kept_.push_back(std::move(kept));
    }
  }

  void add(const TrainingView& now, bool epoch) {
    for (std::size_t i = 0; i < now.losses.size(); ++i) {
      Curves& curves = curves_of(now.losses[i].name);
      (epoch ? curves.epochs : curves.steps).add(now.step, now.losses[i].value);
      if (i < now.held_out.size()) curves.held_out.add(now.step, now.held_out[i].value);
    }
  }
  void warn(const TrainingView& now, std::string_view sentence) {
    kept_.push_back({'w', now.step, now.epoch, page_string(sentence)});
  }

  /// Draws what is to be drawn, and writes the file.
  void write(const TrainingView& now) {
    const bool failed = over && std::uncaught_exceptions() > exceptions;
    if (!failed) draw(now);  // what fails there would hide the first exception
    std::string page(report_begin);
    page += "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>" + page_text(title(now)) + "</title>\n";
    page += report_head;
    page += report_kept;
    for (const Kept& kept : kept_) {
      page += kept.kind;
      page += ' ' + std::to_string(kept.step) + ' ' + std::to_string(kept.epoch) + ' ' + kept.rest + '\n';
    }
    page += report_script_end;
    page += report_data;
    page += data(now, failed ? "failed" : over ? "over" : "running");
    page += report_script_end;
    page += report_script;
    write_file("Report", path_, {reinterpret_cast<const std::uint8_t*>(page.data()), page.size()});
    written = now.seconds;
  }

 private:
  struct Curves {
    std::string name;
    ThinnedCurve steps, epochs, held_out;
  };
  /// A picture or a warning, a line of the page. `rest`: a picture's name and its PNG file, or a sentence.
  struct Kept {
    char kind = 'p';
    Index step = 0, epoch = 0;
    std::string rest;
  };

  std::string title(const TrainingView& now) const {
    const std::string& given = options_.title.empty() ? now.title : options_.title;
    return given.empty() ? "Training" : given;
  }
  Curves& curves_of(std::string_view name) {
    for (Curves& curves : curves_)
      if (curves.name == name) return curves;
    return curves_.emplace_back(Curves{std::string(name), {}, {}, {}});
  }

  void draw(const TrainingView& now) {
    for (const DrawnPicture& picture : options_.pictures) {
      const std::string name = page_string(picture.name) + " ";
      const Bytes png = png_file("Report", picture.draw());
      const auto is_here = [&](const Kept& kept) { return kept.kind == 'p' && kept.rest.starts_with(name); };
      std::erase_if(kept_, [&](const Kept& kept) { return is_here(kept) && kept.step == now.step; });
      kept_.push_back({'p', now.step, now.epoch, name + "\"" + base64(png) + "\""});
      thin_out(is_here);
    }
    if (options_.explorer) explorer_ = explorer_json(options_.explorer->take());
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
    const Index steps_of_run = now.step - first_step, all = now.epochs * now.steps_per_epoch;
    std::string json = "{\"title\":" + page_string(title(now)) + ",\"status\":\"" + status + "\"";
    const auto number = [&](const char* name, double value) {
      json += ",\"" + std::string(name) + "\":" + page_number(value);
    };
    json += ",\"step\":" + std::to_string(now.step) + ",\"steps\":" + std::to_string(all);
    json += ",\"epoch\":" + std::to_string(now.epoch) + ",\"epochs\":" + std::to_string(now.epochs);
    number("seconds", now.seconds);
    number("steps_per_second", now.seconds > 0 ? static_cast<double>(steps_of_run) / now.seconds : 0);
    number("every_seconds", options_.every_seconds);
    json += ",\"written\":" + page_string(time_text()) + ",\n\"losses\":[";
    for (const Curves& curves : curves_)
      json += (&curves == curves_.data() ? "{\"name\":" : ",\n{\"name\":") + page_string(curves.name) +
              ",\"steps\":" + curves.steps.json() + ",\"epochs\":" + curves.epochs.json() +
              ",\"held_out\":" + curves.held_out.json() + "}";
    json += "],\n\"facts\":[";
    std::vector<ReportFact> facts = options_.facts;
    facts.emplace_back("began", began + (first_step > 0 ? ", after step " + std::to_string(first_step) : ""));
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    for (const ReportFact& fact : known_facts_) facts.push_back(fact);
    facts.emplace_back("greatest memory", std::to_string(usage.ru_maxrss / 1024) + " MiB");
    for (const ReportFact& fact : facts)
      json += (&fact == facts.data() ? "[" : ",[") + page_string(fact.name) + "," + page_string(fact.value) + "]";
    return json + "],\n\"model\":" + page_string(options_.model) +
           ",\n\"explorer\":" + (explorer_.empty() ? "null" : explorer_) + "}\n";
  }

  static std::string explorer_json(const PageDecoder& decoder) {
    std::string json = "{\"latents\":" + std::to_string(decoder.latents) + ",\"layers\":[" + decoder.layers +
                       "],\n\"half\":" + (decoder.half ? "true" : "false") +
                       ",\"half_error\":" + page_number(decoder.half_error) + ",\n\"matrices\":";
    json += decoder.half ? base64_of<std::uint16_t>(decoder.matrices) : base64_of<std::uint32_t>(decoder.matrices);
    json += ",\n\"vectors\":" + base64_of<std::uint32_t>(decoder.vectors);
    json += ",\n\"height\":" + std::to_string(decoder.height) + ",\"width\":" + std::to_string(decoder.width) +
            ",\"channels\":" + std::to_string(decoder.channels) + ",\"low\":" + page_number(decoder.range.low) +
            ",\"high\":" + page_number(decoder.range.high) + ",\"circle\":" + (decoder.circle ? "true" : "false");
    json += ",\n\"example_latents\":" + base64_of<std::uint32_t>(decoder.latents_of_examples) +
            ",\n\"examples\":" + base64_of<std::uint32_t>(decoder.examples) +
            ",\n\"codes\":" + base64_of<std::uint32_t>(decoder.codes) + ",\"names\":[";
    for (const std::string& name : decoder.names)
      json += (&name == decoder.names.data() ? "" : ",") + page_string(name);
    return json + "]}";
  }

  std::string path_;
  ReportOptions options_;
  std::vector<ReportFact> known_facts_ = known_facts();
  std::vector<Curves> curves_;
  std::vector<Kept> kept_;
  std::string explorer_;  // in JSON
};

EIGENESIS_ONCE Tensor<float, 2> page_latents(Index latents, const Tensor<float, 2>& codes) {
  constexpr Index normal = 64;
  Rng rng(0);
  Tensor<float, 2> z(Shape{normal + codes.shape(0), latents});
  rng.fill_normal(z.data(), normal * latents);
  std::ranges::copy(codes.values(), z.data() + normal * latents);
  return z;
}

EIGENESIS_ONCE Shape<4> page_shape(const Shape<2>& rows, const ExplorerOptions& options) {
  return grid_shape("Explorer", rows, {.height = options.height, .width = options.width});
}

EIGENESIS_ONCE void complete_page_decoder(PageDecoder& decoder, const Shape<4>& images,
                                          const ExplorerOptions& options) {
  check_range("Explorer", options.range);
  decoder.height = images[1];
  decoder.width = images[2];
  decoder.channels = images[3];
  require(decoder.channels == 1 || decoder.channels == 3,
          "Explorer: expected images of shape [N, H, W, 1] or [N, H, W, 3] but got ", images);
  decoder.range = options.range;
  const Index codes = std::ssize(decoder.codes) / decoder.latents;
  require<ArgumentError>(options.names.empty() || std::ssize(options.names) == codes, "Explorer: expected ", codes,
                         " names, one for each code, but got ", options.names.size());
  decoder.names = options.names;
  for (Index i = 1; options.names.empty() && i <= codes; ++i) decoder.names.push_back(std::to_string(i));
}

EIGENESIS_ONCE void note_pixels(PageDecoder& decoder, const Tensor<float, 2>& z, std::span<const float> pixels,
                                std::span<const float> of_rounded_weights) {
  const double unit = decoder.range.high - decoder.range.low;
  double error = 0;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const double change = std::abs(static_cast<double>(pixels[i]) - of_rounded_weights[i]) / unit;
    if (!(change <= error)) error = change;  // a NaN stays
    if (std::isnan(error)) break;
  }
  decoder.half_error = error;
  decoder.half = error <= half_limit;
  constexpr std::size_t examples = 4;
  decoder.latents_of_examples.assign(z.data(), z.data() + examples * static_cast<std::size_t>(decoder.latents));
  const auto numbers = pixels.first(examples * pixels.size() / static_cast<std::size_t>(z.shape(0)));
  decoder.examples.assign(numbers.begin(), numbers.end());
}

}  // namespace detail

EIGENESIS_ONCE Report::Report(std::string path, ReportOptions options)
    : path_(std::move(path)), options_(std::move(options)) {
  require<ArgumentError>(path_.ends_with(".html"), "Report: expected a name that ends in .html but got ", path_);
  require<ArgumentError>(options_.every_seconds >= 0 && options_.frames >= 2,
                         "Report: expected every_seconds >= 0 and frames >= 2 but got ", options_.every_seconds,
                         " and ", options_.frames);
  for (const DrawnPicture& picture : options_.pictures) {
    require<ArgumentError>(!picture.name.empty() && picture.draw,
                           "Report: expected a name and a function of each picture but got none of ",
                           picture.name.empty() ? "a picture" : picture.name);
    const auto same = [&](const DrawnPicture& other) { return other.name == picture.name; };
    require<ArgumentError>(std::ranges::count_if(options_.pictures, same) == 1,
                           "Report: expected pictures of different names but got ", picture.name, " twice");
  }
}
EIGENESIS_ONCE void Report::begin(TrainingView& now) {
  state_.reset();  // of an earlier training
  auto state = std::make_shared<detail::ReportState>(path_, options_);
  state->first_step = now.step;
  state->read(now.resumed ? now.step : -1);
  state_ = std::move(state);
  if (!now.resumed) state_->write(now);
}
EIGENESIS_ONCE void Report::step(TrainingView& now) {
  state_->add(now, false);
  if (!now.past && (state_->written < 0 || now.seconds - state_->written >= options_.every_seconds)) state_->write(now);
}
EIGENESIS_ONCE void Report::epoch(TrainingView& now) { state_->add(now, true); }
EIGENESIS_ONCE void Report::end(TrainingView& now) {
  if (!state_) return;
  state_->over = true;
  state_->write(now);
}
EIGENESIS_ONCE void Report::warning(TrainingView& now, std::string_view sentence) {
  if (!state_) return;
  state_->warn(now, sentence);
  if (state_->over) state_->write(now);  // another watcher warns at the end
}

}  // namespace eigenesis::inline EIGENESIS_ABI
