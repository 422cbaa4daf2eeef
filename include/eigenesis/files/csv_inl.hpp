// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#if !defined(__cpp_lib_to_chars)  // no std::from_chars for real numbers
#include <locale.h>
#include <stdlib.h>
#endif

#include "eigenesis/files/csv.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE bool CsvReader::skip_line() {
  if (at_ == text_.size()) return false;
  at_ = std::min(text_.find('\n', at_), text_.size() - 1) + 1;
  ++line_;
  return true;
}

EIGENESIS_ONCE void CsvReader::drop_empty_lines() {
  while (text_.size() > at_ && text_.back() == '\n')
    text_.remove_suffix(text_.size() - at_ >= 2 && text_[text_.size() - 2] == '\r' ? 2 : 1);
}

EIGENESIS_ONCE bool CsvReader::next_row() {
  row_line_ = line_;
  row_over_ = at_ == text_.size();
  return !row_over_;
}

EIGENESIS_ONCE bool CsvReader::next_field(std::string_view& field) {
  if (row_over_) return false;
  if (at_ < text_.size() && text_[at_] == '"') {
    field = quoted();
  } else {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n') ++at_;
    field = text_.substr(begin, at_ - begin);
    if ((at_ == text_.size() || text_[at_] == '\n') && field.ends_with('\r')) field.remove_suffix(1);
  }
  row_over_ = at_ == text_.size() || text_[at_] == '\n';
  if (at_ < text_.size() && text_[at_] == '\n') ++line_;
  if (at_ < text_.size()) ++at_;
  return true;
}

[[gnu::cold]] EIGENESIS_ONCE std::string_view CsvReader::quoted() {
  unquoted_.clear();
  for (++at_;; ++at_) {
    require<DataError>(at_ < text_.size(), function_, ": expected a closing quote in the row that begins in line ",
                       row_line_, " but got none in ", *path_);
    if (text_[at_] == '"') {
      ++at_;
      if (at_ == text_.size() || text_[at_] != '"') break;
    }
    if (text_[at_] == '\n') ++line_;
    unquoted_ += text_[at_];
  }
  if (text_.substr(at_).starts_with("\r\n") || (at_ + 1 == text_.size() && text_[at_] == '\r')) ++at_;
  require<DataError>(at_ == text_.size() || text_[at_] == '\n' || text_[at_] == delimiter_, function_,
                     ": expected the delimiter '", shown({&delimiter_, 1}),
                     "' or the end of the line behind a closing quote but got '",
                     shown(text_.substr(at_, at_ < text_.size() ? 1 : 0)), "' in line ", line_, " of ", *path_);
  return unquoted_;
}

template <class Scalar>
Parsed parse_number(std::string_view text, Scalar& number) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const std::size_t sign = text.starts_with('-') ? 1 : 0;  // Behind it, neither nan nor inf.
  if (sign == text.size() || (text[sign] != '.' && (text[sign] < '0' || text[sign] > '9'))) return Parsed::no_number;
  number = 0;
#if defined(__cpp_lib_to_chars)
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error == std::errc::invalid_argument || end != last) return Parsed::no_number;
  const bool fits = error == std::errc();
#else
  if (text.find_first_of("xX") != text.npos) return Parsed::no_number;  // hexadecimal
  static const locale_t plain = ::newlocale(LC_ALL_MASK, "C", nullptr);
  const std::string copy(text);
  char* end = nullptr;
  if constexpr (sizeof(Scalar) == 4)
    number = ::strtof_l(copy.c_str(), &end, plain);
  else
    number = ::strtod_l(copy.c_str(), &end, plain);
  if (end != copy.c_str() + copy.size()) return Parsed::no_number;
  const bool fits = true;
#endif
  const bool vanished = number == 0 && text.substr(0, text.find_first_of("eE")).find_first_of("123456789") != text.npos;
  return fits && !vanished && number - number == 0 ? Parsed::number : Parsed::out_of_range;
}
EIGENESIS_INSTANTIATE(parse_number);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
