// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/optimizers/optimizer.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Defaults are PyTorch's.
struct RmsPropOptions {
  double learning_rate = 1e-2;  // `rate` in the formula
  double alpha = 0.99;          // of the mean of g^2
  double epsilon = 1e-8;        // added to the root
  double momentum = 0;          // 0: none
  double weight_decay = 0;      // 0: none
  double clip_norm = 0;         // limit of the norm of all gradients together; 0: none
  double clip_value = 0;        // limit of each gradient's absolute value, applied first; 0: none
  Schedule schedule = {};       // factor of the learning rate in each step; none: 1
};

namespace detail {

template <class Scalar>
struct RmsPropState {
  Tensor<Scalar, 1> square, momentum;  // momentum: empty without it
  static void fields(auto& self, auto&& field) {
    field("square_avg", self.square, InFiles::at_least_zero);
    field("momentum_buffer", self.momentum);
  }
};

}  // namespace detail

/// RMSProp as in PyTorch (Tieleman and Hinton 2012): g += weight_decay w; v = alpha v + (1 - alpha) g^2;
/// u = g / (sqrt(v) + epsilon); w -= rate u, or with momentum b = momentum b + u; w -= rate b. Throws ArgumentError for
/// options out of range.
template <class Scalar = float>
class RmsProp : public detail::Optimizer<RmsProp<Scalar>, Scalar, RmsPropOptions, detail::RmsPropState<Scalar>> {
  using Base = detail::Optimizer<RmsProp<Scalar>, Scalar, RmsPropOptions, detail::RmsPropState<Scalar>>;
  friend Base;

 public:
  static constexpr const char* name = "RmsProp";

  explicit RmsProp(const RmsPropOptions& options = {}) : Base(options) {
    Base::require_fraction("alpha", options.alpha);
    Base::require_at_least_zero("epsilon", options.epsilon);
    Base::require_at_least_zero("momentum", options.momentum);
  }

 private:
  detail::RmsPropState<Scalar> new_state(Index n) const {
    return {Tensor<Scalar, 1>(Shape{n}, 0), Tensor<Scalar, 1>(Shape{this->options_.momentum == 0 ? 0 : n}, 0)};
  }
  typename Base::Bounds bounds_after(const typename Base::Bounds& before, double gradient, double rate) const {
    const double momentum =
        this->options_.momentum * before.state + gradient / Base::above_zero(this->options_.epsilon);
    return {before.weight + rate * momentum, std::max({before.state, gradient * gradient, momentum})};
  }
  void update(detail::RmsPropState<Scalar>& state, Index, double rate, Scalar* weight, const Scalar* gradient,
              Index n) {
    const RmsPropOptions& o = this->options_;
    detail::rmsprop(weight, state.square.data(), o.momentum == 0 ? nullptr : state.momentum.data(), gradient, n,
                    static_cast<Scalar>(rate), static_cast<Scalar>(o.alpha), static_cast<Scalar>(1 - o.alpha),
                    Base::above_zero(o.epsilon), static_cast<Scalar>(o.momentum));
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
