// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/pictures/axes.hpp"
#include "eigenesis/pictures/picture.hpp"

// What charts, histograms and heat maps share.
namespace eigenesis::inline EIGENESIS_ABI::detail {

[[gnu::cold]] EIGENESIS_ONCE void check_plot_size(std::string_view function, Index width, Index height) {
  require<ArgumentError>(width >= 200 && height >= 150 && width <= 8192 && height <= 8192, function,
                         ": expected a size from 200 x 150 to 8192 x 8192 but got ", width, " x ", height);
}

/// The limits, or the interval if there are none.
[[gnu::cold]] EIGENESIS_ONCE Interval limited(std::string_view function, Interval needed, const Limits& limits,
                                              bool logarithmic = false) {
  if (limits.low == 0 && limits.high == 0) return needed;
  require<ArgumentError>(std::isfinite(limits.low) && std::isfinite(limits.high) && limits.low < limits.high &&
                             (limits.low > 0 || !logarithmic),
                         function, ": expected limits low < high", logarithmic ? ", positive," : "", " but got ",
                         limits.low, " and ", limits.high);
  return logarithmic ? Interval{std::log10(limits.low), std::log10(limits.high)} : Interval{limits.low, limits.high};
}

struct PlotLook {
  std::string_view title = {}, x_label = {}, y_label = {};
  Index width = 0, height = 0;
  bool logarithmic_x = false, logarithmic_y = false, whole_x = false;
  double key = 0;  // room on the right
};

/// A canvas with axes and what is written around them. What is drawn then stays inside of the axes.
class Plot {
 public:
  Plot(const PlotLook& look, Interval x, Interval y)
      : key(look.key),
        bottom(static_cast<double>(look.height) - (look.x_label.empty() ? 34 : 58)),
        top(look.title.empty() ? 18 : 44),
        right(static_cast<double>(look.width) - 24 - look.key),
        y_ticks_(ticks(y, std::max(2, static_cast<int>((bottom - top) / 48)), look.logarithmic_y)),
        left(std::ceil(label_width(y_ticks_)) + (look.y_label.empty() ? 22 : 46)),
        canvas(look.width, look.height, Colour(0xffffff)),
        axes(canvas, left, top, right, bottom, x, y) {
    axes.draw(ticks(x, std::max(2, static_cast<int>((right - left) / 60)), look.logarithmic_x, look.whole_x), y_ticks_);
    canvas.text({(left + right) / 2, 28}, look.title, 12, Axes::ink, Align::centre);
    canvas.text({(left + right) / 2, static_cast<double>(look.height) - 14}, look.x_label, 10, Axes::ink,
                Align::centre);
    canvas.text({20, (top + bottom) / 2}, look.y_label, 10, Axes::ink, Align::centre, true);
    canvas.clip(left, top, right, bottom);
  }
  Plot(const Plot&) = delete;
  Plot& operator=(const Plot&) = delete;

  /// The frame, after what it holds.
  void finish() {
    canvas.clip();
    axes.frame();
  }

  const double key, bottom, top, right;

 private:
  static std::vector<Tick> ticks(Interval range, int count, bool logarithmic, bool whole = false) {
    return logarithmic ? logarithmic_ticks(range, count) : linear_ticks(range, count, whole);
  }
  const std::vector<Tick> y_ticks_;

 public:
  const double left;
  Canvas canvas;
  Axes axes;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
