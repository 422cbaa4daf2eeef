// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/node.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A tensor that remembers how it was computed, so that gradients can be taken through it.
/// Copies are handles to the same value, which never changes unless it is a Parameter's.
template <class Scalar, int Rank>
class Variable {
 public:
  /// A constant.
  Variable(Tensor<Scalar, Rank> value) : node_(detail::make_node(std::move(value))) {}
  /// The constant 0 (rank 0) or an empty tensor.
  Variable() : Variable(Tensor<Scalar, Rank>()) {}
  explicit Variable(detail::NodeRef<Scalar> node) : node_(std::move(node)) {}

  const Tensor<Scalar, Rank>& value() const& { return static_cast<const detail::NodeOf<Scalar, Rank>&>(*node_).value; }
  /// Of a temporary, a copy: `const auto& t = f(x).value();` would otherwise refer to what is gone.
  Tensor<Scalar, Rank> value() && { return std::as_const(*this).value(); }
  const Shape<Rank>& shape() const { return value().shape(); }
  Index shape(int axis) const { return value().shape(axis); }
  Index size() const { return value().size(); }
  Scalar item() const { return value().item(); }
  /// Whether a gradient can reach something through this value.
  bool differentiable() const { return node_->differentiable; }
  const detail::NodeRef<Scalar>& node() const { return node_; }

 protected:
  detail::NodeRef<Scalar> node_;
};

template <class Scalar, int Rank>
Variable(Tensor<Scalar, Rank>) -> Variable<Scalar, Rank>;

/// While one lives, operations of this thread are evaluated but not recorded.
class NoGradient {
 public:
  NoGradient() : before_(std::exchange(detail::recording(), false)) {}
  NoGradient(const NoGradient&) = delete;
  NoGradient& operator=(const NoGradient&) = delete;
  ~NoGradient() { detail::recording() = before_; }

 private:
  bool before_;
};

/// The value of x as a constant: no gradient flows through it.
template <class Scalar, int Rank>
Variable<Scalar, Rank> detach(const Variable<Scalar, Rank>& x) {
  return x.differentiable() ? Variable<Scalar, Rank>(x.value()) : x;
}

/// The value of x as a starting point: gradients can be taken with respect to the result.
template <class Scalar, int Rank>
Variable<Scalar, Rank> watch(Tensor<Scalar, Rank> x) {
  Variable<Scalar, Rank> result(std::move(x));
  result.node()->differentiable = true;
  return result;
}
template <class Scalar, int Rank>
Variable<Scalar, Rank> watch(const Variable<Scalar, Rank>& x) {
  return watch(x.value());
}

/// "With respect to `input`, the gradient is rule(y, dy)": y is the output, dy the gradient of the output.
template <class Scalar, int Rank, class F>
struct Wrt {
  const detail::NodeRef<Scalar>& input;
  F rule;
};
template <class Scalar, int Rank, class F>
Wrt<Scalar, Rank, F> wrt(const Variable<Scalar, Rank>& input, F rule) {
  return {input.node(), std::move(rule)};
}

namespace detail {

template <class Scalar, int Rank, int InputRank, class F>
void add_typed_rule(const Variable<Scalar, Rank>& result, Wrt<Scalar, InputRank, F> wrt) {
  add_rule(result.node(), wrt.input, [f = std::move(wrt.rule)](const NodeRef<Scalar>& y, const NodeRef<Scalar>& dy) {
    const Variable<Scalar, InputRank> dx = f(Variable<Scalar, Rank>(y), Variable<Scalar, Rank>(dy));
    return dx.node();
  });
}

}  // namespace detail

/// Makes a differentiable operation from its value and one rule for each input:
///   return record(product(a.value(), b.value()),
///                 wrt(a, [b](const auto& y, const auto& dy) { return matmul(dy, transpose(b)); }),
///                 wrt(b, [a](const auto& y, const auto& dy) { return matmul(transpose(a), dy); }));
/// Rules written in differentiable operations make gradients of gradients work without further code.
template <class Scalar, int Rank, int... InputRanks, class... F>
Variable<Scalar, Rank> record(Tensor<Scalar, Rank> value, Wrt<Scalar, InputRanks, F>... inputs) {
  Variable<Scalar, Rank> result(std::move(value));
  (detail::add_typed_rule(result, std::move(inputs)), ...);
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
