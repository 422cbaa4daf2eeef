// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/optimizers/gradients.hpp"
#include "eigenesis/optimizers/schedules.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// What all optimizers share. A derived one has a `name`, checks its options, and knows of one parameter of n numbers at a time
///   State new_state(Index n): the tensors it keeps for it
///   void update(State& state, Index step, double rate, Scalar* weight, const Scalar* gradient, Index n): update number `step`
template <class Derived, class Scalar, class Options, class State>
class Optimizer {
 public:
  const Options& options() const { return options_; }
  void set_learning_rate(double rate) {
    require<ArgumentError>(rate >= 0, Derived::name, ": expected learning_rate >= 0 but got ", rate);
    options_.learning_rate = rate;
  }
  /// Updates made so far.
  Index steps() const { return static_cast<Index>(steps_.item()); }

  /// One update of `model` along the gradient of `loss` [] with respect to the model's parameters. Parameters that the loss
  /// does not depend on stay as they are. Before it changes anything it throws NumericError for a loss or gradient that is not
  /// finite, ArgumentError for a loss that does not depend on the model, ShapeError for a model of other parameters than before.
  template <int Rank, class Model>
  void minimize(const Variable<Scalar, Rank>& loss, Model& model) {
    static_assert(Rank == 0, "eigenesis: minimize needs a number; take sum(loss) or mean(loss) first");
    require<NumericError>(std::isfinite(loss.item()), Derived::name, "::minimize: expected a finite loss but got ",
                          printable(loss.item()), " in step ", steps() + 1);
    apply("minimize", model, parameter_gradients(loss, model));
  }

  /// One update along gradients that were computed (and perhaps changed) before; throws as minimize().
  template <class Model>
  void step(Model& model, Gradients<Scalar> gradients) {
    apply("step", model, std::move(gradients));
  }

  /// Makes the state for the parameters of `model`, or checks that it fits them; the first update does so by itself.
  template <class Model>
  void prepare(const Model& model) {
    const bool first = slots_.empty();
    std::size_t count = 0;
    for_each_parameter(model, [&](const FieldPath& path, const auto& parameter) {
      const std::span<const Index> shape = parameter.shape();
      if (first) slots_.push_back({derived().new_state(parameter.size()), {}, {shape.begin(), shape.end()}});
      if (count < slots_.size())
        require(std::ranges::equal(slots_[count].shape, shape), Derived::name, ": expected parameter ", path, " of shape ",
                ShapeView{slots_[count].shape}, " as in earlier steps but got ", ShapeView{shape});
      ++count;
    });
    require(count == slots_.size(), Derived::name, ": expected a model of ", slots_.size(),
            " parameters as in earlier steps but got ", count);
  }

  static void fields(auto& self, auto&& field) {
    field("steps", self.steps_);
    field("state", self.slots_);
  }

 protected:
  explicit Optimizer(const Options& options) : options_(options) {
    set_learning_rate(options.learning_rate);
    require_at_least_zero("weight_decay", options.weight_decay);
    require_at_least_zero("clip_norm", options.clip_norm);
    require_at_least_zero("clip_value", options.clip_value);
  }
  static void require_at_least_zero(const char* option, double value) {
    require<ArgumentError>(value >= 0, Derived::name, ": expected ", option, " >= 0 but got ", value);
  }
  static void require_fraction(const char* option, double value) {
    require<ArgumentError>(value >= 0 && value < 1, Derived::name, ": expected ", option, " in [0, 1) but got ", value);
  }
  /// The gradient with weight decay as a penalty, g + weight_decay * w.
  auto penalized(const auto& gradient, const auto& weight) const {
    return options_.weight_decay == 0 ? gradient : gradient + options_.weight_decay * weight;
  }

 private:
  struct Slot {
    State state;
    Tensor<double, 0> step;
    std::vector<Index> shape;

    static void fields(auto& self, auto&& field) {
      field("step", self.step);
      State::fields(self.state, field);
    }
  };

  Derived& derived() { return static_cast<Derived&>(*this); }
  /// A NaN without its sign, which says nothing.
  static Scalar printable(Scalar x) { return std::isnan(x) ? std::abs(x) : x; }

  template <class Model>
  void apply(const char* function, Model& model, Gradients<Scalar> gradients) {
    prepare(model);
    check(function, model, gradients);
    if (options_.clip_value > 0) gradients.clip_value(options_.clip_value);
    if (options_.clip_norm > 0) {
      const double norm = gradients.clip_norm(options_.clip_norm);
      require<NumericError>(std::isfinite(norm), Derived::name, "::", function,
                            ": expected gradients of finite norm but got inf in step ", steps() + 1);
    }
    const double factor = options_.schedule ? options_.schedule(steps()) : 1, rate = options_.learning_rate * factor;
    require<ArgumentError>(std::isfinite(rate) && rate >= 0, Derived::name, "::", function,
                           ": expected a finite factor >= 0 of the schedule but got ", factor, " in step ", steps() + 1);
    steps_.data()[0] += 1;
    Index i = 0;
    for_each_parameter(model, [&](const FieldPath&, auto& parameter) {
      Slot& slot = slots_[static_cast<std::size_t>(i)];
      const std::span<const Scalar> gradient = gradients[i++];
      if (gradient.empty()) return;
      const Index step = static_cast<Index>(slot.step.data()[0] += 1);
      derived().update(slot.state, step, rate, parameter.mutable_value().data(), gradient.data(),
                       parameter.size());
    });
  }

  template <class Model>
  void check(const char* function, const Model& model, const Gradients<Scalar>& gradients) const {
    require(gradients.size() == std::ssize(slots_), Derived::name, "::", function, ": expected gradients of ",
            slots_.size(), " parameters but got ", gradients.size());
    Index i = 0;
    bool any = false;
    for_each_parameter(model, [&](const FieldPath& path, const auto& parameter) {
      const std::span<const Scalar> gradient = gradients[i++];
      if (gradient.empty()) return;
      any = true;
      require(std::ssize(gradient) == parameter.size(), Derived::name, "::", function, ": expected a gradient of ",
              parameter.size(), " numbers for ", path, " but got ", gradient.size());
      if (all_finite(gradient.data(), std::ssize(gradient))) return;
      const auto found = std::ranges::find_if_not(gradient, [](Scalar g) { return std::isfinite(g); });
      fail<NumericError>(Derived::name, "::", function, ": expected a finite gradient of ", path, " but got ",
                         printable(*found), " in step ", steps() + 1);
    });
    require<ArgumentError>(any, Derived::name, "::", function,
                           ": expected a loss that depends on the model but got one that depends on none of its parameters");
  }

  Options options_;
  Tensor<double, 0> steps_;
  std::vector<Slot> slots_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
