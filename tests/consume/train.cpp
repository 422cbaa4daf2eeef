// SPDX-License-Identifier: MIT
#include "train.hpp"

eigenesis::Tensor<float, 2> train(const eigenesis::Tensor<float, 2>& x) {
  eigenesis::Tensor<float, 2> y = x;
  y.matrix() *= 2.0f;
  return y;
}
