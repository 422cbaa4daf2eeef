// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/tensor.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Images, one per row, and the class that each of them shows.
struct LabelledImages {
  Tensor<float, 2> images;                    // [N, height * width * channels], pixels in [0, 1]
  std::vector<int> labels;                    // [N]
  Index height = 0, width = 0, channels = 0;  // of each image
  /// Number of images, N.
  Index size() const { return images.shape(0); }
};

/// What load_mnist() gives.
struct Mnist {
  LabelledImages train, test;  // of the files train-... and t10k-...
};

/// Loads the four files of MNIST, or of a data set in its format such as Fashion-MNIST, each plain or as .gz.
/// Throws DataError if one is missing or damaged. Source: LeCun, Bottou, Bengio, Haffner 1998.
Mnist load_mnist(const std::string& directory);

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/data/mnist_inl.hpp"
#endif
