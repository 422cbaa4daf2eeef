// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/labelled_images.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

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
