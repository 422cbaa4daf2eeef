// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>
#include <span>

#include "eigenesis/machine/error.hpp"

// Divergences of two densities on one grid of equal cells, or of two histograms: p and q are proportional to the
// probabilities of the cells, P = p / sum(p) and Q = q / sum(q). A grid for densities must be fine and cover both. In
// nats; 0 ln 0 = 0. They throw ShapeError for unequal sizes, DataError unless numbers are finite, >= 0 and not all 0.
namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

inline double checked_sum(const char* function, std::span<const double> p) {
  double sum = 0;
  for (const double value : p) {
    require<DataError>(value >= 0 && std::isfinite(value), function, ": expected finite numbers >= 0 but got ", value);
    sum += value;
  }
  require<DataError>(sum > 0 && std::isfinite(sum), function, ": expected numbers of finite sum > 0 but got ", sum);
  return sum;
}

struct Sums {
  double p, q;
};
inline Sums checked_sums(const char* function, std::span<const double> p, std::span<const double> q) {
  require(p.size() == q.size(), function, ": expected as many numbers of both but got ", p.size(), " and ", q.size());
  return {checked_sum(function, p), checked_sum(function, q)};
}

}  // namespace detail

/// The Kullback-Leibler divergence KL(p || q) = sum(P ln(P / Q)): infinite if somewhere q is 0 but p is not, be it by
/// underflow. Fitting q to data p, this is the forward divergence, and KL(q || p) the reverse one.
inline double kl_divergence(std::span<const double> p, std::span<const double> q) {
  const auto [sum_p, sum_q] = detail::checked_sums("kl_divergence", p, q);
  double result = std::log(sum_q / sum_p);
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0) continue;
    if (q[i] == 0) return std::numeric_limits<double>::infinity();
    result += p[i] / sum_p * (std::log(p[i]) - std::log(q[i]));
  }
  return result;
}

/// The Jensen-Shannon divergence JS(p, q) = (KL(p || m) + KL(q || m)) / 2 with m = (P + Q) / 2 (Lin 1991): from 0 for
/// equal p and q to ln 2 for those that share no cell. The optimal discriminator's loss is 2 ln 2 - 2 JS (Goodfellow et
/// al. 2014, theorem 1).
inline double jensen_shannon_divergence(std::span<const double> p, std::span<const double> q) {
  const auto [sum_p, sum_q] = detail::checked_sums("jensen_shannon_divergence", p, q);
  const auto term = [](double a, double b) { return a == 0 ? 0 : a * std::log(2 * a / (a + b)); };
  double result = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double a = p[i] / sum_p, b = q[i] / sum_q;
    result += (term(a, b) + term(b, a)) / 2;
  }
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
