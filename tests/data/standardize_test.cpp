// SPDX-License-Identifier: MIT
#include <cmath>
#include <eigenesis/eigenesis.hpp>
#include <limits>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

const Tensor<double, 2> data(Shape{5, 3},
                             {1.5, -2, 100.25, 4, 5, 100.5, 0.1, 7, 99.875, 2.75, -3.5, 100.125, 8, 0.3, 100.75});

}  // namespace

TEST_CASE("Standardize brings columns to mean 0 and deviation 1, and back") {
  const Standardize scale(data);
  // x.mean(0), x.std(0) and (x - x.mean(0)) / x.std(0) of NumPy 2.4; pandas gives the same with ddof=0.
  const double mean[]{3.2700000000000005, 1.3599999999999999, 100.3};
  const double deviation[]{2.696590439796151, 4.02720746920245, 0.3020761493398643};
  const double standardized[]{-0.6563844378732588, -0.8343250318477919,  -0.16552117772046418, 0.2707122257895359,
                              0.9038521178351081,  0.6620847108819037,   -1.175558569524424,   1.400474160601651,
                              -1.4069300106240161, -0.19283610604186147, -1.206791563922699,   -0.5793241220216481,
                              1.7540668876500074,  -0.26320968266626765, 1.4896905994842717};
  for (Index j = 0; j < 3; ++j) {
    CHECK_THAT(scale.mean(j), WithinRel(mean[j], 1e-14));
    CHECK_THAT(scale.deviation(j), WithinRel(deviation[j], 1e-14));
  }
  const Tensor<double, 2> y = scale(data), x = scale.inverse(y);
  REQUIRE(y.shape() == data.shape());
  for (Index i = 0; i < 15; ++i) {
    CHECK_THAT(y.data()[i], WithinAbs(standardized[i], 1e-12));
    CHECK_THAT(x.data()[i], WithinRel(data.data()[i], 1e-14));
  }

  // Held-out data are changed by the numbers of the training data.
  const Tensor<double, 2> other = scale(Tensor<double, 2>(Shape{1, 3}, {3.27 + 2 * deviation[0], 1.36, 100.3}));
  CHECK_THAT(other(0, 0), WithinAbs(2, 1e-12));
  CHECK_THAT(other(0, 1), WithinAbs(0, 1e-12));
  CHECK_THROWS_MATCHES(scale(Tensor<double, 2>(Shape{2, 4})), ShapeError,
                       Message("Standardize: expected x of shape [N, 3] but got [2, 4]"));
  CHECK_THROWS_MATCHES(scale.inverse(Tensor<double, 2>(Shape{2, 1})), ShapeError,
                       Message("Standardize::inverse: expected x of shape [N, 3] but got [2, 1]"));
}

TEST_CASE("Standardize names columns that do not vary and numbers that are not finite") {
  CHECK_THROWS_MATCHES(Standardize(Tensor<float, 2>(Shape{2, 3}, 1.0f), {"age", "height"}), ArgumentError,
                       Message("Standardize: expected a name for each of 3 columns but got 2"));
  Tensor<float, 2> x(Shape{3, 2}, {1, 0.1f, 2, 0.1f, 3, 0.1f});
  const std::vector<std::string> names{"age", "si\x1bze"};
  CHECK_THROWS_MATCHES(Standardize(x), DataError,
                       Message("Standardize: expected columns of more than one number but got 0.1 in all 3 rows of "
                               "column 1; leave it out"));
  CHECK_THROWS_MATCHES(Standardize(x, names), DataError,
                       Message("Standardize: expected columns of more than one number but got 0.1 in all 3 rows of "
                               "column 1 (si\\x1bze); leave it out"));
  x(1, 0) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_MATCHES(Standardize(x, names), DataError,
                       Message("Standardize: expected finite numbers but got nan in row 1 of column 0 (age)"));
  x(1, 0) = -std::numeric_limits<float>::infinity();
  CHECK_THROWS_MATCHES(Standardize(x), DataError,
                       Message("Standardize: expected finite numbers but got -inf in row 1 of column 0"));
  CHECK_THROWS_MATCHES(Standardize(Tensor<float, 2>(Shape{0, 2})), DataError,
                       Message("Standardize: expected rows and columns but got [0, 2]"));
  CHECK_THROWS_MATCHES(Standardize(Tensor<float, 2>(Shape{1, 1}, 5.0f)), DataError,
                       Message("Standardize: expected columns of more than one number but got 5 in all 1 rows of "
                               "column 0; leave it out"));
}

TEST_CASE("Standardize works at the ends of the range") {
  const double huge = std::numeric_limits<double>::max();
  const Standardize scale(Tensor<double, 2>(Shape{2, 3}, {huge, 1e-200, 1, -huge, 3e-200, 1 + 0x1p-52}));
  CHECK_THAT(scale.deviation(0), WithinRel(huge, 1e-15));
  CHECK_THAT(scale.deviation(1), WithinRel(1e-200, 1e-15));
  CHECK_THAT(scale.deviation(2), WithinRel(0x1p-53, 1e-15));
  CHECK(scale.mean(0) == 0);
  const float tiny = std::numeric_limits<float>::denorm_min();
  CHECK_THROWS_MATCHES(
      Standardize(Tensor<float, 2>(Shape{2, 1}, {0, tiny})), DataError,
      Message("Standardize: expected columns whose deviation is above 0 but got 0 to 1e-45 in column 0"));
}

TEST_CASE("Standardize is kept in a file") {
  const TemporaryDirectory directory;
  const Standardize scale(data);
  save_safetensors(directory / "scale.safetensors", scale);
  Standardize<double> again(3);
  CHECK(again(data)(4, 2) == 100.75);
  load_safetensors(directory / "scale.safetensors", again);
  for (Index j = 0; j < 3; ++j) {
    CHECK(again.mean(j) == scale.mean(j));
    CHECK(again.deviation(j) == scale.deviation(j));
  }
}
