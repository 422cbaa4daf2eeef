// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>
#include <limits>

#include "../arguments.hpp"

// What all lessons have in common.

/// A lesson of the course: its options, the numbers that prove what it says, and the picture that shows it.
class Lesson : public Arguments {
 public:
  Lesson(int argc, char** argv, std::string name, const std::string& purpose, std::vector<Option> options)
      : Arguments(argc, argv, purpose, std::move(options)), name_(std::move(name)) {}

  /// A fact known from elsewhere, such as a closed form: `value` must lie within `tolerance` of it in every run.
  void exact(const std::string& what, double value, double expected, double tolerance) {
    char rule[64];
    std::snprintf(rule, sizeof rule, "%.7g +- %.1g", expected, tolerance);
    judge(what, value, rule, std::abs(value - expected) <= tolerance);
  }
  /// What a training or an estimate came to: must lie in [low, high], the span that runs of several seeds left with a
  /// margin. A run with options of one's own only prints it.
  void measured(const std::string& what, double value, double low, double high) {
    char rule[64];
    if (high == most)
      std::snprintf(rule, sizeof rule, "at least %.7g", low);
    else if (low == -most)
      std::snprintf(rule, sizeof rule, "at most %.7g", high);
    else
      std::snprintf(rule, sizeof rule, "%.7g to %.7g", low, high);
    if (changed())
      print(what, value, rule, "not judged");
    else
      judge(what, value, rule, value >= low && value <= high);
  }
  void at_least(const std::string& what, double value, double low) { measured(what, value, low, most); }
  void at_most(const std::string& what, double value, double high) { measured(what, value, -most, high); }
  /// A number that proves nothing by itself.
  void show(const std::string& what, double value) { std::printf("  %-58s %11.6g\n", what.c_str(), value); }

  /// Where the picture goes.
  std::string picture() { return out(name_ + ".png"); }
  bool proven() const { return proven_; }

 private:
  static constexpr double most = std::numeric_limits<double>::infinity();

  void judge(const std::string& what, double value, const char* rule, bool right) {
    print(what, value, rule, right ? "" : "WRONG");
    proven_ = proven_ && right;
  }
  static void print(const std::string& what, double value, const char* rule, const char* verdict) {
    std::printf("  %-58s %11.6g   (%s)%s%s\n", what.c_str(), value, rule, *verdict ? "   " : "", verdict);
    std::fflush(stdout);
  }

  std::string name_;
  bool proven_ = true;
};

/// The mean of a curve from x = `from` to x = `to`, such as the second half of a training.
inline double mean_between(const eigenesis::Series& curve, double from, double to) {
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    if (curve.x[i] < from || curve.x[i] > to) continue;
    sum += curve.values[i];
    ++count;
  }
  return sum / count;
}

/// Runs a lesson, prints what it says and where its picture is. Exit code 1 for a wrong number or an exception, which
/// becomes one line on stderr.
inline int run_lesson(int argc, char** argv, const char* name, const char* purpose,
                      const std::vector<Arguments::Option>& options, void (*teach)(Lesson&)) {
  bool proven = false;
  const int result = run_example(name, [&] {
    Lesson lesson(argc, argv, name, purpose, options);
    std::printf("%s\n", purpose);
    teach(lesson);
    std::printf("%s\n", lesson.picture().c_str());
    proven = lesson.proven();
  });
  return result == 0 && proven ? 0 : 1;
}
