// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/variable.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A variable that is learned: a starting point of gradients, and the only variable whose value can change.
/// A value, unlike a Variable: copies are independent, so that a copied model is an independent model.
template <class Scalar, int Rank>
class Parameter : public Variable<Scalar, Rank> {
 public:
  Parameter(Tensor<Scalar, Rank> value) : Variable<Scalar, Rank>(watch(std::move(value))) {}
  Parameter() : Parameter(Tensor<Scalar, Rank>()) {}
  Parameter(const Parameter& other) : Parameter(other.value()) {}
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(Parameter other) noexcept {
    std::swap(this->node_, other.node_);
    return *this;
  }

  /// The value, to be changed in place. Losses computed before can no longer be differentiated: gradient() then throws.
  Tensor<Scalar, Rank>& mutable_value() {
    this->node_->updated = detail::next_serial();
    return this->tensor();
  }
};

template <class Scalar, int Rank>
Parameter(Tensor<Scalar, Rank>) -> Parameter<Scalar, Rank>;

}  // namespace eigenesis::inline EIGENESIS_ABI
