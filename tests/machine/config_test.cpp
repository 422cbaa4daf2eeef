// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <string>
#include <type_traits>
#include <typeinfo>

#include "catch.hpp"

#define EIGENESIS_TEST_TEXT_OF(x) #x
#define EIGENESIS_TEST_TEXT(x) EIGENESIS_TEST_TEXT_OF(x)

TEST_CASE("Indices are Eigen's") { STATIC_REQUIRE(std::is_same_v<eigenesis::Index, Eigen::Index>); }

TEST_CASE("The version is three numbers") {
  STATIC_REQUIRE(EIGENESIS_VERSION_MAJOR >= 0);
  STATIC_REQUIRE(EIGENESIS_VERSION_MINOR >= 0);
  STATIC_REQUIRE(EIGENESIS_VERSION_PATCH >= 0);
}

TEST_CASE("Symbols carry the instruction set and Eigen's alignment, so that files built otherwise do not link") {
  const std::string symbol = typeid(eigenesis::Rng).name();
  INFO(symbol);
#if defined(__AVX512F__)
  CHECK(symbol.find("abi_avx512_") != std::string::npos);
#elif defined(__AVX__)
  CHECK(symbol.find("abi_avx") != std::string::npos);
#else
  CHECK(symbol.find("abi_baseline_") != std::string::npos);
#endif
  CHECK(symbol.find("_" EIGENESIS_TEST_TEXT(EIGEN_MAX_ALIGN_BYTES) "3Rng") != std::string::npos);
  CHECK(std::string(typeid(eigenesis::ShapeError).name()) == "N9eigenesis10ShapeErrorE");  // can be read uncaught
}
