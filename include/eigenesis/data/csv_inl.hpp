// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>

#include "eigenesis/data/csv.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

inline std::string_view without_spaces(std::string_view field) {
  while (field.starts_with(' ') || field.starts_with('\t')) field.remove_prefix(1);
  while (field.ends_with(' ') || field.ends_with('\t')) field.remove_suffix(1);
  return field;
}

enum class CsvField { number, out_of_range, missing, text };

/// What a field is that parse_number does not read.
[[gnu::cold]] EIGENESIS_ONCE CsvField csv_word(std::string_view field) {
  std::string small(field.substr(0, 10));
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const std::string_view word : {"", "na", "n/a", "#n/a", "nan", "+nan", "-nan", "null", "none", "?"})
    if (small == word) return CsvField::missing;
  if (small.starts_with('+') || small.starts_with('-')) small.erase(0, 1);
  return small == "inf" || small == "infinity" ? CsvField::out_of_range : CsvField::text;
}

/// What a field is, with its number if it is one.
template <class Scalar>
CsvField csv_field(std::string_view field, Scalar& number) {
  const Parsed parsed = parse_number(field, number);
  if (parsed == Parsed::number) return CsvField::number;
  return parsed == Parsed::out_of_range ? CsvField::out_of_range : csv_word(field);
}

/// All columns are only read if each has a name of its own: one without may number the rows.
EIGENESIS_ONCE void check_csv_names(const std::vector<std::string>& names, const std::string& path) {
  const std::string rule = "load_csv: expected a name of its own for each column in the first row but got ";
  const std::string hint = "; .columns = {...} chooses columns, .header = false reads numbers there";
  std::vector<std::string_view> sorted(names.begin(), names.end());
  std::ranges::sort(sorted);
  if (sorted.front().empty())
    fail<DataError>(rule, "none for column ", std::ranges::find(names, "") - names.begin(), " of ", path, hint);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end()) fail<DataError>(rule, shown(*twice), " twice in ", path, hint);
}

/// The places of the columns that the options ask for.
EIGENESIS_ONCE std::vector<Index> csv_columns(const CsvOptions& options, const std::vector<std::string>& names,
                                              Index count, const std::string& path) {
  std::vector<Index> places;
  for (const CsvColumn& column : options.columns) {
    if (column.place != CsvColumn::by_name) {
      require<DataError>(column.place >= 0 && column.place < count, "load_csv: expected a column from 0 to ", count - 1,
                         " but got ", column.place, " for ", path);
      places.push_back(column.place);
      continue;
    }
    require<ArgumentError>(options.header, "load_csv: expected columns by their places without a header but got ",
                           shown(column.name), " for ", path);
    Index found = 0, place = 0;
    std::string all;
    for (std::size_t i = 0; i < names.size(); ++i) {
      all += (i == 0 ? "" : ", ") + shown(names[i]);
      if (names[i] != column.name) continue;
      ++found;
      place = static_cast<Index>(i);
    }
    if (all.size() > 200) all = all.substr(0, 200) + "...";
    require<DataError>(found == 1, "load_csv: expected one column named ", shown(column.name), " but got ", found,
                       " among ", all, " in ", path);
    places.push_back(place);
  }
  if (places.empty())
    for (Index i = 0; i < count; ++i) places.push_back(i);
  return places;
}

/// A column in messages, counted from 0.
[[gnu::cold]] EIGENESIS_ONCE std::string csv_column_text(const std::vector<std::string>& names, Index column) {
  const auto i = static_cast<std::size_t>(column);
  return std::to_string(column) + (i < names.size() ? " (" + shown(names[i]) + ")" : "");
}

/// What ends a message about a text that may have been written with another delimiter.
inline const char* delimiter_hint(std::string_view text, const CsvOptions& options) {
  const bool other = std::ranges::any_of(std::string_view(";\t"), [&](char delimiter) {
    return delimiter != options.delimiter && text.find(delimiter) != text.npos;
  });
  return other ? "; is the .delimiter in the options right?" : "";
}

/// Whether a number, as it was read from a text, is a whole one that was rounded.
template <class Scalar>
bool rounds_whole_number(std::string_view text, Scalar number) {
  if (std::abs(number) < static_cast<Scalar>(std::int64_t{1} << std::numeric_limits<Scalar>::digits)) return false;
  text.remove_prefix(std::min(text.find_first_of("123456789"), text.size()));  // a sign and zeros
  if (text.find_first_not_of("0123456789") != text.npos) return false;         // a point or an exponent
  char digits[std::numeric_limits<Scalar>::max_exponent10 + 2];
  return text != std::string_view(
                     digits, std::to_chars(digits, std::end(digits), std::abs(number), std::chars_format::fixed).ptr);
}

/// The number in a field.
template <class Scalar>
Scalar csv_number(std::string_view field, const CsvOptions& options, Index line, Index column,
                  const std::vector<std::string>& names, const std::string& path) {
  Scalar number = 0;
  const std::string_view text = without_spaces(field);
  const CsvField kind = csv_field(text, number);
  const bool rounded = kind == CsvField::number && !options.round && rounds_whole_number(text, number);
  if (kind == CsvField::number && !rounded) return number;
  if (kind == CsvField::missing && options.missing) return static_cast<Scalar>(*options.missing);
  const std::string rule = rounded
                               ? std::string("a whole number that a ") + (sizeof(Scalar) == 4 ? "float" : "double") +
                                     " holds, or .round = true in the options,"
                           : kind == CsvField::missing      ? "a number, or .missing in the options,"
                           : kind == CsvField::out_of_range ? "a number that is neither infinite nor 0 when rounded"
                                                            : "a number";
  fail<DataError>("load_csv: expected ", rule, " but got ", field.empty() ? "nothing" : "'" + shown(field) + "'",
                  " in line ", line, ", column ", csv_column_text(names, column), " of ", path,
                  delimiter_hint(field, options));
}

}  // namespace detail

template <class Scalar>
Table<Scalar> load_csv(const std::string& path, const CsvOptions& options) {
  require<ArgumentError>(std::string_view("\"\r\n0123456789+-.eE").find(options.delimiter) == std::string_view::npos,
                         "load_csv: expected a delimiter that no number and no line's end has but got '",
                         detail::shown({&options.delimiter, 1}), "'");
  if (options.missing)
    require<ArgumentError>(std::isinf(*options.missing) || !std::isinf(static_cast<Scalar>(*options.missing)),
                           "load_csv: expected a number for .missing that the table can have but got ",
                           *options.missing);
  require<ArgumentError>(options.skip_lines >= 0, "load_csv: expected skip_lines >= 0 but got ", options.skip_lines);
  const detail::Bytes file = detail::read_file("load_csv", path);
  std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  require<DataError>(!text.starts_with("\x1f\x8b"), "load_csv: expected text but got bytes compressed by gzip in ",
                     path);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // the mark of UTF-8
  const bool has_lines = text.find_first_of("\n\"") != text.npos || text.find('\r') >= text.size() - 1;
  require<DataError>(has_lines, "load_csv: expected lines that end with LF or CRLF but got CR alone in ", path);
  detail::CsvReader reader("load_csv", text, options.delimiter, path);
  for (Index i = 0; i < options.skip_lines; ++i)
    require<DataError>(reader.skip_line(), "load_csv: expected more than skip_lines = ", options.skip_lines,
                       " lines but got ", i, " in ", path);

  Table<Scalar> table;
  std::vector<std::string> names;
  std::string_view field;
  Index count = 0;
  detail::CsvReader first = reader;
  first.next_row();
  for (; first.next_field(field); ++count)
    if (options.header) names.emplace_back(detail::without_spaces(field));
  require<DataError>(count > 0, "load_csv: expected at least one row but got none in ", path);
  const std::vector<Index> columns = detail::csv_columns(options, names, count, path);
  using Field = detail::CsvField;
  const auto some_is = [&](Field kind) {
    float number;
    return std::ranges::any_of(columns, [&](Index column) {
      return detail::csv_field(names[static_cast<std::size_t>(column)], number) == kind;
    });
  };
  const bool by_name = !options.columns.empty() && std::ranges::all_of(options.columns, [](const CsvColumn& column) {
    return column.place == CsvColumn::by_name;
  });
  const bool named = !options.header ||
                     ((by_name || some_is(Field::text)) && !some_is(Field::number) && !some_is(Field::out_of_range));
  require<DataError>(named,
                     "load_csv: expected names of the columns in the first row but got numbers or missing values "
                     "in ",
                     path, "; .header = false reads them, .skip_lines leaves them out");
  if (options.header && options.columns.empty()) detail::check_csv_names(names, path);
  if (options.header) reader = first;
  if (count != 1) reader.drop_empty_lines();

  Index rows = 0;
  for (detail::CsvReader counting = reader; counting.next_row(); ++rows) {
    Index fields = 0;
    while (counting.next_field(field)) ++fields;
    const bool empty = fields == 1 && field.empty();
    require<DataError>(fields == count, "load_csv: expected ", count, " fields in each row, as in the first, but got ",
                       empty ? 0 : fields, empty ? " in the empty line " : " in line ", counting.line(), " of ", path,
                       detail::delimiter_hint(text, options));
  }
  require<DataError>(rows > 0, "load_csv: expected at least one row of numbers but got none in ", path);

  table.values = Tensor<Scalar, 2>(Shape{rows, std::ssize(columns)});
  std::vector<std::uint8_t> chosen(static_cast<std::size_t>(count));
  for (const Index column : columns) {
    chosen[static_cast<std::size_t>(column)] = 1;
    if (options.header) table.names.push_back(names[static_cast<std::size_t>(column)]);
  }
  std::vector<Scalar> row(static_cast<std::size_t>(count));
  for (Scalar* to = table.values.data(); reader.next_row();) {
    for (std::size_t i = 0; reader.next_field(field); ++i)
      if (chosen[i] != 0)
        row[i] = detail::csv_number<Scalar>(field, options, reader.line(), static_cast<Index>(i), names, path);
    for (const Index column : columns) *to++ = row[static_cast<std::size_t>(column)];
  }
  return table;
}
EIGENESIS_INSTANTIATE(load_csv);

}  // namespace eigenesis::inline EIGENESIS_ABI
