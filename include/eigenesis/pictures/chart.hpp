// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/pictures/picture.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How the values of a series are shown: as a line, as dots, or as both. `automatic` is a line, with dots if there are
/// few of them; of very many values, their running mean over a pale band.
enum class Marks { automatic, line, dots, line_and_dots };

/// A line of a chart: values over `x`, or over 1, 2, 3, ... if that is empty. Values that are not finite leave a gap.
struct Series {
  /// Of the line, for the legend.
  std::string name;
  /// One for each point.
  std::vector<double> values = {};
  /// Where the points are: as many as values, or none.
  std::vector<double> x = {};
  Marks marks = Marks::automatic;  // how it is shown

  /// One more point, at a number of any type; for series with an x for each value.
  void add(auto at, double value) {
    x.push_back(static_cast<double>(at));
    values.push_back(value);
  }
};

/// How draw_chart() draws.
struct ChartOptions {
  /// What stands above the chart and along its axes.
  std::string title = {}, x_label = {}, y_label = {};
  bool logarithmic = false;    // the y axis; values that are not positive leave a gap
  bool logarithmic_x = false;  // the x axis likewise
  /// Of the picture, in pixels.
  Index width = 800, height = 480;
  Limits x_limits = {}, y_limits = {};  // of the axes; what is beyond is left out
};

/// Series as lines: `draw_chart({{"train", train}, {"test", test}}, {.x_label = "epoch"})`. Throws ArgumentError if no
/// value can be shown, for a size or limits that do not fit, ShapeError for a series with fewer or more x than values.
Picture draw_chart(const std::vector<Series>& series, const ChartOptions& options = {});

/// Writes series as lines in a PNG file: save_png(path, draw_chart(series, options)).
void save_chart(const std::string& path, const std::vector<Series>& series, const ChartOptions& options = {});

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/pictures/chart_inl.hpp"
#endif
