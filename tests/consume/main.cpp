// SPDX-License-Identifier: MIT
#include "train.hpp"

int main() {
  const eigenesis::Tensor<float, 2> x({2, 2}, 1.0f);
  return train(x)(1, 1) == 2.0f ? 0 : 1;
}
