// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

void check_schedule(const Schedule& schedule, std::initializer_list<std::pair<Index, double>> expected) {
  for (const auto& [step, factor] : expected) {
    INFO("step " << step);
    CHECK_THAT(schedule(step), WithinAbs(factor, 1e-12));
  }
}

}  // namespace

TEST_CASE("schedules give the factors of their formulas", "[optimizers]") {
  check_schedule(ConstantSchedule{}, {{0, 1}, {1'000'000, 1}});
  check_schedule(ConstantSchedule{.factor = 0.3}, {{0, 0.3}, {7, 0.3}});
  check_schedule(StepSchedule{.period = 30}, {{0, 1}, {29, 1}, {30, 0.1}, {59, 0.1}, {60, 0.01}});
  check_schedule(StepSchedule{.period = 2, .factor = 0.5}, {{0, 1}, {1, 1}, {2, 0.5}, {5, 0.25}});
  // cos(pi / 3) = 1/2
  check_schedule(CosineSchedule{.steps = 6}, {{0, 1}, {2, 0.75}, {3, 0.5}, {4, 0.25}, {6, 0}, {100, 0}});
  check_schedule(CosineSchedule{.steps = 6, .end = 0.2}, {{0, 1}, {2, 0.8}, {3, 0.6}, {6, 0.2}, {100, 0.2}});
  check_schedule(LinearWarmUp{.steps = 4}, {{0, 0.25}, {1, 0.5}, {2, 0.75}, {3, 1}, {4, 1}, {1000, 1}});
  check_schedule(LinearDecay{.steps = 4}, {{0, 1}, {1, 0.75}, {3, 0.25}, {4, 0}, {1000, 0}});
  check_schedule(LinearDecay{.steps = 10, .end = 0.5}, {{0, 1}, {4, 0.8}, {10, 0.5}, {11, 0.5}});
  check_schedule([](Index step) { return LinearWarmUp{.steps = 2}(step)*CosineSchedule{.steps = 6}(step); },
                 {{0, 0.5}, {3, 0.5}});
}

TEST_CASE("schedules refuse lengths below one step", "[optimizers]") {
  CHECK_THROWS_MATCHES(StepSchedule{.period = 0}(1), ArgumentError,
                       Message("StepSchedule: expected period >= 1 but got 0"));
  CHECK_THROWS_MATCHES(CosineSchedule{.steps = -2}(1), ArgumentError,
                       Message("CosineSchedule: expected steps >= 1 but got -2"));
  CHECK_THROWS_MATCHES(LinearWarmUp{.steps = 0}(1), ArgumentError,
                       Message("LinearWarmUp: expected steps >= 1 but got 0"));
  CHECK_THROWS_MATCHES(LinearDecay{.steps = 0}(1), ArgumentError,
                       Message("LinearDecay: expected steps >= 1 but got 0"));
}
