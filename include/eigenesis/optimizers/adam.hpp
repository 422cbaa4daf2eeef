// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/optimizers/optimizer.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Defaults are PyTorch's.
struct AdamOptions {
  double learning_rate = 1e-3;        // `rate` in the formula
  double beta1 = 0.9, beta2 = 0.999;  // of the means of g and of g^2
  double epsilon = 1e-8;              // added to the root
  double weight_decay = 0;            // 0: none
  double clip_norm = 0;               // limit of the norm of all gradients together; 0: none
  double clip_value = 0;              // limit of each gradient's absolute value, applied first; 0: none
  Schedule schedule = {};             // factor of the learning rate in each step; none: 1
};
/// Defaults are PyTorch's.
struct AdamWOptions {
  double learning_rate = 1e-3;        // `rate` in the formula
  double beta1 = 0.9, beta2 = 0.999;  // of the means of g and of g^2
  double epsilon = 1e-8;              // added to the root
  double weight_decay = 1e-2;         // per unit of the rate; 0: none
  double clip_norm = 0;               // limit of the norm of all gradients together; 0: none
  double clip_value = 0;              // limit of each gradient's absolute value, applied first; 0: none
  Schedule schedule = {};             // factor of the learning rate in each step; none: 1
};

namespace detail {

template <class Scalar>
struct AdamState {
  Tensor<Scalar, 1> mean, square;  // of the gradients so far
  static void fields(auto& self, auto&& field) {
    field("exp_avg", self.mean);
    field("exp_avg_sq", self.square, InFiles::at_least_zero);
  }
};

/// The part that Adam and AdamW share: all but weight decay.
template <class Derived, class Scalar, class Options>
class AdamBase : public Optimizer<Derived, Scalar, Options, AdamState<Scalar>> {
  using Base = Optimizer<Derived, Scalar, Options, AdamState<Scalar>>;
  friend Base;

 protected:
  using typename Base::Bounds;

  explicit AdamBase(const Options& options) : Base(options) {
    Base::require_fraction("beta1", options.beta1);
    Base::require_fraction("beta2", options.beta2);
    Base::require_at_least_zero("epsilon", options.epsilon);
  }
  AdamState<Scalar> new_state(Index n) const {
    return {Tensor<Scalar, 1>(Shape{n}, 0), Tensor<Scalar, 1>(Shape{n}, 0)};
  }
  /// m and v are means of g and g^2.
  Bounds bounds_after(const Bounds& before, double gradient, double rate) const {
    const double state = std::max({before.state, gradient, gradient * gradient});
    const double change = rate / (1 - this->options_.beta1) * state / Base::above_zero(this->options_.epsilon);
    return {before.weight * std::max(1.0, rate * this->options_.weight_decay) + change, state};
  }
  void update_with(AdamState<Scalar>& state, Index step, double rate, Scalar* weight, const Scalar* gradient, Index n,
                   double decay) {
    const auto beta1 = static_cast<Scalar>(this->options_.beta1), beta2 = static_cast<Scalar>(this->options_.beta2);
    // Of the rounded betas, which the averages are made with: 1 - 0.999f is not 0.001f.
    const double mean_weight = 1 - std::pow(static_cast<double>(beta1), static_cast<double>(step));
    const double square_weight = 1 - std::pow(static_cast<double>(beta2), static_cast<double>(step));
    adam(weight, state.mean.data(), state.square.data(), gradient, n, beta1, beta2,
         static_cast<Scalar>(rate / mean_weight), static_cast<Scalar>(1 / square_weight),
         Base::above_zero(this->options_.epsilon), static_cast<Scalar>(decay));
  }
};

}  // namespace detail

/// Adam (Kingma and Ba 2015): m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; after t steps
/// w -= rate m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon). As in PyTorch, weight decay is a penalty, before
/// all: g += weight_decay w. Throws ArgumentError for options out of range.
template <class Scalar = float>
class Adam : public detail::AdamBase<Adam<Scalar>, Scalar, AdamOptions> {
  using Base = detail::AdamBase<Adam<Scalar>, Scalar, AdamOptions>;
  friend detail::Optimizer<Adam<Scalar>, Scalar, AdamOptions, detail::AdamState<Scalar>>;

 public:
  static constexpr const char* name = "Adam";

  explicit Adam(const AdamOptions& options = {}) : Base(options) {}

 private:
  void update(detail::AdamState<Scalar>& state, Index step, double rate, Scalar* weight, const Scalar* gradient,
              Index n) {
    Base::update_with(state, step, rate, weight, gradient, n, 0);
  }
};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019): w -= rate weight_decay w, apart from the gradient.
/// Throws ArgumentError for options out of range.
template <class Scalar = float>
class AdamW : public detail::AdamBase<AdamW<Scalar>, Scalar, AdamWOptions> {
  using Base = detail::AdamBase<AdamW<Scalar>, Scalar, AdamWOptions>;
  friend detail::Optimizer<AdamW<Scalar>, Scalar, AdamWOptions, detail::AdamState<Scalar>>;

 public:
  static constexpr const char* name = "AdamW";
  static constexpr bool decays_weights = true;

  explicit AdamW(const AdamWOptions& options = {}) : Base(options) {}

 private:
  void update(detail::AdamState<Scalar>& state, Index step, double rate, Scalar* weight, const Scalar* gradient,
              Index n) {
    Base::update_with(state, step, rate, weight, gradient, n, rate * this->options_.weight_decay);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
