// SPDX-License-Identifier: MIT
#if defined(__x86_64__) || defined(__aarch64__)
#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cmath>
#include <eigenesis/eigenesis.hpp>
#include <limits>
#include <stdexcept>

#include "catch.hpp"

using namespace eigenesis;

namespace {

constexpr float subnormal = 1e-40f;

/// Sets the state a caller may have chosen, here an unusual rounding, and takes it back.
struct RoundingUpward {
  RoundingUpward() { std::fesetround(FE_UPWARD); }
  ~RoundingUpward() { std::fesetround(FE_TONEAREST); }
};

struct Threads {
  int before = num_threads();
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
};

struct Model {
  Parameter<float, 1> weight{Tensor<float, 1>(Shape{20}, 1.0f)};
  static void fields(auto& self, auto&& field) { field("weight", self.weight); }
};

float half(float x) {
  volatile float y = x;
  return y * 0.5f;
}

/// The best of many times, in seconds, that a training step takes.
template <class Step>
double best_time(Step step) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 40; ++i) {
    const auto start = Clock::now();
    step();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

}  // namespace

TEST_CASE("FlushSubnormals holds while it lives, in its thread, and leaves all else as it was") {
  const RoundingUpward rounding;
  const auto before = detail::float_state();
  {
    const detail::FlushSubnormals scope;
    CHECK(half(subnormal) == 0);
    CHECK(half(2 * std::numeric_limits<float>::min()) == std::numeric_limits<float>::min());
    CHECK(std::fegetround() == FE_UPWARD);
    {
      const detail::FlushSubnormals inner;
      CHECK(half(subnormal) == 0);
    }
    CHECK(half(subnormal) == 0);
  }
  CHECK(detail::float_state() == before);
  CHECK_THROWS_AS(([] {
                    const detail::FlushSubnormals scope;
                    throw std::runtime_error("");
                  }()),
                  std::runtime_error);
  CHECK(detail::float_state() == before);
  CHECK(half(subnormal) > 0);
}

TEST_CASE("Operations take subnormal numbers for 0, on any number of threads, and leave the caller's state alone") {
  const float least = std::numeric_limits<float>::min();
  const Variable<float, 2> x(Tensor<float, 2>(Shape{300, 300}, subnormal));
  const Variable<float, 2> small(Tensor<float, 2>(Shape{300, 300}, least));
  const Variable<float, 4> images(Tensor<float, 4>(Shape{8, 16, 16, 8}, subnormal));
  const Variable<float, 4> kernel(Tensor<float, 4>(Shape{3, 3, 8, 8}, 1.0f));
  const auto all = [](const auto& y, float value) {
    const auto values = y.value().values();
    return std::ranges::all_of(values, [&](float each) { return each == value; });
  };
  for (const int threads : {1, 2, 5}) {
    const Threads setting(threads);
    const auto before = detail::float_state();
    CHECK(all(matmul(x, x + 1e20f), 0));
    CHECK(all(matmul(small, small - 0.75 * small), 0));
    CHECK(all(x * 1e30, 0));
    CHECK(all(small * 0.5, 0));
    CHECK(all(exp(-90 + x), 0));
    CHECK(all(log(x), -std::numeric_limits<float>::infinity()));
    CHECK(all(map([](auto t) { return select(t == 0, 1, 2); }, x), 1));
    CHECK(all(pow(x, -1), std::numeric_limits<float>::infinity()));
    CHECK(sum(x).item() == 0);
    CHECK(sum(slice(x, 0, 0, 1)).item() == 0);
    CHECK(all(sum(x, 0), 0));
    CHECK(all(sum(x, 1), 0));
    CHECK(all(conv2d(images, kernel), 0));
    CHECK(all(conv_transpose2d(images, kernel), 0));
    CHECK(all(avg_pool2d(images + (0.5f * least), 2), 0));
    CHECK(all(upsample2d(images, 2, Interpolation::bilinear) * 1e30, 0));
    CHECK(detail::float_state() == before);
    CHECK(x.value()(7, 7) > 0);
    CHECK(transpose(x).value()(7, 7) > 0);  // what only moves numbers keeps them
  }
  const Variable<double, 1> numbers(Tensor<double, 1>(Shape{3}, 1e-310));
  CHECK(sum(numbers).item() == 0);
  CHECK(log(numbers).value()(0) == -std::numeric_limits<double>::infinity());
}

TEST_CASE("Averages of gradients that stay 0 do not end among subnormal numbers") {
  Model model;
  Adam<float> optimizer;
  optimizer.minimize(sum(square(model.weight)), model);
  for (int i = 0; i < 1000; ++i) optimizer.minimize(0 * sum(model.weight), model);
  for_each_state(optimizer, [](const FieldPath& path, const auto& x) {
    INFO(to_string(path));
    for (const auto value : x.values()) CHECK((value == 0 || std::isnormal(value)));
  });
}

TEST_CASE("Pieces of parallel_for compute in the caller's floating-point state, whichever thread does them") {
  const Threads setting(4);
  const auto wrong = [](bool upward, bool flushed) {
    std::atomic<int> count{0};
    for (int i = 0; i < 20; ++i)
      parallel_for(200, [&](Index) {
        volatile double work = 1;
        for (int k = 0; k < 2000; ++k) work = work * 1.0001;
        volatile float one = 1;
        count += (one + 1e-20f > 1) != upward || (half(subnormal) == 0) != flushed;
      });
    return count.load();
  };
  CHECK(wrong(false, false) == 0);
  {
    const RoundingUpward rounding;
    const detail::FlushSubnormals scope;
    CHECK(wrong(true, true) == 0);
  }
  CHECK(wrong(false, false) == 0);
}

TEST_CASE("A step on subnormal numbers takes at most twice as long as another") {
  const auto step = [](float x, float w) {
    return best_time([&, input = Variable<float, 2>(Tensor<float, 2>(Shape{64, 200}, x)),
                      weight = Parameter<float, 2>(Tensor<float, 2>(Shape{200, 200}, w))] {
      const auto y = matmul(input, weight);
      gradient(sum(square(tanh(y)) + 0.9 * y), weight);
    });
  };
  const double normal = step(0.5f, 0.1f);
  CHECK(step(subnormal, 0.1f) < 2 * normal);
  CHECK(step(0.5f, subnormal) < 2 * normal);
}

#endif
