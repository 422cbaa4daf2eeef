// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/schedules.hpp"
#include "eigenesis/kernels/reductions.hpp"
#include "eigenesis/optimizers/gradients.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// What all optimizers share. A derived one has a `name`, checks its options, and deals with one parameter at a time:
///   State new_state(Index n);  // the tensors that are kept for a parameter of n numbers
///   void update(State& state, Index step, double rate, Scalar* weight, const Scalar* gradient, Index n);
/// where `step` counts the updates of that parameter from 1.
template <class Derived, class Scalar, class Options, class State>
class Optimizer {
 public:
  const Options& options() const { return options_; }
  void set_learning_rate(double rate) {
    require<ArgumentError>(rate >= 0 && std::isfinite(rate), Derived::name,
                           ": expected a finite learning_rate >= 0 but got ", rate);
    options_.learning_rate = rate;
  }
  /// Updates made so far.
  Index steps() const { return static_cast<Index>(steps_.item()); }

  /// One update of `model` along the gradient of `loss` [] with respect to the model's parameters; those that the loss
  /// does not depend on stay as they are. Throws before it changes a weight: NumericError for a loss or gradient that
  /// is not finite, ArgumentError for a loss that does not depend on the model, ShapeError for a model of other
  /// parameters than before.
  template <int Rank, class Model>
  requires(!std::is_const_v<Model>) void minimize(const Variable<Scalar, Rank>& loss, Model& model) {
    static_assert(Rank == 0, "eigenesis: minimize needs a number; take sum(loss) or mean(loss) first");
    require<NumericError>(std::isfinite(loss.item()), Derived::name, "::minimize: expected a finite loss but got ",
                          loss.item(), " in step ", steps() + 1);
    const CachedVector<NodeRef<Scalar>> parameters = parameter_nodes<Scalar>(model);
    const NoGradient no_gradient;
    apply("minimize", parameters, names_of(model), Gradients<Scalar>(gradients<Scalar>(loss.node(), parameters)));
  }

  template <class Other, int Rank, class Model>
  requires(!std::is_same_v<Other, Scalar>) void minimize(const Variable<Other, Rank>&, Model&) {
    static_assert(std::is_same_v<Other, Scalar>,
                  "eigenesis: loss, model and optimizer need one scalar type (for doubles: Adam<double>)");
  }

  /// One update along gradients that were computed (and perhaps changed) before; throws as minimize().
  template <class Model>
  requires(!std::is_const_v<Model>) void step(Model& model, Gradients<Scalar> gradients) {
    apply("step", parameter_nodes<Scalar>(model), names_of(model), std::move(gradients));
  }

  /// Makes the state for the parameters of `model`, or checks that it fits them; the first update does so by itself.
  template <class Model>
  void prepare(const Model& model) {
    prepare(parameter_nodes<Scalar>(model), names_of(model));
  }

  static void fields(auto& self, auto&& field) {
    field("steps", self.steps_, InFiles::count);
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
    require<ArgumentError>(value >= 0 && static_cast<Scalar>(value) < 1, Derived::name, ": expected ", option,
                           " in [0, 1) but got ", value, 0 <= value && value < 1 ? ", which rounds to 1" : "");
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
      field("step", self.step, InFiles::count);
      State::fields(self.state, field);
    }
  };

  Derived& derived() { return static_cast<Derived&>(*this); }

  using Nodes = CachedVector<NodeRef<Scalar>>;
  using Names = std::function<std::string(std::size_t)>;
  template <class Model>
  static Names names_of(const Model& model) {
    return [&model](std::size_t i) { return parameter_name(model, i); };
  }

  void prepare(const Nodes& parameters, const Names& name) {
    if (slots_.empty())
      for (const auto& p : parameters)
        slots_.push_back({derived().new_state(p->size()), {}, {p->shape.begin(), p->shape.end()}});
    require(parameters.size() == slots_.size(), Derived::name, ": expected a model of ", slots_.size(),
            " parameters as in earlier steps but got ", parameters.size());
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (!std::ranges::equal(slots_[i].shape, parameters[i]->shape))
        fail<ShapeError>(Derived::name, ": expected parameter ", name(i), " of shape ", ShapeView{slots_[i].shape},
                         " as in earlier steps but got ", ShapeView{parameters[i]->shape});
  }

  void check(const char* function, const Nodes& parameters, const Names& name,
             const Gradients<Scalar>& gradients) const {
    require(gradients.size() == parameters.size(), Derived::name, "::", function, ": expected gradients of ",
            parameters.size(), " parameters but got ", gradients.size());
    bool any = false;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::span<const Scalar> gradient = gradients[i];
      if (gradient.empty()) continue;
      any = true;
      const Index size = parameters[i]->size();
      if (std::ssize(gradient) != size)
        fail<ShapeError>(Derived::name, "::", function, ": expected a gradient of ", size, " numbers for ", name(i),
                         " but got ", gradient.size());
      if (all_finite(gradient.data(), size)) continue;
      const auto found = std::ranges::find_if_not(gradient, [](Scalar g) { return std::isfinite(g); });
      fail<NumericError>(Derived::name, "::", function, ": expected a finite gradient of ", name(i), " but got ",
                         *found, " in step ", steps() + 1);
    }
    require<ArgumentError>(
        any, Derived::name, "::", function,
        ": expected a loss that depends on the model but got one that depends on none of its parameters");
  }

  void apply(const char* function, const Nodes& parameters, const Names& name, Gradients<Scalar> gradients) {
    check(function, parameters, name, gradients);
    prepare(parameters, name);
    if (options_.clip_value > 0) gradients.clip_value(options_.clip_value);
    if (options_.clip_norm > 0) {
      const double norm = gradients.clip_norm(options_.clip_norm);
      require<NumericError>(std::isfinite(norm), Derived::name, "::", function,
                            ": expected gradients of finite norm but got inf in step ", steps() + 1);
    }
    const double factor = options_.schedule ? options_.schedule(steps()) : 1, rate = options_.learning_rate * factor;
    require<ArgumentError>(std::isfinite(rate) && rate >= 0, Derived::name, "::", function,
                           ": expected a finite factor >= 0 of the schedule but got ", factor, " in step ",
                           steps() + 1);
    steps_.data()[0] += 1;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::span<const Scalar> gradient = gradients[i];
      if (gradient.empty()) continue;
      Slot& slot = slots_[i];
      Node<Scalar>& parameter = *parameters[i];
      const Index step = static_cast<Index>(slot.step.data()[0] += 1);
      parameter.updated = next_serial();  // the weights change here, in the node
      derived().update(slot.state, step, rate, parameter.data(), gradient.data(), parameter.size());
    }
  }

  Options options_;
  Tensor<double, 0> steps_;
  std::vector<Slot> slots_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
