// SPDX-License-Identifier: MIT
#include <cstdio>
#include <filesystem>  // with <iomanip>, whose functions must not be mistaken for those of the library
#include <iomanip>

#include "train.hpp"

int main() {
  eigenesis::Rng rng(1);
  eigenesis::Linear<float> model(2, 1, rng);
  const eigenesis::Variable x(eigenesis::Tensor<float, 2>({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1}));
  const eigenesis::Variable y(eigenesis::Tensor<float, 2>({4, 1}, {0, 1, 1, 2}));
  const float first = train(model, x, y), second = train(model, x, y);
  std::printf("loss %g, then %g\n", first, second);
  return second < first ? 0 : 1;
}
