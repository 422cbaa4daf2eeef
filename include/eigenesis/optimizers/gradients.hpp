// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <tuple>

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/core/ranks.hpp"
#include "eigenesis/kernels/reductions.hpp"
#include "eigenesis/layers/fields.hpp"
#include "eigenesis/ops/program_run.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// x[i] = f(x[i], others[i]...) in one pass; f is a lambda as map() takes it.
template <class Scalar, class F, class... Others>
void change(Scalar* x, Index n, F&& f, const Others*... others) {
  Program program;
  std::int16_t next = 0;
  const auto argument = [&](const Scalar*) {
    const std::int16_t number = next++;
    return Symbol(&program, program.add({Instruction::Kind::argument, {}, {number, -1, -1}, 0}));
  };
  const Symbol result = std::apply(f, std::tuple{argument(x), argument(others)...});  // braces: from left to right
  const Operand<Scalar> operands[] = {{x, n, {Spread::full}}, {others, n, {Spread::full}}...};
  run_program<Scalar>(program, result.index(), operands, x, n);
}

}  // namespace detail

/// The gradients of a loss with respect to the parameters of a model, in the order of its fields.
template <class Scalar>
class Gradients {
 public:
  explicit Gradients(detail::CachedVector<detail::NodeRef<Scalar>> each) : each_(std::move(each)) {}

  /// The number of parameters.
  std::size_t size() const { return each_.size(); }
  /// The gradient of parameter i in row-major order; nothing if the loss does not depend on it.
  std::span<const Scalar> operator[](std::size_t i) const {
    const auto& gradient = each_[i];
    if (!gradient) return {};
    return {gradient->data(), static_cast<std::size_t>(gradient->size())};
  }

  /// The Euclidean norm of all gradients together.
  double norm() const {
    double squares = 0;
    for (const auto& gradient : each_)
      if (gradient) squares += detail::sum_of_squares(gradient->data(), gradient->size());
    return std::sqrt(squares);
  }
  /// Multiplies all by min(1, limit / (norm + 1e-6)), as PyTorch does; returns the norm before. If that is NaN, they
  /// stay as they are, so that a step can tell which one has it. Throws ArgumentError for limit <= 0.
  double clip_norm(double limit) {
    require<ArgumentError>(limit > 0, "Gradients::clip_norm: expected a limit > 0 but got ", limit);
    const double before = norm(), factor = limit / (before + 1e-6);
    if (factor < 1) change_all([factor](auto g) { return g * factor; });
    return before;
  }
  /// Brings every element into [-limit, limit]. Throws ArgumentError for limit <= 0.
  void clip_value(double limit) {
    require<ArgumentError>(limit > 0, "Gradients::clip_value: expected a limit > 0 but got ", limit);
    change_all([limit](auto g) { return clamp(g, -limit, limit); });
  }

  /// All become means over the samples of all ranks of a step; a rank without a gradient has zeros. `rate` becomes that
  /// of rank 0.
  [[gnu::cold, gnu::noinline]] void average_over(detail::RanksOfStep& ranks, std::string_view place,
                                                 const detail::CachedVector<detail::NodeRef<Scalar>>& parameters,
                                                 double& rate) {
    const std::size_t n = each_.size();
    const auto parts = std::make_unique<std::span<Scalar>[]>(n + 1);
    Tensor<Scalar, 1> any(Shape{static_cast<Index>(n)}, 1);  // whether there is one
    for (std::size_t i = 0; i < n; ++i) {
      if (!each_[i]) {
        each_[i] = detail::node_of_shape<Scalar>(parameters[i]->shape);
        std::fill_n(each_[i]->data(), each_[i]->size(), Scalar{0});
        any.data()[i] = 0;
      }
      own(each_[i]);
      parts[i] = {each_[i]->data(), static_cast<std::size_t>(each_[i]->size())};
    }
    parts[n] = {any.data(), n};
    ranks.average(place, ranks.samples(), {parts.get(), n + 1}, {&rate, 1});
    for (std::size_t i = 0; i < n; ++i)
      if (any.data()[i] == 0) each_[i] = {};
  }

  /// Adds factor * x to gradient i, which is not empty; x has as many numbers.
  void add(std::size_t i, double factor, const Scalar* x) {
    change(
        each_[i], [factor](auto g, auto t) { return g + factor * t; }, x);
  }

 private:
  template <class F>
  void change_all(F f) {
    for (auto& gradient : each_)
      if (gradient) change(gradient, f);
  }
  static void own(detail::NodeRef<Scalar>& gradient) {
    if (gradient.unique()) return;  // else others see it too, perhaps another parameter
    detail::NodeRef<Scalar> copy = detail::node_of_shape<Scalar>(gradient->shape);
    std::copy_n(gradient->data(), gradient->size(), copy->data());
    gradient = std::move(copy);
  }
  template <class F, class... Others>
  static void change(detail::NodeRef<Scalar>& gradient, F f, const Others*... others) {
    own(gradient);
    detail::change(gradient->data(), gradient->size(), f, others...);
  }

  detail::CachedVector<detail::NodeRef<Scalar>> each_;
};

namespace detail {

/// The parameters of a model in the order of its fields. All that follows is compiled once for all models.
template <class Scalar, class Model>
CachedVector<NodeRef<Scalar>> parameter_nodes(const Model& model) {
  CachedVector<NodeRef<Scalar>> nodes;
  for_each_parameter(model, [&]<class Other, int Rank>(const FieldPath&, const Parameter<Other, Rank>& parameter) {
    static_assert(std::is_same_v<Other, Scalar>,
                  "eigenesis: loss, model and optimizer need one scalar type (for doubles: Adam<double>)");
    nodes.push_back(parameter.node());
  });
  return nodes;
}

/// The path of the model's parameter number i.
template <class Model>
std::string parameter_name(const Model& model, std::size_t i) {
  std::string name;
  for_each_parameter(model, [&](const FieldPath& path, const auto&) {
    if (i-- == 0) name = to_string(path);
  });
  return name;
}

}  // namespace detail

/// The gradients of `loss` with respect to the parameters of `model` only; nothing is recorded.
/// Throws Error if a parameter was updated since the loss was computed.
template <class Scalar, class Model>
Gradients<Scalar> parameter_gradients(const Variable<Scalar, 0>& loss, const Model& model) {
  const NoGradient no_gradient;
  return Gradients<Scalar>(detail::gradients<Scalar>(loss.node(), detail::parameter_nodes<Scalar>(model)));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
