// SPDX-License-Identifier: MIT
#pragma once

// Catch2 3 and 2.13 behind one include: TEST_CASE, TEMPLATE_TEST_CASE, SECTION, GENERATE, CHECK, REQUIRE, Approx, matchers.
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>

#include <string>

namespace Catch::Matchers {
inline auto ContainsSubstring(const std::string& text) { return Contains(text); }
}  // namespace Catch::Matchers
#endif

using Catch::Matchers::ContainsSubstring;  // CHECK_THROWS_WITH(f(), ContainsSubstring("part of the message"))
using Catch::Matchers::Message;            // CHECK_THROWS_MATCHES(f(), ShapeError, Message("the whole message"))
using Catch::Matchers::WithinAbs;          // CHECK_THAT(x, WithinAbs(target, margin)): a failure shows both numbers
using Catch::Matchers::WithinRel;          // CHECK_THAT(x, WithinRel(target, relative_error))
