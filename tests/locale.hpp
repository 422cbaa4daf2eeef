// SPDX-License-Identifier: MIT
#pragma once

#include <clocale>
#include <cstdlib>
#include <string>

#include "catch.hpp"
#include "files.hpp"

/// While it lives, C's functions write decimal commas, as those of a German user do. If the machine has no such locale
/// and cannot make one, a warning says so, and nothing changes.
class CommaLocale {
 public:
  CommaLocale() {
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"})
      if (set(name)) return;
    const std::string make = "localedef -i de_DE -f UTF-8 '" + (made_ / "de_DE.UTF-8") + "' > /dev/null 2>&1";
    const int status = std::system(make.c_str());
    ::setenv("LOCPATH", made_.path().c_str(), 1);
    if (status == 0 && set("de_DE.UTF-8")) return;
    WARN("there is no locale with decimal commas: its part of the test is left out");
  }
  CommaLocale(const CommaLocale&) = delete;
  CommaLocale& operator=(const CommaLocale&) = delete;
  ~CommaLocale() {
    std::setlocale(LC_ALL, before_.c_str());
    ::unsetenv("LOCPATH");
  }

 private:
  static bool set(const char* name) { return std::setlocale(LC_ALL, name) && *std::localeconv()->decimal_point == ','; }
  TemporaryDirectory made_;
  std::string before_ = std::setlocale(LC_ALL, nullptr);
};
