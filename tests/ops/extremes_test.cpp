// SPDX-License-Identifier: MIT
// Numbers at the ends of their range, in float and double, through losses, distributions, normalisation and optimizers.
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
constexpr T largest = std::numeric_limits<T>::max();

/// A row [1, n] to be differentiated.
template <class T>
Variable<T, 2> row(std::initializer_list<double> values) {
  Tensor<T, 2> x(Shape{Index{1}, static_cast<Index>(values.size())});
  std::ranges::transform(values, x.data(), [](double value) { return static_cast<T>(value); });
  return watch(std::move(x));
}

template <class T, int Rank>
std::vector<double> list(const Variable<T, Rank>& x) {
  return {x.value().values().begin(), x.value().values().end()};
}

template <class T, int Rank>
bool all_finite(const Variable<T, Rank>& x) {
  return x.value().array().isFinite().all();
}

double log_sigmoid(double x) { return std::min(x, 0.0) - std::log1p(std::exp(-std::fabs(x))); }
double logistic(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

/// Within a few units of the last place of the larger of the numbers that were added up.
template <class T>
void check_near(double found, double expected, double magnitude) {
  INFO("found " << found << " instead of " << expected);
  CHECK(std::isfinite(found));
  CHECK(std::fabs(found - expected) <=
        4 * std::numeric_limits<T>::epsilon() * std::max(std::fabs(expected), magnitude) +
            std::numeric_limits<T>::min());
}

template <class T>
std::vector<double> logits() {
  std::vector<double> all{0, 1e-30, 0.5, 17, 40, 88.7, 88.8, 89, 103.9, 710, 745, 1e4, 1e30, largest<T>};
  for (std::size_t i = 0, n = all.size(); i < n; ++i) all.push_back(-all[i]);
  for (double& x : all) x = static_cast<double>(static_cast<T>(x));
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("The cross-entropy of logits is exact for logits of any size", "", float, double) {
  using T = TestType;
  for (const double logit : logits<T>())
    for (const double pixel : {0.0, 0.3, 1.0}) {
      INFO("logit " << logit << ", pixel " << pixel);
      const auto x = row<T>({pixel});
      const auto l = row<T>({logit});
      const auto log_prob = sum(Bernoulli{l}.log_prob(x));
      const double t = x.value()(0, 0);
      const double expected = t == 0   ? log_sigmoid(-logit)
                              : t == 1 ? log_sigmoid(logit)
                                       : t * log_sigmoid(logit) + (1 - t) * log_sigmoid(-logit);
      check_near<T>(log_prob.item(), expected, t > 0 ? std::fabs(logit) : 0);
      check_near<T>(gradient(log_prob, l).item(), t - logistic(logit), 1);
    }
  CHECK(sum(Bernoulli{row<T>({1e4})}.log_prob(row<T>({0}))).item() == -T(1e4));
  CHECK(sum(Bernoulli{row<T>({1e4})}.log_prob(row<T>({1}))).item() == 0);
  CHECK(sum(Bernoulli{row<T>({-1e4})}.log_prob(row<T>({1}))).item() == -T(1e4));
}

TEMPLATE_TEST_CASE("GAN losses and their gradients are exact for logits of any size", "", float, double) {
  using T = TestType;
  for (const double logit : logits<T>()) {
    INFO("logit " << logit);
    const auto l = row<T>({logit});
    check_near<T>(NonSaturating{}.generator_loss(l).item(), -log_sigmoid(logit), 0);
    check_near<T>(gradient(NonSaturating{}.generator_loss(l), l).item(), -logistic(-logit), 0);
    check_near<T>(Minimax{}.generator_loss(l).item(), log_sigmoid(-logit), 0);
    check_near<T>(gradient(Minimax{}.generator_loss(l), l).item(), -logistic(logit), 0);
    const auto zero = row<T>({0});
    check_near<T>(Minimax{}.discriminator_loss(l, zero).item(), -log_sigmoid(logit) + std::log(2.0), 0);
    check_near<T>(Minimax{}.discriminator_loss(zero, l).item(), -log_sigmoid(-logit) + std::log(2.0), 0);
    check_near<T>(Relativistic{}.discriminator_loss(l, zero).item(), -log_sigmoid(logit), 0);
    CHECK(std::isfinite(Hinge{}.discriminator_loss(l, zero).item()));
    CHECK(std::isfinite(Wasserstein{}.discriminator_loss(zero, l).item()));
  }
}

TEMPLATE_TEST_CASE("softplus and sigmoid keep their values and slopes up to the last number", "", float, double) {
  using T = TestType;
  for (const double at : logits<T>()) {
    INFO("at " << at);
    const auto x = row<T>({at});
    const auto y = sum(softplus(x)), dy = gradient(y, x).item() * sum(x) / (at == 0 ? 1 : at);
    check_near<T>(y.item(), -log_sigmoid(-at), 0);
    check_near<T>(gradient(y, x).item(), logistic(at), 0);
    check_near<T>(-sum(softplus(-x)).item(), log_sigmoid(at), 0);
    CHECK(std::isfinite(dy.item()));
    const auto slope = gradient(y, x);
    const double second = gradient(sum(slope), x).item();
    check_near<T>(second, logistic(at) * logistic(-at), logistic(at));
  }
  CHECK(list(softplus(row<T>({-infinity<double>, infinity<double>}))) == std::vector<double>{0, infinity<double>});
  CHECK(list(sigmoid(row<T>({-infinity<double>, infinity<double>}))) == std::vector<double>{0, 1});
}

TEST_CASE("softplus of -200 is 1.4e-87, not 0") {
  CHECK_THAT(softplus(row<double>({-200})).item(), WithinRel(std::exp(-200.0), 1e-13));
  CHECK_THAT(-softplus(row<double>({300})).item(), WithinRel(-300.0, 1e-15));
}

TEMPLATE_TEST_CASE("logsumexp of infinities and large numbers, and its gradient", "", float, double) {
  using T = TestType;
  const double inf = infinity<double>;
  const auto both = [](std::initializer_list<double> values) {
    const auto x = row<T>(values);
    const auto y = logsumexp(x, 1);
    return std::pair(y.item(), list(gradient(sum(y), x)));
  };
  CHECK(both({1e4, 1e4}).first == static_cast<T>(1e4 + std::log(2.0)));
  CHECK(both({1e4, 1e4}).second == std::vector<double>{0.5, 0.5});
  CHECK(both({largest<T>, largest<T>}).first == largest<T>);
  CHECK(both({largest<T>, -largest<T>}).second == std::vector<double>{1, 0});
  CHECK(both({-inf, 3, 3}).second == std::vector<double>{0, 0.5, 0.5});
  CHECK(both({inf, 3}).first == infinity<T>);
  CHECK(both({-inf, -inf}).first == -infinity<T>);
  CHECK(both({-inf, -inf}).second == std::vector<double>{0, 0});
  CHECK(both({-inf}).second == std::vector<double>{0});
}

TEMPLATE_TEST_CASE("softmax of distant, equal and infinite logits has finite gradients", "", float, double) {
  using T = TestType;
  const double inf = infinity<double>;
  for (const auto& values : {std::vector<double>{-1047, -981, 1891},
                             {1e4, 1e4, 1e4},
                             {-1e30, 0, 1e30},
                             {-inf, 0, 1},
                             {largest<T>, -largest<T>, 0}}) {
    const auto x = row<T>({values[0], values[1], values[2]});
    const auto p = softmax(x, 1), log_p = log_softmax(x, 1);
    INFO("logits " << values[0] << ", " << values[1] << ", " << values[2]);
    CHECK(all_finite(p));
    CHECK_THAT(sum(p).item(), WithinRel(1.0, 1e-6));
    const auto weight = row<T>({1, 2, 3});
    const auto dx = gradient(sum(weight * p), x);
    CHECK(all_finite(dx));
    CHECK_THAT(sum(dx).item(), WithinAbs(0, 1e-6));
    CHECK(all_finite(gradient(sum(square(dx)), x)));
    for (const int label : {1, 2}) {
      const auto loss = -sum(Categorical{x}.log_prob(std::array{label}));
      CHECK_FALSE(std::isnan(loss.item()));
      const auto slope = list(gradient(loss, x));
      for (int k = 0; k < 3; ++k)
        CHECK_THAT(slope[static_cast<std::size_t>(k)],
                   WithinAbs(list(p)[static_cast<std::size_t>(k)] - (k == label), 1e-6));
    }
  }
}

TEMPLATE_TEST_CASE("Log-variances of any size give finite divergences, densities, draws and gradients", "", float,
                   double) {
  using T = TestType;
  for (const double at :
       {-largest<T> * 1.0, -1e30, -1e3, -89.0, -31.0, 31.0, 88.7, 89.0, 710.0, 1e3, 1e30, largest<T> * 1.0}) {
    INFO("log-variance " << at);
    const auto m = row<T>({0.5, -1}), l = row<T>({at, at});
    const Normal q{m, l}, other{row<T>({0, 0}), row<T>({-at, -at})};
    Rng rng(3);
    const auto check = [&](const auto& y) {
      CHECK(all_finite(y));
      const auto [dm, dl] = gradient(sum(y), m, l);
      CHECK(all_finite(dm));
      CHECK(list(dl) == std::vector<double>{0, 0});  // outside of the bounds
    };
    check(kl_divergence(q, StandardNormal<T>(2)));
    check(kl_divergence(q, other));
    check(q.sample(rng));
    check(q.log_prob(row<T>({0.1, 0.2})));
    check(q.entropy());
    // The divergence is that of the bounded variance which the sample has too.
    const double bounded = at < 0 ? -30 : 20;
    check_near<T>(kl_divergence(q, StandardNormal<T>(2)).item(), 0.5 * 1.25 + std::expm1(bounded) - bounded, 0);
  }
}

TEMPLATE_TEST_CASE("A divergence is 0 exactly for equal distributions, and never negative", "", float, double) {
  using T = TestType;
  const auto normal = [](double mean, double log_variance) {
    return Normal{row<T>({mean, mean, mean}), row<T>({log_variance, log_variance, log_variance})};
  };
  CHECK(kl_divergence(normal(0, 0), StandardNormal<T>(3)).item() == 0);
  CHECK(kl_divergence(normal(1, 0), StandardNormal<T>(3)).item() == T(1.5));
  CHECK(kl_divergence(normal(0.3, 0.7), normal(0.3, 0.7)).item() == 0);

  const Index n = 1'000'000;
  Rng rng(11);
  const auto draws = [&](double scale) {
    Tensor<T, 2> x(Shape{n, Index{1}});
    rng.fill_normal(x.data(), n);
    for (Index i = 0; i < n; ++i) x.data()[i] *= static_cast<T>(scale * std::pow(10.0, -static_cast<double>(i % 9)));
    return Variable(std::move(x));
  };
  const auto least = [](const auto& divergence) { return static_cast<double>(divergence.value().array().minCoeff()); };
  const auto m = draws(2), l = draws(3), other = draws(2);
  const Variable<T, 2> zeros(Tensor<T, 2>(Shape{n, Index{1}}, T(0)));
  CHECK(least(kl_divergence(Normal{m, l}, StandardNormal<T>(1))) >= 0);
  CHECK(least(kl_divergence(Normal{zeros, l}, StandardNormal<T>(1))) >= 0);
  CHECK(least(kl_divergence(Normal{m, l}, Normal{m, other})) >= 0);
  CHECK(least(kl_divergence(Normal{m, l}, Normal{other, l})) >= 0);
}

TEMPLATE_TEST_CASE("A batch of copies has the divergence of one", "", float, double) {
  using T = TestType;
  const Index copies = 64;
  const auto repeat = [&](const Variable<T, 2>& x) { return broadcast(x, Shape{copies, x.shape(1)}); };
  const auto m = row<T>({0.3, -1.2}), l = row<T>({0.5, -0.7});
  const auto one = kl_divergence(Normal{m, l}, StandardNormal<T>(2));
  const auto many = kl_divergence(Normal{repeat(m), repeat(l)}, StandardNormal<T>(2));
  CHECK(many.shape() == Shape{copies});
  CHECK_THAT(mean(many).item(), WithinRel(one.item(), T(1e-6)));
}

TEMPLATE_TEST_CASE("BatchNorm of constant channels, large offsets and large numbers", "", float, double) {
  using T = TestType;
  const Index n = 512;
  Rng rng(5);
  const auto normalized = [&](double offset, double scale) {
    Tensor<T, 2> x(Shape{n, Index{2}});
    rng.fill_normal(x.data(), x.size());
    for (T& value : x.values()) value = static_cast<T>(offset + scale * static_cast<double>(value));
    const auto v = watch(x);
    const BatchNorm<T> norm(2);
    const auto y = norm(v, Pass::training(rng));
    INFO("offset " << offset << ", scale " << scale);
    CHECK(all_finite(y));
    CHECK(all_finite(gradient(sum(y * square(y)), v)));
    CHECK(norm.running_variance.array().isFinite().all());
    CHECK((norm.running_variance.array() >= 0).all());
    // The exact statistics of the numbers as they were rounded.
    const auto column = x.matrix().col(0).template cast<double>().array().eval();
    const double mean = column.mean(), variance = (column - mean).square().mean();
    const Eigen::ArrayXd expected = (column - mean) / std::sqrt(variance + norm.epsilon);
    return (y.value().matrix().col(0).template cast<double>().array() - expected).abs().maxCoeff();
  };
  CHECK(normalized(100, 0) < 1e-3);
  CHECK(normalized(0, 1) < 1e-5);
  CHECK(normalized(1e4, 0.1) < 0.01);
  CHECK(normalized(1e6, 0.1) < (sizeof(T) == 4 ? 0.2 : 1e-6));  // the mean of floats is off by half a unit of 1/16
  CHECK(normalized(1e8, 0.1) < (sizeof(T) == 4 ? 1e-3 : 1e-4));
  CHECK(normalized(0, 1e15) < 1e-5);
}

TEST_CASE("BatchNorm of numbers whose squares are beyond floats gives finite numbers") {
  Rng rng(5);
  Tensor<float, 2> x(Shape{8, 1});
  rng.fill_normal(x.data(), x.size());
  x.array() *= 1e30f;
  const BatchNorm<float> norm(1);
  CHECK(all_finite(norm(watch(x), Pass::training(rng))));
  CHECK(norm.running_variance.array().isFinite().all());
}

TEMPLATE_TEST_CASE("A root has no slope at 0, which an optimizer reports by name", "", float, double) {
  using T = TestType;
  const auto x = row<T>({0, 4});
  CHECK(list(gradient(sum(sqrt(x)), x)) == std::vector<double>{infinity<double>, 0.25});
  const auto guarded = gradient(sum(map([](auto t) { return select(t > 0, sqrt(t), 0); }, x)), x);
  CHECK(list(guarded) == std::vector<double>{0, 0.25});
  // The norm of a flat critic's gradient in the penalty.
  const auto w = watch(Tensor<T, 2>(Shape{2, 1}, T(0)));
  Rng rng(1);
  const auto penalty = GradientPenalty{}([&](const auto& s) { return matmul(s, w); }, Variable<T, 2>(x.value()),
                                         Variable<T, 2>(x.value()), rng);
  CHECK_THAT(penalty.item(), WithinRel(10.0, 1e-4));
  CHECK(all_finite(gradient(penalty, w)));
}

TEMPLATE_TEST_CASE("NaN passes through every operation", "", float, double) {
  using T = TestType;
  using X = Variable<T, 2>;
  const auto image = [](const X& x) { return reshape(x, Shape{1, 3, 4, 1}); };
  const Variable<T, 4> kernel(Tensor<T, 4>(Shape{2, 2, 1, 1}, T(0.5)));
  const Variable<T, 2> square_matrix(Tensor<T, 2>(Shape{4, 4}, T(0)));  // 0 * NaN is NaN too
  const std::vector<std::pair<const char*, std::function<Variable<T, 0>(const X&)>>> operations{
      {"abs", [](const X& x) { return sum(abs(x)); }},
      {"square", [](const X& x) { return sum(square(x)); }},
      {"sqrt", [](const X& x) { return sum(sqrt(x)); }},
      {"exp", [](const X& x) { return sum(exp(x)); }},
      {"expm1", [](const X& x) { return sum(expm1(x)); }},
      {"log", [](const X& x) { return sum(log(x)); }},
      {"log1p", [](const X& x) { return sum(log1p(x)); }},
      {"sin", [](const X& x) { return sum(sin(x)); }},
      {"cos", [](const X& x) { return sum(cos(x)); }},
      {"erf", [](const X& x) { return sum(erf(x)); }},
      {"tanh", [](const X& x) { return sum(tanh(x)); }},
      {"sigmoid", [](const X& x) { return sum(sigmoid(x)); }},
      {"softplus", [](const X& x) { return sum(softplus(x)); }},
      {"pow", [](const X& x) { return sum(pow(x, 2.5)); }},
      {"relu", [](const X& x) { return sum(relu(x)); }},
      {"leaky_relu", [](const X& x) { return sum(leaky_relu(x)); }},
      {"elu", [](const X& x) { return sum(elu(x)); }},
      {"gelu", [](const X& x) { return sum(gelu(x)); }},
      {"clamp", [](const X& x) { return sum(clamp(x, -1, 1)); }},
      {"maximum of two", [](const X& x) { return sum(maximum(x, X(Tensor<T, 2>(x.shape(), T(1))))); }},
      {"maximum of two, other order", [](const X& x) { return sum(maximum(X(Tensor<T, 2>(x.shape(), T(1))), x)); }},
      {"minimum of two", [](const X& x) { return sum(minimum(x, X(Tensor<T, 2>(x.shape(), T(1))))); }},
      {"minimum of two, other order", [](const X& x) { return sum(minimum(X(Tensor<T, 2>(x.shape(), T(1))), x)); }},
      {"0 *", [](const X& x) { return sum(0 * x); }},
      {"0 /", [](const X& x) { return sum(0 / x); }},
      {"- x", [](const X& x) { return sum(-x); }},
      {"x - x", [](const X& x) { return sum(x - x); }},
      {"x / x", [](const X& x) { return sum(x / x); }},
      {"select", [](const X& x) { return sum(map([](auto t) { return select(t > 9, 0, t); }, x)); }},
      {"sum along 0", [](const X& x) { return sum(sum(x, 0)); }},
      {"sum along 1", [](const X& x) { return sum(sum(x, 1)); }},
      {"mean", [](const X& x) { return mean(x); }},
      {"mean along 1", [](const X& x) { return sum(mean(x, 1)); }},
      {"sum_per_sample", [](const X& x) { return sum(sum_per_sample(x)); }},
      {"maximum along 0", [](const X& x) { return sum(maximum(x, 0)); }},
      {"maximum along 1", [](const X& x) { return sum(maximum(x, 1)); }},
      {"logsumexp along 0", [](const X& x) { return sum(logsumexp(x, 0)); }},
      {"logsumexp along 1", [](const X& x) { return sum(logsumexp(x, 1)); }},
      {"softmax", [](const X& x) { return sum(softmax(x, 1)); }},
      {"log_softmax", [](const X& x) { return sum(log_softmax(x, 0)); }},
      {"broadcast",
       [](const X& x) {
         return sum(broadcast(x, Shape{2, 3, 4}));
       }},
      {"sum_to",
       [](const X& x) {
         return sum(sum_to(x, Shape{3, 1}));
       }},
      {"reshape", [](const X& x) { return sum(reshape(x, Shape{12})); }},
      {"transpose", [](const X& x) { return sum(transpose(x)); }},
      {"pad", [](const X& x) { return sum(pad(x, 0, 1, 1)); }},
      {"slice", [](const X& x) { return sum(slice(x, 0, 0, 3)); }},
      {"concatenate",
       [](const X& x) {
         return sum(concatenate({x, x}, 1));
       }},
      {"split",
       [](const X& x) {
         return sum(split(x, 1, {1, 3})[0]) + sum(split(x, 1, {1, 3})[1]);
       }},
      {"matmul", [&](const X& x) { return sum(matmul(x, square_matrix)); }},
      {"matmul, other order", [&](const X& x) { return sum(matmul(square_matrix, transposed(x))); }},
      {"conv2d", [&](const X& x) { return sum(conv2d(image(x), kernel)); }},
      {"conv2d by it",
       [&](const X& x) {
         return sum(conv2d(Variable<T, 4>(Tensor<T, 4>(Shape{1, 3, 4, 1}, T(0))), reshape(x, Shape{3, 4, 1, 1})));
       }},
      {"conv_transpose2d", [&](const X& x) { return sum(conv_transpose2d(image(x), kernel)); }},
      {"avg_pool2d", [&](const X& x) { return sum(avg_pool2d(image(x), 2, {.stride = 1})); }},
      {"max_pool2d", [&](const X& x) { return sum(max_pool2d(image(x), 2, {.stride = 1})); }},
      {"upsample2d", [&](const X& x) { return sum(upsample2d(image(x), 2)); }},
      {"bilinear upsample2d", [&](const X& x) { return sum(upsample2d(image(x), 2, Interpolation::bilinear)); }},
      {"BatchNorm",
       [](const X& x) {
         Rng rng(1);
         return sum(BatchNorm<T>(4)(x, Pass::training(rng)));
       }},
      {"BatchNorm in evaluation", [](const X& x) { return sum(BatchNorm<T>(4)(x)); }},
      {"LayerNorm", [](const X& x) { return sum(LayerNorm<T>(4)(x)); }},
      {"InstanceNorm", [&](const X& x) { return sum(InstanceNorm<T>(1)(image(x))); }},
      {"Dropout",
       [](const X& x) {
         Rng rng(1);
         return sum(Dropout(0.9)(x, Pass::training(rng)));
       }},
      {"Normal::log_prob",
       [](const X& x) {
         return sum(Normal{x, x}.log_prob(x));
       }},
      {"Normal's log-variance",
       [](const X& x) {
         return sum(Normal{X(Tensor<T, 2>(x.shape(), T(0))), x}.standard_deviation());
       }},
      {"divergence of Normal",
       [](const X& x) {
         return sum(kl_divergence(Normal{x, x}, StandardNormal<T>(4)));
       }},
      {"Bernoulli::entropy", [](const X& x) { return sum(Bernoulli{x}.entropy()); }},
      {"Bernoulli's logits", [](const X& x) { return sum(Bernoulli{x}.log_prob(X(Tensor<T, 2>(x.shape(), T(0))))); }},
      {"Categorical::log_prob",
       [](const X& x) {
         return sum(Categorical{x}.log_prob(std::array{0, 1, 2}));
       }},
      {"Categorical::entropy", [](const X& x) { return sum(Categorical{x}.entropy()); }},
      {"StandardUniform", [](const X& x) { return sum(StandardUniform<T>(4).log_prob(x)); }},
      {"Minimax", [](const X& x) { return Minimax{}.discriminator_loss(x, X(Tensor<T, 2>(x.shape(), T(0)))); }},
      {"LeastSquares", [](const X& x) { return LeastSquares{}.generator_loss(x); }},
      {"Hinge", [](const X& x) { return Hinge{}.discriminator_loss(X(Tensor<T, 2>(x.shape(), T(5))), x); }},
      {"Relativistic", [](const X& x) { return Relativistic{}.generator_loss(x, X(Tensor<T, 2>(x.shape(), T(0)))); }},
  };
  for (const auto& [name, f] : operations) {
    Tensor<T, 2> x(Shape{3, 4}, T(0.5));
    INFO(name);
    CHECK(std::isfinite(f(X(x)).item()));
    for (Index place = 0; place < x.size(); ++place) {
      Tensor<T, 2> bad = x;
      bad.data()[place] = std::numeric_limits<T>::quiet_NaN();
      INFO("NaN at " << place);
      CHECK(std::isnan(f(X(bad)).item()));
    }
  }
}

TEMPLATE_TEST_CASE("What is not a number is not hidden: infinity - infinity, 0 * infinity", "", float, double) {
  const auto x = row<TestType>({infinity<double>});
  for (const auto& y : {x - x, 0 * x, x / x, x - 2 * x, softmax(x, 1)}) CHECK(std::isnan(y.item()));
  CHECK(std::isnan(sum(row<TestType>({infinity<double>, -infinity<double>})).item()));
  CHECK(sin(x).value().array().isNaN().all());
}

TEST_CASE("Subnormal floats count as 0 in every function") {
  const auto zero = row<float>({0, 0}), small = row<float>({1e-40, -1e-40});
  const auto check = [&](const char* name, const auto& f) {
    INFO(name);
    CHECK(list(f(small)) == list(f(zero)));
  };
  check("exp", [](const auto& x) { return exp(x); });
  check("expm1", [](const auto& x) { return expm1(x); });
  check("log1p", [](const auto& x) { return log1p(x); });
  check("sin", [](const auto& x) { return sin(x); });
  check("cos", [](const auto& x) { return cos(x); });
  check("erf", [](const auto& x) { return erf(x); });
  check("tanh", [](const auto& x) { return tanh(x); });
  check("sigmoid", [](const auto& x) { return sigmoid(x); });
  check("softplus", [](const auto& x) { return softplus(x); });
  check("gelu", [](const auto& x) { return gelu(x); });
  check("elu", [](const auto& x) { return elu(x); });
  check("leaky_relu", [](const auto& x) { return leaky_relu(x); });
  check("square", [](const auto& x) { return square(x); });
  CHECK(sum(sqrt(row<float>({1e-40}))).item() == 0);
  CHECK(log(row<float>({1e-40})).item() == -infinity<float>);
  CHECK(sum(row<float>({1e-40, 1e-40})).item() == 0);
}

TEMPLATE_TEST_CASE("Optimizers take tiny gradients, a rate of 0 and any number of steps", "", float, double) {
  using T = TestType;
  const auto run = [](auto optimizer, double slope, double steps_before) {
    Linear<T> model = [] {
      Rng rng(1);
      return Linear<T>(2, 1, rng);
    }();
    const auto loss = [&] { return static_cast<T>(slope) * sum(model.weight) + 0 * sum(model.bias); };
    const T start = model.weight.value()(0, 0), bias = model.bias.value()(0);
    optimizer.minimize(loss(), model);
    for_each_state(optimizer, [&](const FieldPath& path, auto& tensor) {
      if (steps_before > 0 && to_string(path) == "steps")
        tensor.data()[0] = static_cast<std::remove_cvref_t<decltype(tensor.data()[0])>>(steps_before);
    });
    for (int i = 0; i < 3; ++i) optimizer.minimize(loss(), model);
    CHECK(std::isfinite(model.weight.value()(0, 0)));
    CHECK(model.bias.value()(0) == bias);  // no gradient, no step
    return std::pair(static_cast<double>(model.weight.value()(0, 0) - start), optimizer.steps());
  };
  CHECK(run(Adam<T>{{.learning_rate = 0}}, 1, 0).first == 0);
  CHECK(run(Sgd<T>{{.learning_rate = 0}}, 1, 0).first == 0);
  CHECK(run(RmsProp<T>{{.learning_rate = 0}}, 1, 0).first == 0);
  // g^2 is below the floats, and g far below epsilon: a step of rate g / epsilon.
  CHECK_THAT(run(Adam<T>{{.learning_rate = 1}}, 1e-30, 0).first, WithinAbs(0, 1e-20));
  CHECK_THAT(run(RmsProp<T>{{.learning_rate = 1}}, 1e-30, 0).first, WithinAbs(0, 1e-20));
  // After a billion steps beta^t is 0, and the averages are what they are.
  const auto [change, steps] = run(Adam<T>{{.learning_rate = 0.25}}, 1, 1e9);
  CHECK(steps == 1'000'000'003);
  CHECK(change < -0.25);
  CHECK(std::isfinite(change));
}

TEMPLATE_TEST_CASE("Empty batches are refused where a result would be no number", "", float, double) {
  using T = TestType;
  Rng rng(1);
  const Variable<T, 2> none(Tensor<T, 2>(Shape{0, 3}));
  CHECK_THROWS_AS(BatchNorm<T>(3)(none, Pass::training(rng)), ShapeError);
  CHECK_THROWS_AS(
      conv2d(Variable<T, 4>(Tensor<T, 4>(Shape{0, 4, 4, 1})), Variable<T, 4>(Tensor<T, 4>(Shape{2, 2, 1, 1}, T(1)))),
      ShapeError);
  CHECK_THROWS_AS(logsumexp(none, 0), ArgumentError);
  CHECK_THROWS_AS(softmax(none, 0), ArgumentError);
  CHECK_THROWS_AS(maximum(none, 0), ArgumentError);
  Linear<T> model(3, 1, rng);
  Adam<T> adam;
  CHECK(model(none).shape() == Shape{0, 1});
  CHECK_THROWS_AS(adam.minimize(mean(model(none)), model), NumericError);  // a mean of nothing
  CHECK(adam.steps() == 0);
  CHECK(Normal{none, none}.log_prob(none).shape() == Shape{0});
}
