// SPDX-License-Identifier: MIT
#pragma once

#include <tuple>
#include <utility>

#include "eigenesis/data/batches.hpp"
#include "eigenesis/optimizers/adam.hpp"
#include "eigenesis/optimizers/moving_average.hpp"

// What is given to a trainer after its models: parts of several kinds, in any order, each of which may be left out.
// A trainer's constructor has an argument for each, all with the type of its options as default. Braces without a type,
// {.discriminator_steps = 5}, then mean options. Arguments that were left out have the type of options too: they say
// what every default says, and the options that were given are those that say more.
namespace eigenesis::inline EIGENESIS_ABI {

/// In place of a MovingAverage: none.
struct NoAverage {
  /// Does nothing.
  void update(const auto&) {}
};

namespace detail {

/// A part of a trainer, as const unless its fields are saved: what it changed in itself would be lost.
template <class Part>
auto& kept_by_files(Part& part) {
  if constexpr (HasFields<Part>)
    return part;
  else
    return std::as_const(part);
}

/// Makes the state of an optimizer. One of one's own may have none that is to be made before its first step.
void prepare_optimizer(auto& optimizer, auto& model) {
  if constexpr (requires { optimizer.prepare(model); }) optimizer.prepare(model);
}

template <class T>
inline constexpr bool is_average = std::is_same_v<T, NoAverage>;
template <class Model>
inline constexpr bool is_average<MovingAverage<Model>> = true;

struct AnAverage {
  template <class T>
  static constexpr bool holds = is_average<T>;
};
struct AnOptimizer {
  template <class T>
  static constexpr bool holds = !is_average<T> && requires(const T& t) {
    t.steps();
  };
};
template <class Wanted>
struct A {
  template <class T>
  static constexpr bool holds = std::is_same_v<T, Wanted>;
};
/// What is of none of these kinds.
template <class... Kinds>
struct Other {
  template <class T>
  static constexpr bool holds = !(Kinds::template holds<T> || ...);
};
struct AMovingAverage {
  template <class T>
  static constexpr bool holds = is_average<T> && !std::is_same_v<T, NoAverage>;
};

/// A batch as constants: {samples} or, of a Conditioned batch, {samples, conditions}.
template <class Scalar, int Rank>
auto batch_variables(Tensor<Scalar, Rank> samples) {
  return std::tuple{Variable(std::move(samples))};
}
template <class Samples, class Conditions>
auto batch_variables(Conditioned<Samples, Conditions> batch) {
  return std::tuple{Variable(std::move(batch.samples)), Variable(std::move(batch.conditions))};
}

template <class Batch>
auto batch_variables(const Batch&) {
  static_assert(
      is_tensor_data<Batch>,
      "eigenesis: this trainer takes batches that are a tensor or Conditioned{samples, conditions}; other structs "
      "are for trainers of one's own");
}

/// Of the parts of a kind the one with number n, counted from 0, or `otherwise` if there are not so many.
template <class Kind, int n = 0, class Otherwise>
Otherwise part(const Otherwise& otherwise) {
  return otherwise;
}
template <class Kind, int n = 0, class Otherwise, class First, class... Rest>
auto part(const Otherwise& otherwise, const First& first, const Rest&... rest) {
  if constexpr (!Kind::template holds<First>)
    return part<Kind, n>(otherwise, rest...);
  else if constexpr (n > 0)
    return part<Kind, n - 1>(otherwise, rest...);
  else
    return first;
}
template <class Kind, int n, class Otherwise, class... Parts>
using PartType = decltype(part<Kind, n>(std::declval<const Otherwise&>(), std::declval<const Parts&>()...));

/// The options among the parts: those that are not the default. Throws ArgumentError if several are not.
template <class Options, class... Parts>
Options options_among(const char* trainer, const char* name, const Parts&... parts) {
  Options result;
  int given = 0;
  const auto see = [&]<class Part>(const Part& part) {
    if constexpr (std::is_same_v<Part, Options>)
      if (!part.is_default()) result = part, ++given;
  };
  (see(parts), ...);
  require<ArgumentError>(given <= 1, trainer, ": expected ", name, " once but got it ", given, " times");
  return result;
}

template <class Kind, class... Parts>
inline constexpr int part_count = (0 + ... + (Kind::template holds<Parts> ? 1 : 0));

}  // namespace detail

}  // namespace eigenesis::inline EIGENESIS_ABI
