// SPDX-License-Identifier: MIT
#include <pthread.h>

#include <atomic>
#include <eigenesis/eigenesis.hpp>
#include <stdexcept>
#include <thread>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

template <class Scalar, int Rank>
std::vector<double> list(const Variable<Scalar, Rank>& x) {
  return {x.value().values().begin(), x.value().values().end()};
}

Variable<double, 0> number(double value) { return watch(Tensor<double, 0>({}, value)); }

/// x^2 as a user would write an operation of one's own.
template <class Scalar, int Rank>
Variable<Scalar, Rank> my_square(const Variable<Scalar, Rank>& x) {
  Tensor<Scalar, Rank> y(x.shape());
  y.array() = x.value().array().square();
  return record(std::move(y), wrt(x, [x](const auto&, const auto& dy) { return 2 * x * dy; }));
}

/// exp(x), with a rule that uses the output.
Variable<double, 1> my_exp(const Variable<double, 1>& x) {
  Tensor<double, 1> y(x.shape());
  y.array() = x.value().array().exp();
  return record(std::move(y), wrt(x, [](const auto& result, const auto& dy) { return result * dy; }));
}

/// -x in as little memory as a node can have.
Variable<float, 0> negative(const Variable<float, 0>& x) {
  return record(Tensor<float, 0>({}, -x.item()), wrt(x, [](const auto&, const auto& dy) { return negative(dy); }));
}

/// x^2 with gradients that are wrong by a factor: the first, or only the gradient of the gradient.
Variable<double, 1> wrong_square(const Variable<double, 1>& x, double first, double second) {
  const auto twice = [=](const Variable<double, 1>& t) {
    return record(map([](auto s) { return 2 * s; }, t).value(),
                  wrt(t, [=](const auto&, const auto& dy) { return second * 2 * dy; }));
  };
  return record(square(x).value(), wrt(x, [=](const auto&, const auto& dy) { return first * dy * twice(x); }));
}

}  // namespace

TEST_CASE("The check against differences accepts right rules and finds what is wrong by 1e-7") {
  const auto errors = [](double first, double second) {
    const auto [of_first, of_second] = gradient_check::worst_errors(
        "square", [=](const auto& x) { return wrong_square(x, first, second); }, numbers(Shape{3}));
    return std::pair(of_first.error, of_second.error);
  };
  CHECK(errors(1, 1).first < 1e-10);
  CHECK(errors(1, 1).second < 1e-10);
  CHECK(errors(1 + 1e-7, 1).first > 5e-8);
  CHECK(errors(1, 1 + 1e-7).first < 1e-10);
  CHECK(errors(1, 1 + 1e-7).second > 5e-8);
}

TEST_CASE("gradient returns one Variable for one x, and a tuple for several") {
  const auto x = number(3), y = number(5);
  const Variable<double, 0> dx = gradient(x * x * y, x);
  CHECK(dx.item() == 30);
  const std::tuple<Variable<double, 0>, Variable<double, 0>> both = gradient(x * x * y, x, y);
  CHECK(std::get<0>(both).item() == 30);
  CHECK(std::get<1>(both).item() == 9);
  const auto [first, second] = gradient(x * x, x, x);
  CHECK(first.item() == 6);
  CHECK(second.item() == 6);
  CHECK(gradient(x, x).item() == 1);
}

TEST_CASE("gradient is zero where y does not depend on x") {
  const Variable x = watch(numbers(Shape{2, 3}));
  const auto y = number(2);
  CHECK(list(gradient(y * y, x)) == std::vector<double>(6, 0));
  CHECK(list(gradient(sum(detach(x)) * y, x)) == std::vector<double>(6, 0));
  CHECK(list(gradient(Variable(Tensor<double, 0>({}, 1)), x)) == std::vector<double>(6, 0));
  const auto [dx, dy] = gradient(y * y, x, y);
  CHECK(list(dx) == std::vector<double>(6, 0));
  CHECK(dy.item() == 4);
  const auto first = gradient(3 * y, y);
  CHECK(gradient(first, y).item() == 0);
}

TEST_CASE("gradient adds what arrives on several ways") {
  const auto x = number(0.5);
  auto y = x;
  for (int i = 0; i < 40; ++i) y = y + y;  // 2^40 ways
  CHECK(gradient(y, x).item() == std::exp2(40));
}

TEST_CASE("gradient with respect to an intermediate value and an input at once") {
  const auto x = number(3);
  const auto middle = x * x;
  const auto y = middle * middle + 5 * x;
  const auto [to_middle, to_x] = gradient(y, middle, x);
  CHECK(to_middle.item() == 18);
  CHECK(to_x.item() == 4 * 27 + 5);
  const auto [again_x, again_middle] = gradient(y, x, middle);
  CHECK(again_x.item() == 4 * 27 + 5);
  CHECK(again_middle.item() == 18);
  CHECK(gradient(y, y).item() == 1);
}

TEST_CASE("gradient can be taken again and again of the same graph") {
  const auto x = number(2);
  const auto y = x * x * x;
  for (int i = 0; i < 3; ++i) CHECK(gradient(y, x).item() == 12);
  const auto first = gradient(y, x), second = gradient(first, x), third = gradient(second, x);
  CHECK(second.item() == 12);
  CHECK(third.item() == 6);
  CHECK(gradient(third, x).item() == 0);
}

TEST_CASE("A gradient penalty of a linear critic has the known gradient") {
  // Critic w.x: the penalty 10 (|w| - 1)^2 has the gradient 20 (|w| - 1) w / |w| (Gulrajani et al. 2017).
  const Parameter<double, 2> w(Tensor<double, 2>({3, 1}, {0.5, -2, 1.5}));
  const Variable x = watch(numbers(Shape{4, 3}));
  const auto slope = gradient(sum(matmul(x, w)), x);
  const auto penalty = 10 * mean(square(sqrt(sum_per_sample(square(slope))) - 1));
  const double norm = std::sqrt(0.25 + 4 + 2.25);
  CHECK_THAT(penalty.item(), WithinRel(10 * (norm - 1) * (norm - 1), 1e-14));
  const auto dw = gradient(penalty, w);
  for (Index i = 0; i < 3; ++i)
    CHECK_THAT(dw.value()(i, 0), WithinRel(20 * (norm - 1) * w.value()(i, 0) / norm, 1e-13));
}

TEST_CASE("A gradient penalty of a deep critic has the gradient that differences give") {
  const auto penalty = [](const auto& w, const auto& b, const auto& v) {
    const Variable x = watch(numbers(Shape{3, 2}, 4));
    const auto slope = gradient(sum(matmul(tanh(matmul(x, w) + b), v)), x);
    return mean(square(sqrt(sum_per_sample(square(slope))) - 1));
  };
  check_gradients("penalty", penalty, numbers(Shape{2, 5}), numbers(Shape{5}, 2), numbers(Shape{5, 1}, 3));
}

TEST_CASE("Unrolled steps of descent can be differentiated") {
  // x1 = x0 - r * 2 x0, so that x1^2 = x0^2 (1 - 2 r)^2.
  const auto x0 = number(3), rate = number(0.1);
  const auto x1 = x0 - rate * gradient(square(x0), x0);
  CHECK_THAT(gradient(square(x1), rate).item(), WithinRel(-4 * 9 * 0.8, 1e-14));
}

TEST_CASE("detach stops gradients, watch starts them") {
  const auto x = number(3);
  CHECK(gradient(x * detach(x), x).item() == 3);
  CHECK_FALSE(detach(x * x).differentiable());
  const auto y = watch(x * x);
  CHECK(y.item() == 9);
  const auto [dx, dy] = gradient(2 * y, x, y);
  CHECK(dx.item() == 0);
  CHECK(dy.item() == 2);
  const Variable constant(Tensor<double, 1>({2}, {1, 2}));
  CHECK(detach(constant).node().get() == constant.node().get());
  CHECK_FALSE(constant.differentiable());
  CHECK_FALSE((constant + 1).differentiable());
  CHECK((constant + x).differentiable());
}

TEST_CASE("NoGradient stops the recording, in its scope and its thread only") {
  const auto x = number(3);
  {
    const NoGradient outer;
    {
      const NoGradient inner;
    }
    CHECK_FALSE((x * x).differentiable());
    CHECK(watch(x).differentiable());
    bool elsewhere = false;
    std::thread([&] { elsewhere = (x * x).differentiable(); }).join();
    CHECK(elsewhere);
  }
  CHECK((x * x).differentiable());
  const auto y = x * x;
  const auto dx = [&] {
    const NoGradient scope;
    return gradient(y, x);
  }();
  CHECK(dx.item() == 6);
  CHECK_FALSE(dx.differentiable());
  CHECK_THROWS_AS(
      [&] {
        const NoGradient scope;
        throw std::runtime_error("");
      }(),
      std::runtime_error);
  CHECK((x * x).differentiable());
}

TEST_CASE("An operation of one's own has gradients of every order") {
  check_gradients("my_square", [](const auto& x) { return my_square(x); }, numbers(Shape{2, 3}));
  check_gradients("my_exp", [](const auto& x) { return my_exp(x); }, numbers(Shape{4}));
  const auto x = number(3);
  const auto y = my_square(my_square(x));  // x^4
  const auto third = gradient(gradient(gradient(y, x), x), x);
  CHECK(third.item() == 72);
}

TEST_CASE("record asks only the rules of inputs that lead to x") {
  int asked = 0;
  const auto product = [&](const auto& a, const auto& b) {
    return record(Tensor<double, 0>({}, a.item() * b.item()),
                  wrt(a,
                      [&asked, b](const auto&, const auto& dy) {
                        ++asked;
                        return b * dy;
                      }),
                  wrt(b, [&asked, a](const auto&, const auto& dy) {
                    asked += 100;
                    return a * dy;
                  }));
  };
  const auto a = number(2), b = number(3);
  CHECK(gradient(product(a, b), a).item() == 3);
  CHECK(asked == 1);
  CHECK(gradient(product(a, b), b).item() == 2);
  CHECK(asked == 101);
  CHECK_FALSE(product(detach(a), detach(b)).differentiable());
}

TEST_CASE("gradient refuses a constant x") {
  const auto x = number(3);
  const Variable constant(Tensor<double, 2>({2, 3}, 1.0));
  CHECK_THROWS_MATCHES(gradient(x * sum(constant), constant), ArgumentError,
                       Message("gradient: expected x to be a Parameter or the result of watch() but got a constant of "
                               "shape [2, 3]"));
}

TEST_CASE("gradient refuses a constant y where nothing is recorded") {
  const auto x = number(3);
  const NoGradient scope;
  CHECK_THROWS_MATCHES(
      gradient(x * x, x), ArgumentError,
      Message("gradient: expected y computed from a Parameter or the result of watch() but got a constant; "
              "was it computed while a NoGradient lived, or is all held fixed?"));
}

TEST_CASE("gradient refuses a y that is constant because a NoGradient lived") {
  const auto x = number(3);
  const auto unrecorded = [&](const auto& f) {
    const NoGradient scope;
    return f();
  };
  const auto square_x = unrecorded([&] { return x * x; });
  const auto refused = Message(
      "gradient: expected y computed from a Parameter or the result of watch() but got a constant; "
      "was it computed while a NoGradient lived, or is all held fixed?");
  CHECK_THROWS_MATCHES(gradient(square_x, x), ArgumentError, refused);
  CHECK_THROWS_MATCHES(gradient(sum(sin(3 * square_x + 1)), x), ArgumentError, refused);
  CHECK_THROWS_MATCHES(gradient(unrecorded([&] { return gradient(x * x * x, x); }), x), ArgumentError, refused);

  // Detached on purpose, constant by itself, or differentiable in another way.
  CHECK(gradient(detach(square_x), x).item() == 0);
  CHECK(gradient(detach(square_x) * detach(x), x).item() == 0);
  CHECK(gradient(unrecorded([&] { return detach(x) * 2; }), x).item() == 0);
  CHECK(gradient(square_x * x, x).item() == 9);
}

TEST_CASE("gradient of a gradient that is constant is zero, whatever the operations use inside") {
  const Variable x = watch(numbers(Shape{2, 3}));
  for (const auto& y : {sum(maximum(x, 1)), sum(logsumexp(reshape(x, Shape{6, 1}), 1))})
    CHECK(list(gradient(sum(gradient(y, x)), x)) == std::vector<double>(6, 0));
}

TEST_CASE("gradient refuses a rule that returns another shape") {
  const Variable x = watch(numbers(Shape{3}));
  const auto y = record(Tensor<double, 0>({}, 1),
                        wrt(x, [](const auto&, const auto&) { return Variable(Tensor<double, 1>({2}, 0.0)); }));
  CHECK_THROWS_MATCHES(gradient(y, x), ShapeError,
                       Message("gradient: expected a rule to return the input's shape [3] but got [2]"));
}

TEST_CASE("An exception inside a rule leaves the graph usable") {
  bool fails = true;
  const auto x = number(3);
  const auto square_x = x * x;
  const auto y = record(Tensor<double, 0>(square_x.value()), wrt(square_x, [&](const auto&, const auto& dy) {
                          if (fails) throw std::runtime_error("the rule fails");
                          return dy;
                        }));
  const auto z = y * x + square_x;  // adjoints have arrived at square_x and x before the rule fails
  CHECK_THROWS_WITH(gradient(z, x, square_x), "the rule fails");
  fails = false;
  const auto [dx, to_square] = gradient(z, x, square_x);
  CHECK(dx.item() == 3 * 9 + 6);
  CHECK(to_square.item() == 4);
}

TEST_CASE("A rule may itself call gradient, also with respect to what the outer call asks for") {
  // Recomputes f in the backward pass instead of keeping its graph.
  const Parameter<double, 0> w(Tensor<double, 0>({}, 2));
  const auto f = [&](const auto& x) { return sin(w * x) * x; };
  const auto recomputed = [&](const Variable<double, 0>& x) {
    const auto value = [&] {
      const NoGradient scope;
      return f(x);
    }();
    const auto rule_with = [&f, &w, x](bool to_w) {
      return [&f, &w, x, to_w](const auto&, const auto& dy) -> Variable<double, 0> {
        const auto again = watch(x);
        const auto [dx, dw] = gradient(f(again), again, w);
        return dy * (to_w ? dw : dx);
      };
    };
    return record(Tensor<double, 0>(value.value()), wrt(x, rule_with(false)), wrt(w, rule_with(true)));
  };
  const auto x = number(0.7);
  const auto [dx, dw] = gradient(f(f(x)) + w * w * x, x, w);
  const auto [same_dx, same_dw] = gradient(recomputed(recomputed(x)) + w * w * x, x, w);
  CHECK_THAT(same_dx.item(), WithinRel(dx.item(), 1e-14));
  CHECK_THAT(same_dw.item(), WithinRel(dw.item(), 1e-14));
}

TEST_CASE("A rule may differentiate the graph that the outer call is walking over") {
  const auto x = number(2);
  const auto shared = x * x * x;
  const auto y = record(Tensor<double, 0>({}, 1), wrt(shared, [&](const auto&, const auto& dy) {
                          return dy * gradient(shared * shared, shared);  // 2 x^3
                        }));
  CHECK(gradient(y + shared, x).item() == (2 * 8 + 1) * 3 * 4);
}

TEST_CASE("Threads may differentiate graphs with common nodes at once") {
  const Parameter<float, 2> w(Tensor<float, 2>(numbers(Shape<2>{20, 20}).matrix()));
  Variable<float, 2> common(Tensor<float, 2>(numbers(Shape<2>{16, 20}, 2).matrix()));
  for (int layer = 0; layer < 20; ++layer) common = tanh(matmul(common, w));
  const auto both_orders = [&](const Variable<float, 0>& loss) {
    const auto first = gradient(loss, w);
    const auto second = gradient(sum(square(first)), w);
    const auto values = [](const auto& v) { return std::vector(v.value().values().begin(), v.value().values().end()); };
    return std::pair(values(first), values(second));
  };
  using Values = decltype(both_orders(sum(common)));
  const std::vector<Variable<float, 0>> losses{sum(square(common)), mean(exp(common))};
  std::vector<Values> expected, found(losses.size());
  for (const auto& loss : losses) expected.push_back(both_orders(loss));
  std::atomic<int> waiting{static_cast<int>(losses.size())};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < losses.size(); ++i)
    threads.emplace_back([&, i] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      for (int round = 0; round < 20; ++round) found[i] = both_orders(losses[i]);
    });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < losses.size(); ++i) CHECK(found[i] == expected[i]);
}

TEST_CASE("gradient of a graph whose nodes live in other threads") {
  Variable<double, 0> y;
  const auto x = number(3);
  std::thread([&] { y = x * x * x; }).join();
  CHECK(gradient(y, x).item() == 27);
  std::thread([moved = std::move(y)] {}).join();
}

TEST_CASE("A chain of a million nodes is built, differentiated and freed on a stack of 256 KiB") {
  static double slope, slope_of_slope;
  slope = slope_of_slope = 0;
  static constexpr int nodes = detail::recycle_blocks ? 1'000'000 : 200'000;  // sanitizers take four times the memory
  const auto body = [](void*) -> void* {
    const Variable x = watch(Tensor<float, 0>({}, 2));
    {
      auto y = x;
      for (int i = 0; i < nodes + 1; ++i) y = negative(y);
      const NoGradient no_graph;
      slope = gradient(y, x).item();
    }
    auto y = x * x;
    for (int i = 0; i < nodes / 10; ++i) y = negative(y);
    slope_of_slope = gradient(gradient(y, x), x).item();
    return nullptr;
  };
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, &attributes, body, nullptr) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  CHECK(slope == -1);
  CHECK(slope_of_slope == 2);
}
