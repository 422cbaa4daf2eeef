// SPDX-License-Identifier: MIT
// Laws that hold for all numbers and sizes, tried with random ones. A failure shows the number of its case, which draws
// the same numbers in every run. EIGENESIS_PROPERTY_CASES=10000 tries more.
#include <cstdlib>
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

/// What a case draws.
struct Draw {
  Rng rng;

  Index size(Index low, Index high) {
    return low + static_cast<Index>(rng.uniform() * static_cast<double>(high - low + 1));
  }
  double number(double low = -2, double high = 2) { return low + (high - low) * rng.uniform(); }
  template <class T = double, int Rank>
  Tensor<T, Rank> normal(const Shape<Rank>& shape, double scale = 1) {
    Tensor<T, Rank> x(shape);
    rng.fill_normal(x.data(), x.size());
    for (T& value : x.values()) value *= static_cast<T>(scale);
    return x;
  }
  template <class T = double, int Rank>
  Variable<T, Rank> variable(const Shape<Rank>& shape, double scale = 1) {
    return watch(normal<T>(shape, scale));
  }
  Shape<3> shape() { return {size(1, 4), size(1, 5), size(1, 6)}; }
  std::vector<Index> order(Index n) {
    std::vector<Index> result(static_cast<std::size_t>(n));
    std::iota(result.begin(), result.end(), Index{0});
    for (Index i = n - 1; i > 0; --i)
      std::swap(result[static_cast<std::size_t>(i)], result[static_cast<std::size_t>(size(0, i))]);
    return result;
  }
};

template <class F>
void for_cases(std::uint64_t cases, F f) {
  if (const char* const more = std::getenv("EIGENESIS_PROPERTY_CASES")) cases = std::strtoull(more, nullptr, 10);
  for (std::uint64_t number = 1; number <= cases; ++number) {
    INFO("case " << number);
    Draw draw{Rng(number)};
    f(draw);
  }
}

template <class T, int Rank>
double dot(const Variable<T, Rank>& a, const Variable<T, Rank>& b) {
  return (a.value().array().template cast<double>() * b.value().array().template cast<double>()).sum();
}

/// The furthest two elements are apart, relative to the largest element.
template <class T, int Rank>
double distance(const Tensor<T, Rank>& a, const Tensor<T, Rank>& b) {
  if (a.shape() != b.shape()) return INFINITY;
  if (a.size() == 0) return 0;
  const double scale = std::max(
      {static_cast<double>(a.array().abs().maxCoeff()), static_cast<double>(b.array().abs().maxCoeff()), 1e-3});
  return static_cast<double>((a.array() - b.array()).abs().maxCoeff()) / scale;
}
template <class T, int Rank>
double distance(const Variable<T, Rank>& a, const Variable<T, Rank>& b) {
  return distance(a.value(), b.value());
}
template <class T, int Rank>
bool equal(const Variable<T, Rank>& a, const Variable<T, Rank>& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.value().values(), b.value().values());
}
template <class T, int Rank>
bool equal(const Tensor<T, Rank>& a, const Tensor<T, Rank>& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.values(), b.values());
}

/// The samples of x in another order.
template <class T, int Rank>
Variable<T, Rank> reordered(const Variable<T, Rank>& x, const std::vector<Index>& order) {
  std::vector<Variable<T, Rank>> samples;
  for (const Index i : order) samples.push_back(slice(x, 0, i, i + 1));
  return concatenate(samples, 0);
}

constexpr double exact = 1e-12;

struct Convolution {
  Index kernel, other, in, out;
  ConvolutionOptions options;
  Shape<4> image;

  explicit Convolution(Draw& draw)
      : kernel(draw.size(1, 4)),
        other(draw.size(1, 4)),
        in(draw.size(1, 5)),
        out(draw.size(1, 5)),
        options{draw.size(1, 3), draw.size(0, 2), draw.size(1, 2)},
        image{draw.size(1, 3), draw.size(7, 12), draw.size(7, 12), in} {}
  Shape<4> weight() const { return {kernel, other, in, out}; }
};

}  // namespace

TEMPLATE_TEST_CASE("A convolution's gradients are its adjoints, in image and weight", "", float, double) {
  for_cases(2000, [](Draw& draw) {
    const Convolution c(draw);
    const auto x = draw.variable<TestType>(c.image), w = draw.variable<TestType>(c.weight());
    const auto y = conv2d(x, w, c.options);
    const auto v = draw.variable<TestType>(y.shape());
    const auto [dx, dw] = gradient(sum(y * v), x, w);
    const double tolerance = (sizeof(TestType) == 4 ? 1e-5 : exact) * std::sqrt(dot(y, y) * dot(v, v));
    CHECK_THAT(dot(y, v), WithinAbs(dot(x, dx), tolerance));
    CHECK_THAT(dot(y, v), WithinAbs(dot(w, dw), tolerance));
  });
}

TEST_CASE("A transposed convolution is the adjoint of the convolution") {
  for_cases(2000, [](Draw& draw) {
    const Convolution c(draw);
    const auto x = draw.variable(c.image), w = draw.variable(c.weight());
    const auto [stride, padding, dilation] = c.options;
    const auto left = [&, s = stride, p = padding, d = dilation](int axis, Index kernel) {
      return (c.image[axis] + 2 * p - d * (kernel - 1) - 1) % s;
    };
    if (left(1, c.kernel) != left(2, c.other)) return;
    const auto y = conv2d(x, w, c.options), v = draw.variable(y.shape());
    const auto back = conv_transpose2d(v, w, {stride, padding, left(1, c.kernel), dilation});
    REQUIRE(back.shape() == x.shape());
    CHECK_THAT(dot(y, v), WithinAbs(dot(x, back), exact * std::sqrt(dot(y, y) * dot(v, v)) + exact));
  });
}

TEST_CASE("Convolutions are linear in image and weight") {
  for_cases(1000, [](Draw& draw) {
    const Convolution c(draw);
    const auto x = draw.variable(c.image), z = draw.variable(c.image), w = draw.variable(c.weight()),
               u = draw.variable(c.weight());
    const double a = draw.number();
    CHECK(distance(conv2d(a * x + z, w, c.options), a * conv2d(x, w, c.options) + conv2d(z, w, c.options)) < exact);
    CHECK(distance(conv2d(x, a * w + u, c.options), a * conv2d(x, w, c.options) + conv2d(x, u, c.options)) < exact);
  });
}

TEST_CASE("A convolution moves with its image") {
  for_cases(1000, [](Draw& draw) {
    const auto x = draw.variable(Shape{Index{1}, Index{9}, Index{9}, Index{2}}),
               w = draw.variable(Shape{Index{3}, Index{3}, Index{2}, Index{3}});
    const Index shift = draw.size(1, 3);
    const auto moved = pad(slice(x, 1, 0, 9 - shift), 1, shift, 0);
    CHECK(distance(slice(conv2d(moved, w), 1, shift, 7), slice(conv2d(x, w), 1, 0, 7 - shift)) < exact);
  });
}

TEST_CASE("Products of matrices: transposes, distribution and association") {
  for_cases(3000, [](Draw& draw) {
    const Index m = draw.size(1, 9), k = draw.size(1, 9), n = draw.size(1, 9), p = draw.size(1, 9);
    const auto a = draw.variable(Shape{m, k}), b = draw.variable(Shape{k, n}), c = draw.variable(Shape{k, n}),
               d = draw.variable(Shape{n, p});
    CHECK(distance(transpose(matmul(a, b)), matmul(transposed(b), transposed(a))) < exact);
    CHECK(distance(matmul(a, b), matmul(a, transposed(transpose(b)))) < exact);
    CHECK(distance(matmul(a, b + c), matmul(a, b) + matmul(a, c)) < 1e-11);
    CHECK(distance(matmul(matmul(a, b), d), matmul(a, matmul(b, d))) < 1e-11);
    const auto bias = draw.variable(Shape{n});
    CHECK(distance(matmul(a, b, bias), matmul(a, b) + bias) < exact);
  });
}

TEST_CASE("Stretching in arithmetic is broadcast, and its gradient is summed over what was stretched") {
  for_cases(3000, [](Draw& draw) {
    const Shape shape = draw.shape();
    Shape<3> part = shape;
    for (int axis = 0; axis < 3; ++axis)
      if (draw.number(0, 1) < 0.5) part[axis] = 1;
    const auto x = draw.variable(shape), y = draw.variable(part);
    CHECK(equal(x + y, x + broadcast(y, shape)));
    CHECK(equal(x * y, x * broadcast(y, shape)));
    CHECK(equal(y - x, broadcast(y, shape) - x));
    CHECK(distance(gradient(sum(x * y), y), sum_to(x, part)) < exact);
    CHECK_THAT(dot(broadcast(y, shape), x), WithinAbs(dot(y, sum_to(x, part)), 1e-10));  // adjoint
  });
}

TEST_CASE("Sums along axes add up to the whole in any order") {
  for_cases(3000, [](Draw& draw) {
    const auto x = draw.variable(draw.shape());
    const double whole = sum(x).item();
    for (const int axis : {0, 1, 2}) {
      CHECK_THAT(sum(sum(x, axis)).item(), WithinAbs(whole, 1e-11));
      CHECK(distance(mean(x, axis) * x.shape(axis), sum(x, axis)) < exact);
    }
    CHECK_THAT(sum(sum_per_sample(x)).item(), WithinAbs(whole, 1e-11));
    CHECK(distance(sum(sum(x, 2), 1), sum_per_sample(x)) < exact);
  });
}

TEST_CASE("Split parts, concatenated again, are the whole, and so are their gradients") {
  for_cases(3000, [](Draw& draw) {
    const auto x = draw.variable(draw.shape());
    const int axis = static_cast<int>(draw.size(-3, 2));
    const Index at = draw.size(0, x.shape(axis));
    const auto joined = concatenate({slice(x, axis, 0, at), slice(x, axis, at, x.shape(axis))}, axis);
    CHECK(equal(joined, x));
    CHECK(equal(concatenate(split(x, axis, {at, x.shape(axis) - at}), axis), x));
    const auto v = draw.variable(x.shape());
    CHECK(equal(gradient(sum(joined * v), x), v));
  });
}

TEST_CASE("Padding, cut off again, leaves the same, and is the adjoint of the cut") {
  for_cases(3000, [](Draw& draw) {
    const auto x = draw.variable(draw.shape());
    const int axis = static_cast<int>(draw.size(0, 2));
    const Index before = draw.size(0, 3), after = draw.size(0, 3);
    const auto padded = pad(x, axis, before, after);
    CHECK(equal(slice(padded, axis, before, before + x.shape(axis)), x));
    CHECK(sum(padded).item() == Approx(sum(x).item()).margin(1e-12));
    const auto v = draw.variable(padded.shape());
    CHECK_THAT(dot(padded, v), WithinAbs(dot(x, slice(v, axis, before, before + x.shape(axis))), 1e-11));
  });
}

TEST_CASE("Transposing twice, reshaping there and back, flattening and unflattening change nothing") {
  for_cases(3000, [](Draw& draw) {
    const auto x = draw.variable(draw.shape());
    CHECK(equal(transpose(transpose(x)), x));
    CHECK(equal(reshape(reshape(x, Shape{x.size()}), x.shape()), x));
    const auto image = draw.variable(Shape{draw.size(1, 3), draw.size(1, 4), draw.size(1, 4), draw.size(1, 4)});
    for (const RowOrder order : {RowOrder::channels_last, RowOrder::channels_first})
      CHECK(equal(Unflatten{image.shape(1), image.shape(2), image.shape(3), order}(Flatten{order}(image)), image));
  });
}

TEST_CASE("softmax does not change with a shift, adds up to 1 and is the gradient of logsumexp") {
  for_cases(3000, [](Draw& draw) {
    const auto x = draw.variable(draw.shape(), 3);
    const int axis = static_cast<int>(draw.size(0, 2));
    const double shift = draw.number(-50, 50);
    CHECK(distance(softmax(x + shift, axis), softmax(x, axis)) < 1e-11);
    CHECK(distance(log_softmax(x + shift, axis), log_softmax(x, axis)) < 1e-11);
    CHECK(distance(logsumexp(x + shift, axis), logsumexp(x, axis) + shift) < exact);
    CHECK(distance(exp(log_softmax(x, axis)), softmax(x, axis)) < exact);
    const auto total = sum(softmax(x, axis), axis);
    CHECK((total.value().array() - 1).abs().maxCoeff() < exact);
    CHECK(distance(gradient(sum(logsumexp(x, axis)), x), softmax(x, axis)) < exact);
    const auto above = logsumexp(x, axis) - maximum(x, axis);
    CHECK(above.value().array().minCoeff() >= 0);
    CHECK(above.value().array().maxCoeff() <= std::log(static_cast<double>(x.shape(axis))) + exact);
  });
}

TEST_CASE("maximum and minimum are a pair, and of one axis the maximum is there") {
  for_cases(3000, [](Draw& draw) {
    const auto x = draw.variable(draw.shape()), y = draw.variable(x.shape());
    CHECK(equal(maximum(x, y), -minimum(-x, -y)));
    CHECK(distance(maximum(x, y) + minimum(x, y), x + y) < exact);
    CHECK(equal(maximum(x, y), maximum(y, x)));
    for (const int axis : {0, 1, 2})
      for (Index i = 0; i < x.shape(axis); ++i)
        CHECK((maximum(x, axis).value().array() >=
               reshape(slice(x, axis, i, i + 1), maximum(x, axis).shape()).value().array())
                  .all());
    const auto low = std::min(draw.number(), 0.0), high = low + draw.number(0, 2);
    CHECK(equal(clamp(clamp(x, low, high), low, high), clamp(x, low, high)));
    CHECK(equal(clamp(x, low, high), minimum(maximum(x, Variable(Tensor<double, 3>(x.shape(), low))),
                                             Variable(Tensor<double, 3>(x.shape(), high)))));
    CHECK(distance(relu(x) - relu(-x), x) < exact);
    CHECK(distance(relu(x) + relu(-x), abs(x)) < exact);
  });
}

TEST_CASE("Elementary functions satisfy their functional equations") {
  for_cases(2000, [](Draw& draw) {
    const auto x = draw.variable(Shape{Index{7}}), y = draw.variable(Shape{Index{7}});
    const auto near = [](const auto& a, const auto& b) { return distance(a, b) < 1e-11; };
    CHECK(near(exp(x + y), exp(x) * exp(y)));
    CHECK(near(log(exp(x)), x));
    CHECK(near(log1p(expm1(x)), x));
    CHECK(near(square(sin(x)) + square(cos(x)), 0 * x + 1));
    CHECK(near(sin(x + y), sin(x) * cos(y) + cos(x) * sin(y)));
    CHECK(near(tanh(x), 2 * sigmoid(2 * x) - 1));
    CHECK(near(sigmoid(-x), 1 - sigmoid(x)));
    CHECK(near(softplus(x) - softplus(-x), x));
    CHECK(near(erf(-x), -erf(x)));
    CHECK(near(gelu(x) - gelu(-x), x));
    CHECK(near(square(sqrt(abs(x))), abs(x)));
    CHECK(near(pow(exp(x), 1.5), exp(1.5 * x)));
    CHECK(near(leaky_relu(x, 0.3), relu(x) - 0.3 * relu(-x)));
    CHECK(near(elu(x, 2), relu(x) + 2 * expm1(minimum(x, 0 * x))));
  });
}

TEST_CASE("Pooling and upsampling: means of copies are the pixels, both are adjoints") {
  for_cases(1000, [](Draw& draw) {
    const Index factor = draw.size(1, 3);
    const auto x = draw.variable(Shape{draw.size(1, 2), draw.size(1, 4), draw.size(1, 4), draw.size(1, 20)});
    const auto larger = upsample2d(x, factor);
    CHECK(distance(avg_pool2d(larger, factor), x) < exact);
    CHECK(equal(max_pool2d(larger, factor), x));
    const auto v = draw.variable(larger.shape());
    CHECK_THAT(dot(larger, v), WithinAbs(static_cast<double>(factor * factor) * dot(x, avg_pool2d(v, factor)), 1e-10));
    CHECK((max_pool2d(v, factor).value().array() >= avg_pool2d(v, factor).value().array() - exact).all());
    CHECK(equal(max_pool2d(exp(v), factor), exp(max_pool2d(v, factor))));  // exp grows everywhere
    CHECK_THAT(mean(upsample2d(0 * x + 3, factor, Interpolation::bilinear)).item(), WithinRel(3, exact));
  });
}

TEST_CASE("Gradients are linear in what is differentiated, and derivatives commute") {
  const auto f = [](const auto& x) { return sum(exp(0.3 * x) * sin(slice(x, 0, 1, 2))); };
  const auto g = [](const auto& x) { return sum(square(tanh(x)) * x); };
  for_cases(200, [&](Draw& draw) {
    const auto x = draw.variable(Shape{Index{5}});
    const double a = draw.number(), b = draw.number();
    CHECK(distance(gradient(a * f(x) + b * g(x), x), a * gradient(f(x), x) + b * gradient(g(x), x)) < 1e-11);
    const auto u = draw.variable(x.shape()), v = draw.variable(x.shape());
    const auto slope = gradient(f(x) * g(x), x);
    CHECK_THAT(dot(v, gradient(sum(u * slope), x)), WithinAbs(dot(u, gradient(sum(v * slope), x)), 1e-10));
    // The gradient of a product.
    CHECK(distance(slope, gradient(f(x), x) * g(x) + f(x) * gradient(g(x), x)) < 1e-11);
  });
}

TEST_CASE("A network of ReLU without biases is homogeneous, so <x, gradient> is its value") {
  for_cases(1000, [](Draw& draw) {
    const Index in = draw.size(1, 6), hidden = draw.size(1, 8);
    const auto x = draw.variable(Shape{draw.size(1, 4), in}), w = draw.variable(Shape{in, hidden}),
               u = draw.variable(Shape{hidden, Index{1}});
    const auto y = sum(matmul(relu(matmul(x, w)), u));
    const auto [dx, dw, du] = gradient(y, x, w, u);
    CHECK_THAT(dot(x, dx), WithinAbs(y.item(), 1e-10));
    CHECK_THAT(dot(w, dw), WithinAbs(y.item(), 1e-10));
    CHECK_THAT(dot(u, du), WithinAbs(y.item(), 1e-10));
  });
}

TEST_CASE("Layers treat samples alike: another order of the batch is another order of the results") {
  for_cases(600, [](Draw& draw) {
    const Index n = draw.size(2, 6), channels = draw.size(1, 4);
    const auto order = draw.order(n);
    const auto x = draw.variable(Shape{n, Index{6}, Index{5}, channels});
    Rng rng(3);
    const auto check = [&](const auto& layer, double tolerance = exact) {
      CHECK(distance(layer(reordered(x, order)), reordered(layer(x), order)) < tolerance);
    };
    check(Conv2d<double>(channels, 3, 3, {.stride = 2, .padding = 1}, rng));
    check(ConvTranspose2d<double>(channels, 2, 4, {.stride = 2, .padding = 1}, rng));
    check(LayerNorm<double>(channels));
    check(InstanceNorm<double>(channels));
    check([](const auto& t) { return max_pool2d(t, 2); });
    check([](const auto& t) { return upsample2d(t, 2, Interpolation::bilinear); });
    const BatchNorm<double> norm(channels);
    check([&](const auto& t) { return norm(t, Pass::training(rng).without_updates()); }, 1e-11);
    check(norm);
    const Linear<double> linear(30 * channels, 3, rng);
    check([&](const auto& t) { return linear(Flatten{}(t)); });
    check([&](const auto& t) { return StandardNormal<double>(30 * channels).log_prob(Flatten{}(t)); });
  });
}

TEST_CASE("BatchNorm makes mean 0 and variance 1, whatever scale and offset its input had") {
  for_cases(2000, [](Draw& draw) {
    const Index n = draw.size(2, 40), features = draw.size(1, 5);
    const auto x = draw.variable(Shape{n, features});
    Rng rng(1);
    BatchNorm<double> norm(features);
    norm.epsilon = 0;
    const auto y = norm(x, Pass::training(rng));
    CHECK(mean(y, 0).value().array().abs().maxCoeff() < 1e-9);
    CHECK((mean(square(y), 0).value().array() - 1).abs().maxCoeff() < 1e-9);
    CHECK(distance(norm(draw.number(0.5, 3) * x + draw.number(-9, 9), Pass::training(rng)), y) < 1e-8);
    const auto v = draw.variable(y.shape());
    const auto dx = gradient(sum(v * y), x);  // no slope in the directions that change nothing: offset and scale
    CHECK(sum(dx, 0).value().array().abs().maxCoeff() < 1e-8 * (1 + dx.value().array().abs().maxCoeff()));
    CHECK(sum(dx * (x - mean(x, 0)), 0).value().array().abs().maxCoeff() <
          1e-8 * (1 + dx.value().array().abs().maxCoeff()));
  });
}

TEST_CASE("BatchNorm's running statistics are a moving average of the batches' mean and unbiased variance") {
  for_cases(1000, [](Draw& draw) {
    const Index n = draw.size(2, 9);
    BatchNorm<double> norm(1);
    norm.momentum = draw.number(0, 1);
    double running_mean = 0, running_variance = 1;
    Rng rng(1);
    for (int step = 0; step < 3; ++step) {
      const auto x = draw.normal(Shape{n, Index{1}});
      norm(Variable(x), Pass::training(rng));
      const double average = x.array().mean(),
                   variance = (x.array() - average).square().sum() / static_cast<double>(n - 1);
      running_mean = (1 - norm.momentum) * running_mean + norm.momentum * average;
      running_variance = (1 - norm.momentum) * running_variance + norm.momentum * variance;
    }
    CHECK_THAT(norm.running_mean(0), WithinAbs(running_mean, exact));
    CHECK_THAT(norm.running_variance(0), WithinAbs(running_variance, 1e-11));
  });
}

TEST_CASE("LayerNorm and InstanceNorm make mean 0 and variance 1 of their groups") {
  for_cases(1000, [](Draw& draw) {
    const Index features = draw.size(2, 6);
    LayerNorm<double> layer(features);
    InstanceNorm<double> instance(features);
    layer.epsilon = instance.epsilon = 0;
    const auto x = draw.variable(Shape{Index{2}, Index{3}, Index{4}, features});
    const auto rows = layer(x);
    CHECK(mean(rows, 3).value().array().abs().maxCoeff() < 1e-9);
    CHECK((mean(square(rows), 3).value().array() - 1).abs().maxCoeff() < 1e-9);
    const auto pixels = reshape(instance(x), Shape{Index{2}, Index{12}, features});
    CHECK(mean(pixels, 1).value().array().abs().maxCoeff() < 1e-9);
    CHECK((mean(square(pixels), 1).value().array() - 1).abs().maxCoeff() < 1e-9);
  });
}

TEST_CASE("Dropout gives 0 or x / (1 - p), and its gradient is the same mask") {
  for_cases(1000, [](Draw& draw) {
    const double p = draw.number(0, 0.95);
    const auto x = draw.variable(Shape{Index{5}, Index{6}});
    Rng rng(4);
    const auto y = Dropout(p)(x, Pass::training(rng));
    const auto mask = gradient(sum(y), x);
    for (const double m : mask.value().values()) CHECK((m == 0 || m == Approx(1 / (1 - p))));
    CHECK(distance(y, x * mask) < exact);
    CHECK(equal(Dropout(p)(x), x));
  });
}

TEST_CASE("Divergences are 0 for equal distributions, not negative, and do not change with what both share") {
  for_cases(2000, [](Draw& draw) {
    const Shape shape{draw.size(1, 4), draw.size(1, 5)};
    const auto m = draw.variable(shape), l = draw.variable(shape), n = draw.variable(shape), k = draw.variable(shape);
    CHECK((kl_divergence(Normal{m, l}, Normal{m, l}).value().array() == 0).all());
    CHECK(kl_divergence(Normal{m, l}, Normal{n, k}).value().array().minCoeff() >= 0);
    CHECK(kl_divergence(Bernoulli{m}, Bernoulli{n}).value().array().minCoeff() >= -exact);
    CHECK(kl_divergence(Categorical{m}, Categorical{n}).value().array().minCoeff() >= -exact);
    const double shift = draw.number();
    CHECK(distance(kl_divergence(Normal{m + shift, l}, Normal{n + shift, k}),
                   kl_divergence(Normal{m, l}, Normal{n, k})) < 1e-10);
    const double scale = draw.number(0.5, 2), ln = 2 * std::log(scale);
    CHECK(distance(kl_divergence(Normal{scale * m, l + ln}, Normal{scale * n, k + ln}),
                   kl_divergence(Normal{m, l}, Normal{n, k})) < 1e-10);
    CHECK(distance(kl_divergence(Normal{m, l}, StandardNormal<double>(shape[1])),
                   kl_divergence(Normal{m, l}, Normal{0 * m, 0 * l})) < 1e-11);
    CHECK(distance(kl_divergence(Bernoulli{m}, Bernoulli{n}), kl_divergence(Bernoulli{-m}, Bernoulli{-n})) < 1e-10);
    CHECK(distance(kl_divergence(Categorical{m + shift}, Categorical{n}),
                   kl_divergence(Categorical{m}, Categorical{n})) < 1e-10);
    // Two coins are a choice of two: logits l and 0.
    const auto single = slice(m, 1, 0, 1), other = slice(n, 1, 0, 1);
    CHECK(distance(kl_divergence(Categorical{concatenate({single, 0 * single}, 1)},
                                 Categorical{concatenate({other, 0 * other}, 1)}),
                   kl_divergence(Bernoulli{single}, Bernoulli{other})) < 1e-9);
  });
}

TEST_CASE("The divergence is cross-entropy minus entropy, and densities follow their distributions") {
  for_cases(2000, [](Draw& draw) {
    const Shape shape{draw.size(1, 4), draw.size(1, 5)};
    const auto m = draw.variable(shape), l = draw.variable(shape), x = draw.variable(shape);
    CHECK(distance(Normal{m, l}.log_prob(x), Normal{-m, l}.log_prob(-x)) < 1e-11);
    CHECK(distance(Normal{0 * m, 0 * l}.log_prob(x), StandardNormal<double>(shape[1]).log_prob(x)) < 1e-11);
    // E over q of log p(x) for p = sum of all outcomes of one coin.
    const auto q = slice(m, 1, 0, 1), p = slice(x, 1, 0, 1);
    const auto one = 0 * q + 1, zero = 0 * q;
    const auto probability = reshape(sigmoid(q), Shape{shape[0]});
    const auto cross = -(probability * Bernoulli{p}.log_prob(one) + (1 - probability) * Bernoulli{p}.log_prob(zero));
    CHECK(distance(kl_divergence(Bernoulli{q}, Bernoulli{p}), cross - Bernoulli{q}.entropy()) < 1e-9);
    CHECK(distance(exp(Bernoulli{q}.log_prob(one)) + exp(Bernoulli{q}.log_prob(zero)), 0 * probability + 1) < 1e-11);
    CHECK(distance(Bernoulli{m}.log_prob(sigmoid(x)), Bernoulli{-m}.log_prob(1 - sigmoid(x))) < 1e-11);
    CHECK(Bernoulli{q}.entropy().value().array().maxCoeff() <= std::numbers::ln2 + exact);
    CHECK(Categorical{m}.entropy().value().array().maxCoeff() <= std::log(static_cast<double>(shape[1])) + exact);
    CHECK(distance(SquaredError{}(m).log_prob(x), -sum_per_sample(square(x - m))) < exact);
    CHECK(distance(NormalLikelihood{0.5}(m).log_prob(x), Normal{m, 0 * m + 2 * std::log(0.5)}.log_prob(x)) < 1e-11);
    // The entropy is the mean of -log_prob over all classes.
    std::vector<int> classes(static_cast<std::size_t>(shape[0]));
    auto total = Variable(Tensor<double, 1>(Shape{shape[0]}, 0.0));
    for (int label = 0; label < static_cast<int>(shape[1]); ++label) {
      std::ranges::fill(classes, label);
      const auto log_p = Categorical{m}.log_prob(classes);
      total = total - exp(log_p) * log_p;
    }
    CHECK(distance(total, Categorical{m}.entropy()) < 1e-11);
  });
}

TEST_CASE("GAN games have their symmetries") {
  for_cases(2000, [](Draw& draw) {
    const Shape shape{draw.size(1, 6), Index{1}};
    const auto real = draw.variable(shape), fake = draw.variable(shape);
    const auto near = [](const auto& a, const auto& b) { return std::fabs(a.item() - b.item()) < 1e-12; };
    CHECK(near(Minimax{}.discriminator_loss(real, fake), Minimax{}.discriminator_loss(-fake, -real)));
    CHECK(near(Minimax{}.discriminator_loss(real, fake), NonSaturating{}.discriminator_loss(real, fake)));
    CHECK(near(NonSaturating{}.generator_loss(fake) + Minimax{}.generator_loss(fake), -mean(fake)));
    CHECK(near(Hinge{}.discriminator_loss(real, fake), Hinge{}.discriminator_loss(-fake, -real)));
    CHECK(near(LeastSquares{}.discriminator_loss(real, fake), LeastSquares{}.discriminator_loss(1 - fake, 1 - real)));
    CHECK(near(Wasserstein{}.discriminator_loss(real, fake), -Wasserstein{}.discriminator_loss(fake, real)));
    CHECK(near(Wasserstein{}.generator_loss(fake) - Wasserstein{}.generator_loss(real),
               -Wasserstein{}.discriminator_loss(real, fake)));
    CHECK(near(Relativistic{}.discriminator_loss(real, fake), Relativistic{}.generator_loss(fake, real)));
    CHECK(near(Relativistic{}.discriminator_loss(real, fake) - Relativistic{}.generator_loss(real, fake),
               mean(fake) - mean(real)));
  });
}

TEST_CASE("Penalties of a linear critic are those of its slope, whatever the samples") {
  for_cases(1000, [](Draw& draw) {
    const Index n = draw.size(1, 5), features = draw.size(1, 4);
    const auto w = draw.variable(Shape{features, Index{1}});
    const auto critic = [&](const auto& x) { return matmul(x, w); };
    const Variable real(draw.normal(Shape{n, features})), fake(draw.normal(Shape{n, features}));
    const double norm = std::sqrt(dot(w, w)), gamma = draw.number(0, 20);
    CHECK_THAT(R1{gamma}(critic, real, fake, draw.rng).item(), WithinRel(gamma / 2 * norm * norm, 1e-11));
    const auto penalty = GradientPenalty{gamma}(critic, real, fake, draw.rng);
    CHECK_THAT(penalty.item(), WithinAbs(gamma * (norm - 1) * (norm - 1), 1e-8));
    CHECK(distance(gradient(penalty, w), 2 * gamma * (norm - 1) / norm * w) < 1e-6);
  });
}

namespace {

struct TwoParameters {
  Parameter<double, 2> weight;
  Parameter<double, 1> bias;
  bool swapped = false;
  static void fields(auto& self, auto&& field) {
    if (self.swapped) field("bias", self.bias);
    field("weight", self.weight);
    if (!self.swapped) field("bias", self.bias);
  }
};

}  // namespace

TEST_CASE("A step of an optimizer does not depend on the order of the parameters") {
  for_cases(600, [](Draw& draw) {
    const auto weight = draw.normal(Shape{Index{3}, Index{2}});
    const auto bias = draw.normal(Shape{Index{2}});
    const Variable x(draw.normal(Shape{Index{4}, Index{3}}));
    const auto check = [&](auto optimizer) {
      auto other = optimizer;
      TwoParameters model{weight, bias, false}, swapped{weight, bias, true};
      for (int step = 0; step < 3; ++step) {
        const auto loss = [&](const TwoParameters& m) { return mean(square(matmul(x, m.weight, m.bias))); };
        optimizer.minimize(loss(model), model);
        other.minimize(loss(swapped), swapped);
      }
      CHECK(distance(model.weight.value(), swapped.weight.value()) < exact);
      CHECK(distance(model.bias.value(), swapped.bias.value()) < exact);
    };
    check(
        Sgd<double>{{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.01, .clip_norm = 0.5}});
    check(RmsProp<double>{{.momentum = 0.5, .clip_value = 0.1}});
    check(Adam<double>{{.weight_decay = 0.01, .clip_norm = 0.5}});
    check(AdamW<double>{});
  });
}

TEST_CASE("Optimizers: the first steps are the papers', and the size of the loss means nothing to Adam") {
  for_cases(1000, [](Draw& draw) {
    const auto start = draw.normal(Shape{Index{6}}), slope = draw.normal(Shape{Index{6}});
    const auto after = [&](auto optimizer, double scale, int steps) {
      TwoParameters model{Tensor<double, 2>(Shape{1, 1}, 0.0), start, false};
      for (int i = 0; i < steps; ++i)
        optimizer.minimize(scale * sum(model.bias * Variable(slope)) + sum(model.weight), model);
      return model.bias.value();
    };
    const double rate = draw.number(0.01, 1), momentum = draw.number(0, 0.99);
    Tensor<double, 1> expected = start;
    expected.array() -= rate * slope.array();
    CHECK(distance(after(Sgd<double>{{.learning_rate = rate}}, 1, 1), expected) < exact);
    expected.array() -= rate * (1 + momentum) * slope.array();
    CHECK(distance(after(Sgd<double>{{.learning_rate = rate, .momentum = momentum}}, 1, 2), expected) < exact);
    // A constant gradient: each step of Adam is the rate, against its sign.
    expected.array() = start.array() - 5 * rate * slope.array().sign();
    CHECK(distance(after(Adam<double>{{.learning_rate = rate, .epsilon = 0}}, 1, 5), expected) < 1e-9);
    CHECK(distance(after(Adam<double>{{.learning_rate = rate, .epsilon = 0}}, 1e3, 5), expected) < 1e-9);
    expected.array() = start.array() - rate * slope.array().sign() / std::sqrt(1 - 0.9);
    CHECK(distance(after(RmsProp<double>{{.learning_rate = rate, .alpha = 0.9, .epsilon = 0}}, 7, 1), expected) < 1e-9);
    const double decay = draw.number(0, 0.5);
    expected.array() = (1 - rate * decay) * start.array() - rate * slope.array().sign();
    CHECK(distance(after(AdamW<double>{{.learning_rate = rate, .epsilon = 0, .weight_decay = decay}}, 1, 1), expected) <
          1e-9);
  });
}

TEST_CASE("Clipping keeps the direction of gradients and bounds their norm") {
  for_cases(1000, [](Draw& draw) {
    const auto slope = draw.normal(Shape{Index{3}, Index{2}}, draw.number(0.1, 5));
    TwoParameters model{Tensor<double, 2>(Shape{3, 2}, 0.0), draw.normal(Shape{Index{4}})};
    const auto gradients = [&] {
      return parameter_gradients(sum(model.weight * Variable(slope)) + sum(square(model.bias)), model);
    };
    auto clipped = gradients();
    const auto free = gradients();
    const double limit = draw.number(0.1, 5), before = clipped.clip_norm(limit);
    CHECK_THAT(
        before,
        WithinRel(std::sqrt(slope.array().square().sum() + 4 * model.bias.value().array().square().sum()), 1e-12));
    CHECK(clipped.norm() <= limit + exact);
    CHECK_THAT(clipped.norm(), WithinRel(std::min(before, limit), 1e-4));
    for (std::size_t p = 0; p < 2; ++p)
      for (std::size_t i = 0; i < free[p].size(); ++i)
        CHECK_THAT(clipped[p][i] * before, WithinAbs(free[p][i] * clipped.norm(), 1e-9));
    auto bounded = gradients();
    bounded.clip_value(limit);
    for (std::size_t p = 0; p < 2; ++p)
      for (std::size_t i = 0; i < free[p].size(); ++i) CHECK(bounded[p][i] == std::clamp(free[p][i], -limit, limit));
  });
}

TEST_CASE("A moving average lies between where it was and the model") {
  for_cases(1000, [](Draw& draw) {
    const double decay = draw.number(0, 0.999);
    TwoParameters model{draw.normal(Shape{Index{2}, Index{2}}), draw.normal(Shape{Index{3}})};
    MovingAverage average{model, {.decay = decay, .warm_up = false}};
    const auto start = model.bias.value();
    model.bias.mutable_value() = draw.normal(Shape{Index{3}});
    Tensor<double, 1> expected = start;
    for (int i = 0; i < 3; ++i) {
      average.update(model);
      expected.array() = decay * expected.array() + (1 - decay) * model.bias.value().array();
    }
    CHECK(distance(average.model.bias.value(), expected) < exact);
    CHECK(average.steps() == 3);
    MovingAverage warm{TwoParameters{model.weight.value(), start}, {.decay = 0.99}};
    warm.update(model);  // decay 1 / 10 in the first update
    expected.array() = 0.1 * start.array() + 0.9 * model.bias.value().array();
    CHECK(distance(warm.model.bias.value(), expected) < exact);
  });
}

TEST_CASE("A model that is saved and read back is the same, and so is what it computes") {
  const TemporaryDirectory directory;
  for_cases(40, [&](Draw& draw) {
    const Index in = draw.size(1, 3), hidden = draw.size(1, 5), kernel = draw.size(1, 3);
    const auto model_of = [&](Rng rng) {
      return Sequential{Conv2d<double>(in, hidden, kernel, {.padding = kernel / 2}, rng), BatchNorm<double>(hidden),
                        Relu{}, ConvTranspose2d<double>(hidden, 2, kernel, rng), LayerNorm<double>(2)};
    };
    auto model = model_of(Rng(1)), other = model_of(Rng(2));
    const auto x = draw.variable(Shape{Index{3}, Index{6}, Index{5}, in});
    model(x, Pass::training(draw.rng));  // moves the running statistics
    const std::string path = directory / "model.safetensors";
    save_safetensors(path, model);
    CHECK(distance(model(x), other(x)) > 1e-6);
    load_safetensors(path, other);
    CHECK(equal(model(x), other(x)));
    save_safetensors(directory / "again.safetensors", other);
    CHECK(read_bytes(path) == read_bytes(directory / "again.safetensors"));
  });
}

TEST_CASE("Pictures and idx files that are written and read back are the same") {
  const TemporaryDirectory directory;
  for_cases(60, [&](Draw& draw) {
    const Index height = draw.size(1, 12), width = draw.size(1, 12);
    Tensor<float, 3> image(Shape{height, width, draw.number() < 0 ? Index{1} : Index{3}});
    for (float& pixel : image.values()) pixel = static_cast<float>(draw.size(0, 255)) / 255.0f;
    save_png(directory / "image.png", image);
    const auto read = load_image(directory / "image.png");
    REQUIRE(read.size() == image.size());
    CHECK(std::ranges::equal(read.values(), image.values(), [](float a, float b) { return std::fabs(a - b) < 1e-6f; }));

    const Index count = draw.size(1, 4);
    Bytes bytes{0, 0, 8, 3};
    for (const Index size : {count, height, width})
      for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(size >> shift));
    const std::size_t header = bytes.size();
    for (Index i = 0; i < count * height * width; ++i) bytes.push_back(static_cast<std::uint8_t>(draw.size(0, 255)));
    write_bytes(directory / "images-idx3-ubyte", bytes);
    const auto images = read_idx_images(directory / "images-idx3-ubyte");
    REQUIRE(images.shape() == Shape{count, height, width, Index{1}});
    for (Index i = 0; i < images.size(); ++i)
      CHECK(std::lround(255 * images.data()[i]) == bytes[header + static_cast<std::size_t>(i)]);
  });
}

TEST_CASE("A copy of a model does not follow the training of the original") {
  for_cases(400, [](Draw& draw) {
    TwoParameters model{draw.normal(Shape{Index{3}, Index{2}}), draw.normal(Shape{Index{2}})};
    const TwoParameters copy = model;
    const Tensor<double, 2> before = model.weight.value();
    Adam<double> adam;
    adam.minimize(sum(square(model.weight)) + sum(square(model.bias)), model);
    CHECK(equal(copy.weight.value(), before));
    CHECK_FALSE(equal(model.weight.value(), before));
  });
}
