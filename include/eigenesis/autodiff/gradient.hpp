// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <tuple>

#include "eigenesis/autodiff/variable.hpp"

// How gradient(y, x) works, for y = exp(x) * x:
//   1. Search: from y along the rules to the inputs, depth first. Nodes that lead to x are wanted; in the order in
//   which
//      the search leaves them they are the path: x, exp(x), y. Every node stands behind those it was computed from.
//   2. Sweep: along the path from its end. dy = 1 at y; its rules give exp(x) the gradient dy * x, and x the gradient
//      dy * exp(x), y / x and so on being values that the rules hold. At exp(x), all that it will receive has arrived:
//      its rule gives x another gradient, which is added to the first.
//   3. What has arrived at x is the result.
// Rules compute with Variables, so that the result can be differentiated again.
namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// What one call of gradient() notes about the nodes it meets: a hash table with open addressing. Nodes themselves are
/// left alone, as other calls may walk over them at the same time: in other threads, or outer ones whose rules make
/// this one.
template <class Scalar>
class Notes {
 public:
  struct Note {
    const Node<Scalar>* node = nullptr;
    bool target = false;        // the gradient with respect to this node was asked for
    bool entered = false;       // the search has met it
    bool wanted = false;        // it leads to a target
    NodeRef<Scalar> adjoint{};  // the sum of what has arrived here so far
  };

  /// The note about a node, which is valid until one is made about another node.
  Note& operator[](const Node<Scalar>* node) {
    Note* note = find(node);
    if (note->node) return *note;
    if (2 * ++used_ > notes_.size()) {
      grow();
      note = find(node);
    }
    note->node = node;
    return *note;
  }

 private:
  Note* find(const Node<Scalar>* node) {
    // Fibonacci hashing (Knuth, volume 3, 6.4): the upper bits of the product depend on all bits of the address.
    const auto hash = reinterpret_cast<std::uintptr_t>(node) * std::uint64_t{0x9E3779B97F4A7C15};
    for (std::size_t i = hash >> shift_;; i = (i + 1) & (notes_.size() - 1))
      if (Note& note = notes_[i]; note.node == node || !note.node) return &note;
  }
  void grow() {
    CachedVector<Note> before(2 * notes_.size());
    notes_.swap(before);
    --shift_;
    for (Note& note : before)
      if (note.node) *find(note.node) = std::move(note);
  }

  CachedVector<Note> notes_{64};  // 2^(64 - shift_) of them, at most half of them used
  int shift_ = 58;
  std::size_t used_ = 0;
};

/// The nodes through which y depends on the targets, each behind those it was computed from.
template <class Scalar>
CachedVector<Node<Scalar>*> path_from_targets(Node<Scalar>* y, Notes<Scalar>& notes) {
  struct Step {
    Node<Scalar>* node;
    Rule<Scalar>* rule;  // the next to follow
    bool wanted;
  };
  CachedVector<Step> stack;
  CachedVector<Node<Scalar>*> path;
  const auto enter = [&](Node<Scalar>* node) {
    auto& note = notes[node];
    note.entered = true;
    stack.push_back({node, node->rules, note.target});
  };
  enter(y);
  while (!stack.empty()) {
    auto& [node, rule, wanted] = stack.back();
    if (rule == nullptr) {
      notes[node].wanted = wanted;
      if (wanted) path.push_back(node);
      stack.pop_back();
      continue;
    }
    Node<Scalar>* const input = rule->input.get();
    require<Error>(input->updated < node->serial,
                   "gradient: expected parameters unchanged since the loss was computed but one of shape ",
                   ShapeView{input->shape}, " was updated; compute the loss again");
    if (const auto& note = notes[input]; !note.entered) {
      enter(input);  // and come back to this rule when its input is known to lead to a target or not
    } else {
      wanted = wanted || note.wanted;
      rule = rule->next;
    }
  }
  return path;
}

/// a + b of equal shapes, itself differentiable; overwrites a if nothing else can see it.
template <class Scalar>
NodeRef<Scalar> accumulate(NodeRef<Scalar> a, const NodeRef<Scalar>& b) {
  const auto add = [&](Scalar* y) {
    const Scalar *const left = a->data(), *const right = b->data();
    run_ranges(a->size(), piece_size, [&](Index first, Index last) {
      pointwise<Scalar>(Operation::add)(y + first, left + first, right + first, nullptr, Scalar{0}, last - first);
    });
  };
  if (a.unique() && !a->differentiable && !b->differentiable) {
    add(a->data());
    a->unrecorded = a->unrecorded || b->unrecorded;
    return a;
  }
  AnyTensor<Scalar> y(a->shape);
  add(y.data());
  const auto pass = [](const auto&, const auto& dy) { return dy; };
  return record(std::move(y), wrt(AnyVariable<Scalar>(a), pass), wrt(AnyVariable<Scalar>(b), pass)).node();
}
EIGENESIS_COMPILE(NodeRef<float> accumulate<float>(NodeRef<float>, const NodeRef<float>&));

/// dy/dx for each x of `targets`; an empty reference where y does not depend on x.
template <class Scalar>
CachedVector<NodeRef<Scalar>> gradients(const NodeRef<Scalar>& y, std::span<const NodeRef<Scalar>> targets) {
  // A constant is right where y is linear or detached, but while nothing is recorded it is more likely a mistake.
  require<ArgumentError>(y->differentiable || (recording() && !y->unrecorded),
                         "gradient: expected y computed from a Parameter or the result of ",
                         "watch() but got a constant; was it computed while a NoGradient lived?");
  Notes<Scalar> notes;
  for (const NodeRef<Scalar>& x : targets) notes[x.get()].target = true;
  const CachedVector<Node<Scalar>*> path = path_from_targets(y.get(), notes);

  if (auto& note = notes[y.get()]; note.wanted) note.adjoint = make_node(Tensor<Scalar, 0>({}, Scalar{1}));
  for (auto it = path.rbegin(); it != path.rend(); ++it) {
    const NodeRef<Scalar> node(*it);
    auto& note = notes[*it];
    const NodeRef<Scalar> dy = note.target ? note.adjoint : std::exchange(note.adjoint, {});
    for (const Rule<Scalar>* rule = node->rules; rule != nullptr; rule = rule->next) {
      const Node<Scalar>& input = *rule->input;
      auto& [_, target, entered, wanted, adjoint] = notes[&input];
      if (!wanted) continue;
      NodeRef<Scalar> dx = rule->apply(node, dy);
      require(std::ranges::equal(dx->shape, input.shape), "gradient: expected a rule to return the input's shape ",
              ShapeView{input.shape}, " but got ", ShapeView{dx->shape});
      adjoint = adjoint ? accumulate(std::move(adjoint), dx) : std::move(dx);
    }
  }
  CachedVector<NodeRef<Scalar>> result;
  result.reserve(targets.size());
  for (const NodeRef<Scalar>& x : targets) result.push_back(notes[x.get()].adjoint);
  return result;
}
EIGENESIS_COMPILE(CachedVector<NodeRef<float>> gradients<float>(const NodeRef<float>&,
                                                                std::span<const NodeRef<float>>));

}  // namespace detail

/// The gradients of the number y with respect to each x: a tuple, or one Variable for one x; zeros where y does not
/// depend on it. The result is itself differentiable (so gradients of gradients work) unless a NoGradient lives.
/// Each x is a Parameter, came from watch() or was computed from such. Throws ArgumentError for a constant x; for a y
/// that depends on nothing because it, or all that it was computed from, was computed while a NoGradient lived; for any
/// constant y while one lives; and Error if a parameter was updated since y was computed.
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
    return dx ? Variable<Scalar, Rank>(AnyVariable<Scalar>(dx))
              : Variable<Scalar, Rank>(Tensor<Scalar, Rank>(target.shape(), Scalar{0}));
  };
  std::tuple<Variable<Scalar, Ranks>...> result{next(x)...};
  if constexpr (sizeof...(x) == 1)
    return std::get<0>(result);
  else
    return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
