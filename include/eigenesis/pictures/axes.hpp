// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <string>
#include <vector>

#include "eigenesis/pictures/canvas.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// An interval of numbers; empty as long as nothing is included.
struct Interval {
  double low = INFINITY, high = -INFINITY;

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  /// The interval with a margin on both sides, of positive length in any case.
  Interval widened(double fraction) const {
    const double margin = high > low ? fraction * (high - low) : std::max(1.0, std::abs(low)) * 0.5;
    return {low - margin, high + margin};
  }
};

struct Tick {
  double at;
  std::string label;
};

/// As %g and %.*f write it in the locale of C.
inline std::string tick_label(double at, std::chars_format format = std::chars_format::general, int precision = 6) {
  char label[32];
  return {label, std::to_chars(label, label + sizeof label, at, format, precision).ptr};
}

/// Multiples of 1, 2 or 5 times a power of ten, at most `count` of them, or of whole numbers only.
[[gnu::cold]] inline std::vector<Tick> linear_ticks(Interval range, int count, bool whole = false) {
  const double least = (range.high - range.low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  double step = power;
  for (const double factor : {2.0, 5.0, 10.0})
    if (step < least * (1 - 1e-9)) step = factor * power;
  if (whole) step = std::max(step, 1.0);
  const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  const bool short_form = std::max(std::abs(range.low), std::abs(range.high)) < 1e7 && decimals < 6;

  std::vector<Tick> ticks;
  const double first = std::ceil(range.low / step - 1e-9);
  for (int i = 0; i <= count + 1; ++i) {  // counted, as k + 1 may be k
    const double k = first + i;
    if (k * step > range.high + 1e-9 * step) break;
    const double at = k * step == 0 ? 0 : k * step;
    ticks.push_back({at, short_form ? tick_label(at, std::chars_format::fixed, decimals) : tick_label(at)});
  }
  return ticks;
}

/// Powers of ten of an interval of logarithms to base 10, with 2 and 5 times those where they are few.
[[gnu::cold]] inline std::vector<Tick> logarithmic_ticks(Interval range, int count) {
  const double decades = range.high - range.low;
  const double stride = std::max(1.0, std::ceil(decades / count));
  std::vector<Tick> ticks;
  for (double k = std::floor(range.low); k <= range.high; ++k)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double at = k + std::log10(factor);
      if (at < range.low - 1e-9 || at > range.high + 1e-9) continue;
      if (factor > 1 ? decades > 2 : std::fmod(k, stride) != 0) continue;
      ticks.push_back({at, tick_label(factor * std::pow(10.0, k))});
    }
  return ticks;
}

/// A rectangle of the canvas that shows the given intervals, with grid, ticks and labels.
class Axes {
 public:
  static constexpr double text_size = 10;

  Axes(Canvas& canvas, double left, double top, double right, double bottom, Interval x, Interval y)
      : canvas_(&canvas), left_(left), top_(top), right_(right), bottom_(bottom), x_(x), y_(y) {}

  Point at(double x, double y) const {
    return {left_ + (right_ - left_) * (x - x_.low) / (x_.high - x_.low),
            bottom_ - (bottom_ - top_) * (y - y_.low) / (y_.high - y_.low)};
  }

  /// Background, grid lines and numbers; comes before what the axes show.
  [[gnu::cold]] void draw(const std::vector<Tick>& x_ticks, const std::vector<Tick>& y_ticks) {
    canvas_->rectangle(left_, top_, right_, bottom_, Colour(0xf7f8fa));
    for (const Tick& tick : x_ticks) {
      const double x = std::floor(at(tick.at, y_.low).x);
      canvas_->rectangle(x, top_, x + 1, bottom_, Colour(0xe2e5ea));
      canvas_->text({x + 0.5, bottom_ + text_size + 9}, tick.label, text_size, ink, Align::centre);
    }
    for (const Tick& tick : y_ticks) {
      const double y = std::floor(at(x_.low, tick.at).y);
      canvas_->rectangle(left_, y, right_, y + 1, Colour(0xe2e5ea));
      canvas_->text({left_ - 9, y + 0.5 + text_size / 2}, tick.label, text_size, ink, Align::right);
    }
  }

  /// The frame, drawn over what the axes show.
  [[gnu::cold]] void frame() {
    const Colour line(0x9aa1ac);
    canvas_->rectangle(left_ - 1, top_ - 1, right_ + 1, top_, line);
    canvas_->rectangle(left_ - 1, bottom_, right_ + 1, bottom_ + 1, line);
    canvas_->rectangle(left_ - 1, top_, left_, bottom_, line);
    canvas_->rectangle(right_, top_, right_ + 1, bottom_, line);
  }

  static constexpr Colour ink = Colour(0x3d434d);

 private:
  Canvas* canvas_;
  double left_, top_, right_, bottom_;
  Interval x_, y_;
};

/// Room for the widest of the labels.
[[gnu::cold]] inline double label_width(const std::vector<Tick>& ticks) {
  double width = 0;
  for (const Tick& tick : ticks) width = std::max(width, Canvas::text_width(tick.label, Axes::text_size));
  return width;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
