// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <type_traits>

#include "catch.hpp"

using namespace eigenesis;

TEST_CASE("All errors derive from Error, a runtime_error") {
  STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, Error>);
  STATIC_REQUIRE(std::is_base_of_v<Error, ShapeError>);
  STATIC_REQUIRE(std::is_base_of_v<Error, ArgumentError>);
  STATIC_REQUIRE(std::is_base_of_v<Error, DataError>);
  STATIC_REQUIRE(std::is_base_of_v<Error, NumericError>);
  CHECK_THROWS_AS(require<NumericError>(false, "loss"), Error);
}

TEST_CASE("require throws the error it is given unless the condition holds") {
  CHECK_NOTHROW(require(true, "f: expected ", 1, " but got ", 2));
  CHECK_THROWS_MATCHES(require(false, "f: expected ", 1, " but got ", 2), ShapeError,
                       Message("f: expected 1 but got 2"));
  CHECK_THROWS_MATCHES(require<DataError>(false, "f"), DataError, Message("f"));
}

TEST_CASE("require puts messages together from texts, numbers and shapes") {
  const std::string name = "w";
  const std::string_view view = "view";
  const char* pointer = "pointer";
  CHECK_THROWS_WITH(require(false, name, ' ' == 32 ? "," : ".", view, "|", pointer), "w,view|pointer");
  CHECK_THROWS_WITH(require(false, Shape{64, 784}, " ", Shape<0>{}), "[64, 784] []");
  CHECK_THROWS_WITH(require(false, -3, " ", std::size_t{18446744073709551615u}), "-3 18446744073709551615");
}

TEST_CASE("require shows floating-point numbers as exactly as needed") {
  CHECK_THROWS_WITH(require(false, 0.1, " ", 0.1f, " ", 1e-5, " ", 2.0, " ", -0.5f), "0.1 0.1 1e-05 2 -0.5");
  CHECK_THROWS_WITH(require(false, "expected at most 1 but got ", 1.0000001), "expected at most 1 but got 1.0000001");
  CHECK_THROWS_WITH(require(false, INFINITY, " ", -INFINITY, " ", NAN), "inf -inf nan");
}
