// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <utility>

#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/pointwise.hpp"
#include "eigenesis/core/tensor.hpp"

// The graph behind Variable: a node's rank is known at run time only, so that the engine is compiled once per scalar.
namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class Scalar>
struct Node;

/// Counts nodes and updates of parameters on one scale: a node older than a parameter's last update used its old value.
inline std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> counter{0};
  return counter.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// A counted reference to a node.
template <class Scalar>
class NodeRef {
 public:
  NodeRef() = default;
  explicit NodeRef(Node<Scalar>* node) : node_(node) { acquire(); }
  NodeRef(const NodeRef& other) : node_(other.node_) { acquire(); }
  NodeRef(NodeRef&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  NodeRef& operator=(NodeRef other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~NodeRef() {
    if (node_ && node_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(node_);
  }
  Node<Scalar>* get() const { return node_; }
  Node<Scalar>* operator->() const { return node_; }
  Node<Scalar>& operator*() const { return *node_; }
  explicit operator bool() const { return node_ != nullptr; }

 private:
  void acquire() const {
    if (node_) node_->references.fetch_add(1, std::memory_order_relaxed);
  }
  static void destroy(Node<Scalar>* node);
  Node<Scalar>* node_ = nullptr;
};

/// How the gradient of one input follows from the gradient dy of the output y.
template <class Scalar>
struct Rule {
  explicit Rule(NodeRef<Scalar> of) : input(std::move(of)) {}
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;
  virtual ~Rule() = default;
  virtual NodeRef<Scalar> apply(const NodeRef<Scalar>& y, const NodeRef<Scalar>& dy) const = 0;
  static void* operator new(std::size_t bytes) { return take_memory(bytes); }
  static void operator delete(void* memory, std::size_t bytes) { give_memory(memory, bytes); }

  NodeRef<Scalar> input;
  Rule* next = nullptr;
};

/// What one call of gradient() notes down at a node.
template <class Scalar>
struct Mark {
  std::uint64_t visit = 0;    // the number of the call
  bool target = false;        // the gradient with respect to this node was asked for
  bool entered = false;       // the search for targets has come by
  bool wanted = false;        // leads to a target
  NodeRef<Scalar> adjoint{};  // the sum of what has arrived here so far
};

/// A value, and the rules by which gradients flow from it to what it was computed from.
template <class Scalar>
struct Node {
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;
  static void* operator new(std::size_t bytes) { return take_memory(bytes); }
  static void operator delete(void* memory, std::size_t bytes) { give_memory(memory, bytes); }

  virtual Scalar* data() = 0;  // asked for anew each time: a parameter may be given another tensor
  Index size() const {
    Index product = 1;
    for (const Index s : shape) product *= s;
    return product;
  }

  std::span<const Index> shape;  // of the tensor that the derived class holds
  std::atomic<int> references{0};
  bool differentiable = false;
  std::uint64_t serial = next_serial();
  std::uint64_t updated = 0;  // of a parameter: when its value was last changed
  Rule<Scalar>* rules = nullptr;
  Node* next_dying = nullptr;
  Mark<Scalar> mark;
};

template <class Scalar, int Rank>
struct NodeOf final : Node<Scalar> {
  explicit NodeOf(Tensor<Scalar, Rank> tensor) : value(std::move(tensor)) { this->shape = value.shape(); }
  Scalar* data() override { return value.data(); }
  Tensor<Scalar, Rank> value;
};

// A chain of a million nodes must not be freed by a million nested calls: the dying wait in a list.
template <class Scalar>
void NodeRef<Scalar>::destroy(Node<Scalar>* node) {
  static thread_local Node<Scalar>* dying = nullptr;
  static thread_local bool busy = false;
  node->next_dying = std::exchange(dying, node);
  if (busy) return;
  busy = true;
  while (dying) {
    Node<Scalar>* last = std::exchange(dying, dying->next_dying);
    while (last->rules) delete std::exchange(last->rules, last->rules->next);
    delete last;
  }
  busy = false;
}
EIGENESIS_COMPILE(void NodeRef<float>::destroy(Node<float>*));

template <class Scalar, int Rank>
NodeRef<Scalar> make_node(Tensor<Scalar, Rank> value) {
  return NodeRef<Scalar>(new NodeOf<Scalar, Rank>(std::move(value)));
}

/// A node of a rank known at run time, its elements uninitialised.
template <class Scalar, int Rank = 0>
NodeRef<Scalar> make_node(std::span<const Index> shape) {
  if constexpr (Rank < max_rank)
    if (std::ssize(shape) > Rank) return make_node<Scalar, Rank + 1>(shape);
  Shape<Rank> sizes;
  for (int axis = 0; axis < Rank; ++axis) sizes[axis] = shape[static_cast<std::size_t>(axis)];
  return make_node(Tensor<Scalar, Rank>(sizes));
}
EIGENESIS_COMPILE(NodeRef<float> make_node<float, 0>(std::span<const Index>));

/// Whether operations of this thread are recorded for gradients.
inline bool& recording() {
  static thread_local bool is_recording = true;
  return is_recording;
}

/// Records how the gradient of `input` follows from that of `y`: rule(y, dy) -> dx, all of them nodes.
template <class Scalar, class F>
void add_rule(const NodeRef<Scalar>& y, const NodeRef<Scalar>& input, F rule) {
  struct RuleOf final : Rule<Scalar> {
    RuleOf(NodeRef<Scalar> of, F f) : Rule<Scalar>(std::move(of)), function(std::move(f)) {}
    NodeRef<Scalar> apply(const NodeRef<Scalar>& output, const NodeRef<Scalar>& dy) const override {
      return function(output, dy);
    }
    F function;
  };
  if (!recording() || !input->differentiable) return;
  auto* added = new RuleOf(input, std::move(rule));
  added->next = std::exchange(y->rules, added);
  y->differentiable = true;
}

/// a + b of equal shapes, itself differentiable; overwrites a if nothing else can see it.
template <class Scalar>
NodeRef<Scalar> accumulate(NodeRef<Scalar> a, const NodeRef<Scalar>& b) {
  const bool reusable = a->references.load(std::memory_order_relaxed) == 1 && !a->differentiable && !b->differentiable;
  NodeRef<Scalar> y = reusable ? a : make_node<Scalar>(a->shape);
  Scalar* const sum = y->data();
  const Scalar *const left = a->data(), *const right = b->data();
  run_ranges(y->size(), piece_size, [&](Index first, Index last) {
    pointwise<Scalar>(Operation::add)(sum + first, left + first, right + first, nullptr, Scalar{0}, last - first);
  });
  if (!reusable) {
    const auto pass = [](const NodeRef<Scalar>&, const NodeRef<Scalar>& dy) { return dy; };
    add_rule(y, a, pass);
    add_rule(y, b, pass);
  }
  return y;
}
EIGENESIS_COMPILE(NodeRef<float> accumulate<float>(NodeRef<float>, const NodeRef<float>&));

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
