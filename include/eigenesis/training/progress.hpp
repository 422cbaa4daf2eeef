// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "eigenesis/machine/error.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A number that training reports.
struct NamedValue {
  std::string_view name;  // of the loss
  double value;           // as a double, whatever the scalar of the model
};

/// Where a progress bar writes, and the clock that it reads. The default is the terminal or file behind stderr.
struct ProgressOutput {
  /// Takes text that is to be shown now.
  std::function<void(std::string_view)> write = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  };
  /// Seconds since any fixed moment.
  std::function<double()> seconds = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  /// Width of the terminal in characters; 0 if the output is not a terminal.
  std::function<int()> columns = [] {
    winsize size{};
    if (!isatty(STDERR_FILENO)) return 0;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? int{size.ws_col} : 80;
  };
};

namespace detail {

/// The steps of a whole training. More may be asked for than can be counted, for one that is stopped.
inline Index all_steps(Index epochs, Index steps_per_epoch) {
  const Index most = std::numeric_limits<Index>::max();
  return steps_per_epoch > 0 && epochs > most / steps_per_epoch ? most : epochs * steps_per_epoch;
}

struct WatchingFunctions;
/// What watchers need, defined in watch_inl.hpp.
const WatchingFunctions& watching_functions();

/// A number with so many digits behind its point, whatever the locale.
inline std::string fixed(double value, int digits) {
  char text[400];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits).ptr};
}
/// A number with so many significant digits, as %g has it, whatever the locale.
inline std::string significant(double value, int digits) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr};
}

/// "01:07", "1:02:07".
inline std::string clock_text(double seconds) {
  const auto s = static_cast<long long>(std::min(seconds, 3.6e9));
  const auto two = [](long long number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return (s < 3600 ? two(s / 60) : std::to_string(s / 3600) + ":" + two(s / 60 % 60)) + ":" + two(s % 60);
}

/// "71.2 it/s", or "1.40 s/it" below one per second.
inline std::string rate_text(double per_second) {
  if (!(per_second > 0) || !std::isfinite(per_second)) return "? it/s";
  const double number = per_second < 1 ? 1 / per_second : per_second;
  return fixed(number, number < 9.995 ? 2 : number < 99.95 ? 1 : 0) + (per_second < 1 ? " s/it" : " it/s");
}

/// Ten characters, the last filled one in steps of an eighth.
inline std::string bar_text(double fraction) {
  static constexpr const char* eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string bar;
  const int filled = static_cast<int>(80 * fraction + 1e-9);
  for (int i = 0; i < 10; ++i) bar += i < filled / 8 ? "█" : i == filled / 8 ? eighths[filled % 8] : " ";
  return bar;
}

/// The first `columns` characters of UTF-8 text.
inline std::string_view first_characters(std::string_view text, int columns) {
  std::size_t end = 0;
  for (int count = 0; end < text.size(); ++end)
    if ((static_cast<unsigned char>(text[end]) & 0xc0) != 0x80 && ++count > columns) break;
  return text.substr(0, end);
}

}  // namespace detail

/// What a progress bar shows, and where.
struct ProgressBarOptions {
  std::string name = {};        // how the line begins; the trainer's title without
  ProgressOutput output = {};   // the terminal or file behind stderr
  bool gradient_norms = false;  // of the last step, before clipping; computed for the line if nobody else asks for them
};

/// A line as tqdm draws it, rewritten at most ten times per second; one line stays for each epoch:
///
///   epoch 3/10  47%|████▋     | 220/469 [00:03<00:04, 71.2 it/s] loss 112.4
///
/// The line begins with the name given here or, without one, the trainer's. In brackets stand the time since the epoch
/// began and the time it still needs. If the output is not a terminal, one plain line is written for every tenth of the
/// whole training.
class ProgressBar {
 public:
  explicit ProgressBar(std::string name = {}, ProgressOutput output = {})
      : output_(std::move(output)), given_name_(std::move(name)) {}
  /// ProgressBar{{.gradient_norms = true}}.
  explicit ProgressBar(ProgressBarOptions options)
      : output_(std::move(options.output)),
        given_name_(std::move(options.name)),
        for_gradient_norms_(options.gradient_norms ? &detail::watching_functions() : nullptr) {}

  /// If the norms of gradients are to be among the values: what fit needs for that. Else nullptr.
  const detail::WatchingFunctions* functions_for_gradient_norms() const { return for_gradient_norms_; }

  /// Begins with a training of so many epochs and steps in each. `trainer` is its title.
  void start(std::string_view trainer, Index epochs, Index steps_per_epoch) {
    name_ = given_name_.empty() ? trainer : given_name_;
    epochs_ = epochs;
    steps_ = steps_per_epoch;
    epoch_ = 0;
    tenths_ = 0;
    drawing_ = false;
    terminal_ = output_.columns() > 0;
    last_seen_ = output_.seconds();
  }

  /// Epochs and finished steps count from one. Step 0, or one without values, may announce that an epoch begins or goes
  /// on; call the last step of an epoch after its evaluation, so that the line that stays shows all its values.
  void step(Index epoch, Index step, std::span<const NamedValue> values) {
    const double now = output_.seconds();
    if (epoch != epoch_) {
      epoch_ = epoch;
      const bool begins = step == 0 || values.empty();
      first_step_ = begins ? step : 0;
      epoch_start_ = begins ? now : last_seen_;
      last_drawn_ = -1e9;
    }
    last_seen_ = now;
    const bool last = step >= steps_;
    if (terminal_) {
      if (!last && now - last_drawn_ < 0.1) return;
      last_drawn_ = now;
      drawing_ = !last;
      const std::string text = line(step, now - epoch_start_, values, true);
      output_.write("\r" + std::string(detail::first_characters(text, output_.columns() - 1)) + "\x1b[K" +
                    (last ? "\n" : ""));
    } else {
      const double made = static_cast<double>(detail::all_steps(epoch - 1, steps_)) + static_cast<double>(step);
      const auto all = static_cast<double>(std::max<Index>(1, detail::all_steps(epochs_, steps_)));
      const auto tenths = static_cast<Index>(10 * made / all);
      if (tenths <= tenths_) return;
      tenths_ = tenths;
      output_.write(line(step, now - epoch_start_, values, false) + "\n");
    }
  }

  /// Writes a sentence above the line.
  void print_above(std::string_view sentence) {
    output_.write((terminal_ ? "\r\x1b[K" : "") + std::string(sentence) + "\n");
    drawing_ = false;
    last_drawn_ = -1e9;
  }

  /// Ends a line that is not complete, as when training was stopped.
  void finish() {
    if (drawing_) output_.write("\n");
    drawing_ = false;
  }

 private:
  std::string line(Index step, double seconds, std::span<const NamedValue> values, bool bar) const {
    const double fraction = std::min(1.0, static_cast<double>(step) / static_cast<double>(std::max<Index>(1, steps_)));
    const double rate = seconds > 0 ? static_cast<double>(step - first_step_) / seconds : 0;
    const std::string left = rate > 0 ? detail::clock_text(static_cast<double>(steps_ - step) / rate) : "?";
    std::string text = name_;
    if (epochs_ > 1)
      text += (text.empty() ? "epoch " : " epoch ") + std::to_string(epoch_) + "/" + std::to_string(epochs_);
    const std::string percent = detail::fixed(100 * fraction, 0);
    text += (text.empty() ? "" : " ") + std::string(3 - std::min<std::size_t>(3, percent.size()), ' ') + percent + "%";
    text += bar ? "|" + detail::bar_text(fraction) + "| " : " ";
    text += std::to_string(step) + "/" + std::to_string(steps_);
    text += " [" + detail::clock_text(seconds) + "<" + left + ", " + detail::rate_text(rate) + "]";
    for (const NamedValue& v : values) text += " " + std::string(v.name) + " " + detail::significant(v.value, 4);
    return text;
  }

  ProgressOutput output_;
  std::string given_name_, name_;
  Index epochs_ = 1, steps_ = 1, epoch_ = 0, tenths_ = 0;
  Index first_step_ = 0;  // of the epoch in this run
  double epoch_start_ = 0, last_drawn_ = 0, last_seen_ = 0;
  const detail::WatchingFunctions* for_gradient_norms_ = nullptr;
  bool terminal_ = false;
  bool drawing_ = false;  // an incomplete line stands on the terminal
};

/// What a trainer holds: a progress bar or, by default, nothing. `{.progress = ProgressBar{}}`.
class Progress {
 public:
  /// Nothing is shown.
  Progress() = default;
  /// The bar is shown.
  Progress(ProgressBar bar) : bar_(std::move(bar)) {}

  /// As that of ProgressBar.
  const detail::WatchingFunctions* functions_for_gradient_norms() const {
    return bar_ ? bar_->functions_for_gradient_norms() : nullptr;
  }
  /// As that of ProgressBar.
  void start(std::string_view trainer, Index epochs, Index steps_per_epoch) {
    if (bar_) bar_->start(trainer, epochs, steps_per_epoch);
  }
  /// As that of ProgressBar.
  void step(Index epoch, Index step, std::span<const NamedValue> values) {
    if (bar_) bar_->step(epoch, step, values);
  }
  /// A sentence above the line or, without a bar, on stderr.
  void print_above(std::string_view sentence) {
    if (bar_)
      bar_->print_above(sentence);
    else
      ProgressOutput{}.write(std::string(sentence) + "\n");
  }
  /// Ends a line that is not complete.
  void finish() {
    if (bar_) bar_->finish();
  }

 private:
  std::optional<ProgressBar> bar_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI
