// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "eigenesis/autodiff/node.hpp"
#include "eigenesis/autodiff/trace.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A Variable of a rank that is known at run time only. Every Variable is one; code that works for any rank takes it
/// and is compiled once, not for each combination of ranks.
template <class Scalar>
class AnyVariable {
 public:
  explicit AnyVariable(detail::NodeRef<Scalar> node) : node_(std::move(node)) {}

  /// Sizes of the axes.
  std::span<const Index> shape() const { return node_->shape; }
  /// Number of elements.
  Index size() const { return node_->size(); }
  /// The elements in row-major order.
  const Scalar* data() const { return node_->data(); }
  /// Whether a gradient can reach something through this value.
  bool differentiable() const { return node_->differentiable; }
  const detail::NodeRef<Scalar>& node() const { return node_; }

 protected:
  detail::NodeRef<Scalar> node_;
};

/// A tensor that remembers how it was computed, so that gradients can be taken through it.
/// Copies are handles to the same value, which never changes unless it is a Parameter's.
template <class Scalar, int Rank>
class Variable : public AnyVariable<Scalar> {
 public:
  /// A constant.
  Variable(Tensor<Scalar, Rank> value) : AnyVariable<Scalar>(detail::make_node(std::move(value))) {}
  /// The constant 0 (rank 0) or an empty tensor.
  Variable() : Variable(Tensor<Scalar, Rank>()) {}
  /// A variable that is known to have this rank.
  explicit Variable(AnyVariable<Scalar> variable) : AnyVariable<Scalar>(std::move(variable)) {}

  /// The tensor.
  const Tensor<Scalar, Rank>& value() const& { return tensor(); }
  /// Of a temporary, not a reference, as `const auto& t = f(x).value();` would then refer to what is gone. It is copied
  /// only if others hold it too.
  Tensor<Scalar, Rank> value() && {
    if (this->node_.unique()) return std::move(tensor());
    return tensor();
  }
  /// Sizes of the axes; of one axis, negative ones count from the back.
  const Shape<Rank>& shape() const { return value().shape(); }
  Index shape(int axis) const { return value().shape(axis); }
  /// Number of elements.
  Index size() const { return value().size(); }
  /// The number of a variable with one element; throws ShapeError for others.
  Scalar item() const { return value().item(); }

 protected:
  Tensor<Scalar, Rank>& tensor() const {
    if (!this->node_) [[unlikely]]
      detail::fail<Error>("Variable: expected a value but its model or variable was moved from");
    return static_cast<detail::NodeOf<Scalar, Rank>&>(*this->node_).value;
  }
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
Variable<Scalar, Rank> detach(Variable<Scalar, Rank> x) {
  if (!x.node()->differentiable && !x.node()->unrecorded) return x;
  if (auto* trace = detail::Trace<Scalar>::current()) [[unlikely]] {
    Variable<Scalar, Rank> copy(x.value());
    trace->same(*copy.node(), *x.node());
    return copy;
  }
  return std::move(x).value();
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
template <class Input, class F>
struct Wrt {
  const Input& input;  // of the operation
  F rule;              // (y, dy) -> the gradient of `input`
};
/// For record(): the gradient with respect to `input` is rule(y, dy).
template <class Scalar, int Rank, class F>
Wrt<Variable<Scalar, Rank>, F> wrt(const Variable<Scalar, Rank>& input, F rule) {
  return {input, std::move(rule)};
}
template <class Scalar, class F>
Wrt<AnyVariable<Scalar>, F> wrt(const AnyVariable<Scalar>& input, F rule) {
  return {input, std::move(rule)};
}

/// "With respect to inputs[i], the gradient is rule(i, y, dy)", for inputs whose number is known at run time only.
template <class Input, class F>
struct WrtEach {
  std::span<const Input> inputs;  // of the operation
  F rule;                         // (i, y, dy) -> the gradient of inputs[i]
};
/// For record(): the gradient with respect to inputs[i] is rule(i, y, dy).
template <class Input, class F>
WrtEach<Input, F> wrt_each(std::span<const Input> inputs, F rule) {
  return {inputs, std::move(rule)};
}

/// A tensor of a rank that is known at run time only, its elements not yet set.
template <class Scalar>
class AnyTensor {
 public:
  explicit AnyTensor(std::span<const Index> shape) : node_(detail::node_of_shape<Scalar>(shape)) {}
  AnyTensor(AnyTensor&&) noexcept = default;
  AnyTensor& operator=(AnyTensor&&) noexcept = default;

  /// Sizes of the axes.
  std::span<const Index> shape() const { return node_->shape; }
  /// Number of elements.
  Index size() const { return node_->size(); }
  /// The elements in row-major order, to be set.
  Scalar* data() { return node_->data(); }
  /// The value as a constant; the tensor is no more.
  AnyVariable<Scalar> constant() && { return AnyVariable<Scalar>(std::move(node_)); }

 private:
  detail::NodeRef<Scalar> node_;
};

namespace detail {

/// Stands in the list of y's rules for a parameter that is held fixed: no gradient flows to it, but other rules may use
/// its value, so gradient() has to find it if that has changed since.
template <class Scalar>
struct FixedInput final : Rule<Scalar> {
  using Rule<Scalar>::Rule;
  NodeRef<Scalar> apply(const NodeRef<Scalar>&, const NodeRef<Scalar>&) const override { return {}; }  // never asked
};

template <class Scalar>
void prepend(Node<Scalar>& y, Rule<Scalar>* rule) {
  rule->next = std::exchange(y.rules, rule);
}

/// Whether the gradient of `input` is to follow from that of y; notes at y that it was computed from `input`.
template <class Scalar>
bool connect(Node<Scalar>& y, Node<Scalar>& input) {
  if (auto* trace = Trace<Scalar>::current()) [[unlikely]]
    trace->connect(y, input);
  const bool recorded = recording() && input.differentiable;
  if (recorded)
    y.differentiable = true;
  else if (input.differentiable || input.unrecorded)
    y.unrecorded = true;
  else if (input.parameter && recording())
    prepend(y, new FixedInput<Scalar>(NodeRef<Scalar>(&input)));
  return recorded;
}

/// rule(y, dy) -> the gradient of the input, in the types of the operation: Y is that of its result.
template <class Scalar, class Y, class Input, class F>
struct RuleOf final : Rule<Scalar> {
  RuleOf(const NodeRef<Scalar>& of, F f) : Rule<Scalar>(of), rule(std::move(f)) {}
  NodeRef<Scalar> apply(const NodeRef<Scalar>& y, const NodeRef<Scalar>& dy) const override {
    const Input dx = rule(Y(AnyVariable<Scalar>(y)), Y(AnyVariable<Scalar>(dy)));
    return dx.node();
  }
  F rule;
};
template <class Y, class Scalar, class Input, class F>
void add_rule(Node<Scalar>& y, const Input& input, F rule) {
  prepend<Scalar>(y, new RuleOf<Scalar, Y, Input, F>(input.node(), std::move(rule)));
}

template <class Y, class Input, class F>
void add_rules(const Y& y, Wrt<Input, F>&& wrt) {
  if (connect(*y.node(), *wrt.input.node())) add_rule<Y>(*y.node(), wrt.input, std::move(wrt.rule));
}
template <class Y, class Input, class F>
void add_rules(const Y& y, WrtEach<Input, F>&& wrt) {
  std::shared_ptr<const F> shared;  // by the rules of all inputs
  for (std::size_t i = 0; i < wrt.inputs.size(); ++i) {
    if (!connect(*y.node(), *wrt.inputs[i].node())) continue;
    if (!shared) shared = std::allocate_shared<const F>(CachedAllocator<F>(), std::move(wrt.rule));
    add_rule<Y>(*y.node(), wrt.inputs[i],
                [shared, i](const Y& output, const Y& dy) { return (*shared)(i, output, dy); });
  }
}

}  // namespace detail

/// Makes a differentiable operation from its value and one rule for each input:
///   return record(product_of(a.value(), b.value()),
///                 wrt(a, [b](const auto& y, const auto& dy) { return matmul(dy, transpose(b)); }),
///                 wrt(b, [a](const auto& y, const auto& dy) { return matmul(transpose(a), dy); }));
/// Rules written in differentiable operations make gradients of gradients work without further code. `inputs` are made
/// by wrt() or wrt_each().
template <class Scalar, int Rank, class... Inputs>
Variable<Scalar, Rank> record(Tensor<Scalar, Rank> value, Inputs... inputs) {
  Variable<Scalar, Rank> y(std::move(value));
  (detail::add_rules(y, std::move(inputs)), ...);
  return y;
}
template <class Scalar, class... Inputs>
AnyVariable<Scalar> record(AnyTensor<Scalar> value, Inputs... inputs) {
  AnyVariable<Scalar> y = std::move(value).constant();
  (detail::add_rules(y, std::move(inputs)), ...);
  return y;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
