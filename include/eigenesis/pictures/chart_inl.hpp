// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

#include "eigenesis/pictures/axes.hpp"
#include "eigenesis/pictures/chart.hpp"
#include "eigenesis/pictures/picture_inl.hpp"
#include "eigenesis/pictures/plot_inl.hpp"

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
[[gnu::cold]] EIGENESIS_ONCE void draw_line(Canvas& canvas, const Line& line, std::size_t size, Colour colour,
                                            Marks marks) {
  constexpr std::size_t most = 600;
  if (size > most && marks == Marks::automatic) {
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
  if (marks != Marks::dots) canvas.line(line, 2, colour);
  if (marks == Marks::automatic ? size <= 30 : marks != Marks::line)
    for (const Point& p : line) canvas.disc(p, 3.5, colour);
}

/// Appends what a line covers: its points, and points between those that are far apart.
[[gnu::cold]] EIGENESIS_ONCE void trace_line(const Line& line, Marks marks, std::vector<Point>& points) {
  if (marks == Marks::dots) return void(points.insert(points.end(), line.begin(), line.end()));
  constexpr double spacing = 5;  // pixels
  for (std::size_t i = 0; i < line.size(); ++i) {
    const Point from = line[i == 0 ? 0 : i - 1], to = line[i];
    const double pieces = std::max(1.0, std::ceil(std::hypot(to.x - from.x, to.y - from.y) / spacing));
    for (double k = 1; k <= pieces; ++k)
      points.push_back({from.x + (to.x - from.x) * k / pieces, from.y + (to.y - from.y) * k / pieces});
  }
}

/// Names of the series beside their colours.
class Legend {
 public:
  explicit Legend(std::span<const Series> series)
      : series_(series), height_(row * static_cast<double>(series.size()) + margin) {
    for (const Series& s : series) width_ = std::max(width_, Canvas::text_width(s.name, size) + sample + 3 * margin);
  }
  /// What it needs beside a plot of such a width, or 0 if it is too wide.
  double room_beside(Index width) const { return width_ < 0.5 * static_cast<double>(width) ? width_ + margin : 0; }

  /// Draws it where it hides none of the points: beside the plot, if there is room, otherwise in a corner of the plot
  /// or between two. If it would hide some in all of these places, it is where it hides fewest if it must, and false
  /// is returned if not.
  bool draw(Plot& plot, std::span<const Point> points, bool must) const {
    if (series_.size() < 2) return true;
    Point best{plot.right + margin, plot.top};
    std::ptrdiff_t fewest = plot.key > 0 ? 0 : PTRDIFF_MAX;
    for (const double y : {plot.top + margin, plot.bottom - margin - height_})
      for (const double x : {plot.right - margin - width_, plot.left + margin, (plot.left + plot.right - width_) / 2}) {
        const auto count = std::count_if(points.begin(), points.end(), [&](const Point& p) {
          return p.x > x - 4 && p.x < x + width_ + 4 && p.y > y - 4 && p.y < y + height_ + 4;
        });
        if (count >= fewest) continue;
        fewest = count;
        best = {x, y};
      }
    if (fewest > 0 && !must) return false;
    draw_at(plot.canvas, best);
    return true;
  }

 private:
  static constexpr double size = Axes::text_size, row = size + 10, sample = 24, margin = 10;

  void draw_at(Canvas& canvas, Point at) const {
    canvas.rectangle(at.x, at.y, at.x + width_, at.y + height_, Colour(0xd5d9e0));
    canvas.rectangle(at.x + 1, at.y + 1, at.x + width_ - 1, at.y + height_ - 1, Colour(0xffffff));
    for (std::size_t i = 0; i < series_.size(); ++i) {
      const double y = at.y + margin / 2 + row * (static_cast<double>(i) + 0.5);
      if (series_[i].marks == Marks::dots)
        canvas.disc({at.x + margin + sample / 2, y}, 3.5, series_colour(i));
      else
        canvas.line({{at.x + margin, y}, {at.x + margin + sample, y}}, 2.5, series_colour(i));
      canvas.text({at.x + 2 * margin + sample, y + size / 2}, series_[i].name, size, Axes::ink);
    }
  }

  std::span<const Series> series_;
  double width_ = 0, height_;
};

/// The picture of what `draw` draws, which tells where, and a legend that hides nothing of it: beside the plot if there
/// is no place in it.
[[gnu::cold]] EIGENESIS_ONCE Picture with_legend(PlotLook look, Interval x, Interval y, std::span<const Series> series,
                                                 const std::function<void(Plot&, std::vector<Point>&)>& draw) {
  const Legend legend(series);
  for (;; look.key = legend.room_beside(look.width)) {
    Plot plot(look, x, y);
    std::vector<Point> drawn;
    draw(plot, drawn);
    plot.finish();
    if (legend.draw(plot, drawn, look.key > 0 || legend.room_beside(look.width) == 0))
      return reduced_picture(plot.canvas);
  }
}

[[gnu::cold]] EIGENESIS_ONCE Picture chart(std::string_view function, const std::vector<Series>& series,
                                           const ChartOptions& options) {
  check_plot_size(function, options.width, options.height);
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
  x = limited(function, x.widened(0.02), options.x_limits, options.logarithmic_x);
  y = limited(function, y.widened(0.06), options.y_limits, options.logarithmic);

  PlotLook look{.title = options.title,
                .x_label = options.x_label,
                .y_label = options.y_label,
                .width = options.width,
                .height = options.height,
                .logarithmic_x = options.logarithmic_x,
                .logarithmic_y = options.logarithmic,
                .whole_x = whole};
  return with_legend(look, x, y, series, [&](Plot& plot, std::vector<Point>& drawn) {
    for (std::size_t i = 0; i < lines.size(); ++i)
      for (Line line : lines[i]) {
        for (Point& p : line) p = plot.axes.at(p.x, p.y);
        draw_line(plot.canvas, line, series[i].values.size(), series_colour(i), series[i].marks);
        trace_line(line, series[i].marks, drawn);
      }
  });
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
