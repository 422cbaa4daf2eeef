// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "eigenesis/files/appended_file.hpp"
#include "eigenesis/files/safetensors_header.hpp"

// The lines of a Log's file: how one is written, what one says, and the last ones first.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// What stands under a name: nothing, a number, or text.
using Cell = std::variant<std::monostate, Index, double, std::string>;
using Row = std::vector<std::pair<std::string, Cell>>;

/// Text of a CSV file, in quotes where it needs them (RFC 4180).
EIGENESIS_ONCE std::string csv_string(const std::string& text) {
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string(2, c) : std::string(1, c);
  return quoted + '"';
}

/// A double as the shortest text that gives the same one; JSON has none for NaN and infinities.
EIGENESIS_ONCE std::string cell_text(const Cell& cell, bool json) {
  if (const auto* number = std::get_if<Index>(&cell)) return std::to_string(*number);
  if (const auto* word = std::get_if<std::string>(&cell)) return json ? json_string(*word) : csv_string(*word);
  const auto* number = std::get_if<double>(&cell);
  if (!number) return {};
  if (json && !std::isfinite(*number)) return "null";
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, *number).ptr};
}

/// A line of a log by its names, as the file has both: with quotes and escapes.
class LogLine {
 public:
  /// Throws DataError for a line that no log has.
  LogLine(std::string_view line, std::string_view header, bool json, const std::string& path) : json_(json) {
    bool good = true;
    if (json) {
      good = line.starts_with('{') && line.ends_with('}');
      for (std::string_view rest = line.substr(good, line.size() - 2 * good); good && !rest.empty();) {
        const std::string_view name = token(rest, ':');
        cells_.emplace_back(name, token(rest, ','));
      }
    } else {
      std::string_view names = header, rest = line;
      while (!names.empty()) {
        const std::string_view name = token(names, ',');
        cells_.emplace_back(name, token(rest, ','));
      }
      good = rest.empty();
    }
    good = good && (*this)["kind"] && number("step", step) && number("epoch", epoch);
    require<DataError>(good, "Log: expected rows with a kind and whole numbers as step and epoch but got ", shown(line),
                       " in ", path);
    kind = cell("kind");
  }

  std::string kind;  // as the file has it
  Index step = 0, epoch = 0;

  /// What stands under a name, nothing without.
  std::string cell(const std::string& name) const {
    const std::string* const found = (*this)[name];
    return found ? *found : "";
  }
  bool is(const char* of_kind) const { return kind == cell_text(std::string(of_kind), json_); }

 private:
  /// Takes what stands before a separator that is not within quotes.
  std::string_view token(std::string_view& rest, char separator) const {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < rest.size() && (quoted || rest[end] != separator); ++end)
      if (rest[end] == '"')
        quoted = !quoted;
      else if (json_ && rest[end] == '\\')
        ++end;
    end = std::min(end, rest.size());
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return taken;
  }
  const std::string* operator[](const std::string& name) const {
    const std::string text = cell_text(name, json_);
    const auto found = std::ranges::find(cells_, text, &std::pair<std::string, std::string>::first);
    return found == cells_.end() ? nullptr : &found->second;
  }
  bool number(const char* name, Index& to) const {
    const std::string text = cell(name);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc() && end == text.data() + text.size() && to >= 0;
  }

  bool json_;
  std::vector<std::pair<std::string, std::string>> cells_;
};

/// The lines of a file from the last one back to a place in it.
class LinesFromEnd {
 public:
  LinesFromEnd(const AppendedFile& file, Index begin, Index end) : file_(file), begin_(begin), from_(end) {}

  /// The line before those that were given, and where it begins; nothing after the first.
  std::optional<std::pair<std::string, Index>> next() {
    for (;;) {
      const std::size_t end = text_.empty() ? 0 : text_.size() - 1;  // behind it stands its end
      const std::size_t before = end == 0 ? std::string::npos : text_.rfind('\n', end - 1);
      if (before == std::string::npos && from_ > begin_) {
        const Index to = from_;
        from_ = std::max(begin_, from_ - 65536);
        text_ = file_.text(from_, to) + text_;
        continue;
      }
      if (text_.empty()) return {};
      const std::size_t first = before == std::string::npos ? 0 : before + 1;
      std::pair line{text_.substr(first, end - first), from_ + static_cast<Index>(first)};
      text_.resize(first);
      return line;
    }
  }

 private:
  const AppendedFile& file_;
  Index begin_, from_;
  std::string text_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
