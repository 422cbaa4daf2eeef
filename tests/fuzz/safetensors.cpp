// SPDX-License-Identifier: MIT
#include <cmath>
#include <eigenesis/core/rng.hpp>
#include <eigenesis/layers/safetensors.hpp>

#include "fuzz.hpp"

namespace {

using namespace eigenesis;

/// Every kind of field, few numbers.
struct Model {
  Parameter<float, 2> weight = Tensor<float, 2>(Shape{2, 3}, 0.5f);
  Parameter<double, 1> bias = Tensor<double, 1>(Shape{2}, 0.25);
  Tensor<float, 1> variance = Tensor<float, 1>(Shape{2}, 1.0f);
  Tensor<double, 0> step = Tensor<double, 0>({}, 7.0);
  Tensor<float, 2> none;
  Rng rng{1};
  static void fields(auto& self, auto&& field) {
    field("0.weight", self.weight, InFiles::features_first);
    field("0.bias", self.bias);
    field("1.variance", self.variance, InFiles::at_least_zero);
    field("step", self.step, InFiles::count);
    field("none", self.none);
    field("rng", self.rng);
  }
};

std::vector<double> numbers_of(const Model& model) {
  std::vector<double> numbers;
  for_each_state(model, [&](const FieldPath&, const auto& tensor) {
    numbers.insert(numbers.end(), tensor.values().begin(), tensor.values().end());
  });
  numbers.push_back(static_cast<double>(model.rng.state().key ^ model.rng.state().counter));
  return numbers;
}

bool loads(const std::string& path, const LoadOptions& options) {
  Model model;
  static const std::vector<double> before = numbers_of(model);
  LeftOver left_over;
  const bool accepted = fuzz::accepts([&] { left_over = load_safetensors(path, model, options); });
  const std::vector<double> after = numbers_of(model);
  fuzz::expect(accepted || after == before, "that a refused file changes nothing");
  fuzz::expect(options.partial || (left_over.missing.empty() && left_over.unused.empty()), "that nothing is left over");
  for (const double number : after)
    fuzz::expect(options.allow_non_finite || std::isfinite(number), "numbers that are finite");
  const double step = model.step.item(), variance = model.variance(0);
  fuzz::expect(step >= 0 && step == std::floor(step) && variance >= 0, "a step and a variance that can be");
  return accepted;
}

}  // namespace

bool fuzz::safetensors(Span file) {
  static MemoryFile memory;
  const std::string& path = memory.of(file);
  const bool permissive = file.size() % 2 == 1;
  if (permissive)
    return loads(path, {.rename = {{"module.", ""}, {"1.", "0."}}, .partial = true, .allow_non_finite = true});
  return loads(path, {});
}
