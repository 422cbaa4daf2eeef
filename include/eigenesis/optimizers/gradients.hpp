// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/layers/fields.hpp"
#include "eigenesis/ops/program_run.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// x[i] = f(x[i], others[i]...) in one pass; f is a lambda as map() takes it.
template <class Scalar, class F, class... Others>
void change(Scalar* x, Index n, F&& f, const Others*... others) {
  constexpr std::int16_t count = sizeof...(Others) + 1;
  Program program;
  for (std::int16_t i = 0; i < count; ++i) program.add({Instruction::Kind::argument, {}, {i, -1, -1}, 0});
  const Symbol result = [&]<std::int16_t... I>(std::integer_sequence<std::int16_t, I...>) -> Symbol {
    return f(Symbol(&program, I)...);
  }(std::make_integer_sequence<std::int16_t, count>());
  const Operand<Scalar> operands[] = {{x, n, {Spread::full}}, {others, n, {Spread::full}}...};
  Plan<Scalar>(program, result.index()).run(operands, x, n);
}

/// The sum of x^2.
template <class Scalar>
double sum_of_squares(const Scalar* x, Index n) {
  PoolVector<double> partial(static_cast<std::size_t>((n + piece_size - 1) / piece_size));
  run_ranges(n, piece_size, [&](Index first, Index last) {
    constexpr Index block = 1024;
    alignas(64) Scalar squares[block];
    double total = 0;
    for (Index i = first; i < last; i += block) {
      const Index count = std::min(block, last - i);
      pointwise<Scalar>(Operation::square)(squares, x + i, nullptr, nullptr, Scalar{0}, count);
      total += static_cast<double>(sum_piece(squares, count, isa()));
    }
    partial[static_cast<std::size_t>(first / piece_size)] = total;
  });
  return sum(partial.data(), std::ssize(partial));
}

}  // namespace detail

/// The gradients of a loss with respect to the parameters of a model, in the order of its fields.
template <class Scalar>
class Gradients {
 public:
  explicit Gradients(detail::PoolVector<detail::NodeRef<Scalar>> each) : each_(std::move(each)) {}

  /// The number of parameters.
  Index size() const { return std::ssize(each_); }
  /// The gradient of parameter i in row-major order; nothing if the loss does not depend on it.
  std::span<const Scalar> operator[](Index i) const {
    const auto& gradient = each_[static_cast<std::size_t>(i)];
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
  /// Multiplies all by min(1, limit / (norm + 1e-6)), as PyTorch does; returns the norm before. Throws ArgumentError for
  /// limit <= 0.
  double clip_norm(double limit) {
    require<ArgumentError>(limit > 0, "Gradients::clip_norm: expected a limit > 0 but got ", limit);
    const double before = norm(), factor = limit / (before + 1e-6);
    if (!(factor >= 1)) change_all([factor](auto g) { return g * factor; });
    return before;
  }
  /// Brings every element into [-limit, limit]. Throws ArgumentError for limit <= 0.
  void clip_value(double limit) {
    require<ArgumentError>(limit > 0, "Gradients::clip_value: expected a limit > 0 but got ", limit);
    change_all([limit](auto g) { return clamp(g, -limit, limit); });
  }

 private:
  template <class F>
  void change_all(F f) {
    for (auto& gradient : each_) {
      if (!gradient) continue;
      if (gradient->references.load(std::memory_order_relaxed) > 1) {  // others see it too: two parameters may share one
        detail::NodeRef<Scalar> copy = detail::make_node<Scalar>(gradient->shape);
        std::copy_n(gradient->data(), gradient->size(), copy->data());
        gradient = std::move(copy);
      }
      detail::change(gradient->data(), gradient->size(), f);
    }
  }

  detail::PoolVector<detail::NodeRef<Scalar>> each_;
};

/// The gradients of `loss` with respect to the parameters of `model` only; nothing is recorded.
/// Throws Error if a parameter was updated since the loss was computed.
template <class Scalar, class Model>
Gradients<Scalar> parameter_gradients(const Variable<Scalar, 0>& loss, const Model& model) {
  const NoGradient no_gradient;
  detail::PoolVector<detail::NodeRef<Scalar>> targets;
  for_each_parameter(model, [&]<class ParameterScalar, int Rank>(const FieldPath&, const Parameter<ParameterScalar, Rank>& p) {
    static_assert(std::is_same_v<ParameterScalar, Scalar>,
                  "eigenesis: loss, model and optimizer need one scalar type (for doubles: Adam<double>)");
    targets.push_back(p.node());
  });
  return Gradients<Scalar>(detail::gradients<Scalar>(loss.node(), targets));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
