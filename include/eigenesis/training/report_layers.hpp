// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "eigenesis/distributions/likelihoods.hpp"
#include "eigenesis/layers/activations.hpp"
#include "eigenesis/layers/convolution.hpp"
#include "eigenesis/layers/dropout.hpp"
#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/flatten.hpp"
#include "eigenesis/layers/linear.hpp"
#include "eigenesis/layers/normalization.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/layers/pooling.hpp"
#include "eigenesis/layers/sequential.hpp"
#include "eigenesis/models/decoder.hpp"
#include "eigenesis/models/generator.hpp"
#include "eigenesis/pictures/image_grid.hpp"

// The layers of a decoder, written down for the page of a report, which computes in JavaScript what the library
// computes here.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A decoder as the page has it.
struct PageDecoder {
  Index latents = 0;
  std::string layers;           // in JSON, separated by commas
  std::vector<float> matrices;  // weights of rank 2 and more
  std::vector<float> vectors;   // biases, and scales and shifts of normalisation
  bool half = false;            // matrices in float16, as it changes no pixel by more than half_limit
  double half_error = 0;        // by which it does, in units of the range
  Index height = 0, width = 0, channels = 0;
  PixelRange range = {};
  bool circle = false;                     // latents lie near a sphere: interpolate along it
  std::vector<float> latents_of_examples;  // [N, L], and
  std::vector<float> examples;             // the library's pixels for them, [N, H * W * C]
  std::vector<float> codes;                // [M, L]
  std::vector<std::string> names = {};     // M
};

/// The first layer or likelihood of a type that the page does not know, or nothing.
template <class T>
struct UnknownToPage {
  static constexpr std::string_view name = kind_of<T>();
};
struct KnownToPage {
  static constexpr std::string_view name = {};
};
// clang-format off
template <class S> struct UnknownToPage<Linear<S>> : KnownToPage {};
template <class S> struct UnknownToPage<Conv2d<S>> : KnownToPage {};
template <class S> struct UnknownToPage<ConvTranspose2d<S>> : KnownToPage {};
template <class S> struct UnknownToPage<BatchNorm<S>> : KnownToPage {};
template <class S> struct UnknownToPage<LayerNorm<S>> : KnownToPage {};
template <> struct UnknownToPage<Relu> : KnownToPage {};
template <> struct UnknownToPage<LeakyRelu> : KnownToPage {};
template <> struct UnknownToPage<Elu> : KnownToPage {};
template <> struct UnknownToPage<Tanh> : KnownToPage {};
template <> struct UnknownToPage<Sigmoid> : KnownToPage {};
template <> struct UnknownToPage<Softplus> : KnownToPage {};
template <> struct UnknownToPage<Flatten> : KnownToPage {};
template <> struct UnknownToPage<Unflatten> : KnownToPage {};
template <> struct UnknownToPage<Upsample2d> : KnownToPage {};
template <> struct UnknownToPage<Dropout> : KnownToPage {};
template <> struct UnknownToPage<BernoulliLikelihood> : KnownToPage {};
template <> struct UnknownToPage<NormalLikelihood> : KnownToPage {};
template <class S> struct UnknownToPage<LearnedNormalLikelihood<S>> : KnownToPage {};
template <> struct UnknownToPage<SquaredError> : KnownToPage {};
// clang-format on
template <class... Layers>
struct UnknownToPage<Sequential<Layers...>> {
  static constexpr std::string_view name = [] {
    std::string_view first;
    ((first = first.empty() ? UnknownToPage<Layers>::name : first), ...);
    return first;
  }();
};
template <class Network, class Likelihood>
struct UnknownToPage<Decoder<Network, Likelihood>> : UnknownToPage<Sequential<Network, Likelihood>> {};
template <class Network, class Prior>
struct UnknownToPage<Generator<Network, Prior>> : UnknownToPage<Network> {};

/// For check_types: no parameters of another type.
struct FloatsOnly {
  template <class T>
  static constexpr void check() {
    if constexpr (is_parameter_v<T>)
      static_assert(std::is_same_v<std::remove_cvref_t<decltype(*std::declval<const T&>().value().data())>, float>,
                    "eigenesis: the Explorer of a report takes a decoder of floats");
  }
};

/// Writes the layers of a decoder down for the page.
class PageLayers {
 public:
  explicit PageLayers(PageDecoder& to) : to_(to) {}

  template <class S>
  void add(const Linear<S>& layer) {
    takes(layer.weight.shape(0));
    begin("Linear", {{"in", layer.weight.shape(0)}, {"out", layer.weight.shape(1)}});
    weight_and_bias(layer);
  }
  template <class S>
  void add(const Conv2d<S>& layer) {
    const auto& [stride, padding, dilation] = layer.geometry;
    begin("Conv2d", {{"in", layer.weight.shape(2)},
                     {"out", layer.weight.shape(3)},
                     {"kernel", layer.weight.shape(0)},
                     {"stride", stride},
                     {"padding", padding},
                     {"dilation", dilation}});
    weight_and_bias(layer);
  }
  template <class S>
  void add(const ConvTranspose2d<S>& layer) {
    const auto& [stride, padding, output_padding, dilation] = layer.geometry;
    begin("ConvTranspose2d", {{"in", layer.weight.shape(3)},
                              {"out", layer.weight.shape(2)},
                              {"kernel", layer.weight.shape(0)},
                              {"stride", stride},
                              {"padding", padding},
                              {"output_padding", output_padding},
                              {"dilation", dilation}});
    weight_and_bias(layer);
  }
  template <class S>
  void add(const BatchNorm<S>& layer) {  // in evaluation, a scale and a shift
    const Index features = layer.weight.size();
    takes(features);
    begin("Affine",
          {{"features", features}, {"scale", position(to_.vectors)}, {"shift", position(to_.vectors) + features}});
    std::vector<float> shifts;
    for (Index i = 0; i < features; ++i) {
      const double scale =
          layer.weight.value()(i) / std::sqrt(static_cast<double>(layer.running_variance(i)) + layer.epsilon);
      to_.vectors.push_back(static_cast<float>(scale));
      shifts.push_back(static_cast<float>(layer.bias.value()(i) - layer.running_mean(i) * scale));
    }
    to_.vectors.insert(to_.vectors.end(), shifts.begin(), shifts.end());
    end();
  }
  template <class S>
  void add(const LayerNorm<S>& layer) {
    takes(layer.weight.size());
    begin("LayerNorm", {{"features", layer.weight.size()}});
    number("epsilon", layer.epsilon);
    number("scale", append(to_.vectors, layer.weight));
    number("shift", append(to_.vectors, layer.bias));
    end();
  }
  void add(const Relu&) { begin("Relu"), end(); }
  void add(const LeakyRelu& layer) { begin("LeakyRelu"), number("slope", layer.slope), end(); }
  void add(const Elu& layer) { begin("Elu"), number("scale", layer.scale), end(); }
  void add(const Tanh&) { begin("Tanh"), end(); }
  void add(const Sigmoid&) { begin("Sigmoid"), end(); }
  void add(const Softplus&) { begin("Softplus"), end(); }
  void add(const Flatten& layer) { begin("Flatten"), order(layer.order), end(); }
  void add(const Unflatten& layer) {
    takes(layer.height * layer.width * layer.channels);
    begin("Unflatten", {{"height", layer.height}, {"width", layer.width}, {"channels", layer.channels}});
    order(layer.order);
    end();
  }
  void add(const Upsample2d& layer) {
    begin("Upsample2d", {{"factor", layer.factor}, {"bilinear", layer.interpolation == Interpolation::bilinear}});
    end();
  }
  void add(const Dropout&) {}  // the identity in evaluation
  void add(const BernoulliLikelihood&) { add(Sigmoid{}); }
  void add(const NormalLikelihood&) {}
  template <class S>
  void add(const LearnedNormalLikelihood<S>&) {}
  void add(const SquaredError&) {}
  template <class... Layers>
  void add(const Sequential<Layers...>& layers) {
    std::apply([&](const auto&... layer) { (add(layer), ...); }, layers.layers);
  }
  template <class Network, class Likelihood>
  void add(const Decoder<Network, Likelihood>& decoder) {
    add(decoder.network);
    add(decoder.likelihood);
  }
  template <class Network, class Prior>
  void add(const Generator<Network, Prior>& generator) {
    add(generator.network);
    to_.circle = std::is_same_v<Prior, StandardNormal<float>>;
  }

 private:
  using Numbers = std::initializer_list<std::pair<const char*, Index>>;

  void takes(Index features) {
    if (to_.latents == 0) to_.latents = features;
  }
  void begin(const char* kind, Numbers numbers = {}) {
    to_.layers += (to_.layers.empty() ? "{\"kind\":\"" : ",{\"kind\":\"") + std::string(kind) + "\"";
    for (const auto& [name, value] : numbers) number(name, value);
  }
  void number(const char* name, auto value) { to_.layers += ",\"" + std::string(name) + "\":" + text(value); }
  void end() { to_.layers += "}"; }
  void order(RowOrder order) { number("channels_first", order == RowOrder::channels_first ? 1 : 0); }
  static Index position(const std::vector<float>& numbers) { return std::ssize(numbers); }
  static Index append(std::vector<float>& to, const auto& parameter) {
    const Index begin = position(to);
    for (const auto value : parameter.value().values()) to.push_back(static_cast<float>(value));
    return begin;
  }
  void weight_and_bias(const auto& layer) {
    number("weight", append(to_.matrices, layer.weight));
    number("bias", layer.bias.size() > 0 ? append(to_.vectors, layer.bias) : Index{-1});
    end();
  }

  PageDecoder& to_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
