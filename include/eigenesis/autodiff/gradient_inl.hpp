// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/pointwise.hpp"

// How gradient(y, x) works, for e = exp(x) and y = e * x:
//   1. The search goes from y along the rules to the inputs, depth first. Nodes that lead to x are wanted; in the order
//      in which the search leaves them they are the path, x, e, y: each node stands behind those it was computed from.
//   2. The sweep goes along the path from its end. At y, dy = 1: the rules of y give e the gradient dy * x and x the
//      gradient dy * e. At e all that it receives has arrived: its rule gives x that gradient times e, which is added
//      to what x has.
//   3. The sum at x is the result.
// Rules compute with Variables, so that the result can be differentiated again.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// What one call of gradient() notes about the nodes it meets, and a hash table with open addressing that finds it.
/// Nodes themselves are left alone, as other calls may walk over them at the same time: in other threads, or outer ones
/// whose rules make this one.
template <class Scalar>
class Notes {
 public:
  struct Note {
    Node<Scalar>* node;
    bool target = false;        // the gradient with respect to this node was asked for
    bool entered = false;       // the search has met it
    bool wanted = false;        // it leads to a target
    NodeRef<Scalar> adjoint{};  // the sum of what has arrived here so far
  };

  Note& operator[](std::size_t number) { return notes_[number]; }
  /// The number of the note about a node, a new one if there is none.
  std::size_t number_of(Node<Scalar>* node) {
    std::uint32_t* slot = find(node);
    if (*slot == 0) {
      notes_.push_back({node});
      *slot = static_cast<std::uint32_t>(notes_.size());
      if (2 * notes_.size() > slots_.size()) grow();
      return notes_.size() - 1;
    }
    return *slot - 1;
  }

 private:
  std::uint32_t* find(const Node<Scalar>* node) {
    // Fibonacci hashing (Knuth, volume 3, 6.4): the upper bits of the product depend on all bits of the address.
    const auto hash = reinterpret_cast<std::uintptr_t>(node) * std::uint64_t{0x9E3779B97F4A7C15};
    std::size_t i = hash >> shift_;
    while (slots_[i] != 0 && notes_[slots_[i] - 1].node != node) i = (i + 1) & (slots_.size() - 1);
    return &slots_[i];
  }
  void grow() {
    slots_.assign(4 * slots_.size(), 0);
    shift_ -= 2;
    for (std::uint32_t i = 0; i < notes_.size(); ++i) *find(notes_[i].node) = i + 1;
  }

  CachedVector<Note> notes_;
  int shift_ = 56;
  CachedVector<std::uint32_t> slots_ = CachedVector<std::uint32_t>(256, 0);  // 2^(64 - shift_) numbers + 1, 0: unused
};

/// The nodes through which y depends on the targets, each behind those it was computed from, as numbers of notes.
template <class Scalar>
CachedVector<std::size_t> path_from_targets(Node<Scalar>* y, Notes<Scalar>& notes) {
  struct Step {
    std::size_t number;
    Rule<Scalar>* rule;  // the next to follow
  };
  CachedVector<Step> stack;
  CachedVector<std::size_t> path;
  const ParametersMayBe* const allowed = ParametersMayBe::innermost();
  const auto enter = [&](std::size_t number) {
    auto& note = notes[number];
    note.entered = true;
    note.wanted = note.target && note.node->differentiable;  // a fixed parameter may be among a model's
    if (allowed && note.node->parameter && note.node->differentiable) allowed->check(note.node, note.node->shape);
    stack.push_back({number, note.node->rules});
  };
  const auto follow = [&](Step& step, bool input_wanted) {
    notes[step.number].wanted = notes[step.number].wanted || input_wanted;
    step.rule = step.rule->next;
  };
  enter(notes.number_of(y));
  while (!stack.empty()) {
    const auto [number, rule] = stack.back();
    if (rule) {
      Node<Scalar>* const input = rule->input.get();
      require<Error>(input->updated < notes[number].node->serial,
                     "gradient: expected parameters unchanged since the loss was computed but one of shape ",
                     ShapeView{input->shape}, " was updated; compute the loss again");
      const std::size_t next = notes.number_of(input);
      if (notes[next].entered)
        follow(stack.back(), notes[next].wanted);
      else
        enter(next);
    } else {
      const bool wanted = notes[number].wanted;
      if (wanted) path.push_back(number);
      stack.pop_back();
      if (!stack.empty()) follow(stack.back(), wanted);
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

template <class Scalar>
CachedVector<NodeRef<Scalar>> gradients(const NodeRef<Scalar>& y, std::span<const NodeRef<Scalar>> targets) {
  // A constant is right where y is linear or detached, but while nothing is recorded it is more likely a mistake.
  require<ArgumentError>(y->differentiable || (recording() && !y->unrecorded),
                         "gradient: expected y computed from a Parameter or the result of ",
                         "watch() but got a constant; was it computed while a NoGradient lived, or is all held fixed?");
  Notes<Scalar> notes;
  for (const NodeRef<Scalar>& x : targets) notes[notes.number_of(x.get())].target = true;
  const CachedVector<std::size_t> path = path_from_targets(y.get(), notes);

  if (!path.empty()) notes[path.back()].adjoint = make_node(Tensor<Scalar, 0>({}, Scalar{1}));
  for (auto number = path.rbegin(); number != path.rend(); ++number) {
    auto& note = notes[*number];
    const NodeRef<Scalar> node(note.node);
    const NodeRef<Scalar> dy = note.target ? note.adjoint : std::exchange(note.adjoint, {});
    for (const Rule<Scalar>* rule = node->rules; rule != nullptr; rule = rule->next) {
      // The search has numbered all of these nodes, so that no note is added, and the reference stays valid.
      auto& input = notes[notes.number_of(rule->input.get())];
      if (!input.wanted) continue;
      NodeRef<Scalar> dx = rule->apply(node, dy);
      require(std::ranges::equal(dx->shape, input.node->shape),
              "gradient: expected a rule to return the input's shape ", ShapeView{input.node->shape}, " but got ",
              ShapeView{dx->shape});
      input.adjoint = input.adjoint ? accumulate(std::move(input.adjoint), dx) : std::move(dx);
    }
  }
  CachedVector<NodeRef<Scalar>> result;
  result.reserve(targets.size());
  for (const NodeRef<Scalar>& x : targets) result.push_back(notes[notes.number_of(x.get())].adjoint);
  return result;
}

EIGENESIS_INSTANTIATE(gradients);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
