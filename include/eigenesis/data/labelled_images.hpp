// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/tensor.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Images, one per row, and the class that each of them shows.
struct LabelledImages {
  Tensor<float, 2> images;                    // [N, height * width * channels], pixels in [0, 1]
  std::vector<int> labels;                    // [N]
  Index height = 0, width = 0, channels = 0;  // of each image
  std::vector<std::string> classes = {};      // what labels 0, 1, ... stand for, if that is known
  /// Number of images, N.
  Index size() const { return images.shape(0); }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
