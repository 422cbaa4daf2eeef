// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "eigenesis/machine/config.hpp"

// What is written in JSON (RFC 8259). The locale has no part in it.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The length of the character of UTF-8 at the begin of a text that is not empty (RFC 3629, section 4). If there is
/// none, minus the number of bytes that could have begun one, but at least one.
int utf8_length(std::string_view text);

/// Text as UTF-8: what is no character becomes U+FFFD, as browsers and Python's errors="replace" show it.
std::string as_utf8(std::string_view text);

/// A string in quotes, UTF-8 whatever the text is.
std::string json_string(std::string_view text);

/// A number with at most so many digits, the last of them rounded; null if it is not finite.
std::string json_number(double value, int digits = 17);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/json_inl.hpp"
#endif
