// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/optimizers/optimizer.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Defaults are PyTorch's.
struct SgdOptions {
  double learning_rate = 1e-3;  // `rate` in the formula
  double momentum = 0;          // 0: none
  double dampening = 0;         // of new gradients in the momentum
  bool nesterov = false;        // needs momentum > 0 and dampening 0
  double weight_decay = 0;      // 0: none
  double clip_norm = 0;         // limit of the norm of all gradients together; 0: none
  double clip_value = 0;        // limit of each gradient's absolute value, applied first; 0: none
  Schedule schedule = {};       // factor of the learning rate in each step; none: 1
};

namespace detail {

template <class Scalar>
struct SgdState {
  Tensor<Scalar, 1> momentum;  // empty without momentum
  static void fields(auto& self, auto&& field) { field("momentum_buffer", self.momentum); }
};

}  // namespace detail

/// Stochastic gradient descent with momentum as in PyTorch: g += weight_decay w; b = momentum b + (1 - dampening) g, at
/// first b = g; w -= rate b, or with Nesterov's momentum w -= rate (g + momentum b). Throws ArgumentError for options
/// out of range.
template <class Scalar = float>
class Sgd : public detail::Optimizer<Sgd<Scalar>, Scalar, SgdOptions, detail::SgdState<Scalar>> {
  using Base = detail::Optimizer<Sgd<Scalar>, Scalar, SgdOptions, detail::SgdState<Scalar>>;
  friend Base;

 public:
  static constexpr const char* name = "Sgd";

  explicit Sgd(const SgdOptions& options = {}) : Base(options) {
    Base::require_at_least_zero("momentum", options.momentum);
    require<ArgumentError>(!options.nesterov || (options.momentum > 0 && options.dampening == 0),
                           "Sgd: expected momentum > 0 and dampening 0 for nesterov but got ", options.momentum,
                           " and ", options.dampening);
  }

 private:
  detail::SgdState<Scalar> new_state(Index n) const {
    return {Tensor<Scalar, 1>(Shape{this->options_.momentum == 0 ? 0 : n}, 0)};
  }
  typename Base::Bounds bounds_after(const typename Base::Bounds& before, double gradient, double rate) const {
    const SgdOptions& o = this->options_;
    const double state = o.momentum * before.state + std::max(1.0, std::abs(1 - o.dampening)) * gradient;
    return {before.weight + rate * (gradient + std::max(1.0, o.momentum) * state), state};
  }
  void update(detail::SgdState<Scalar>& state, Index step, double rate, Scalar* weight, const Scalar* gradient,
              Index n) {
    const SgdOptions& o = this->options_;
    const double keep = step == 1 ? 0 : o.momentum, take = step == 1 ? 1 : 1 - o.dampening;
    detail::sgd(weight, o.momentum == 0 ? nullptr : state.momentum.data(), gradient, n, static_cast<Scalar>(rate),
                static_cast<Scalar>(keep), static_cast<Scalar>(take), static_cast<Scalar>(o.nesterov ? o.momentum : 0));
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
