// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/layers/fields.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Whether a model is trained or evaluated, and where its layers get random numbers. It is handed from call to call and
/// never stored. Without a generator it evaluates: `model(x)` is `model(x, Pass{})`.
class Pass {
 public:
  /// Evaluation, without random numbers.
  Pass() = default;
  /// Evaluation of a model that draws, such as a VAE's loss.
  static Pass evaluation(Rng& rng) { return {rng, false, false}; }
  /// Training; layers draw from `rng` and move their running averages.
  static Pass training(Rng& rng) { return {rng, true, true}; }
  /// The same pass, but running averages and the like stay as they are: for a model that is held fixed.
  Pass without_updates() const {
    Pass result = *this;
    result.updates_state_ = false;
    return result;
  }

  /// Whether it is one of training.
  bool is_training() const { return training_; }
  /// Whether layers move their running averages in this pass.
  bool updates_state() const { return updates_state_; }
  /// Whether it brings a generator.
  bool has_rng() const { return rng_ != nullptr; }
  /// Throws ArgumentError if this pass brings no generator.
  Rng& rng() const {
    require<ArgumentError>(rng_ != nullptr,
                           "Pass::rng: expected a generator for a model that draws but got none; call the model with "
                           "Pass::training(rng) or Pass::evaluation(rng)");
    return *rng_;
  }

 private:
  Pass(Rng& rng, bool training, bool updates_state) : rng_(&rng), training_(training), updates_state_(updates_state) {}

  Rng* rng_ = nullptr;
  bool training_ = false, updates_state_ = false;
};

namespace detail {

/// Its address stands for a type.
template <class T>
inline constexpr char type_tag = 0;

/// While one lives, a call of a layer, or a step of a trainer, is on its way in this thread.
struct LayerCall {
  const void *layer, *type;  // a struct and its first field have one address
  const LayerCall* outer;
  bool training;  // this call or one around it

  template <class Layer>
  LayerCall(const Layer& called, Pass pass)
      : layer(&called),
        type(&type_tag<Layer>),
        outer(std::exchange(innermost(), this)),
        training(pass.is_training() || (outer && outer->training)) {}
  LayerCall(const LayerCall&) = delete;
  LayerCall& operator=(const LayerCall&) = delete;
  ~LayerCall() { innermost() = outer; }
  static const LayerCall*& innermost() {
    static thread_local const LayerCall* call = nullptr;
    return call;
  }
};

/// For layers that need a Pass: throws ArgumentError if they got none in the middle of a training pass.
inline void expect_handed_on(const char* layer, Pass pass) {
  require<ArgumentError>(
      pass.has_rng() || !LayerCall::innermost() || !LayerCall::innermost()->training, layer,
      ": expected the Pass of the training but got none; the layer around it has to take one and hand "
      "it on, operator()(x, Pass pass = {}), or to ask for Pass::evaluation(rng)");
}

template <class Layer, class... X>
concept Takes = requires(const Layer& layer, const X&... x) {
  layer(x...);
};
template <class Layer, class... X>
concept TakesIfNotConst = requires(Layer& layer, const X&... x) {
  layer(x...);
};

/// Whether a layer takes a Pass with some x. It is asked of layers that do not take one with the x at hand.
template <class Layer>
concept TakesPassWithAnother = Takes<Layer, Variable<float, 2>, Pass> || Takes<Layer, Variable<float, 4>, Pass> ||
    Takes<Layer, Variable<double, 2>, Pass> || Takes<Layer, Variable<double, 4>, Pass>;

/// For a layer that takes no Pass. Dropout, BatchNorm and layers of one's own say `needs_pass`.
struct ExpectNoneThatNeedsPass {
  template <class T>
  static constexpr void check() {
    static_assert(
        !requires { T::needs_pass; },
        "eigenesis: a layer that holds Dropout, BatchNorm or another layer that needs a Pass has to take one "
        "and hand it on: auto operator()(const auto& x, Pass pass = {}) const");
  }
};

/// What layers give while one lives, for summary() and silent_units().
struct LayerOutputs {
  struct Output {
    const void *layer, *type;  // a struct and its first field have one address
    std::string shape;
    Index units = 0;  // along the last axis, of a layer whose units can be silent, if those are asked for
    std::vector<Index> silent = {};  // units that are 0 in every sample
  };
  bool looks_for_silent = false;
  std::vector<Output> outputs = {};
  LayerOutputs* outer = std::exchange(current(), this);

  LayerOutputs() = default;
  LayerOutputs(const LayerOutputs&) = delete;
  LayerOutputs& operator=(const LayerOutputs&) = delete;
  ~LayerOutputs() { current() = outer; }
  static LayerOutputs*& current() {
    static thread_local LayerOutputs* innermost = nullptr;
    return innermost;
  }
};

/// The columns of x [rows, columns] that are all 0.
template <class Scalar>
std::vector<Index> zero_columns(const Scalar* x, Index rows, Index columns) {
  std::vector<Index> zero;
  for (Index j = 0; j < columns; ++j) {
    Index i = 0;
    while (i < rows && x[i * columns + j] == 0) ++i;
    if (i == rows) zero.push_back(j);
  }
  return zero;
}

/// y, which `layer` gave.
template <class Layer, class Y>
Y noted(const Layer& layer, Y y) {
  if constexpr (requires { to_string(y.shape()); })
    if (LayerOutputs* all = LayerOutputs::current()) [[unlikely]] {
      all->outputs.push_back({&layer, &type_tag<Layer>, to_string(y.shape())});
      if constexpr (requires { Layer::can_be_silent; })
        if (all->looks_for_silent) {
          auto& output = all->outputs.back();
          output.units = y.shape().sizes.back();
          output.silent =
              zero_columns(y.value().data(), y.value().size() / std::max<Index>(1, output.units), output.units);
        }
    }
  return y;
}

/// Throws `error` on, and adds that it came from the layer `name`.
[[noreturn]] inline void rethrow_from(const std::string& name, std::string_view kind, const ShapeError& error) {
  if (error.path.empty()) throw ShapeError(error.fact, name, kind);
  throw ShapeError(error.fact, name + "." + error.path, error.kind);
}

}  // namespace detail

/// Calls layer(x, pass), or layer(x) if the layer takes no Pass.
template <class Layer, class X>
auto call(const Layer& layer, const X& x, Pass pass = {}) {
  const detail::LayerCall scope(layer, pass);
  if constexpr (detail::Takes<Layer, X, Pass>) {
    return detail::noted(layer, layer(x, pass));
  } else if constexpr (detail::Takes<Layer, X>) {
    static_assert(!detail::TakesIfNotConst<Layer, X, Pass> && !detail::TakesPassWithAnother<Layer>,
                  "eigenesis: this layer takes a Pass, but not with such an x, or its operator() with the Pass is not "
                  "const; without the Pass it would always evaluate");
    detail::check_types<detail::ExpectNoneThatNeedsPass, Layer>();
    return detail::noted(layer, layer(x));
  } else if constexpr (detail::TakesIfNotConst<Layer, X, Pass> || detail::TakesIfNotConst<Layer, X>) {
    static_assert(detail::Takes<Layer, X>,
                  "eigenesis: the operator() of a layer has to be const; a number that it changes is `mutable`, and "
                  "named in `fields` if it is to be saved");
    return x;  // no further errors
  } else {
    static_assert(
        detail::Takes<Layer, X>,
        "eigenesis: this layer has no operator()(x) for such an x. Does it take rows [N, F] (Flatten first), "
        "images [N, H, W, C] (Unflatten first), another scalar (float, double), or a condition too (data that "
        "are Conditioned{samples, conditions})? Or does it hand a Pass to a layer that takes none? "
        "call(layer, x, pass) does if there is one");
    return x;
  }
}

namespace detail {

template <class Layer, class X, class Condition>
concept TakesCondition = Takes<Layer, X, Condition, Pass> || Takes<Layer, X, Condition>;

}  // namespace detail

/// Calls layer(x, condition, pass), or layer(x, condition) if the layer takes no Pass.
template <class Layer, class X, class Scalar, int Rank>
auto call(const Layer& layer, const X& x, const Variable<Scalar, Rank>& condition, Pass pass = {}) {
  const detail::LayerCall scope(layer, pass);
  static_assert(
      detail::TakesCondition<Layer, X, Variable<Scalar, Rank>>,
      "eigenesis: this network takes no such condition. Begin it with AppendCondition{}, which takes one [N, C] of the "
      "same scalar as x, or give it an operator()(x, condition, pass)");
  if constexpr (detail::Takes<Layer, X, Variable<Scalar, Rank>, Pass>) {
    return detail::noted(layer, layer(x, condition, pass));
  } else {
    static_assert(!detail::TakesIfNotConst<Layer, X, Variable<Scalar, Rank>, Pass>,
                  "eigenesis: the operator() of a layer has to be const");
    detail::check_types<detail::ExpectNoneThatNeedsPass, Layer>();
    return detail::noted(layer, layer(x, condition));
  }
}

namespace detail {

/// call(layer, x, ...) for the layer `name` of a model; a ShapeError tells where it is.
template <class Layer>
auto call_named(const char* name, const Layer& layer, const auto&... x) {
  try {
    return call(layer, x...);
  } catch (const ShapeError& error) {
    rethrow_from(name, kind_of<Layer>(), error);
  }
}

}  // namespace detail

}  // namespace eigenesis::inline EIGENESIS_ABI
