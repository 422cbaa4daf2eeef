// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

template <class Scalar, int Rank>
std::vector<double> list(const Variable<Scalar, Rank>& x) {
  return {x.value().values().begin(), x.value().values().end()};
}

template <class Scalar, int Rank>
bool same_bits(const Tensor<Scalar, Rank>& a, const Tensor<Scalar, Rank>& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Scalar)) == 0;
}

struct ThreadCount {
  int before = num_threads();
  ~ThreadCount() { set_num_threads(before); }
};

const auto swish = [](const auto& x) { return map([](auto t) { return t * sigmoid(t); }, x); };

}  // namespace

TEST_CASE("map of a user's lambda has derivatives up to the third order") {
  const Variable x = watch(Tensor<double, 1>({4}, {-2, -0.1, 0.7, 3}));
  const auto first = gradient(sum(swish(x)), x);
  const auto second = gradient(sum(first), x);
  const auto third = gradient(sum(second), x);
  for (Index i = 0; i < 4; ++i) {
    const double t = x.value()(i), s = 1 / (1 + std::exp(-t)), d1 = s * (1 - s), d2 = d1 * (1 - 2 * s);
    const double d3 = d1 * (1 - 6 * d1);
    CHECK_THAT(swish(x).value()(i), WithinRel(t * s, 1e-14));
    CHECK_THAT(first.value()(i), WithinRel(s + t * d1, 1e-13));
    CHECK_THAT(second.value()(i), WithinRel(2 * d1 + t * d2, 1e-13));
    CHECK_THAT(third.value()(i), WithinRel(3 * d2 + t * d3, 1e-12));
  }
}

TEST_CASE("The derivative of a power by its exponent is 0 for the base 0, as in PyTorch") {
  const Variable base = watch(Tensor<double, 1>({3}, {0, 0, 2})), exponent = watch(Tensor<double, 1>({3}, {2, 0, 3}));
  const auto power = [](const auto& a, const auto& b) { return map([](auto s, auto t) { return pow(s, t); }, a, b); };
  const auto by_exponent = gradient(sum(power(base, exponent)), exponent);
  const auto of_zero = gradient(sum(map([](auto t) { return pow(0, t); }, exponent)), exponent);
  for (Index i = 0; i < 3; ++i) {
    CHECK_THAT(by_exponent.value()(i), WithinRel(i == 2 ? 8 * std::log(2.0) : 0.0, 1e-13));
    CHECK(of_zero.value()(i) == 0);
  }
  CHECK_THAT(gradient(sum(by_exponent), exponent).value()(0), WithinRel(0.0, 1e-13));
}

TEST_CASE("map of elementary functions has the known third derivatives") {
  const double at = 0.7;
  const auto third = [&](auto f) {
    const Variable x = watch(Tensor<double, 0>({}, at));
    const auto first = gradient(map(f, x), x);
    return gradient(gradient(first, x), x).item();
  };
  const double tanh1 = std::tanh(at), sech2 = 1 - tanh1 * tanh1,
               phi = std::exp(-at * at) * 2 * std::numbers::inv_sqrtpi;
  CHECK_THAT(third([](auto t) { return exp(2 * t); }), WithinRel(8 * std::exp(1.4), 1e-13));
  CHECK_THAT(third([](auto t) { return expm1(2 * t); }), WithinRel(8 * std::exp(1.4), 1e-13));
  CHECK_THAT(third([](auto t) { return log(t); }), WithinRel(2 / (at * at * at), 1e-13));
  CHECK_THAT(third([](auto t) { return log1p(t); }), WithinRel(2 / std::pow(1 + at, 3), 1e-13));
  CHECK_THAT(third([](auto t) { return sqrt(t); }), WithinRel(0.375 * std::pow(at, -2.5), 1e-13));
  CHECK_THAT(third([](auto t) { return 1 / t; }), WithinRel(-6 * std::pow(at, -4), 1e-13));
  CHECK_THAT(third([](auto t) { return sin(2 * t); }), WithinRel(-8 * std::cos(1.4), 1e-13));
  CHECK_THAT(third([](auto t) { return cos(2 * t); }), WithinRel(8 * std::sin(1.4), 1e-13));
  CHECK_THAT(third([](auto t) { return tanh(t); }), WithinRel(-2 * sech2 * (1 - 3 * tanh1 * tanh1), 1e-13));
  CHECK_THAT(third([](auto t) { return erf(t); }), WithinRel(phi * (4 * at * at - 2), 1e-13));
  CHECK_THAT(third([](auto t) { return t * t * t * t; }), WithinRel(24 * at, 1e-13));
  CHECK_THAT(third([](auto t) { return pow(t, 3.5); }), WithinRel(3.5 * 2.5 * 1.5 * std::sqrt(at), 1e-13));
  CHECK_THAT(third([](auto t) { return pow(2, t); }), WithinRel(std::pow(std::log(2), 3) * std::pow(2, at), 1e-13));
}

TEST_CASE("map takes one to six operands of every kind of stretching, with first and second derivatives") {
  const auto full = numbers(Shape{2, 3, 5}, 1, true), other_full = numbers(Shape{2, 3, 5}, 2, true);
  const auto channel = numbers(Shape{5}, 3, true);
  const auto inner = numbers(Shape{3, 5}, 4, true);
  const auto sample = numbers(Shape{2, 1, 1}, 5, true), row = numbers(Shape{2, 3, 1}, 6, true);
  const auto number = numbers(Shape<0>{}, 7, true);
  const auto one = numbers(Shape{1, 1, 1}, 8, true);
  const auto outer = numbers(Shape{2, 1, 5}, 9, true);
  const auto middle = numbers(Shape{3, 1}, 10, true);

  check_gradients(
      "map of 1", [](auto a) { return map([](auto s) { return exp(s) / s; }, a); }, full);
  check_gradients(
      "map of 2", [](auto a, auto b) { return map([](auto s, auto t) { return s * log(s + t); }, a, b); }, outer,
      middle);
  check_gradients(
      "map of 3",
      [](auto a, auto b, auto c) { return map([](auto s, auto t, auto u) { return exp(s) * t / (1 + u); }, a, b, c); },
      full, channel, row);
  check_gradients(
      "map of 4",
      [](auto a, auto b, auto c, auto d) {
        return map([](auto s, auto t, auto u, auto v) { return tanh(s * t) * u + t / v; }, a, b, c, d);
      },
      sample, number, inner, other_full);
  check_gradients(
      "map of 5",
      [](auto a, auto b, auto c, auto d, auto e) {
        return map([](auto s, auto t, auto u, auto v, auto w) { return s * t * u + sqrt(v * w + s); }, a, b, c, d, e);
      },
      middle, outer, one, channel, sample);
  check_gradients(
      "map of 6",
      [](auto a, auto b, auto c, auto d, auto e, auto f) {
        return map([](auto s, auto t, auto u, auto v, auto w, auto x) { return pow(s, t) * u - v / w + x * s; }, a, b,
                   c, d, e, f);
      },
      full, channel, sample, number, row, other_full);
}

TEST_CASE("map adds the gradients of an operand that is used twice, stretched or not") {
  check_gradients(
      "x, x", [](auto a) { return map([](auto s, auto t) { return s * exp(t); }, a, a); }, numbers(Shape{3}));
  check_gradients(
      "x, x'", [](auto a) { return map([](auto s, auto t) { return s * exp(t); }, a, transpose(a)); },
      numbers(Shape{1, 3}));
}

TEST_CASE("map selects by comparisons") {
  const Variable a = watch(Tensor<double, 1>({3}, {1, 2, 3}));
  const Variable b = watch(Tensor<double, 1>({3}, {3, 2, 1}));
  const auto compared = [&](auto compare) { return list(map(compare, a, b)); };
  CHECK(compared([](auto s, auto t) { return s < t; }) == std::vector<double>{1, 0, 0});
  CHECK(compared([](auto s, auto t) { return s <= t; }) == std::vector<double>{1, 1, 0});
  CHECK(compared([](auto s, auto t) { return s > t; }) == std::vector<double>{0, 0, 1});
  CHECK(compared([](auto s, auto t) { return s >= t; }) == std::vector<double>{0, 1, 1});
  CHECK(compared([](auto s, auto t) { return s == t; }) == std::vector<double>{0, 1, 0});
  CHECK(compared([](auto s, auto t) { return s != t; }) == std::vector<double>{1, 0, 1});
  const auto y = map([](auto s, auto t) { return select(s < t, s * s, 5 * t); }, a, b);
  CHECK(list(y) == std::vector<double>{1, 10, 5});
  const auto [da, db] = gradient(sum(y), a, b);
  CHECK(list(da) == std::vector<double>{2, 0, 0});
  CHECK(list(db) == std::vector<double>{0, 5, 5});
  const auto huber = [](const auto& x) {
    return map([](auto t) { return select(abs(t) <= 1, 0.5 * t * t, abs(t) - 0.5); }, x);
  };
  check_gradients("Huber", huber, Tensor<double, 1>({4}, {-2, -0.5, 0.6, 1.5}));
}

TEST_CASE("map's comparisons are steps: as factors and as summands they have no slope") {
  const Variable a = watch(Tensor<double, 1>({3}, {1, 2, 3})), b = watch(Tensor<double, 1>({3}, {3, 2, 1}));
  const auto check = [&](auto compare, const std::vector<double>& holds) {
    const auto y = map([=](auto s, auto t) { return 5 * s * compare(s, t) + 7 * compare(s, t); }, a, b);
    const auto [da, db] = gradient(sum(y), a, b);
    for (std::size_t i = 0; i < 3; ++i) CHECK(list(da)[i] == 5 * holds[i]);
    CHECK(list(db) == std::vector<double>{0, 0, 0});
  };
  check([](auto s, auto t) { return s < t; }, {1, 0, 0});
  check([](auto s, auto t) { return s <= t; }, {1, 1, 0});
  check([](auto s, auto t) { return s > t; }, {0, 0, 1});
  check([](auto s, auto t) { return s >= t; }, {0, 1, 1});
  check([](auto s, auto t) { return s == t; }, {0, 1, 0});
  check([](auto s, auto t) { return s != t; }, {1, 0, 1});
}

TEST_CASE("map's comparisons are false for NaN, and select passes the NaN it selects") {
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  const Variable x(Tensor<double, 1>({2}, {not_a_number, 1}));
  CHECK(list(map([](auto t) { return t < 2; }, x)) == std::vector<double>{0, 1});
  CHECK(list(map([](auto t) { return t >= 0; }, x)) == std::vector<double>{0, 1});
  CHECK(list(map([](auto t) { return t == t; }, x)) == std::vector<double>{0, 1});
  CHECK(list(map([](auto t) { return t != t; }, x)) == std::vector<double>{1, 0});
  CHECK(std::isnan(map([](auto t) { return select(t > 0, 0, t); }, x).value()(0)));
  for (const auto& y : {map([](auto t) { return maximum(t, 0); }, x), map([](auto t) { return minimum(2, t); }, x),
                        map([](auto t) { return clamp(t, -1, 1); }, x)})
    CHECK(std::isnan(y.value()(0)));
}

TEST_CASE("select is an if: of the branch that is not taken nothing arrives, whatever its derivatives") {
  const auto orders = [](auto f, double at) {
    const Variable x = watch(Tensor<double, 0>({}, at));
    const auto y = map(f, x), first = gradient(y, x), second = gradient(first, x), third = gradient(second, x);
    return std::vector{y.item(), first.item(), second.item(), third.item()};
  };
  using Orders = std::vector<double>;
  const auto log_or_line = [](auto t) { return select(t > 0, log(t), 0 * t); };
  CHECK(orders(log_or_line, 0) == Orders{0, 0, 0, 0});
  CHECK(orders(log_or_line, 0.5) == Orders{std::log(0.5), 2, -4, 16});
  const auto exp_or_line = [](auto t) { return select(t < 0, t, exp(-t)); };
  CHECK(orders(exp_or_line, -1000) == Orders{-1000, 1, 0, 0});
  CHECK(orders(exp_or_line, 0) == Orders{1, -1, 1, -1});
  const auto root = [](auto t) { return select(t > 0, sqrt(t), 0); };
  CHECK(orders(root, 0) == Orders{0, 0, 0, 0});
  CHECK(orders(root, -4) == Orders{0, 0, 0, 0});
  CHECK(orders(root, 4) == Orders{2, 0.25, -1.0 / 32, 3.0 / 256});
  CHECK(orders([](auto t) { return select(t == 0, 1, sin(t) / t); }, 0) == Orders{1, 0, 0, 0});
  CHECK(orders([](auto t) { return select(t != 0, pow(t, 0.5) * log(t * t), t); }, 0) == Orders{0, 1, 0, 0});

  // A select within a branch, and steps that several branches use.
  const auto nested = [](auto t) { return select(t < 1, select(t > 0, log(t) * log(t), t), 1 / (1 - t)); };
  CHECK(orders(nested, 0) == Orders{0, 1, 0, 0});
  CHECK(orders(nested, 1)[1] == std::numeric_limits<double>::infinity());
  CHECK(orders(nested, 2) == Orders{-1, 1, -2, 6});
  const auto twice = [](auto t) {
    const auto l = log(t);
    return select(t > 0, l, 0) + select(t > 1, l * l, 0) + select(t > 0, l, t);
  };
  CHECK(orders(twice, 0) == Orders{0, 1, 0, 0});
  CHECK(orders(twice, 0.5) == Orders{2 * std::log(0.5), 4, -8, 32});
  const auto every_way = [](auto t) {
    const auto l = log(t);
    return select(t > 0, l, -t) + select(t <= 0, t, l);
  };
  CHECK(orders(every_way, 0) == Orders{0, 0, 0, 0});
  CHECK(orders(every_way, 2) == Orders{2 * std::log(2.0), 1, -0.5, 0.5});
  const auto apart = [](auto t) {
    const auto l = log(t);
    return select(t > 1, l, 0) + select(t < -1, 0, select(t > 0, l * t, 0));
  };
  CHECK(orders(apart, 0) == Orders{0, 0, 0, 0});
  CHECK(orders(apart, 0.5) == Orders{0.5 * std::log(0.5), std::log(0.5) + 1, 2, -4});
  const auto guarded = [](const auto& x) {
    return map([](auto t) { return select(abs(t) < 0.6, t * t, select(t > 0, log(t), exp(t) * t) + 3); }, x);
  };
  check_gradients("branches", guarded, numbers(Shape{20}));
}

TEST_CASE("select in floats keeps what overflows in the branch that is not taken out of both gradients") {
  const Variable x = watch(Tensor<float, 1>({3}, {-100, 0, 2}));
  const auto y = map([](auto t) { return select(t < 0, t, exp(-t)); }, x);
  const auto first = gradient(sum(y), x), second = gradient(sum(first), x);
  CHECK(first.value()(0) == 1);
  CHECK(first.value()(1) == -1);
  CHECK(second.value()(0) == 0);
  CHECK(second.value()(1) == 1);
}

TEST_CASE("select passes a NaN of the branch that is taken, and of the incoming gradient") {
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  const Variable x = watch(Tensor<double, 1>({2}, {-1, 4}));
  const auto y = map([](auto t) { return select(t < 0, log(t), sqrt(t)); }, x);
  CHECK(std::isnan(y.value()(0)));
  const Variable weight(Tensor<double, 1>({2}, {1, not_a_number}));
  CHECK(list(gradient(sum(y), x)) == std::vector<double>{-1, 0.25});
  CHECK(std::isnan(gradient(sum(weight * y), x).value()(1)));
}

TEST_CASE("A step that only a condition reads has no gradient, though its derivative is infinite") {
  const Variable x = watch(Tensor<double, 1>({3}, {0, 1, 4}));
  const auto y = map([](auto t) { return select(log(t) > 0, t, 2 * t); }, x);
  CHECK(list(y) == std::vector<double>{0, 2, 4});
  CHECK(list(gradient(sum(y), x)) == std::vector<double>{2, 2, 1});
}

TEST_CASE("The slope of a step between two selects is 0 where both leave it out") {
  const Variable x = watch(Tensor<double, 1>({3}, {0, -1, 4}));
  const auto y = map([](auto t) { return select(t <= 0, 0, sqrt(t)) + select(t <= 1, 0, log(t)); }, x);
  CHECK(list(gradient(sum(y), x)) == std::vector<double>{0, 0, 0.5});
}

TEST_CASE("map computes with symbols that are plain numbers as with numbers") {
  const Variable x(Tensor<double, 1>({2}, {1, -3}));
  const Symbol six = 6, four = 4;
  CHECK(list(map([=](auto t) { return t * (six + four); }, x)) == std::vector<double>{10, -30});
  CHECK(list(map([=](auto t) { return t * (six - four); }, x)) == std::vector<double>{2, -6});
  CHECK(list(map([=](auto t) { return t * (six * four); }, x)) == std::vector<double>{24, -72});
  CHECK(list(map([=](auto t) { return t * (six / four); }, x)) == std::vector<double>{1.5, -4.5});
  CHECK(list(map([=](auto t) { return t * -six; }, x)) == std::vector<double>{-6, 18});
}

TEST_CASE("maximum and minimum of a number and a constant are the same in either order, gradients at ties too") {
  const Variable x = watch(Tensor<double, 1>({3}, {-1, 2, 5}));
  const auto slopes = [&](auto f) { return list(gradient(sum(map(f, x)), x)); };
  CHECK(list(map([](auto t) { return maximum(t, 2); }, x)) == std::vector<double>{2, 2, 5});
  CHECK(list(map([](auto t) { return maximum(2, t); }, x)) == std::vector<double>{2, 2, 5});
  CHECK(list(map([](auto t) { return minimum(t, 2); }, x)) == std::vector<double>{-1, 2, 2});
  CHECK(list(map([](auto t) { return minimum(2, t); }, x)) == std::vector<double>{-1, 2, 2});
  CHECK(slopes([](auto t) { return maximum(t, 2); }) == std::vector<double>{0, 1, 1});
  CHECK(slopes([](auto t) { return maximum(2, t); }) == std::vector<double>{0, 1, 1});
  CHECK(slopes([](auto t) { return minimum(t, 2); }) == std::vector<double>{1, 1, 0});
  CHECK(slopes([](auto t) { return minimum(2, t); }) == std::vector<double>{1, 1, 0});
}

TEST_CASE("map takes captured numbers of any type as constants, each call anew") {
  const Variable x(Tensor<double, 1>({2}, {1, 2}));
  const Index index = x.size() + 1;
  const float half = 0.5f;
  const std::size_t size = list(x).size() * 2;
  CHECK(list(map([=](auto t) { return (t * index + half) / size - true; }, x)) == std::vector<double>{-0.125, 0.625});
  for (double k : {1.0, 10.0}) CHECK(list(map([k](auto t) { return k * t; }, x)) == std::vector<double>{k, 2 * k});
  const auto polynomial = [](auto t) {
    auto value = 0 * t;
    for (const double c : {3.0, 0.0, -1.0}) value = value * t + c;
    return value;
  };
  CHECK(list(map(polynomial, x)) == std::vector<double>{2, 11});
}

TEST_CASE("map's lambda may return an argument or a constant") {
  const Variable x = watch(Tensor<double, 2>({2, 1}, {1, 2}));
  const Variable y = watch(Tensor<double, 1>({3}, {5, 6, 7}));
  const auto first = map([](auto s, auto) { return s; }, x, y);
  CHECK(list(first) == std::vector<double>{1, 1, 1, 2, 2, 2});
  const auto second = map([](auto, auto t) { return t; }, x, y);
  CHECK(list(second) == std::vector<double>{5, 6, 7, 5, 6, 7});
  const auto [dx, dy] = gradient(sum(2 * first + second), x, y);
  CHECK(list(dx) == std::vector<double>{6, 6});
  CHECK(list(dy) == std::vector<double>{2, 2, 2});
  const auto constant = map([](auto, auto) { return 7; }, x, y);
  CHECK(list(constant) == std::vector<double>(6, 7));
  CHECK_FALSE(constant.differentiable());
  CHECK(list(gradient(sum(constant * first), x)) == std::vector<double>{21, 21});
}

TEST_CASE("map of empty operands is empty") {
  const Variable x = watch(Tensor<double, 2>({0, 3}));
  const Variable bias = watch(Tensor<double, 1>({3}, {1, 2, 3}));
  const auto y = map([](auto s, auto t) { return exp(s) * t; }, x, bias);
  CHECK(y.shape() == Shape{0, 3});
  const auto [dx, db] = gradient(sum(y), x, bias);
  CHECK(dx.shape() == Shape{0, 3});
  CHECK(list(db) == std::vector<double>{0, 0, 0});
}

// An element's value must follow from the elements it is made of, wherever blocks, tiles, pieces and threads begin and
// end.
TEST_CASE("map gives the same bits whatever the sizes, the threads and the place of an element") {
  const ThreadCount restore;
  const auto f = [](auto s, auto t, auto u, auto v) { return exp(s * 0.1) * t + u / (2 + v); };
  const auto [rows, columns] = GENERATE(table<Index, Index>({{1, 1},
                                                             {1, 1023},
                                                             {1, 1025},
                                                             {1, 16383},
                                                             {1, 16385},
                                                             {1024, 1},
                                                             {151, 7},
                                                             {2341, 7},
                                                             {819, 20},
                                                             {820, 20},
                                                             {42, 784},
                                                             {12, 1500},
                                                             {7, 5000},
                                                             {2, 1024},
                                                             {2, 16385},
                                                             {33, 512}}));
  const Shape shape{rows, columns};
  const Variable full(Tensor<float, 2>(numbers(shape, 1).matrix()));
  const Variable channel = reshape(Variable(Tensor<float, 2>(numbers(Shape{1, columns}, 2).matrix())), Shape{columns});
  const Tensor<float, 2> sample_values(numbers(Shape<2>{rows, 1}, 3).matrix());
  const Variable sample = sample_values;
  const Variable number(Tensor<float, 0>({}, 0.3f));

  set_num_threads(1);
  const auto y = map(f, full, channel, sample, number);
  const auto written_out = map(f, full, broadcast(channel, shape), broadcast(sample, shape), broadcast(number, shape));
  INFO("shape " << to_string(shape));
  CHECK(same_bits(y.value(), written_out.value()));

  Index wrong = 0;
  const auto at = [](float x) { return Variable(Tensor<float, 0>({}, x)); };
  for (Index i = 0; i < y.size(); i += std::max<Index>(1, y.size() / 97)) {
    const Index r = i / columns, c = i % columns;
    const auto alone = map(f, at(full.value()(r, c)), at(channel.value()(c)), at(sample.value()(r, 0)), number);
    wrong += alone.item() != y.value()(r, c);
  }
  CHECK(wrong == 0);

  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    INFO(threads << " threads");
    CHECK(same_bits(map(f, full, channel, sample, number).value(), y.value()));
  }
}

TEST_CASE("map gives the same bits whatever the addresses of its buffers") {
  const auto x = numbers(Shape{1000}, 1);
  const auto y = swish(Variable(x));
  std::vector<Tensor<double, 1>> others;  // so that the next buffers lie elsewhere
  for (Index size = 1; size < 2000; size += 100) {
    others.emplace_back(Shape{size});
    CHECK(same_bits(swish(Variable(x)).value(), y.value()));
  }
}

TEST_CASE("map's gradients do not depend on the number of threads") {
  const ThreadCount restore;
  const Variable x = watch(numbers(Shape{300, 400}, 1)), bias = watch(numbers(Shape{1, 400}, 2));
  const auto gradients = [&] { return gradient(sum(square(tanh(x + bias))), x, bias); };
  set_num_threads(1);
  const auto [dx, db] = gradients();
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    const auto [other_dx, other_db] = gradients();
    INFO(threads << " threads");
    CHECK(same_bits(dx.value(), other_dx.value()));
    CHECK(same_bits(db.value(), other_db.value()));
  }
}

TEST_CASE("map refuses shapes that do not fit and functions of constants only") {
  const Variable a(Tensor<float, 2>({1, 3})), b(Tensor<float, 2>({2, 3})), c(Tensor<float, 2>({4, 3}));
  CHECK_THROWS_MATCHES(map([](auto s, auto t, auto u) { return s + t + u; }, a, b, c), ShapeError,
                       Message("map: expected shapes that agree or have size 1, axis by axis from the last, but got "
                               "[1, 3], [2, 3] and [4, 3]"));
  CHECK_THROWS_MATCHES(
      map([](auto t) { return t * exp(Symbol(2)); }, a), ArgumentError,
      Message("map: expected a function of the argument but got one of constants only; compute it outside "
              "of the lambda"));
  CHECK_THROWS_MATCHES(
      map([](auto t) { return t * maximum(Symbol(2), 3); }, a), ArgumentError,
      Message("map: expected a function of the argument but got one of constants only; compute it outside "
              "of the lambda"));
  CHECK_THROWS_MATCHES(
      map([](auto t) { return t * minimum(Symbol(2), 3); }, a), ArgumentError,
      Message("map: expected a function of the argument but got one of constants only; compute it outside "
              "of the lambda"));
  CHECK_THROWS_MATCHES(map(
                           [](auto t) {
                             for (int i = 0; i < 10'001; ++i) t = t + i;
                             return t;
                           },
                           a),
                       ArgumentError, Message("map: expected a formula of at most 10000 steps but got more"));
}
