// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "training/screen.hpp"

using namespace eigenesis;

namespace {

/// Runs a loop of 2 epochs of 2 steps; notes what is called, and stops after the given call.
std::string calls(const std::string& stop_after, Progress progress) {
  std::string noted;
  bool stop = false;
  const NamedValue loss[]{{"loss", 0.5}};
  const auto note = [&](const std::string& call) {
    noted += call + " ";
    stop = stop || call == stop_after;
    return std::span<const NamedValue>(loss);
  };
  Index steps = 0;
  detail::train_loop(
      "test", {.steps = 2, .epochs = 2}, std::move(progress), stop,
      [&](Index epoch) { return note(std::to_string(epoch) + "." + std::to_string(++steps)); },
      [&](Index epoch) { return note("end" + std::to_string(epoch)); });
  return noted;
}

}  // namespace

TEST_CASE("A training loop calls steps and ends of epochs in order", "[training]") {
  CHECK(calls("", {}) == "1.1 1.2 end1 2.3 2.4 end2 ");
}

TEST_CASE("A training loop stops where it is asked to, and ends the epoch", "[training]") {
  CHECK(calls("1.1", {}) == "1.1 end1 ");
  CHECK(calls("1.2", {}) == "1.1 1.2 end1 ");
  CHECK(calls("end1", {}) == "1.1 1.2 end1 ");
  CHECK(calls("2.3", {}) == "1.1 1.2 end1 2.3 end2 ");
}

TEST_CASE("A training loop shows every epoch to its end", "[training]") {
  Screen screen;
  calls("", screen.bar());
  CHECK(screen.text ==
        "test epoch 1/2  50% 1/2 [00:00<?, ? it/s] loss 0.5\ntest epoch 1/2 100% 2/2 [00:00<?, ? it/s] loss 0.5\n"
        "test epoch 2/2  50% 1/2 [00:00<?, ? it/s] loss 0.5\ntest epoch 2/2 100% 2/2 [00:00<?, ? it/s] loss 0.5\n");
  Screen stopped;
  calls("end1", stopped.bar());
  CHECK(stopped.text ==
        "test epoch 1/2  50% 1/2 [00:00<?, ? it/s] loss 0.5\ntest epoch 1/2 100% 2/2 [00:00<?, ? it/s] loss 0.5\n");
}

TEST_CASE("A training loop that throws ends its line", "[training]") {
  std::string written;
  const ProgressBar terminal({[&](std::string_view text) { written += text; }, [] { return 0.0; }, [] { return 200; }});
  bool stop = false;
  CHECK_THROWS_AS(detail::train_loop(
                      "test", {.steps = 2, .epochs = 1}, terminal, stop,
                      [](Index) -> std::span<const NamedValue> { throw NumericError("not finite"); },
                      [](Index) { return std::span<const NamedValue>(); }),
                  NumericError);
  CHECK(written == "\rtest   0%|          | 0/2 [00:00<?, ? it/s]\x1b[K\n");
}
