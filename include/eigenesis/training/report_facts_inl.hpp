// SPDX-License-Identifier: MIT
#pragma once

#include <sys/utsname.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>

#include "eigenesis/machine/isa.hpp"
#include "eigenesis/machine/threads.hpp"
#include "eigenesis/training/report.hpp"

// What a report tells of the run by itself.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// "2026-11-27 14:05:09 +0000"
EIGENESIS_ONCE std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &local)};
}

/// The command line of this process as one would type it.
EIGENESIS_ONCE std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string words(std::istreambuf_iterator<char>(file), {}), line;
  for (std::size_t at = 0, end = 0; at < words.size(); at = end + 1) {
    end = std::min(words.find('\0', at), words.size());
    const std::string word = words.substr(at, end - at);
    const auto is_plain = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             std::string_view("-_./=,:+@%").find(c) != std::string_view::npos;
    };
    line += line.empty() ? "" : " ";
    if (!word.empty() && std::ranges::all_of(word, is_plain)) {
      line += word;
    } else {
      line += '\'';
      for (const char c : word) c == '\'' ? line += "'\\''" : line += c;
      line += '\'';
    }
  }
  return line;
}

/// What /proc/cpuinfo calls the processor, or nothing.
EIGENESIS_ONCE std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (const std::size_t colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  return {};
}

/// Of the library, the machine, and this process.
EIGENESIS_ONCE std::vector<ReportFact> known_facts() {
  std::vector<ReportFact> facts;
  if (const std::string command = command_line(); !command.empty()) facts.emplace_back("command", command);
  utsname system{};
  uname(&system);
  facts.emplace_back(
      "machine", std::string(system.nodename) + ", " + system.sysname + " " + system.release + ", " + system.machine);
  if (const std::string processor = processor_name(); !processor.empty()) facts.emplace_back("processor", processor);
  facts.emplace_back("threads", num_threads());
  facts.emplace_back("instruction set", isa() == Isa::avx512 ? "AVX-512" : isa() == Isa::avx2 ? "AVX2" : "baseline");
  facts.emplace_back("library", "eigenesis " + std::to_string(EIGENESIS_VERSION_MAJOR) + "." +
                                    std::to_string(EIGENESIS_VERSION_MINOR) + "." +
                                    std::to_string(EIGENESIS_VERSION_PATCH));
#if defined(__clang__)
  facts.emplace_back("compiler", __VERSION__);
#else
  facts.emplace_back("compiler", "GCC " __VERSION__);
#endif
  return facts;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
