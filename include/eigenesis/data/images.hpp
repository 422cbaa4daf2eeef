// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/data/labelled_images.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// What pictures become when they are read; 0: as they are in the file.
struct ImageOptions {
  Index channels = 0;           // 1: grey, 0.299 red + 0.587 green + 0.114 blue; 3: colour
  Index height = 0, width = 0;  // resized, without aliasing
  bool crop = false;            // The middle is cut out in place of resizing.
  Index shorter_side = 0;       // Resized in proportion until the shorter side is so long, before .crop cuts out.
};

/// Reads a PNG or JPEG file, told apart by its content -> [H, W, C], pixels in [0, 1]; C is 1 (grey) or 3 (colour), an
/// alpha channel is left out. As in Pillow and torchvision, the orientation that a camera wrote (EXIF) is not applied.
/// Throws ArgumentError for impossible options, DataError for another kind of file, a damaged one or one that is too
/// small to be cropped. The middle square, as large as can be:
/// {.height = 64, .width = 64, .crop = true, .shorter_side = 64}.
Tensor<float, 3> load_image(const std::string& path, const ImageOptions& options = {});

/// Reads all files of a directory whose names end in .png, .jpg or .jpeg, in capitals or not, in the order of their
/// names -> [N, H, W, C], pixels in [0, 1]; C is 1 (grey) or 3 (colour). Hidden files, whose names begin with a dot,
/// and all others are left out; a sentence on the standard error stream says how many. Throws DataError if there are no
/// pictures, if one is damaged, or if sizes or channels differ and the options do not make them equal.
Tensor<float, 4> load_image_folder(const std::string& directory, const ImageOptions& options = {});

/// Reads the image files in the subdirectories of a directory, each of which holds the pictures of one class, as
/// torchvision's ImageFolder does, though not from folders within these: the classes in the order of their names, and
/// in each the files as load_image_folder does -> images [N, H * W * C], labels [N], `classes` with the names of the
/// subdirectories. Hidden entries and all others than such files in directories are left out; a sentence on the
/// standard error stream says how many. Throws DataError as load_image_folder does, and for a class without pictures.
///   const LabelledImages faces = load_labelled_image_folder("faces", {.channels = 1, .height = 32, .width = 32});
LabelledImages load_labelled_image_folder(const std::string& directory, const ImageOptions& options = {});

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/data/images_inl.hpp"
#endif
