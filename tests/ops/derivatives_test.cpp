// SPDX-License-Identifier: MIT
// A table of all differentiable functions of ops/, of the layers with formulas of their own, and of what is minimised:
// first and second derivatives of each row against differences, at several points. A public function of ops/ without a
// row is named and fails.
#include <eigenesis/eigenesis.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;

namespace {

using gradient_check::Point;
using V = Variable<double, 1>;

enum class At { any, positive, apart };  // apart: no steps of the differences lead from one number over another

struct Row {
  const char* name;
  Index inputs;
  std::function<Variable<double, 0>(const V&)> f;
  At at;
};

/// Numbers of a point from `begin` on as a tensor of this shape.
template <int Rank>
Variable<double, Rank> part(const V& v, Index begin, const Shape<Rank>& shape) {
  return reshape(slice(v, 0, begin, begin + shape.size()), shape);
}

/// A number of y whose first derivative depends on y, so that linear operations have second derivatives to check too.
template <int Rank>
Variable<double, 0> score(const Variable<double, Rank>& y) {
  const Variable weight(gradient_check::numbers(y.shape(), 5));
  return sum(map([](auto t, auto w) { return w * t + (0.3 + 0.1 * w) * t * t; }, y, weight));
}

/// f of two operands, for each kind of stretching, and of one tensor as both.
template <class F>
void add_binary(std::vector<Row>& rows, const char* name, F f) {
  const auto add = [&](const auto& a, const auto& b) {
    rows.push_back({name, a.size() + b.size(),
                    [=](const V& v) { return score(f(part(v, 0, a), part(v, a.size(), b))); }, At::apart});
  };
  add(Shape{2, 3}, Shape{2, 3});
  add(Shape<0>{}, Shape{2, 3});         // a number
  add(Shape{2, 3}, Shape{3});           // a row, one axis missing
  add(Shape{2, 1}, Shape{2, 3});        // a column
  add(Shape{3, 1}, Shape{4});           // both are stretched
  add(Shape{2, 1, 3}, Shape{2, 2, 3});  // in the middle
  rows.push_back({name, 5, [=](const V& v) { return score(f(v, v)); }, At::positive});
  rows.push_back({name, 5, [=](const V& v) { return score(f(v, 0.5 + square(v))); }, At::positive});
  rows.push_back({name, 5, [=](const V& v) { return score(f(v, 1.5 * v) * v); }, At::positive});  // used three times
}

std::vector<Row> rows_of_ops() {
  std::vector<Row> rows;
  const auto add = [&](const char* name, Index inputs, auto f, At at = At::any) {
    rows.push_back({name, inputs, std::move(f), at});
  };

  // One number each.
  add("abs", 6, [](const V& v) { return score(abs(v)); });
  add("square", 6, [](const V& v) { return score(square(v)); });
  add(
      "sqrt", 6, [](const V& v) { return score(sqrt(v)); }, At::positive);
  add("exp", 6, [](const V& v) { return score(exp(v)); });
  add("expm1", 6, [](const V& v) { return score(expm1(v)); });
  add(
      "log", 6, [](const V& v) { return score(log(v)); }, At::positive);
  add(
      "log1p", 6, [](const V& v) { return score(log1p(v)); }, At::positive);
  add("sin", 6, [](const V& v) { return score(sin(v)); });
  add("cos", 6, [](const V& v) { return score(cos(v)); });
  add("erf", 6, [](const V& v) { return score(erf(v)); });
  add("tanh", 6, [](const V& v) { return score(tanh(v)); });
  add("sigmoid", 6, [](const V& v) { return score(sigmoid(v)); });
  add("softplus", 6, [](const V& v) { return score(softplus(v)); });
  add(
      "pow", 6, [](const V& v) { return score(pow(v, 2.5)); }, At::positive);
  add("pow", 6, [](const V& v) { return score(pow(v, -2)) + score(pow(v, 3)); });
  add("relu", 6, [](const V& v) { return score(relu(v)); });
  add("leaky_relu", 6, [](const V& v) { return score(leaky_relu(v, 0.2)) + score(leaky_relu(v, -0.5)); });
  add("elu", 6, [](const V& v) { return score(elu(v, 1.5)); });
  add("gelu", 6, [](const V& v) { return score(gelu(v)); });
  add(
      "clamp", 6, [](const V& v) { return score(clamp(v, -0.46, 0.57)); }, At::apart);

  // Arithmetic.
  add_binary(rows, "operator+", [](const auto& a, const auto& b) { return a + b; });
  add_binary(rows, "operator-", [](const auto& a, const auto& b) { return a - b; });
  add_binary(rows, "operator*", [](const auto& a, const auto& b) { return a * b; });
  add_binary(rows, "operator/", [](const auto& a, const auto& b) { return a / b; });
  add_binary(rows, "maximum", [](const auto& a, const auto& b) { return maximum(a, b); });
  add_binary(rows, "minimum", [](const auto& a, const auto& b) { return minimum(a, b); });
  add_binary(rows, "map", [](const auto& a, const auto& b) {
    return map([](auto s, auto t) { return select(s < t, sin(s) * t, exp(t) / s); }, a, b);
  });
  add("operator+", 4, [](const V& v) { return score(v + 1.5) + score(2 + v); });
  add("operator-", 4, [](const V& v) { return score(v - 1.5) + score(2 - v) + score(-v); });
  add("operator*", 4, [](const V& v) { return score(v * 1.5) + score(-2 * v); });
  add("operator/", 4, [](const V& v) { return score(v / 1.5) + score(2 / v) + score(1 / v); });

  // Sums and what is made of them.
  for (const int axis : {0, 1, 2}) {
    const Shape shape{2, 3, 4};
    add("sum", 24, [=](const V& v) { return score(sum(part(v, 0, shape), axis)); });
    add("mean", 24, [=](const V& v) { return score(mean(part(v, 0, shape), axis)); });
    add("logsumexp", 24, [=](const V& v) { return score(logsumexp(part(v, 0, shape), axis)); });
    add("softmax", 24, [=](const V& v) { return score(softmax(part(v, 0, shape), axis)); });
    add("log_softmax", 24, [=](const V& v) { return score(log_softmax(part(v, 0, shape), axis)); });
    add(
        "maximum", 24, [=](const V& v) { return score(maximum(part(v, 0, shape), axis)); }, At::apart);
    add("slice", 24, [=](const V& v) { return score(slice(part(v, 0, shape), axis, 1, 2)); });
    add("pad", 24, [=](const V& v) { return score(pad(part(v, 0, shape), axis, 2, 1) + 1); });
    add("concatenate", 24, [=](const V& v) {
      const auto x = part(v, 0, shape);
      return score(concatenate({x, square(slice(x, axis, 0, 1)), x}, axis));
    });
    add("split", 24, [=](const V& v) {
      const auto x = part(v, 0, shape);
      const auto parts = split(x, axis, {1, 0, x.shape(axis) - 1});
      return score(parts[0]) + 2 * score(parts[2]);
    });
  }
  add("sum", 6, [](const V& v) { return square(sum(v)); });
  add("mean", 6, [](const V& v) { return square(mean(square(v))); });
  add("sum_per_sample", 12, [](const V& v) { return score(sum_per_sample(part(v, 0, Shape{3, 2, 2}))); });
  add("broadcast", 4, [](const V& v) { return score(broadcast(part(v, 0, Shape{2, 1, 2}), Shape{3, 2, 2, 2})); });
  add("broadcast", 1, [](const V& v) { return score(broadcast(part(v, 0, Shape<0>{}), Shape{3, 2})); });
  add("sum_to", 24, [](const V& v) { return score(sum_to(part(v, 0, Shape{3, 2, 2, 2}), Shape{2, 1, 2})); });
  add("sum_to", 12, [](const V& v) { return score(sum_to(part(v, 0, Shape{3, 4}), Shape{4})); });

  // Moving elements.
  add("reshape", 6, [](const V& v) { return score(reshape(v, Shape{2, 1, 3})); });
  add("transpose", 12, [](const V& v) { return score(transpose(part(v, 0, Shape{2, 3, 2}))); });

  // Products, with the same matrix twice too.
  const auto a = [](const V& v) { return part(v, 0, Shape{2, 3}); };
  const auto b = [](const V& v) { return part(v, 6, Shape{3, 4}); };
  add("matmul", 18, [=](const V& v) { return score(matmul(a(v), b(v))); });
  add("matmul", 22, [=](const V& v) { return score(matmul(a(v), b(v), part(v, 18, Shape{4}))); });
  add("matmul", 9, [](const V& v) {
    const auto x = part(v, 0, Shape{3, 3});
    return score(matmul(x, x));
  });
  add("transposed", 18, [=](const V& v) {
    return score(matmul(transposed(part(v, 0, Shape{3, 2})), b(v))) +
           score(matmul(a(v), transposed(part(v, 6, Shape{4, 3})))) +
           score(matmul(transposed(part(v, 0, Shape{3, 2})), transposed(part(v, 6, Shape{4, 3}))));
  });
  add("transposed", 9, [](const V& v) {
    const auto x = part(v, 0, Shape{3, 3});
    return score(matmul(x, transposed(x))) + score(matmul(transposed(x), x));
  });

  // Images.
  const auto image = [](const V& v) { return part(v, 0, Shape{2, 4, 3, 2}); };
  for (const ConvolutionOptions o : {ConvolutionOptions{1, 0, 1}, {2, 1, 1}, {1, 2, 2}, {3, 1, 1}})
    add("conv2d", 72, [=](const V& v) { return score(conv2d(image(v), part(v, 48, Shape{3, 2, 2, 2}), o)); });
  for (const ConvTransposeOptions o : {ConvTransposeOptions{1, 0, 0, 1}, {2, 1, 1, 1}, {3, 0, 2, 1}, {1, 1, 1, 2}})
    add("conv_transpose2d", 72, [=](const V& v) {
      return score(conv_transpose2d(image(v), part(v, 48, Shape{3, 2, 2, 2}), o));
    });
  add("conv2d", 16, [](const V& v) {  // one tensor as image and weight
    const auto x = part(v, 0, Shape{2, 2, 2, 2});
    return score(conv2d(x, x, {.padding = 1}));
  });
  for (const PoolOptions o : {PoolOptions{}, {1, 1}, {2, 1}}) {
    add("avg_pool2d", 48, [=](const V& v) { return score(avg_pool2d(image(v), 2, o)); });
    add(
        "max_pool2d", 48, [=](const V& v) { return score(max_pool2d(image(v), 2, o)); }, At::apart);
  }
  add("upsample2d", 12, [](const V& v) { return score(upsample2d(part(v, 0, Shape{1, 3, 2, 2}), 2)); });
  add("upsample2d", 12, [](const V& v) {
    return score(upsample2d(part(v, 0, Shape{1, 3, 2, 2}), 3, Interpolation::bilinear));
  });
  return rows;
}

std::vector<Row> rows_of_losses() {
  std::vector<Row> rows;
  const auto add = [&](const char* name, Index inputs, auto f) {
    rows.push_back({name, inputs, std::move(f), At::any});
  };
  const auto matrix = [](const V& v, Index begin) { return part(v, begin, Shape{3, 2}); };

  // Distributions; of each the operands are all that it has, and the sample.
  add("Normal", 18, [=](const V& v) {
    const Normal q{matrix(v, 0), matrix(v, 6)};
    return score(q.log_prob(matrix(v, 12))) + score(q.entropy()) + score(q.standard_deviation());
  });
  add("Normal::sample", 12, [=](const V& v) {
    Rng rng(7);
    return score(Normal{matrix(v, 0), matrix(v, 6)}.sample(rng));
  });
  add("kl_divergence(Normal, StandardNormal)", 12, [=](const V& v) {
    return score(kl_divergence(Normal{matrix(v, 0), matrix(v, 6)}, StandardNormal<double>(2)));
  });
  add("kl_divergence(Normal, Normal)", 24, [=](const V& v) {
    return score(kl_divergence(Normal{matrix(v, 0), matrix(v, 6)}, Normal{matrix(v, 12), matrix(v, 18)}));
  });
  add("StandardNormal", 6, [=](const V& v) { return score(StandardNormal<double>(2).log_prob(matrix(v, 0))); });
  add("Bernoulli", 12, [=](const V& v) {
    const Bernoulli p{matrix(v, 0)};
    return score(p.log_prob(sigmoid(matrix(v, 6)))) + score(p.entropy()) + score(p.mean());
  });
  add("kl_divergence(Bernoulli)", 12,
      [=](const V& v) { return score(kl_divergence(Bernoulli{matrix(v, 0)}, Bernoulli{matrix(v, 6)})); });
  add("Categorical", 6, [=](const V& v) {
    const Categorical p{matrix(v, 0)};
    return score(p.log_prob(std::array{1, 0, 1})) + score(p.entropy()) + score(p.probabilities());
  });
  add("kl_divergence(Categorical)", 12,
      [=](const V& v) { return score(kl_divergence(Categorical{matrix(v, 0)}, Categorical{matrix(v, 6)})); });
  add("SquaredError", 12, [=](const V& v) { return score(SquaredError{}(matrix(v, 0)).log_prob(matrix(v, 6))); });
  add("NormalLikelihood", 12,
      [=](const V& v) { return score(NormalLikelihood{0.7}(matrix(v, 0)).log_prob(matrix(v, 6))); });

  // Objectives; none of the logits lies within 0.02 of the hinge's kinks at 1 and -1.
  const auto add_game = [&](const char* name, auto game, auto generator) {
    add(name, 10, [=](const V& v) {
      const auto real = part(1.17 * v, 0, Shape{5, 1}), fake = part(1.17 * v, 5, Shape{5, 1});
      return square(game.discriminator_loss(real, fake)) + square(generator(real, fake));
    });
  };
  const auto add_common_game = [&](const char* name, auto game) {
    add_game(name, game, [=](const auto&, const auto& fake) { return game.generator_loss(fake); });
  };
  add_common_game("Minimax", Minimax{});
  add_common_game("NonSaturating", NonSaturating{});
  add_common_game("LeastSquares", LeastSquares{});
  add_common_game("Wasserstein", Wasserstein{});
  add_game("Relativistic", Relativistic{},
           [](const auto& real, const auto& fake) { return Relativistic{}.generator_loss(real, fake); });
  add("Hinge", 10, [](const V& v) {  // once within the margin, once beyond
    const auto real = part(v, 0, Shape{5, 1}), fake = part(v, 5, Shape{5, 1});
    return square(Hinge{}.discriminator_loss(0.7 * real, 6 * fake)) + square(Hinge{}.generator_loss(fake));
  });

  // Penalties of a critic with a hidden layer: their value has a gradient in it, so these are third derivatives.
  const auto critic_of = [](const V& v) {
    return [=](const auto& x) {
      return matmul(tanh(matmul(x, part(v, 0, Shape{2, 3}), part(v, 6, Shape{3}))), part(v, 9, Shape{3, 1}));
    };
  };
  add("R1", 12, [=](const V& v) {
    Rng rng(7);
    const Variable real(gradient_check::numbers(Shape{4, 2}, 3));
    return R1{3}(critic_of(v), real, real, rng);
  });
  add("GradientPenalty", 12, [=](const V& v) {
    Rng rng(7);
    return GradientPenalty{3}(critic_of(v), Variable(gradient_check::numbers(Shape{4, 2}, 3)),
                              Variable(gradient_check::numbers(Shape{4, 2}, 4)), rng);
  });

  // Layers.
  const auto image = [](const V& v) { return part(v, 0, Shape{2, 2, 3, 2}); };
  add("BatchNorm", 24, [=](const V& v) {
    Rng rng(7);
    return score(BatchNorm<double>(2)(image(v), Pass::training(rng)));
  });
  add("BatchNorm in evaluation", 24, [=](const V& v) {
    BatchNorm<double> norm(2);
    norm.running_mean.array() = 0.3;
    norm.running_variance.array() = 1.7;
    return score(norm(image(v)));
  });
  add("LayerNorm", 24, [=](const V& v) { return score(LayerNorm<double>(3)(part(v, 0, Shape{2, 2, 2, 3}))); });
  add("InstanceNorm", 24, [=](const V& v) { return score(InstanceNorm<double>(2)(image(v))); });
  add("Dropout", 24, [=](const V& v) {
    Rng rng(7);  // the same mask each time
    return score(Dropout(0.4)(image(v), Pass::training(rng)));
  });
  return rows;
}

Point point(const Row& row, std::uint64_t seed) {
  Point x = gradient_check::numbers(Shape{row.inputs}, seed, row.at == At::positive);
  if (row.at != At::apart) return x;
  std::vector<Index> order(static_cast<std::size_t>(row.inputs));
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::sort(order, {}, [&](Index i) { return x(i); });
  const double distance = row.inputs <= 12 ? 0.11 : 0.06;
  for (Index rank = 0; rank < row.inputs; ++rank) {
    double& number = x(order[static_cast<std::size_t>(rank)]);
    number = std::copysign(0.3 + distance * static_cast<double>(rank), number);
  }
  return x;
}

void check_rows(const std::vector<Row>& rows) {
  const std::uint64_t samples = 8;
  for (const Row& row : rows)
    for (std::uint64_t seed = 1; seed <= samples; ++seed) {
      const auto [first, second] = gradient_check::compare_both(row.name, row.f, point(row, seed));
      INFO("point " << seed << ": " << first.text << "; " << second.text);
      CHECK(first.error <= 1e-8);
      CHECK(second.error <= 1e-8);
    }
}

/// The public functions that a header of ops/ declares: at the beginning of a line, outside of `detail`.
void collect_functions(const std::filesystem::path& header, std::set<std::string>& functions) {
  std::ifstream file(header);
  bool within_detail = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("namespace detail {")) within_detail = true;
    if (line.starts_with("}  // namespace detail")) within_detail = false;
    if (within_detail || line.starts_with(' ') || line.starts_with('/') || line.starts_with('#')) continue;
    for (const char* parameters : {"(const ", "(F&& ", "(std::", "(N "}) {
      const std::size_t end = line.find(parameters);
      if (end == std::string::npos) continue;
      const std::size_t space = line.rfind(' ', end);
      if (space == std::string::npos || line.starts_with("void ")) continue;
      functions.insert(line.substr(space + 1, end - space - 1));
    }
  }
}

}  // namespace

TEST_CASE("Every function of ops/ has the derivatives that differences give") { check_rows(rows_of_ops()); }

TEST_CASE("Distributions, objectives, penalties and layers have the derivatives that differences give") {
  check_rows(rows_of_losses());
}

TEST_CASE("What is used by a function twice gets the gradients of both uses") {
  for (const auto& rows : {rows_of_ops(), rows_of_losses()})
    for (const Row& row : rows) {
      const V x = watch(point(row, 3));
      const auto once = gradient(row.f(x), x), twice = gradient(row.f(x) + 2 * row.f(x), x);
      const double difference = (twice.value().array() - 3 * once.value().array()).abs().maxCoeff();
      INFO(row.name << ": " << difference << " from three times the gradient, whose largest element is "
                    << once.value().array().abs().maxCoeff());
      CHECK(difference <= 1e-12 * std::max(1.0, once.value().array().abs().maxCoeff()));
    }
}

TEST_CASE("Every public function of ops/ has a row in the table of derivatives") {
  const auto include = std::filesystem::path(__FILE__).parent_path() / "../../include/eigenesis";
  REQUIRE(std::filesystem::exists(include / "ops/map.hpp"));
  std::set<std::string> functions;
  for (const auto& entry : std::filesystem::directory_iterator(include / "ops"))
    if (!entry.path().filename().string().ends_with("_inl.hpp") && entry.path().filename() != "symbol.hpp")
      collect_functions(entry.path(), functions);
  std::ifstream table(include / "kernels/operations.inl");
  for (std::string line; std::getline(table, line);)
    if (const std::string macro = "EIGENESIS_FUNCTION("; line.starts_with(macro))
      functions.insert(line.substr(macro.size(), line.find(',') - macro.size()));
  CHECK(functions.size() >= 45);  // the search itself works
  for (const char* known : {"operator/", "erf", "map", "sum_per_sample", "transpose", "concatenate", "upsample2d"})
    CHECK(functions.contains(known));

  std::set<std::string> rows;
  for (const Row& row : rows_of_ops()) rows.insert(row.name);
  for (const std::string& function : functions) {
    INFO(function << " has no row");
    CHECK(rows.contains(function));
  }
  for (const std::string& row : rows) {
    INFO("the row " << row << " is of no function");
    CHECK(functions.contains(row));
  }
}
