// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "eigenesis/machine/memory.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Height or width: tap q joins output o to input o * stride + q * dilation - padding, if there is such an input.
struct ConvolutionAxis {
  Index input, kernel, output, stride = 1, padding = 0, dilation = 1;
};

/// x [batch, height.input, width.input, in], w [height.kernel, width.kernel, in, out],
/// y [batch, height.output, width.output, out].
struct ConvolutionGeometry {
  Index batch, in, out;
  ConvolutionAxis height, width;

  Index taps() const { return height.kernel * width.kernel; }
  Index input_pixels() const { return height.input * width.input; }
  Index output_pixels() const { return height.output * width.output; }
  /// Whether x [rows, taps in], w [taps in, out] and y [rows, out] are matrices and y = x w: a kernel of one tap that
  /// moves over every pixel, or one that covers the whole image.
  bool is_product() const {
    const auto pointwise = [](const ConvolutionAxis& a) {
      return a.kernel == 1 && a.stride == 1 && a.padding == 0 && a.input == a.output;
    };
    const auto whole = [](const ConvolutionAxis& a) {
      return a.output == 1 && a.kernel == a.input && a.padding == 0 && (a.dilation == 1 || a.kernel == 1);
    };
    return (pointwise(height) && pointwise(width)) || (whole(height) && whole(width));
  }

  /// With stride 1 x and y may change roles: the same products of y, x and mirrored weights.
  ConvolutionGeometry mirrored() const {
    const auto mirror = [](const ConvolutionAxis& a) {
      return ConvolutionAxis{a.output, a.kernel, a.input, 1, a.dilation * (a.kernel - 1) - a.padding, a.dilation};
    };
    return {batch, out, in, mirror(height), mirror(width)};
  }
};

/// An axis seen from one side, the target: from which places of the other, the source, taps lead to each of its places.
/// For outputs the taps stand in order; for inputs in reverse, so that the source always grows with the tap.
struct AxisTaps {
  /// Places target, target + target_step, ... with the same taps; their sources grow by source_step.
  struct Group {
    Index places, target, source, taps, first_tap;
  };
  Index size, source_size, target_step, source_step;
  Index tap_step = 1, tap_source_step = 1;  // from each tap of a place to the next
  CachedVector<Group> groups;

  AxisTaps(const ConvolutionAxis& a, bool to_output)
      : size(to_output ? a.output : a.input),
        source_size(to_output ? a.input : a.output),
        target_step(to_output ? 1 : a.stride),
        source_step(to_output ? a.stride : 1) {
    const Index shift = to_output ? -a.padding : a.padding - a.dilation * (a.kernel - 1);
    for (Index first = 0; first < std::min(target_step, size); ++first)
      for (Index place = first; place < size; place += target_step) {
        Group group{1, place, 0, 0, 0};
        for (Index tap = 0; tap < a.kernel; ++tap) {
          const Index from = place * source_step + tap * a.dilation + shift;  // target_step times the source
          if (from < 0 || from % target_step != 0 || from / target_step >= source_size) continue;
          const Index source = from / target_step;
          if (group.taps++ == 0) group.first_tap = tap, group.source = source;
          if (group.taps == 2) tap_step = tap - group.first_tap, tap_source_step = source - group.source;
        }
        if (place != first && groups.back().taps == group.taps && groups.back().first_tap == group.first_tap)
          ++groups.back().places;
        else
          groups.push_back(group);
      }
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
