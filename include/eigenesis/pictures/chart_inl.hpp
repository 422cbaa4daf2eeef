// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include "eigenesis/pictures/axes.hpp"
#include "eigenesis/pictures/chart.hpp"
#include "eigenesis/pictures/picture_inl.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

using Line = std::vector<Point>;

/// The points of a series in the coordinates of the chart, split at its gaps.
[[gnu::cold]] EIGENESIS_ONCE std::vector<Line> chart_lines(std::string_view function, const Series& series,
                                                           const ChartOptions& options) {
  require(series.x.empty() || series.x.size() == series.values.size(), function,
          ": expected as many x as values but got ", series.x.size(), " and ", series.values.size(), " for ",
          series.name);
  std::vector<Line> lines(1);
  for (std::size_t i = 0; i < series.values.size(); ++i) {
    const double at = series.x.empty() ? static_cast<double>(i + 1) : series.x[i];
    const double x = options.logarithmic_x ? std::log10(at) : at;
    const double y = options.logarithmic ? std::log10(series.values[i]) : series.values[i];
    if (std::isfinite(x) && std::isfinite(y))
      lines.back().push_back({x, y});
    else if (!lines.back().empty())
      lines.emplace_back();
  }
  return lines;
}

/// A piece of a series of `size` values. Few points are marked one by one; of a series of more than a line can show, it
/// is their running mean over a pale band.
[[gnu::cold]] EIGENESIS_ONCE void draw_line(Canvas& canvas, const Line& line, std::size_t size, Colour colour) {
  constexpr std::size_t most = 600;
  if (size > most) {
    const std::size_t means = std::max<std::size_t>(1, 150 * line.size() / size);
    canvas.line(line, 1.2, colour, 0.3);
    Line mean;
    for (std::size_t k = 0; k < means; ++k) {
      const std::size_t first = k * line.size() / means, last = (k + 1) * line.size() / means;
      Point sum{0, 0};
      for (std::size_t i = first; i < last; ++i) sum = {sum.x + line[i].x, sum.y + line[i].y};
      const auto count = static_cast<double>(last - first);
      mean.push_back({sum.x / count, sum.y / count});
    }
    canvas.line(mean, 2, colour);
    return;
  }
  canvas.line(line, 2, colour);
  if (size <= 30)
    for (const Point& p : line) canvas.disc(p, 3.5, colour);
}

/// Appends what a line covers: its points, and points between those that are far apart.
[[gnu::cold]] EIGENESIS_ONCE void trace_line(const Line& line, std::vector<Point>& points) {
  constexpr double spacing = 5;  // pixels
  for (std::size_t i = 0; i < line.size(); ++i) {
    const Point from = line[i == 0 ? 0 : i - 1], to = line[i];
    const double pieces = std::max(1.0, std::ceil(std::hypot(to.x - from.x, to.y - from.y) / spacing));
    for (double k = 1; k <= pieces; ++k)
      points.push_back({from.x + (to.x - from.x) * k / pieces, from.y + (to.y - from.y) * k / pieces});
  }
}

/// Names of the series beside their colours, in a corner of the box or between two, where they cover least.
[[gnu::cold]] EIGENESIS_ONCE void draw_legend(Canvas& canvas, std::span<const Series> series,
                                              std::span<const Point> points, double left, double top, double right,
                                              double bottom) {
  constexpr double size = Axes::text_size, row = size + 10, sample = 24, margin = 10;
  double width = 0;
  for (const Series& s : series) width = std::max(width, Canvas::text_width(s.name, size));
  width += sample + 3 * margin;
  const double height = row * static_cast<double>(series.size()) + margin;
  Point best{};
  std::ptrdiff_t fewest = -1;
  for (const double y : {top + margin, bottom - margin - height})
    for (const double x : {right - margin - width, left + margin, (left + right - width) / 2}) {
      const auto count = std::count_if(points.begin(), points.end(), [&](const Point& p) {
        return p.x > x - 4 && p.x < x + width + 4 && p.y > y - 4 && p.y < y + height + 4;
      });
      if (fewest >= 0 && count >= fewest) continue;
      fewest = count;
      best = {x, y};
    }
  canvas.rectangle(best.x, best.y, best.x + width, best.y + height, Colour(0xd5d9e0));
  canvas.rectangle(best.x + 1, best.y + 1, best.x + width - 1, best.y + height - 1, Colour(0xffffff));
  for (std::size_t i = 0; i < series.size(); ++i) {
    const double y = best.y + margin / 2 + row * (static_cast<double>(i) + 0.5);
    canvas.line({{best.x + margin, y}, {best.x + margin + sample, y}}, 2.5, series_colour(i));
    canvas.text({best.x + 2 * margin + sample, y + size / 2}, series[i].name, size, Axes::ink);
  }
}

[[gnu::cold]] EIGENESIS_ONCE Picture chart(std::string_view function, const std::vector<Series>& series,
                                           const ChartOptions& options) {
  require<ArgumentError>(
      options.width >= 200 && options.height >= 150 && options.width <= 8192 && options.height <= 8192, function,
      ": expected a size from 200 x 150 to 8192 x 8192 but got ", options.width, " x ", options.height);
  std::vector<std::vector<Line>> lines;
  Interval x, y;
  bool whole = true;
  for (const Series& s : series)
    for (const Line& line : lines.emplace_back(chart_lines(function, s, options)))
      for (const Point& p : line) {
        x.include(p.x);
        y.include(p.y);
        whole = whole && p.x == std::floor(p.x);
      }
  require<ArgumentError>(!x.empty(), function, ": expected at least one finite",
                         options.logarithmic || options.logarithmic_x ? ", positive" : "", " value but got none");
  x = x.widened(0.02);
  y = y.widened(0.06);

  const double bottom = static_cast<double>(options.height) - (options.x_label.empty() ? 34 : 58);
  const double top = options.title.empty() ? 18 : 44, right = static_cast<double>(options.width) - 24;
  const int rows = std::max(2, static_cast<int>((bottom - top) / 48));
  const auto y_ticks = options.logarithmic ? logarithmic_ticks(y, rows) : linear_ticks(y, rows);
  const double left = std::ceil(label_width(y_ticks)) + (options.y_label.empty() ? 22 : 46);
  const int columns = std::max(2, static_cast<int>((right - left) / 60));
  const auto x_ticks = options.logarithmic_x ? logarithmic_ticks(x, columns) : linear_ticks(x, columns, whole);

  Canvas canvas(options.width, options.height, Colour(0xffffff));
  Axes axes(canvas, left, top, right, bottom, x, y);
  axes.draw(x_ticks, y_ticks);
  std::vector<Point> drawn;
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (Line& line : lines[i]) {
      for (Point& p : line) p = axes.at(p.x, p.y);
      draw_line(canvas, line, series[i].values.size(), series_colour(i));
      trace_line(line, drawn);
    }
  axes.frame();
  if (series.size() > 1) draw_legend(canvas, series, drawn, left, top, right, bottom);
  canvas.text({(left + right) / 2, 28}, options.title, 12, Axes::ink, Align::centre);
  canvas.text({(left + right) / 2, static_cast<double>(options.height) - 14}, options.x_label, 10, Axes::ink,
              Align::centre);
  canvas.text({20, (top + bottom) / 2}, options.y_label, 10, Axes::ink, Align::centre, true);
  return reduced_picture(canvas);
}

}  // namespace detail

EIGENESIS_ONCE Picture draw_chart(const std::vector<Series>& series, const ChartOptions& options) {
  return detail::chart("draw_chart", series, options);
}

EIGENESIS_ONCE void save_chart(const std::string& path, const std::vector<Series>& series,
                               const ChartOptions& options) {
  detail::check_png_name("save_chart", path);
  detail::write_picture("save_chart", path, detail::chart("save_chart", series, options));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
