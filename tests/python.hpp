// SPDX-License-Identifier: MIT
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "catch.hpp"
#include "files.hpp"

/// Runs a script beside a test, given as __FILE__, in Python; what it prints. Nothing if Python or one of its packages
/// is not installed, which the script says by ending with 77; the test then says so and ends.
inline std::string run_python(const std::string& test, const std::string& script, const std::string& arguments) {
  const TemporaryDirectory directory;
  const std::string path = (std::filesystem::path(test).parent_path() / script).string(), said = directory / "said";
  const int status = std::system(("python3 '" + path + "' " + arguments + " > '" + said + "'").c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == 77 || code == 127) {
    WARN("python3 or a package that " << script << " needs is not installed: it is left out");
    return "";
  }
  REQUIRE(code == 0);
  const Bytes bytes = read_bytes(said);
  return std::string(bytes.begin(), bytes.end());
}
