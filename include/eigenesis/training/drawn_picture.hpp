// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

#include "eigenesis/pictures/picture.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A picture of a training that is drawn again and again: {"samples", [&] { return draw_grid(vae.decode(z)); }}. With
/// latents that stay the same it shows how they learn. One that draws random numbers needs a generator of its own, as
/// the training would otherwise depend on when the picture was drawn.
struct DrawnPicture {
  std::string name;               // stands above it; TensorBoard's tag
  std::function<Picture()> draw;  // gives the picture of this moment
};

}  // namespace eigenesis::inline EIGENESIS_ABI
