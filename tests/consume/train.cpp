// SPDX-License-Identifier: MIT
#include "train.hpp"

float train(eigenesis::Linear<float>& model, const eigenesis::Variable<float, 2>& x, const eigenesis::Variable<float, 2>& y) {
  const auto loss = mean(square(model(x) - y));
  const auto slope = gradient(loss, model.weight);
  model.weight.mutable_value().array() -= 0.1f * slope.value().array();
  return loss.item();
}
