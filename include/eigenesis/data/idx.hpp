// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/files/idx.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Reads grey images from an idx file [N, H, W] -> [N, H, W, 1], pixels in [0, 1].
Tensor<float, 4> read_idx_images(const std::string& path);

/// Reads labels from an idx file [N].
std::vector<int> read_idx_labels(const std::string& path);

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/data/idx_inl.hpp"
#endif
