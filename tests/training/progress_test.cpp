// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

/// A terminal, or a file for 0 columns, that remembers what was written, and a clock that is set by hand.
struct Screen {
  std::vector<std::string> written;
  double seconds = 100;
  int columns = 200;

  ProgressBar bar() {
    return ProgressBar{{},
                       {.write = [this](std::string_view text) { written.emplace_back(text); },
                        .seconds = [this] { return seconds; },
                        .columns = [this] { return columns; }}};
  }
};

/// Minimises the square of a number.
struct SquareTrainer {
  Parameter<double, 0> number = Parameter<double, 0>(Tensor<double, 0>(Shape<0>{}, 3.0));
  Sgd<double> optimizer{{.learning_rate = 0.1}};
  Loss step(const Tensor<double, 2>&, Rng&) {
    const auto loss = square(number);
    optimizer.minimize(loss, *this);
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) {
    field("number", self.number);
    field("optimizer", self.optimizer);
  }
};

}  // namespace

TEST_CASE("A line shows epoch, bar, steps, times, rate and losses") {
  Screen screen;
  ProgressBar bar = screen.bar();
  bar.start("", 10, 469);
  const NamedValue loss[]{{"loss", 112.44}};
  bar.step(3, 0, {});
  screen.seconds += 220 / 71.2;
  bar.step(3, 220, loss);
  REQUIRE(screen.written.size() == 2);
  CHECK(screen.written[0] == "\repoch 3/10   0%|          | 0/469 [00:00<?, ? it/s]\x1b[K");
  CHECK(screen.written[1] == "\repoch 3/10  47%|████▋     | 220/469 [00:03<00:03, 71.2 it/s] loss 112.4\x1b[K");
  screen.seconds += 4;
  bar.step(3, 469, loss);
  CHECK(screen.written[2] == "\repoch 3/10 100%|██████████| 469/469 [00:07<00:00, 66.2 it/s] loss 112.4\x1b[K\n");
}

TEST_CASE("A run of one epoch shows its name only, slow steps and long times are readable") {
  Screen screen;
  ProgressBar bar = screen.bar();
  bar.start("ring", 1, 20'000);
  const NamedValue losses[]{{"discriminator", 1.386294}, {"generator", 0.693147}};
  screen.seconds += 7267.5;
  bar.step(1, 5000, losses);
  CHECK(screen.written.back() ==
        "\rring  25%|██▌       | 5000/20000 [2:01:07<6:03:22, 1.45 s/it] discriminator 1.386 generator 0.6931\x1b[K");
  screen.seconds += 1;
  bar.step(1, 20'000, {});
  CHECK(screen.written.back() == "\rring 100%|██████████| 20000/20000 [2:01:08<00:00, 2.75 it/s]\x1b[K\n");
}

TEST_CASE("A terminal is written to at most ten times per second and at the end of each epoch") {
  Screen screen;
  ProgressBar bar = screen.bar();
  bar.start("", 2, 1000);
  for (Index epoch = 1; epoch <= 2; ++epoch)
    for (Index step = 1; step <= 1000; ++step) {
      screen.seconds += 1.0 / 512;
      bar.step(epoch, step, {});
    }
  bar.finish();
  int lines = 0;
  for (const std::string& text : screen.written) lines += text.ends_with("\n");
  CHECK(lines == 2);
  CHECK(screen.written.size() >= 36);  // 3.9 seconds
  CHECK(screen.written.size() <= 44);
}

TEST_CASE("A line is cut at the width of the terminal, between characters") {
  Screen screen;
  screen.columns = 21;
  ProgressBar bar = screen.bar();
  bar.start("", 10, 4);
  screen.seconds += 1;
  bar.step(1, 2, {});
  CHECK(screen.written.back() == "\repoch 1/10  50%|████\x1b[K");
}

TEST_CASE("Training that stops early ends its line") {
  Screen screen;
  ProgressBar bar = screen.bar();
  bar.start("", 1, 100);
  bar.step(1, 5, {});
  bar.finish();
  CHECK(screen.written.back() == "\n");
  bar.finish();
  CHECK(screen.written.size() == 2);
}

TEST_CASE("Elsewhere than on a terminal one plain line is written per tenth") {
  Screen screen;
  screen.columns = 0;
  ProgressBar bar = screen.bar();
  bar.start("vae", 2, 469);
  const NamedValue loss[]{{"loss", 112.44}};
  for (Index epoch = 1; epoch <= 2; ++epoch)
    for (Index step = 1; step <= 469; ++step) {
      screen.seconds += 0.01;
      bar.step(epoch, step, loss);
    }
  bar.finish();
  REQUIRE(screen.written.size() == 10);
  CHECK(screen.written[0] == "vae epoch 1/2  20% 94/469 [00:00<00:03, 100 it/s] loss 112.4\n");
  CHECK(screen.written[4] == "vae epoch 1/2 100% 469/469 [00:04<00:00, 100 it/s] loss 112.4\n");
  CHECK(screen.written[9] == "vae epoch 2/2 100% 469/469 [00:04<00:00, 100 it/s] loss 112.4\n");
}

TEST_CASE("A line shows the norms of gradients if it is asked to, with and without watchers") {
  Rng rng(1);
  const Tensor<double, 2> data(Shape{2, 1}, 1.0);
  const auto last_line = [&](bool norms, std::vector<WatcherRef> watch) {
    Screen screen;
    SquareTrainer trainer;
    const ProgressOutput output{.write = [&](std::string_view text) { screen.written.emplace_back(text); },
                                .seconds = [&] { return screen.seconds; },
                                .columns = [] { return 200; }};
    fit(trainer, data,
        {.steps = 2,
         .progress = ProgressBar{{.name = "x", .output = output, .gradient_norms = norms}},
         .watch = std::move(watch)},
        rng);
    return screen.written.back();
  };
  struct Other : Watcher {
  } other;
  // The square of 3 has gradient 6; after a step of rate 0.1 that of 2.4 has 4.8.
  CHECK_THAT(last_line(true, {}), Catch::Matchers::Contains(" loss 7.38 gradient_norm 4.8"));
  CHECK_THAT(last_line(true, {&other}), Catch::Matchers::Contains(" gradient_norm 4.8"));
  CHECK(last_line(false, {}).find("gradient_norm") == std::string::npos);
}

TEST_CASE("Progress is silent unless it holds a bar") {
  Screen screen;
  struct Options {
    Progress progress = {};
  };
  const auto train = [](const Options& options) {
    Progress progress = options.progress;
    progress.start("", 1, 10);
    const NamedValue loss[]{{"loss", NAN}};
    progress.step(1, 10, loss);
    progress.finish();
  };
  train({});
  CHECK(screen.written.empty());
  train({.progress = screen.bar()});
  REQUIRE(screen.written.size() == 1);
  CHECK(screen.written[0] == "\r100%|██████████| 10/10 [00:00<?, ? it/s] loss nan\x1b[K\n");
}
