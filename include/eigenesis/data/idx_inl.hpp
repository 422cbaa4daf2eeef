// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "eigenesis/data/idx.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

EIGENESIS_ONCE Tensor<float, 4> read_idx_images(const std::string& path) {
  const IdxFile file = read_idx(path);
  require<DataError>(file.sizes.size() == 3, "read_idx_images: expected sizes [N, H, W] but got ",
                     detail::ShapeView{file.sizes}, " in ", path);
  Tensor<float, 4> images(Shape{file.sizes[0], file.sizes[1], file.sizes[2], Index{1}});
  std::transform(file.values.begin(), file.values.end(), images.data(),
                 [](std::uint8_t pixel) { return static_cast<float>(pixel) / 255.0f; });
  return images;
}

EIGENESIS_ONCE std::vector<int> read_idx_labels(const std::string& path) {
  const IdxFile file = read_idx(path);
  require<DataError>(file.sizes.size() == 1, "read_idx_labels: expected sizes [N] but got ",
                     detail::ShapeView{file.sizes}, " in ", path);
  return std::vector<int>(file.values.begin(), file.values.end());
}

}  // namespace eigenesis::inline EIGENESIS_ABI
