// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/pictures/picture.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How save_animation() shows pictures.
struct AnimationOptions {
  double frames_per_second = 10;  // from 0.02 to 1000
  Index loops = 0;                // how often it is shown; 0: again and again
};

/// Writes pictures of one size as an animation, without loss: a PNG file with several frames (APNG), which browsers and
/// image viewers show. What knows PNG only shows the first one. It is grey if all pictures are, otherwise in colour.
/// Throws ArgumentError without pictures, for options that do not fit and unless the name ends in .png, ShapeError for
/// pictures of several sizes, Error if the file cannot be written.
void save_animation(const std::string& path, const std::vector<Picture>& pictures,
                    const AnimationOptions& options = {});

namespace detail {

void check_animation(std::string_view function, const std::string& path, const AnimationOptions& options);

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/pictures/animation_inl.hpp"
#endif
