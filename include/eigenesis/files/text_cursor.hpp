// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

#include "eigenesis/machine/config.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A place in a text that is read from left to right, such as a file's header.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {}

 protected:
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  /// Goes beyond c, and the space after it, if c comes next.
  bool accept(char c) {
    if (!next_is(c)) return false;
    ++at_;
    skip_space();
    return true;
  }
  void skip_space() {
    while (next_is(' ') || next_is('\t') || next_is('\n') || next_is('\r')) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
