// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <tuple>

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/pass.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Layers one after the other: y = last(...(first(x))). With a Pass, hands it to those layers that take one. A
/// ShapeError says in which layer, counted from 0.
template <class... Layers>
struct Sequential {
  std::tuple<Layers...> layers;

  explicit Sequential(Layers... each) : layers(std::move(each)...) {}

  auto operator()(const auto& x) const {
    return apply(x, [](const auto& layer, const auto& input) { return call(layer, input); });
  }
  auto operator()(const auto& x, Pass pass) const {
    return apply(x, [pass](const auto& layer, const auto& input) { return call(layer, input, pass); });
  }

  static void fields(auto& self, auto&& field) {
    int i = 0;
    std::apply([&](auto&... layer) { (field(std::to_string(i++), layer), ...); }, self.layers);
  }

 private:
  auto apply(const auto& x, const auto& call_layer) const {
    std::size_t layer = 0;
    try {
      return apply_from<0>(x, call_layer, layer);
    } catch (const ShapeError& error) {
      detail::fail<ShapeError>(error.what(), ", in layer ", layer, " of a Sequential");
    }
  }
  template <std::size_t I, class X, class CallLayer>
  auto apply_from(const X& x, const CallLayer& call_layer, std::size_t& layer) const {
    layer = I;
    if constexpr (I == sizeof...(Layers))
      return x;
    else
      return apply_from<I + 1>(call_layer(std::get<I>(layers), x), call_layer, layer);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
