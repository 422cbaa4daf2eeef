// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <type_traits>

#include "catch.hpp"

using namespace eigenesis;

TEST_CASE("Shape takes its rank from its sizes") {
  STATIC_REQUIRE(std::is_same_v<decltype(Shape{64, 784}), Shape<2>>);
  STATIC_REQUIRE(std::is_same_v<decltype(Shape{Index{3}}), Shape<1>>);
  STATIC_REQUIRE(std::is_same_v<decltype(Shape{Shape{1, 2}}), Shape<2>>);
  const Shape shape{2, 3, 4};
  CHECK(shape[0] == 2);
  CHECK(shape[2] == 4);
  CHECK(std::span<const Index>(shape).size() == 3);
}

TEST_CASE("Shape counts elements") {
  STATIC_REQUIRE(Shape{2, 3, 4}.size() == 24);
  STATIC_REQUIRE(Shape<0>{}.size() == 1);
  STATIC_REQUIRE(Shape{5, 0}.size() == 0);
  STATIC_REQUIRE(Shape<3>{}.size() == 0);
}

TEST_CASE("Shapes compare size by size") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
}

TEST_CASE("Shapes are written in brackets") {
  CHECK(to_string(Shape{64, 28, 28}) == "[64, 28, 28]");
  CHECK(to_string(Shape{7}) == "[7]");
  CHECK(to_string(Shape<0>{}) == "[]");
}
