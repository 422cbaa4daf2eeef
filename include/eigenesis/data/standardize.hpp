// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/files/file.hpp"
#include "eigenesis/machine/float_state.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Brings the columns of data to mean 0 and standard deviation 1: y = (x - mean) / deviation, and back. It is fitted to
/// training data and then applied to others as it is.
///   const Standardize scale(train);                // of train [N, F]
///   const auto y = scale(held_out);                // [M, F]
///   const auto samples = scale.inverse(generator.sample(100, rng));
/// The deviation is that of the data themselves, sqrt(mean((x - mean)^2)), as NumPy's and scikit-learn's are. It has
/// `fields`, so save_safetensors and load_safetensors keep it.
template <class Scalar = float>
struct Standardize {
  Tensor<Scalar, 1> mean, deviation;  // [F]

  /// Of F columns, for load_safetensors: changes nothing yet.
  explicit Standardize(Index columns) : mean(Shape{columns}, Scalar{0}), deviation(Shape{columns}, Scalar{1}) {}

  /// Fitted to x [N, F], whose columns may have names for messages. Throws ArgumentError for another number of names,
  /// DataError for a column of one number only, which has no deviation, for numbers that are not finite, and for no
  /// rows.
  explicit Standardize(const Tensor<Scalar, 2>& x, const std::vector<std::string>& names = {})
      : mean(Shape{x.shape(1)}), deviation(Shape{x.shape(1)}) {
    const Index rows = x.shape(0), columns = x.shape(1);
    require<ArgumentError>(names.empty() || std::ssize(names) == columns, "Standardize: expected a name for each of ",
                           columns, " columns but got ", names.size());
    require<DataError>(rows > 0 && columns > 0, "Standardize: expected rows and columns but got ", x.shape());
    std::vector<Scalar> least(x.data(), x.data() + columns), most = least;
    std::vector<double> sums(least.size()), shifts(least.size()), squares(least.size());
    const auto column = [&](std::size_t j) {
      return std::to_string(j) + (j < names.size() ? " (" + detail::shown(names[j]) + ")" : std::string());
    };
    for (Index i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < sums.size(); ++j) {
        const Scalar number = x(i, j);
        if (!std::isfinite(number))
          detail::fail<DataError>("Standardize: expected finite numbers but got ", number, " in row ", i, " of column ",
                                  column(j));
        least[j] = std::min(least[j], number);
        most[j] = std::max(most[j], number);
        sums[j] += static_cast<double>(number) / static_cast<double>(rows);
      }
    // In units of the range, so that squares neither overflow nor vanish. In halves, as the range itself may overflow.
    const auto half_range = [&](std::size_t j) {
      return static_cast<double>(most[j]) / 2 - static_cast<double>(least[j]) / 2;
    };
    for (std::size_t j = 0; j < sums.size(); ++j)
      if (!(least[j] < most[j]))
        detail::fail<DataError>("Standardize: expected columns of more than one number but got ", least[j], " in all ",
                                rows, " rows of column ", column(j), "; leave it out");
    for (Index i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < sums.size(); ++j) {
        const double z = (static_cast<double>(x(i, j)) / 2 - sums[j] / 2) / half_range(j);
        shifts[j] += z;  // what rounding has left of the mean
        squares[j] += detail::rounded(z * z);
      }
    for (std::size_t j = 0; j < sums.size(); ++j) {
      const double shift = shifts[j] / static_cast<double>(rows);
      const double variance = squares[j] / static_cast<double>(rows) - detail::rounded(shift * shift);
      mean(j) = static_cast<Scalar>(sums[j] + detail::rounded(half_range(j) * (2 * shift)));
      deviation(j) = static_cast<Scalar>(half_range(j) * (2 * std::sqrt(variance)));
      if (!(deviation(j) > 0))
        detail::fail<DataError>("Standardize: expected columns whose deviation is above 0 but got ", least[j], " to ",
                                most[j], " in column ", column(j));
    }
  }

  /// (x - mean) / deviation of x [M, F].
  Tensor<Scalar, 2> operator()(const Tensor<Scalar, 2>& x) const {
    return transformed("Standardize", x, [](Scalar t, Scalar m, Scalar d) { return (t - m) / d; });
  }
  /// y * deviation + mean of y [M, F].
  Tensor<Scalar, 2> inverse(const Tensor<Scalar, 2>& y) const {
    return transformed("Standardize::inverse", y,
                       [](Scalar t, Scalar m, Scalar d) { return detail::rounded(t * d) + m; });
  }

  static void fields(auto& self, auto&& field) {
    field("mean", self.mean);
    field("deviation", self.deviation);
  }

 private:
  template <class F>
  Tensor<Scalar, 2> transformed(const char* function, const Tensor<Scalar, 2>& x, F&& f) const {
    require(x.shape(1) == mean.size(), function, ": expected x of shape [N, ", mean.size(), "] but got ", x.shape());
    Tensor<Scalar, 2> y(x.shape());
    for (Index i = 0; i < x.shape(0); ++i)
      for (Index j = 0; j < x.shape(1); ++j) y(i, j) = f(x(i, j), mean(j), deviation(j));
    return y;
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
