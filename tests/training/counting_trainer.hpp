// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

/// Its number is minus the number of steps, its loss in step n is n.
struct CountingTrainer {
  eigenesis::Parameter<double, 1> weight =
      eigenesis::Parameter<double, 1>(eigenesis::Tensor<double, 1>(eigenesis::Shape{1}, 0.0));
  eigenesis::Sgd<double> optimizer{{.learning_rate = 1}};
  eigenesis::Loss step(const eigenesis::Tensor<double, 2>&, eigenesis::Rng&) {
    optimizer.minimize(sum(weight), *this);
    return {-weight.value()(0)};
  }
  static void fields(auto& self, auto&& field) { field("weight", self.weight), field("optimizer", self.optimizer); }
};
