// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "eigenesis/pictures/picture.hpp"
#include "eigenesis/training/watch.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A picture of a training that is drawn again and again: {"samples", [&] { return draw_grid(vae.decode(z)); }}. With
/// latents that stay the same it shows how they learn. One that draws random numbers needs a generator of its own, as
/// the training would otherwise depend on when the picture was drawn. A drawing that fails becomes a warning, and the
/// training goes on.
struct DrawnPicture {
  std::string name;               // stands above it; TensorBoard's tag
  std::function<Picture()> draw;  // gives the picture of this moment
};

namespace detail {

/// Throws ArgumentError for a picture without a name or a function, two of one name, and a name that is no UTF-8.
void check_pictures(std::string_view function, const std::vector<DrawnPicture>& pictures);

/// What a watcher draws during a training.
class Drawing {
 public:
  explicit Drawing(std::string_view watcher) : watcher_(watcher) {}
  /// Calls `draw`. If it throws, a warning tells why; false then. Until it succeeds again, no reason is told twice, and
  /// no more than three.
  bool succeeds(TrainingView& now, const std::string& name, const std::function<void()>& draw);

 private:
  std::string watcher_;
  std::map<std::string, std::vector<std::string>> failures_;  // by name: what was told
};

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/drawn_picture_inl.hpp"
#endif
