// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "eigenesis/pictures/image_grid.hpp"
#include "eigenesis/training/report_layers.hpp"

// A decoder for the page of a report.
namespace eigenesis::inline EIGENESIS_ABI {

/// Which codes an Explorer has, and how its images are to be understood.
struct ExplorerOptions {
  std::function<Tensor<float, 2>()> codes = {};  // latents to go between, [M, L]: [&] { return vae.encode(digits); }
  std::vector<std::string> names = {};           // of the codes; their numbers without
  Index height = 0, width = 0;                   // size of images in rows [N, height * width * C]; 0: square and grey
  PixelRange range = {};                         // what becomes black and white; {-1, 1} for the outputs of a tanh
};

namespace detail {

/// The greatest change of a pixel, in units of the range, by which weights may be rounded to float16.
inline constexpr double half_limit = 5e-4;

/// Images or rows of a decoder for latents, in evaluation.
template <class Model>
auto page_images(const Model& model, const Tensor<float, 2>& z) {
  const NoGradient no_gradient;
  if constexpr (requires { model.likelihood; })
    return model(Variable(z)).mean().value();
  else
    return call(model, Variable(z)).value();
}

inline float rounded_to_half(float value) { return static_cast<float>(Eigen::half(value)); }

/// Fills in what a decoder's pixels tell: their shape, whether float16 is enough, and examples.
void complete_page_decoder(PageDecoder& decoder, const Shape<4>& images, const ExplorerOptions& options);
Shape<4> page_shape(const Shape<2>& rows, const ExplorerOptions& options);
inline Shape<4> page_shape(const Shape<4>& images, const ExplorerOptions&) { return images; }
/// Latents to try a decoder with: a few normal ones, and the codes.
Tensor<float, 2> page_latents(Index latents, const Tensor<float, 2>& codes);
void note_pixels(PageDecoder& decoder, const Tensor<float, 2>& z, std::span<const float> pixels,
                 std::span<const float> of_rounded_weights);

template <class Model>
PageDecoder page_decoder(const Model& model, const ExplorerOptions& options) {
  PageDecoder decoder;
  PageLayers(decoder).add(model);
  require<ArgumentError>(decoder.latents > 0, "Explorer: expected a decoder with a Linear layer but got none");
  const Tensor<float, 2> codes = options.codes ? options.codes() : Tensor<float, 2>(Shape{Index{0}, decoder.latents});
  require(codes.shape(1) == decoder.latents, "Explorer: expected codes of shape [M, ", decoder.latents, "] but got ",
          codes.shape());
  require<NumericError>(codes.array().isFinite().all(), "Explorer: expected finite codes but got nan or inf");
  decoder.codes.assign(codes.values().begin(), codes.values().end());
  const Tensor<float, 2> z = page_latents(decoder.latents, codes);
  const auto images = page_images(model, z);
  Model rounded = model;
  for_each_state(rounded, [](const FieldPath&, auto& tensor) {
    if (tensor.shape().sizes.size() >= 2)
      for (Index i = 0; i < tensor.size(); ++i) tensor.data()[i] = rounded_to_half(tensor.data()[i]);
  });
  complete_page_decoder(decoder, page_shape(images.shape(), options), options);
  note_pixels(decoder, z, images.values(), page_images(rounded, z).values());
  return decoder;
}

template <class Model>
void check_for_page() {
  constexpr std::string_view unknown = UnknownToPage<Model>::name;
  require<ArgumentError>(unknown.empty(),
                         "Explorer: expected a decoder of Linear, Conv2d, ConvTranspose2d, BatchNorm, LayerNorm, Relu, "
                         "LeakyRelu, Elu, Tanh, Sigmoid, Softplus, Flatten, Unflatten, Upsample2d, Dropout and "
                         "Sequential, with a likelihood of the library, but got ",
                         unknown);
}

}  // namespace detail

/// For a report: a decoder that the page itself runs, so that one can walk in its latent space. The page has its
/// weights, in float16 unless that changes a pixel by more than 5e-4 of the range, measured with 64 normal latents and
/// the codes; in float32 then. The model, a Vae, Autoencoder, Decoder, Generator or network, has to outlive it. Throws
/// ArgumentError for a layer or likelihood that the page does not know, by name, and ShapeError for outputs that are
/// no images of one or three channels, and for codes of another size. As save_grid does, it refuses pixels outside of
/// `.range` unless that clips them.
class Explorer {
 public:
  template <class Model>
  explicit Explorer(const Model& model, ExplorerOptions options = {}) {
    const auto& decoder = [&]() -> const auto& {
      if constexpr (requires { model.decoder; })
        return model.decoder;
      else
        return model;
    }
    ();
    using Part = std::remove_cvref_t<decltype(decoder)>;
    detail::check_for_page<Part>();
    if constexpr (detail::UnknownToPage<Part>::name.empty()) {
      detail::check_types<detail::FloatsOnly, Part>();
      take_ = [&decoder, options = std::move(options)] { return detail::page_decoder(decoder, options); };
      take_();  // what is wrong is found now
    }
  }
  template <class Model>
  requires(!std::is_same_v<Model, Explorer>) explicit Explorer(const Model&& model,
                                                               ExplorerOptions options = {}) = delete;  // would be gone

  /// The decoder as it is now.
  detail::PageDecoder take() const { return take_(); }

 private:
  std::function<detail::PageDecoder()> take_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/training/report_explorer_inl.hpp"
#endif
