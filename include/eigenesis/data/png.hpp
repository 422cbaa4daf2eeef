// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/tensor.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Reads a PNG file -> [H, W, C], pixels in [0, 1]; C is 1 (grey) or 3 (colour), an alpha channel is left out.
Tensor<float, 3> load_png(const std::string& path);

/// Reads all files of a directory whose names end in .png, in capitals or not, in the order of their names ->
/// [N, H, W, C], pixels in [0, 1]; C is 1 (grey) or 3 (colour). Hidden files, whose names begin with a dot, and all
/// others are left out; a sentence on the standard error stream says how many. Throws DataError if there are no
/// pictures, if one is damaged, or if their sizes differ.
Tensor<float, 4> load_png_folder(const std::string& directory);

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/data/png_inl.hpp"
#endif
