// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/pictures/chart.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How draw_histogram() draws.
struct HistogramOptions {
  std::string title = {}, x_label = {};  // above and beneath; empty: none
  Index bins = 40;                       // of equal width, the same for all sets
  Limits x_limits = {};                  // what the bins cover
  Index width = 800, height = 480;       // of the picture, in pixels
};

/// How sets of numbers are distributed: draw_histogram({{"data", data}, {"samples", samples}}). The height of a bin is
/// its share of the numbers divided by its width, so that sets of different sizes compare and the area of each is 1; a
/// number beyond the limits counts as one of the set, but is in no bin. Throws ArgumentError without numbers and for
/// options that do not fit, NumericError for numbers that are not finite.
Picture draw_histogram(const std::vector<Series>& sets, const HistogramOptions& options = {});

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/pictures/histogram_inl.hpp"
#endif
