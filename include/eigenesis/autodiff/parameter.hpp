// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/variable.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A variable that is learned: a starting point of gradients, and the only variable whose value can change.
/// A value, unlike a Variable: copies are independent, so that a copied model is an independent model, and assignment
/// changes the value as mutable_value() does.
template <class Scalar, int Rank>
class Parameter : public Variable<Scalar, Rank> {
 public:
  Parameter(Tensor<Scalar, Rank> value) : Variable<Scalar, Rank>(watch(std::move(value))) {
    this->node_->parameter = true;
  }
  Parameter() : Parameter(Tensor<Scalar, Rank>()) {}
  Parameter(const Parameter& other) : Parameter(other.value()) { hold_fixed(other.is_fixed()); }
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(Parameter other) noexcept {
    if (!this->node_) {  // moved from
      this->node_ = std::move(other.node_);
    } else {
      hold_fixed(other.is_fixed());
      std::swap(mutable_value(), other.mutable_value());
    }
    return *this;
  }

  /// Fixed, it is a constant: gradients do not reach it, optimizers leave it as it is.
  void hold_fixed(bool fixed = true) {
    if (fixed == is_fixed()) return;
    this->node_->differentiable = !fixed;
    this->node_->updated = detail::next_serial();
  }
  /// Whether hold_fixed() holds.
  bool is_fixed() const { return !this->node_->differentiable; }

  /// The value, to be changed in place. Losses computed before can no longer be differentiated: gradient() then throws.
  /// Ask anew for each change: what is changed later through a reference that was kept is not noticed.
  Tensor<Scalar, Rank>& mutable_value() {
    this->node_->updated = detail::next_serial();
    return this->tensor();
  }
};

template <class Scalar, int Rank>
Parameter(Tensor<Scalar, Rank>) -> Parameter<Scalar, Rank>;

}  // namespace eigenesis::inline EIGENESIS_ABI
