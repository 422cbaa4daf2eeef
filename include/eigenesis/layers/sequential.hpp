// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <tuple>

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/pass.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Layers one after the other: y = last(...(first(x))). Hands the Pass, and a condition if there is one, to those
/// layers that take it; a condition that none of them takes is refused when the program is compiled. Layers are copied
/// or moved in: what happens to the originals later changes nothing. Sequential{block} has one layer even if that is a
/// Sequential itself, as in PyTorch, so that names keep the nesting ("0.0.weight"); `auto copy = block` is a copy. A
/// ShapeError says in which layer, counted from 0.
template <class... Layers>
struct Sequential {
  std::tuple<Layers...> layers;  // the first one is called first

  explicit Sequential(Layers... each) : layers(std::move(each)...) {}
  Sequential(const Sequential&) = default;
  Sequential(Sequential&&) = default;
  /// Also for layers that cannot be assigned, such as lambdas that capture numbers.
  Sequential& operator=(Sequential other) {
    assign(other, std::index_sequence_for<Layers...>{});
    return *this;
  }

  /// Whether one of the layers takes the condition, if the first is given an X.
  template <class X, class Condition, std::size_t I = 0>
  static consteval bool uses_condition() {
    if constexpr (I == sizeof...(Layers)) {
      return false;
    } else {
      using Layer = std::tuple_element_t<I, std::tuple<Layers...>>;
      if constexpr (detail::TakesCondition<Layer, X, Condition>)
        return true;
      else
        return uses_condition<decltype(call(std::declval<const Layer&>(), std::declval<const X&>(), Pass{})), Condition,
                              I + 1>();
    }
  }

  auto operator()(const auto& x, Pass pass = {}) const { return apply(x, pass); }
  template <class X, class Scalar, int Rank>
  requires(uses_condition<X, Variable<Scalar, Rank>>()) auto operator()(const X& x,
                                                                        const Variable<Scalar, Rank>& condition,
                                                                        Pass pass = {}) const {
    return apply(x, condition, pass);
  }

  static void fields(auto& self, auto&& field) {
    int i = 0;
    std::apply([&](auto&... layer) { (field(std::to_string(i++), layer), ...); }, self.layers);
  }

 private:
  template <std::size_t... I>
  void assign(Sequential& other, std::index_sequence<I...>) {
    (replace(std::get<I>(layers), std::move(std::get<I>(other.layers))), ...);
  }
  template <class Layer>
  static void replace(Layer& layer, Layer&& by) {
    if constexpr (std::is_move_assignable_v<Layer>)
      layer = std::move(by);
    else
      std::destroy_at(&layer), std::construct_at(&layer, std::move(by));
  }

  auto apply(const auto& x, const auto&... condition_and_pass) const {
    std::size_t layer = 0;
    try {
      return apply_from<0>(layer, x, condition_and_pass...);
    } catch (const ShapeError& error) {
      constexpr std::string_view kinds[] = {detail::kind_of<Layers>()..., "Sequential"};
      detail::rethrow_from(std::to_string(layer), kinds[layer], error);
    }
  }
  template <std::size_t I>
  auto apply_from(std::size_t& layer, const auto& x, const auto&... condition_and_pass) const {
    layer = I;
    if constexpr (I == sizeof...(Layers))
      return x;
    else
      return apply_from<I + 1>(layer, call_layer(std::get<I>(layers), x, condition_and_pass...), condition_and_pass...);
  }

  static auto call_layer(const auto& layer, const auto& x, Pass pass) { return call(layer, x, pass); }
  template <class Layer, class X, class Condition>
  static auto call_layer(const Layer& layer, const X& x, const Condition& condition, Pass pass) {
    if constexpr (detail::TakesCondition<Layer, X, Condition>)
      return call(layer, x, condition, pass);
    else
      return call(layer, x, pass);
  }
};

template <class... Layers>
explicit Sequential(Sequential<Layers...>) -> Sequential<Sequential<Layers...>>;

namespace detail {

template <class T>
inline constexpr bool is_sequential = false;
template <class... Layers>
inline constexpr bool is_sequential<Sequential<Layers...>> = true;

/// Whether a network is a Last, or a Sequential that ends in one.
template <class Network, class Last>
inline constexpr bool ends_in = std::is_same_v<Network, Last>;
template <class... Layers, class Last>
requires(sizeof...(Layers) > 0) inline constexpr bool ends_in<Sequential<Layers...>, Last> =
    ends_in<std::tuple_element_t<sizeof...(Layers) - 1, std::tuple<Layers...>>, Last>;

}  // namespace detail
}  // namespace eigenesis::inline EIGENESIS_ABI
