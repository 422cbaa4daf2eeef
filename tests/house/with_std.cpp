// SPDX-License-Identifier: MIT
// Both namespaces at once, with all of the standard library's names: map and slice say which one is meant.
#include <bits/stdc++.h>

#include <eigenesis/eigenesis.hpp>
using namespace std;
using namespace eigenesis;

int main() {
  Rng rng(1);
  const Variable<float, 2> x = StandardNormal(3).sample(4, rng);
  std::map<string, int> counted;
  const auto doubled = eigenesis::map([](auto t) { return 2 * t + exp(t) + pow(t, 2) + abs(t) + maximum(t, -t); }, x);
  const auto y = exp(x) + log(square(x) + 1) + sqrt(square(x) + 1) + tanh(x) + abs(x) + clamp(x, -1, 1) + pow(x, 2.0);
  const auto z = maximum(x, 1) + sum(x, 1) + mean(x, 1) + mean(doubled, 1) + logsumexp(y, 1);
  const vector<int> digits(4, 1);
  const Conditioned data{x.value(), one_hot(digits, 10)};
  Vae vae{Encoder{Sequential{Linear(3, 4, rng), Relu{}}, Linear(4, 2, rng), Linear(4, 2, rng)},
          Decoder{Linear(2, 3, rng), SquaredError{}}, StandardNormal(2)};
  VaeTrainer trainer{vae};
  const auto history = trainer.fit(x.value(), {.steps = 2}, rng);
  const auto lines = series(history.steps);
  const Tensor<float, 2> rows = transpose(reshape(eigenesis::slice(x, 0, 0, 2), Shape{3, 2})).value();
  print(vae);
  counted["rows"] = static_cast<int>(rows.shape(0) + z.shape(0));
  return lines.size() == 3 && counted["rows"] == 6 ? 0 : 1;
}
