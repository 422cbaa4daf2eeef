// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <tuple>

#include "eigenesis/autodiff/variable.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// The marks of one call of gradient(); those of an outer call, one of whose rules makes this one, come back after it.
template <class Scalar>
class Marks {
 public:
  Marks() = default;
  Marks(const Marks&) = delete;
  Marks& operator=(const Marks&) = delete;
  ~Marks() {
    for (auto& [node, before] : outer_) node->mark = std::move(before);
  }
  Mark<Scalar>& of(Node<Scalar>& node) {
    if (node.mark.visit != visit_) outer_.emplace_back(&node, std::exchange(node.mark, Mark<Scalar>{visit_}));
    return node.mark;
  }

 private:
  const std::uint64_t visit_ = next_serial();
  CachedVector<std::pair<Node<Scalar>*, Mark<Scalar>>> outer_;
};

/// The nodes through which y depends on the marked targets, in the order they were computed.
template <class Scalar>
CachedVector<Node<Scalar>*> path_from_targets(Node<Scalar>* y, Marks<Scalar>& marks) {
  struct Step {
    Node<Scalar>* node;
    Rule<Scalar>* rule;  // the next to follow
  };
  CachedVector<Step> stack;
  CachedVector<Node<Scalar>*> path;
  const auto enter = [&](Node<Scalar>* node) {
    Mark<Scalar>& mark = marks.of(*node);
    mark.entered = true;
    mark.wanted = mark.target;
    stack.push_back({node, node->rules});
  };
  enter(y);
  while (!stack.empty()) {
    auto& [node, rule] = stack.back();
    if (rule == nullptr) {
      if (node->mark.wanted) path.push_back(node);
      stack.pop_back();
      continue;
    }
    Node<Scalar>* input = rule->input.get();
    require<Error>(input->updated < node->serial,
                   "gradient: expected parameters unchanged since the loss was computed but one of shape ",
                   ShapeView{input->shape}, " was updated; compute the loss again");
    if (const Mark<Scalar>& mark = marks.of(*input); !mark.entered) {
      enter(input);  // and come back to this rule when its input is known to lead to a target or not
    } else {
      node->mark.wanted = node->mark.wanted || mark.wanted;
      rule = rule->next;
    }
  }
  return path;
}

/// dy/dx for each x of `targets`; an empty reference where y does not depend on x.
template <class Scalar>
CachedVector<NodeRef<Scalar>> gradients(const NodeRef<Scalar>& y, std::span<const NodeRef<Scalar>> targets) {
  // Where nothing is recorded, a constant is more likely a mistake than the gradient of something linear.
  require<ArgumentError>(y->differentiable || recording(),
                         "gradient: expected y computed from a Parameter or the result of ",
                         "watch() but got a constant; was it computed while a NoGradient lived?");
  Marks<Scalar> marks;
  for (const NodeRef<Scalar>& x : targets) marks.of(*x).target = true;
  const CachedVector<Node<Scalar>*> path = path_from_targets(y.get(), marks);

  if (y->mark.wanted) y->mark.adjoint = make_node(Tensor<Scalar, 0>({}, Scalar{1}));
  for (auto it = path.rbegin(); it != path.rend(); ++it) {
    const NodeRef<Scalar> node(*it);
    const NodeRef<Scalar> dy = node->mark.target ? node->mark.adjoint : std::exchange(node->mark.adjoint, {});
    for (const Rule<Scalar>* rule = node->rules; rule != nullptr; rule = rule->next) {
      Node<Scalar>& input = *rule->input;
      if (!input.mark.wanted) continue;
      NodeRef<Scalar> dx = rule->apply(node, dy);
      require(std::ranges::equal(dx->shape, input.shape), "gradient: expected a rule to return the input's shape ",
              ShapeView{input.shape}, " but got ", ShapeView{dx->shape});
      NodeRef<Scalar>& adjoint = input.mark.adjoint;
      adjoint = adjoint ? accumulate(std::move(adjoint), dx) : std::move(dx);
    }
  }
  CachedVector<NodeRef<Scalar>> result;
  result.reserve(targets.size());
  for (const NodeRef<Scalar>& x : targets) result.push_back(x->mark.adjoint);
  return result;
}
EIGENESIS_COMPILE(CachedVector<NodeRef<float>> gradients<float>(const NodeRef<float>&, std::span<const NodeRef<float>>));

}  // namespace detail

/// The gradients of the number y with respect to each x: a tuple, or one Variable for one x; zeros where y does not
/// depend on it. The result is itself differentiable (so gradients of gradients work) unless a NoGradient lives.
/// Each x is a Parameter, came from watch() or was computed from such. Throws ArgumentError for a constant x, for a
/// constant y while a NoGradient lives, and Error if a parameter was updated since y was computed.
/// Two threads must not differentiate graphs with common nodes at once.
template <class Scalar, int YRank, int... Ranks>
auto gradient(const Variable<Scalar, YRank>& y, const Variable<Scalar, Ranks>&... x) {
  static_assert(YRank == 0, "eigenesis: gradient needs a number; take sum(y) or mean(y) first");
  (require<ArgumentError>(x.differentiable(), "gradient: expected x to be a Parameter or the result of watch() ",
                          "but got a constant of shape ", x.shape()),
   ...);
  const std::array<detail::NodeRef<Scalar>, sizeof...(x)> targets{x.node()...};
  const auto found = detail::gradients<Scalar>(y.node(), targets);
  std::size_t i = 0;
  const auto next = [&]<int Rank>(const Variable<Scalar, Rank>& target) {
    const detail::NodeRef<Scalar>& dx = found[i++];
    return dx ? Variable<Scalar, Rank>(dx) : Variable<Scalar, Rank>(Tensor<Scalar, Rank>(target.shape(), Scalar{0}));
  };
  std::tuple<Variable<Scalar, Ranks>...> result{next(x)...};
  if constexpr (sizeof...(x) == 1)
    return std::get<0>(result);
  else
    return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
