// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/labelled_images.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The colour images of CIFAR-10 in ten classes.
struct Cifar10 {
  LabelledImages train, test;  // 50 000 and 10 000 images
};

/// Loads the binary version of CIFAR-10 from the directory of data_batch_1.bin to data_batch_5.bin and test_batch.bin:
/// images [N, 32 * 32 * 3] in [0, 1], each in the order H, W, C; labels 0 to 9; the names of the ten classes.
/// Throws DataError if a file is missing or is not records of 1 + 3072 bytes with labels from 0 to 9.
/// Source: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
Cifar10 load_cifar10(const std::string& directory);

/// Reads files of CIFAR-10's binary format, whose records are a label and a picture [3, 32, 32], one after the other ->
/// images [N, 32 * 32 * 3] in [0, 1], each in the order H, W, C; labels [N], 0 to 9; the names of the ten classes.
/// Throws ArgumentError without a path, DataError for a file that cannot be read or is not records of 1 + 3072 bytes
/// with labels from 0 to 9.
LabelledImages read_cifar10(const std::vector<std::string>& paths);

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/data/cifar10_inl.hpp"
#endif
