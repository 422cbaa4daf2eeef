// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/node.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

// Freeing a node frees its rules, and these may free the nodes they refer to. Nested calls would overflow the stack for
// a chain of a million nodes: therefore nodes are put into a list, and the outermost call frees one after the other.
template <class Scalar>
void destroy(Node<Scalar>* node) {
  static thread_local Node<Scalar>* to_free = nullptr;
  static thread_local bool freeing = false;
  node->next_to_free = std::exchange(to_free, node);
  if (freeing) return;
  freeing = true;
  while (to_free) {
    Node<Scalar>* first = std::exchange(to_free, to_free->next_to_free);
    while (first->rules) delete std::exchange(first->rules, first->rules->next);
    delete first;
  }
  freeing = false;
}

template <class Scalar, int Rank>
NodeRef<Scalar> node_of_rank(std::span<const Index> shape) {
  if constexpr (Rank < max_rank)
    if (std::ssize(shape) > Rank) return node_of_rank<Scalar, Rank + 1>(shape);
  Shape<Rank> sizes;
  for (int axis = 0; axis < Rank; ++axis) sizes[axis] = shape[static_cast<std::size_t>(axis)];
  return make_node(Tensor<Scalar, Rank>(sizes));
}
template <class Scalar>
NodeRef<Scalar> node_of_shape(std::span<const Index> shape) {
  return node_of_rank<Scalar, 0>(shape);
}

EIGENESIS_INSTANTIATE(destroy);
EIGENESIS_INSTANTIATE(node_of_shape);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
