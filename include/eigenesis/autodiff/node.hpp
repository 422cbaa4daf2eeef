// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <utility>

#include "eigenesis/core/tensor.hpp"

// The graph behind Variable. Each operation makes a node; a node holds the operation's value and one rule for each of
// its inputs through which gradients may flow. After
//   const Parameter w(...);               // node w: no rules, but differentiable
//   const Variable y = square(w * 3);     // node w * 3 with a rule for w; node y with a rule for w * 3
// y refers to its rule, the rule to the node w * 3, and so on down to w: who holds y holds all it was computed from.
// A finished node never changes, so that threads may share graphs. There are two exceptions: a parameter's value, and a
// sum of gradients that nothing else can see yet, to which more is added in place.
// A node's rank is known at run time only, so that the engine is compiled once per scalar.
namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class Scalar>
struct Node;
template <class Scalar>
void destroy(Node<Scalar>* node);

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
  /// Whether nobody else can see the node, so that its value may be overwritten.
  bool unique() const { return node_->references.load(std::memory_order_acquire) == 1; }

 private:
  void acquire() const {
    if (node_) node_->references.fetch_add(1, std::memory_order_relaxed);
  }
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
  bool differentiable = false;  // a parameter, a watched value, or computed from such
  bool parameter = false;       // whose value can change
  bool unrecorded = false;      // computed from such while a NoGradient lived: a gradient would be missing
  std::uint64_t serial = next_serial();
  std::uint64_t updated = 0;      // of a parameter: when its value was last changed
  Rule<Scalar>* rules = nullptr;  // a list
  Node* next_to_free = nullptr;
};

template <class Scalar, int Rank>
struct NodeOf final : Node<Scalar> {
  explicit NodeOf(Tensor<Scalar, Rank> tensor) : value(std::move(tensor)) { this->shape = value.shape(); }
  Scalar* data() override { return value.data(); }
  Tensor<Scalar, Rank> value;
};

template <class Scalar, int Rank>
NodeRef<Scalar> make_node(Tensor<Scalar, Rank> value) {
  return NodeRef<Scalar>(new NodeOf<Scalar, Rank>(std::move(value)));
}

/// A node of a rank known at run time, its elements uninitialised.
template <class Scalar>
NodeRef<Scalar> node_of_shape(std::span<const Index> shape);

/// Whether operations of this thread are recorded for gradients.
inline bool& recording() {
  static thread_local bool is_recording = true;
  return is_recording;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/autodiff/node_inl.hpp"
#endif
