// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/pictures/chart_inl.hpp"
#include "eigenesis/pictures/histogram.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// The density of numbers in each of the bins.
[[gnu::cold]] EIGENESIS_ONCE std::vector<double> densities(const std::vector<double>& values, Interval range,
                                                           Index bins) {
  std::vector<double> result(static_cast<std::size_t>(bins));
  const double width = (range.high - range.low) / static_cast<double>(bins);
  for (const double value : values) {
    if (value < range.low || value > range.high) continue;
    const auto bin = static_cast<Index>((value - range.low) / width);
    result[static_cast<std::size_t>(std::min(bin, bins - 1))] += 1 / (static_cast<double>(values.size()) * width);
  }
  return result;
}

}  // namespace detail

[[gnu::cold]] EIGENESIS_ONCE Picture draw_histogram(const std::vector<Series>& sets, const HistogramOptions& options) {
  using namespace detail;
  check_plot_size("draw_histogram", options.width, options.height);
  require<ArgumentError>(options.bins >= 1 && options.bins <= 10'000,
                         "draw_histogram: expected bins in [1, 10000] but got ", options.bins);
  Interval x, y{0, 0};
  for (const Series& set : sets) {
    require<ArgumentError>(!set.values.empty() && set.x.empty(),
                           "draw_histogram: expected values and no x in each set but got ", set.values.size(), " and ",
                           set.x.size(), " for ", set.name);
    for (const double value : set.values) {
      require<NumericError>(std::isfinite(value), "draw_histogram: expected finite numbers but got ", value, " for ",
                            set.name);
      x.include(value);
    }
  }
  require<ArgumentError>(!x.empty(), "draw_histogram: expected sets of numbers but got none");
  if (x.low == x.high) x = x.widened(0);
  x = limited("draw_histogram", x, options.x_limits);
  std::vector<std::vector<double>> heights;
  for (const Series& set : sets)
    for (const double height : heights.emplace_back(densities(set.values, x, options.bins))) y.include(height);

  const PlotLook look{.title = options.title,
                      .x_label = options.x_label,
                      .y_label = "density",
                      .width = options.width,
                      .height = options.height};
  const auto edge = [&](Index k) {
    return x.low + (x.high - x.low) * static_cast<double>(k) / static_cast<double>(options.bins);
  };
  return with_legend(look, x, {0, y.high > 0 ? 1.06 * y.high : 1}, sets, [&](Plot& plot, std::vector<Point>& drawn) {
    std::vector<Line> outlines(sets.size());
    for (std::size_t i = 0; i < sets.size(); ++i) {
      outlines[i].push_back(plot.axes.at(x.low, 0));
      for (Index bin = 0; bin < options.bins; ++bin) {
        const double height = heights[i][static_cast<std::size_t>(bin)];
        const Point from = plot.axes.at(edge(bin), height), to = plot.axes.at(edge(bin + 1), height);
        plot.canvas.rectangle(from.x, from.y, to.x, plot.bottom, series_colour(i), 0.25);
        outlines[i].insert(outlines[i].end(), {from, to});
        trace_line({from, {from.x, plot.bottom}}, Marks::line, drawn);
      }
      outlines[i].push_back(plot.axes.at(x.high, 0));
      trace_line(outlines[i], Marks::line, drawn);
    }
    for (std::size_t i = 0; i < sets.size(); ++i) plot.canvas.line(outlines[i], 2, series_colour(i));
  });
}

}  // namespace eigenesis::inline EIGENESIS_ABI
