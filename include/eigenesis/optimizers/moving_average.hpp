// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "eigenesis/core/schedules.hpp"
#include "eigenesis/kernels/updates.hpp"
#include "eigenesis/optimizers/gradients.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How long a MovingAverage remembers.
struct MovingAverageOptions {
  double decay = 0.999;  // of the average in each update
  bool warm_up = true;   // in update t, counted from 0, decay is at most (1 + t) / (10 + t): the start fades soon
};

/// An exponential moving average of a model: after each of its updates, average += (1 - decay) (model - average), for
/// all parameters and tensors that its fields name, running statistics too. Its samples are steadier than those of the
/// model itself (Yazici et al. 2019; warm-up as in TensorFlow's ExponentialMovingAverage).
///   GanTrainer trainer{generator, discriminator, NonSaturating{}, MovingAverage{generator}};
///   trainer.fit(...);
///   trainer.average.model.sample(64, rng);
/// Throws ArgumentError unless 0 <= decay < 1.
template <class Model>
class MovingAverage {
 public:
  Model model;  // the average

  explicit MovingAverage(const Model& start, const MovingAverageOptions& options = {})
      : model(start), options_(options) {
    require<ArgumentError>(options.decay >= 0 && options.decay < 1, "MovingAverage: expected decay in [0, 1) but got ",
                           options.decay);
    std::vector<const void*> originals;
    for_each_state(start, [&](const FieldPath&, const auto& tensor) { originals.push_back(tensor.data()); });
    std::size_t i = 0;
    for_each_state(std::as_const(model), [&](const FieldPath& path, const auto& tensor) {
      require<ArgumentError>(tensor.size() == 0 || tensor.data() != originals[i],
                             "MovingAverage: expected a model whose copies are independent but ", path,
                             " of a copy is that of the original; does a layer hold a reference or pointer?");
      ++i;
    });
  }

  /// As they were given.
  const MovingAverageOptions& options() const { return options_; }
  /// Updates made so far.
  Index steps() const { return static_cast<Index>(steps_.item()); }

  /// Moves the average towards `current`; numbers and generators among the fields become the current ones. Throws
  /// ShapeError for a model of other shapes.
  void update(const Model& current) {
    if (const auto* own = detail::ParametersMayBe::innermost()) own->check_state(&steps_, "MovingAverage");
    const double t = steps_.item();
    const double decay = options_.warm_up ? std::min(options_.decay, (1 + t) / (10 + t)) : options_.decay;
    detail::CachedVector<Source> sources;
    for_each_state(current, [&](const FieldPath&, const auto& tensor) {
      sources.push_back({tensor.data(), {tensor.shape()}});
    });
    std::size_t i = 0;
    for_each_state(std::as_const(model), [&](const FieldPath& path, const auto& tensor) {
      require(i < sources.size() && std::ranges::equal(sources[i].shape.sizes, tensor.shape().sizes),
              "MovingAverage::update: expected a model of the same shapes but got another shape of ", path);
      ++i;
    });
    require(i == sources.size(), "MovingAverage::update: expected a model of ", i, " tensors but got ", sources.size());
    std::vector<const void*> numbers;  // and generators: the current ones
    detail::visit_fields(nullptr, current, [&](const FieldPath&, const auto& field) {
      if constexpr (detail::is_single_v<std::remove_cvref_t<decltype(field)>>) numbers.push_back(&field);
    });
    i = 0;
    for_each_state(model, [&]<class Scalar, int Rank>(const FieldPath&, Tensor<Scalar, Rank>& tensor) {
      detail::move_average(tensor.data(), static_cast<const Scalar*>(sources[i++].data), tensor.size(),
                           static_cast<Scalar>(1 - decay));
    });
    i = 0;
    detail::visit_fields(nullptr, model, [&]<class Field>(const FieldPath&, Field& field) {
      if constexpr (detail::is_single_v<Field>) field = *static_cast<const Field*>(numbers[i++]);
    });
    steps_.data()[0] += 1;
  }

  static void fields(auto& self, auto&& field) {
    field("model", self.model);
    field("steps", self.steps_, InFiles::count);
  }

 private:
  struct Source {
    const void* data;
    detail::ShapeView shape;
  };
  MovingAverageOptions options_;
  Tensor<double, 0> steps_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI
