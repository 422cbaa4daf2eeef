// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/schedules.hpp"
#include "eigenesis/kernels/reductions.hpp"
#include "eigenesis/kernels/updates.hpp"
#include "eigenesis/optimizers/gradients.hpp"
#include "eigenesis/optimizers/served_model.hpp"
#include "eigenesis/optimizers/update.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// What all optimizers share. A derived one has a `name`, checks its options, and deals with one parameter at a time:
///   State new_state(Index n);  // the tensors that are kept for a parameter of n numbers
///   void update(State& state, Index step, double rate, Scalar* weight, const Scalar* gradient, Index n);
///   Bounds bounds_after(const Bounds& before, double gradient, double rate);
/// where `step` counts the updates of that parameter from 1, and the last tells how large numbers can be after an
/// update along gradients that are no larger than `gradient`. One whose weight decay is not a part of the gradient says
/// `decays_weights`.
template <class Derived, class Scalar, class Options, class State>
class Optimizer {
 public:
  /// With the learning rate that holds now.
  Options options() const {
    Options result = options_;
    result.learning_rate = learning_rate();
    return result;
  }
  /// The rate that holds now, without the factor of the schedule.
  double learning_rate() const { return set_rate_ == -1 ? options_.learning_rate : set_rate_; }
  /// From now on, and where a training goes on from a checkpoint or file. A rate that such a file has, because it was
  /// set before it was written, takes the place of this one.
  void set_learning_rate(double rate) {
    require_rate(rate);
    options_.learning_rate = set_rate_ = rate;
  }
  /// Updates made so far.
  Index steps() const { return static_cast<Index>(steps_.item()); }

  /// One update of `model` along the gradient of `loss` [] with respect to the model's parameters; those that the loss
  /// does not depend on stay as they are. Throws before it changes a weight: NumericError for a loss or gradient that
  /// is not finite or for an update that would leave a number that is not, ArgumentError for a loss that does not
  /// depend on the model or for another model than before, ShapeError for one of other shapes.
  template <int Rank, class Model>
  requires(!std::is_const_v<Model>) void minimize(const Variable<Scalar, Rank>& loss, Model& model) {
    static_assert(Rank == 0, "eigenesis: minimize needs a number; take sum(loss) or mean(loss) first");
    require<NumericError>(std::isfinite(loss.item()), Derived::name, "::minimize: expected a finite loss but got ",
                          loss.item(), " in step ", steps() + 1, " of learning rate ", learning_rate());
    const CachedVector<NodeRef<Scalar>> parameters = parameter_nodes<Scalar>(model);
    const NoGradient no_gradient;
    apply("minimize", parameters, description(model), Gradients<Scalar>(gradients<Scalar>(loss.node(), parameters)));
  }

  template <class Other, int Rank, class Model>
  requires(!std::is_same_v<Other, Scalar>) void minimize(const Variable<Other, Rank>&, Model&) {
    static_assert(std::is_same_v<Other, Scalar>,
                  "eigenesis: loss, model and optimizer need one scalar type (for doubles: Adam<double>)");
  }

  /// One update along gradients that were computed (and perhaps changed) before; throws as minimize().
  template <class Model>
  requires(!std::is_const_v<Model>) void step(Model& model, Gradients<Scalar> gradients) {
    apply("step", parameter_nodes<Scalar>(model), description(model), std::move(gradients));
  }

  /// Makes the state for the parameters of `model`, or checks that it fits them; the first update does so by itself.
  template <class Model>
  void prepare(const Model& model) {
    prepare(parameter_nodes<Scalar>(model), description(model));
  }

  template <class Self>
  static void fields(Self& self, auto&& field) {
    if constexpr (!std::is_const_v<Self>) self.bounds_.state = unknown;  // it may be loaded now
    field("steps", self.steps_, InFiles::count);
    field("learning_rate", self.set_rate_, InFiles::learning_rate);
    field("state", self.slots_);
  }

 protected:
  explicit Optimizer(const Options& options) : options_(options) {
    require_rate(options.learning_rate);
    require_at_least_zero("weight_decay", options.weight_decay);
    require_at_least_zero("clip_norm", options.clip_norm);
    require_at_least_zero("clip_value", options.clip_value);
  }
  static void require_rate(double rate) {
    require<ArgumentError>(rate >= 0 && std::isfinite(rate), Derived::name,
                           ": expected a finite learning_rate >= 0 but got ", rate);
  }
  static void require_at_least_zero(const char* option, double value) {
    require<ArgumentError>(value >= 0, Derived::name, ": expected ", option, " >= 0 but got ", value);
  }
  static void require_fraction(const char* option, double value) {
    require<ArgumentError>(value >= 0 && static_cast<Scalar>(value) < 1, Derived::name, ": expected ", option,
                           " in [0, 1) but got ", value, 0 <= value && value < 1 ? ", which rounds to 1" : "");
  }
  /// An epsilon > 0 as a number that is > 0 for the kernels too.
  static Scalar above_zero(double epsilon) {
    return epsilon > 0 ? std::max(static_cast<Scalar>(epsilon), std::numeric_limits<Scalar>::min()) : Scalar{0};
  }
  /// No weight and no number of the state has a larger absolute value.
  struct Bounds {
    double weight = 0, state = 0;
  };

  Options options_;

 private:
  static constexpr double unknown = std::numeric_limits<double>::infinity();
  static constexpr double safe_limit = static_cast<double>(std::numeric_limits<Scalar>::max()) / 16;

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

  /// A model for messages.
  struct Description {
    std::string_view kind;
    std::function<std::string(std::size_t)> name;  // of parameter i
  };
  template <class Model>
  static Description description(const Model& model) {
    return {kind_of<Model>(), [&model](std::size_t i) { return parameter_name(model, i); }};
  }

  [[gnu::noinline]] void prepare(const Nodes& parameters, const Description& model) {
    const std::size_t count = slots_.empty() ? parameters.size() : slots_.size();
    require(parameters.size() == count, Derived::name, ": expected a model of ", count,
            " parameters as in earlier steps but got ", parameters.size());
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (!std::ranges::equal(slots_[i].shape, parameters[i]->shape))
        fail<ShapeError>(Derived::name, ": expected parameter ", model.name(i), " of shape ",
                         ShapeView{slots_[i].shape}, " as in earlier steps but got ", ShapeView{parameters[i]->shape});
    if (!slots_.empty()) return;
    for (std::size_t i = 0; i < parameters.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (&*parameters[i] == &*parameters[j])
          fail<ArgumentError>(Derived::name, ": expected each parameter once in the fields of a model but ",
                              model.name(j), " and ", model.name(i), " are the same");
    std::vector<Slot> slots;
    for (const auto& p : parameters)
      slots.push_back({derived().new_state(p->size()), {}, {p->shape.begin(), p->shape.end()}});
    slots_ = std::move(slots);
  }

  /// Throws for gradients that do not fit or are not finite; returns the greatest absolute value.
  double check(const char* function, const Nodes& parameters, const Description& model,
               const Gradients<Scalar>& gradients) const {
    require(gradients.size() == parameters.size(), Derived::name, "::", function, ": expected gradients of ",
            parameters.size(), " parameters but got ", gradients.size());
    bool any = false;
    double largest = 0;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::span<const Scalar> gradient = gradients[i];
      if (gradient.empty()) continue;
      any = true;
      const Index size = parameters[i]->size();
      if (std::ssize(gradient) != size)
        fail<ShapeError>(Derived::name, "::", function, ": expected a gradient of ", size, " numbers for ",
                         model.name(i), " but got ", gradient.size());
      const double magnitude_here = magnitude(gradient.data(), size);
      largest = std::max(largest, magnitude_here);
      if (magnitude_here < unknown) continue;
      const auto found = std::ranges::find_if_not(gradient, [](Scalar g) { return std::isfinite(g); });
      fail<NumericError>(Derived::name, "::", function, ": expected a finite gradient of ", model.name(i), " but got ",
                         *found, " in step ", steps() + 1);
    }
    require<ArgumentError>(
        any, Derived::name, "::", function,
        ": expected a loss that depends on the model but got one that depends on none of its parameters");
    return largest;
  }

  /// The bounds that hold now: what others changed since the last update is measured.
  Bounds current_bounds(const Nodes& parameters) {
    Bounds now = bounds_;
    for (std::size_t i = 0; i < parameters.size(); ++i)
      if (served_.updated(i) != parameters[i]->updated)
        now.weight = std::max(now.weight, magnitude(parameters[i]->data(), parameters[i]->size()));
    if (now.state == unknown) {
      now.state = 0;
      for (Slot& slot : slots_)
        State::fields(slot.state, [&](std::string_view, const auto& tensor, InFiles = {}) {
          now.state = std::max(now.state, magnitude(tensor.data(), tensor.size()));
        });
    }
    return now;
  }
  /// The greatest absolute value, `unknown` if one is NaN.
  static double magnitude(const Scalar* x, Index n) {
    const Scalar largest = largest_magnitude(x, n);
    return std::isnan(largest) ? unknown : static_cast<double>(largest);
  }

  // All that needs memory or can fail comes before the first number changes.
  void apply(const char* function, const Nodes& parameters, const Description& model, Gradients<Scalar> gradients) {
    if (const auto* own = ParametersMayBe::innermost()) own->check_state(&steps_, Derived::name);
    RanksOfStep* const ranks = RanksOfStep::now();
    if (ranks && gradients.size() == parameters.size())  // with rank 0's rate: a callback may set it there
      gradients.average_over(*ranks, "an update of the " + std::string(model.kind), parameters, set_rate_);
    const double largest = check(function, parameters, model, gradients);
    prepare(parameters, model);
    served_.check(Derived::name, parameters, model.kind);
    NotedUpdates* const noted = NotedUpdates::innermost();
    const double gradient_norm = noted ? gradients.norm() : 0;
    if (options_.clip_value > 0) gradients.clip_value(options_.clip_value);
    if (options_.clip_norm > 0) {
      const double norm = gradients.clip_norm(options_.clip_norm);
      require<NumericError>(std::isfinite(norm), Derived::name, "::", function,
                            ": expected gradients of finite norm but got inf in step ", steps() + 1);
    }
    if (set_rate_ != -1) require_rate(set_rate_);  // it may have been loaded
    const double factor = options_.schedule ? options_.schedule(steps()) : 1, rate = learning_rate() * factor;
    require<ArgumentError>(std::isfinite(rate) && rate >= 0, Derived::name, "::", function,
                           ": expected a finite factor >= 0 of the schedule but got ", factor, " in step ",
                           steps() + 1);
    if (noted)
      noted->add(
          {.model = model.kind, .learning_rate = rate, .gradient_norm = gradient_norm, .optimizer = steps_.data()});
    double penalty = options_.weight_decay;
    if constexpr (requires { Derived::decays_weights; }) penalty = 0;
    const auto bounds = [&] {
      const Bounds before = current_bounds(parameters);
      return derived().bounds_after(before, largest + penalty * before.weight, rate);
    };
    Bounds after = bounds();
    if (!is_safe(after)) {  // bounds grow faster than numbers do: measure these again
      forget_bounds();
      after = bounds();
    }
    for (std::size_t i = 0; penalty > 0 && i < parameters.size(); ++i)
      if (!gradients[i].empty()) gradients.add(i, penalty, parameters[i]->data());
    if (!is_safe(after)) return update_if_finite(function, parameters, model, gradients, rate);
    update(parameters, gradients, rate);
    bounds_ = after;
  }
  static bool is_safe(const Bounds& bounds) { return bounds.weight < safe_limit && bounds.state < safe_limit; }
  void forget_bounds() {
    bounds_ = {0, unknown};
    served_.forget_updates();
  }

  void update(const Nodes& parameters, const Gradients<Scalar>& gradients, double rate) {
    steps_.data()[0] += 1;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::span<const Scalar> gradient = gradients[i];
      Node<Scalar>& parameter = *parameters[i];
      if (!gradient.empty()) {
        Slot& slot = slots_[i];
        const Index step = static_cast<Index>(slot.step.data()[0] += 1);
        parameter.updated = next_serial();  // the weights change here, in the node
        derived().update(slot.state, step, rate, parameter.data(), gradient.data(), parameter.size());
      }
      served_.updated(i) = parameter.updated;
    }
  }

  /// The same where numbers may grow too large: if one does, all is as before, and a NumericError says so.
  [[gnu::cold]] void update_if_finite(const char* function, const Nodes& parameters, const Description& model,
                                      const Gradients<Scalar>& gradients, double rate) {
    std::vector<Slot> slots = slots_;
    const double counted = steps_.item();
    std::vector<Tensor<Scalar, 1>> weights;
    std::vector<std::uint64_t> updated;
    for (const auto& p : parameters) {
      weights.emplace_back(Shape{p->size()}, std::span<const Scalar>(p->data(), static_cast<std::size_t>(p->size())));
      updated.push_back(p->updated);
    }
    update(parameters, gradients, rate);
    forget_bounds();
    const auto is_finite = [&](std::size_t i) {
      double largest = magnitude(parameters[i]->data(), parameters[i]->size());
      State::fields(slots_[i].state, [&](std::string_view, const auto& tensor, InFiles = {}) {
        largest = std::max(largest, magnitude(tensor.data(), tensor.size()));
      });
      return largest < unknown;
    };
    std::size_t bad = 0;
    while (bad < parameters.size() && is_finite(bad)) ++bad;
    if (bad == parameters.size()) return;
    slots_ = std::move(slots);
    steps_.data()[0] = counted;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      std::ranges::copy(weights[i].values(), parameters[i]->data());
      parameters[i]->updated = updated[i];
    }
    fail<NumericError>(Derived::name, "::", function, ": expected finite weights and averages of gradients after step ",
                       steps() + 1, " but they would not be for ", model.name(bad),
                       "; is a gradient or the learning rate too large?");
  }

  Tensor<double, 0> steps_;
  double set_rate_ = -1;  // by set_learning_rate; -1: never
  std::vector<Slot> slots_;
  ServedModel served_;
  Bounds bounds_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
