// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/training/report_curves.hpp"
#include "eigenesis/training/report_explorer.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A JSON string that cannot end the element of a page in which it stands.
EIGENESIS_ONCE std::string page_string(std::string_view text) {
  std::string result;
  for (const char c : json_string(text)) c == '<' ? result += "\\u003c" : result += c;
  return result;
}
EIGENESIS_ONCE Tensor<float, 2> page_latents(Index latents, const Tensor<float, 2>& codes) {
  constexpr Index normal = 64;
  Rng rng(0);
  Tensor<float, 2> z(Shape{normal + codes.shape(0), latents});
  rng.fill_normal(z.data(), normal * latents);
  std::ranges::copy(codes.values(), z.data() + normal * latents);
  return z;
}

EIGENESIS_ONCE Shape<4> page_shape(const Shape<2>& rows, const ExplorerOptions& options) {
  return grid_shape("Explorer", rows, {.height = options.height, .width = options.width});
}

EIGENESIS_ONCE void complete_page_decoder(PageDecoder& decoder, const Shape<4>& images,
                                          const ExplorerOptions& options) {
  check_range("Explorer", options.range);
  decoder.height = images[1];
  decoder.width = images[2];
  decoder.channels = images[3];
  require(decoder.channels == 1 || decoder.channels == 3,
          "Explorer: expected images of shape [N, H, W, 1] or [N, H, W, 3] but got ", images);
  decoder.range = options.range;
  const Index codes = std::ssize(decoder.codes) / decoder.latents;
  require<ArgumentError>(options.names.empty() || std::ssize(options.names) == codes, "Explorer: expected ", codes,
                         " names, one for each code, but got ", options.names.size());
  decoder.names = options.names;
  for (Index i = 1; options.names.empty() && i <= codes; ++i) decoder.names.push_back(std::to_string(i));
}

EIGENESIS_ONCE void note_pixels(PageDecoder& decoder, const Tensor<float, 2>& z, std::span<const float> pixels,
                                std::span<const float> of_rounded_weights) {
  const double unit = decoder.range.high - decoder.range.low;
  for (const float pixel : pixels)
    if (!std::isnan(pixel)) pixel_byte("Explorer", pixel, decoder.range);
  double error = 0;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const double change = std::abs(static_cast<double>(pixels[i]) - of_rounded_weights[i]) / unit;
    if (!(change <= error)) error = change;  // a NaN stays
    if (std::isnan(error)) break;
  }
  decoder.half_error = error;
  decoder.half = error <= half_limit;
  constexpr std::size_t examples = 4;
  decoder.latents_of_examples.assign(z.data(), z.data() + examples * static_cast<std::size_t>(decoder.latents));
  const auto numbers = pixels.first(examples * pixels.size() / static_cast<std::size_t>(z.shape(0)));
  decoder.examples.assign(numbers.begin(), numbers.end());
}

/// The decoder in JSON.
EIGENESIS_ONCE std::string explorer_json(const PageDecoder& decoder) {
  std::string json = "{\"latents\":" + std::to_string(decoder.latents) + ",\"layers\":[" + decoder.layers +
                     "],\n\"half\":" + (decoder.half ? "true" : "false") +
                     ",\"half_error\":" + page_number(decoder.half_error) + ",\n\"matrices\":";
  json += decoder.half ? base64_of<std::uint16_t>(decoder.matrices) : base64_of<std::uint32_t>(decoder.matrices);
  json += ",\n\"vectors\":" + base64_of<std::uint32_t>(decoder.vectors);
  json += ",\n\"height\":" + std::to_string(decoder.height) + ",\"width\":" + std::to_string(decoder.width) +
          ",\"channels\":" + std::to_string(decoder.channels) + ",\"low\":" + page_number(decoder.range.low) +
          ",\"high\":" + page_number(decoder.range.high) + ",\"circle\":" + (decoder.circle ? "true" : "false");
  json += ",\n\"example_latents\":" + base64_of<std::uint32_t>(decoder.latents_of_examples) +
          ",\n\"examples\":" + base64_of<std::uint32_t>(decoder.examples) +
          ",\n\"codes\":" + base64_of<std::uint32_t>(decoder.codes) + ",\"names\":[";
  for (const std::string& name : decoder.names) json += (&name == decoder.names.data() ? "" : ",") + page_string(name);
  return json + "]}";
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
