// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"

struct Chart {
  std::vector<eigenesis::Series> series;
  eigenesis::ChartOptions options = {};
};

inline void add_point(eigenesis::Series& series, double x, double y) {
  series.x.push_back(x);
  series.values.push_back(y);
}

/// Draws charts beside each other, or in rows of `columns`, as the picture of the lesson.
inline void save_charts(Lesson& lesson, const std::vector<Chart>& charts, eigenesis::Index columns = 0) {
  std::vector<eigenesis::MontagePart> parts;
  for (const Chart& chart : charts) {
    parts.push_back({lesson.out("part_" + std::to_string(parts.size()) + ".png")});
    eigenesis::save_chart(parts.back().path, chart.series, chart.options);
  }
  eigenesis::save_montage(lesson.picture(), parts, columns);
  for (const eigenesis::MontagePart& part : parts) std::filesystem::remove(part.path);
}
