// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <memory>

#include "eigenesis/machine/config.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

template <class Scalar>
struct Node;

/// What the operations of this thread are told to while one is current(), so that an evaluation can be written down. An
/// operation of the library describes itself just before it is recorded; one of a program's own does not.
template <class Scalar>
class Trace {
 public:
  /// Of the operation whose result is connected next. `details` is of a type that goes with the name.
  virtual void describe(const char* name, std::initializer_list<Index> numbers,
                        std::shared_ptr<const void> details) = 0;
  /// y was computed from `input`; called for one input after the other.
  virtual void connect(Node<Scalar>& y, Node<Scalar>& input) = 0;
  /// `copy` has the value of `original`.
  virtual void same(Node<Scalar>& copy, Node<Scalar>& original) = 0;

  static Trace*& current() {
    static thread_local Trace* trace = nullptr;
    return trace;
  }

 protected:
  ~Trace() = default;
};

template <class Scalar>
void describe(const char* name, std::initializer_list<Index> numbers = {}) {
  if (Trace<Scalar>* trace = Trace<Scalar>::current()) [[unlikely]]
    trace->describe(name, numbers, nullptr);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
