// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The fields of a CSV text (RFC 4180), row by row: fields in quotes may hold delimiters, the ends of lines, and quotes
/// that are written twice. Lines end with LF or CRLF. Throws DataError for what is wrong with the quotes.
///   while (reader.next_row())
///     for (std::string_view field; reader.next_field(field);) ...
class CsvReader {
 public:
  CsvReader(std::string_view function, std::string_view text, char delimiter, const std::string& path)
      : function_(function), text_(text), delimiter_(delimiter), path_(&path) {}

  /// Leaves out a line of whatever it holds. False if there is none.
  bool skip_line();
  /// Leaves out all lines at the end that have no characters.
  void drop_empty_lines();
  /// Goes to the next row, whose fields before have all been read; false at the end.
  bool next_row();
  /// The next field of this row; false at its end. It is valid until the next call.
  bool next_field(std::string_view& field);
  /// The line that the row begins in, counted from 1.
  Index line() const { return row_line_; }

 private:
  [[gnu::cold]] std::string_view quoted();

  std::string_view function_, text_;
  char delimiter_;
  const std::string* path_;
  std::size_t at_ = 0;
  Index line_ = 1, row_line_ = 0;
  bool row_over_ = true;
  std::string unquoted_;
};

enum class Parsed { number, no_number, out_of_range };

/// Reads a decimal number, such as -1.5e3, whatever the locale. What is out of range is infinite or 0 as a Scalar.
template <class Scalar>
Parsed parse_number(std::string_view text, Scalar& number);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/csv_inl.hpp"
#endif
