// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>

#include "eigenesis/files/json.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE int utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0; };
  const int first = byte(0);
  if (first < 0x80) return 1;
  const int length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (first < 0xc2 || length == 0) return -1;
  // The second byte leaves out longer forms of shorter characters, surrogates, and what lies beyond U+10FFFF.
  const int low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const int high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return -1;
  for (int i = 2; i < length; ++i)
    if ((byte(static_cast<std::size_t>(i)) & 0xc0) != 0x80) return -i;
  return length;
}

EIGENESIS_ONCE std::string as_utf8(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const int length = utf8_length(text);
    result += length > 0 ? text.substr(0, static_cast<std::size_t>(length)) : "\xef\xbf\xbd";
    text.remove_prefix(static_cast<std::size_t>(std::abs(length)));
  }
  return result;
}

EIGENESIS_ONCE std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : as_utf8(text)) {
    if (static_cast<unsigned char>(c) < 0x20) {
      result += c < 0x10 ? "\\u000" : "\\u001";
      result += "0123456789abcdef"[c & 15];
    } else {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
  }
  return result + '"';
}

EIGENESIS_ONCE std::string json_number(double value, int digits) {
  if (!std::isfinite(value)) return "null";
  char text[40];
  if (digits >= 17) return {text, std::to_chars(text, text + sizeof text, value).ptr};
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr};
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
