// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/layers/pass.hpp"
#include "eigenesis/ops/pointwise.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// In training sets each element to 0 with the given probability and divides the others by 1 - probability, so that the
/// expectation stays; the identity in evaluation (Srivastava et al. 2014). Throws ArgumentError unless 0 <= probability
/// < 1.
struct Dropout {
  static constexpr bool needs_pass = true;

  explicit Dropout(double probability = 0.5) : probability_(probability) {
    require<ArgumentError>(probability >= 0 && probability < 1, "Dropout: expected a probability in [0, 1) but got ",
                           probability);
  }
  /// That an element becomes 0.
  double probability() const { return probability_; }
  std::string details() const { return detail::text(probability_); }

  template <class Scalar, int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x, Pass pass = {}) const {
    detail::expect_handed_on("Dropout", pass);
    if (!pass.is_training()) return x;
    Tensor<Scalar, Rank> noise(x.shape());
    pass.rng().fill_uniform(noise.data(), noise.size(), Scalar{0}, Scalar{1});
    // A product, which keeps a NaN; to choose between x and 0 would hide it.
    return map([p = probability_](auto t, auto u) { return t * select(u < p, 0, 1 / (1 - p)); }, x,
               Variable(std::move(noise)));
  }

 private:
  double probability_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI
