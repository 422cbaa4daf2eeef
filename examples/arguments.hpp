// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <eigenesis/training/checkpoint.hpp>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

/// The command line of an example: options "--name value", each with a default. One whose default is "no" has no value:
/// "--name" makes it "yes".
class Arguments {
 public:
  struct Option {
    std::string name, value, help;
  };
  struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  /// Handles --help itself. Throws Error for anything that is not an option with a value.
  Arguments(int argc, char** argv, const std::string& purpose, std::vector<Option> options)
      : options_(std::move(options)) {
    options_.push_back({"seed", "1", "seed of all random numbers"});
    options_.push_back({"out", ".", "folder for its files; made if it does not exist"});
    for (int i = 1; i < argc; i += 2) {
      const std::string flag = argv[i];
      if (flag == "--help" || flag == "-h") help(argv[0], purpose);
      if (!flag.starts_with("--")) throw Error("expected an option but got " + flag + "; --help lists them");
      Option& option = find(flag.substr(2));
      if (option.value == "no") {
        option.value = "yes";
        --i;
        changed_ = true;
        continue;
      }
      if (i + 1 == argc) throw Error("expected a value after " + flag);
      option.value = argv[i + 1];
      changed_ = changed_ || flag != "--out";
    }
    std::filesystem::create_directories(text("out"));
  }

  const std::string& text(const std::string& name) { return find(name).value; }
  /// Empty for "none".
  std::string file(const std::string& name) { return text(name) == "none" ? "" : text(name); }
  /// What --checkpoint names, written every so many steps; none for "none".
  std::optional<eigenesis::Checkpoint> checkpoint(long every = 0) {
    if (file("checkpoint").empty()) return {};
    return eigenesis::Checkpoint{.path = file("checkpoint"), .every = every};
  }
  long whole(const std::string& name) {
    const std::string& value = text(name);
    char* end = nullptr;
    errno = 0;
    const long number = std::strtol(value.c_str(), &end, 10);
    if (value.empty() || *end != '\0' || errno != 0 || number < 0)
      throw Error("expected a whole number >= 0 after --" + name + " but got " + value);
    return number;
  }
  double number(const std::string& name) {
    const std::string& value = text(name);
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    if (value.empty() || *end != '\0' || !(number >= 0 && std::isfinite(number)))
      throw Error("expected a number >= 0 after --" + name + " but got " + value);
    return number;
  }
  std::uint64_t seed() { return static_cast<std::uint64_t>(whole("seed")); }
  /// Whether the run differs from that without any options by more than its folder.
  bool changed() const { return changed_; }
  /// Path of a file in that folder.
  std::string out(const std::string& file) { return (std::filesystem::path(text("out")) / file).string(); }

 private:
  Option& find(const std::string& name) {
    for (Option& option : options_)
      if (option.name == name) return option;
    throw Error("there is no option --" + name + "; --help lists those there are");
  }
  [[noreturn]] void help(const char* program, const std::string& purpose) const {
    std::printf("%s\n\nUsage: %s [options]\n", purpose.c_str(), program);
    for (const Option& o : options_)
      std::printf("  --%-12s %s (default: %s)\n", o.name.c_str(), o.help.c_str(), o.value.c_str());
    std::exit(0);
  }

  std::vector<Option> options_;
  bool changed_ = false;
};

/// Runs the example and turns an exception into one line on stderr and exit code 1.
template <class Example>
int run_example(const char* name, Example example) try {
  example();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", name, error.what());
  return 1;
}
