// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <eigenesis/eigenesis.hpp>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace eigenesis;
using detail::Operation;

namespace {

template <class T>
constexpr T quiet_nan = std::numeric_limits<T>::quiet_NaN();
template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();

std::vector<Isa> instruction_sets() {
  std::vector<Isa> sets;
  for (const Isa use : {Isa::baseline, Isa::avx2, Isa::avx512})
    if (supports(use)) sets.push_back(use);
  return sets;
}

/// Numbers with room behind them for what kernels may read. It holds NaN, so that using it shows, and must stay so.
template <class T>
struct Numbers {
  Index size, offset;
  std::vector<T> memory;
  explicit Numbers(Index n, Index first = 0)
      : size(n), offset(first), memory(static_cast<std::size_t>(first + n) + 64, quiet_nan<T>) {}
  T* data() { return memory.data() + offset; }
  T& operator[](Index i) { return data()[i]; }
  bool room_untouched() {
    for (std::size_t i = static_cast<std::size_t>(offset + size); i < memory.size(); ++i)
      if (!std::isnan(memory[i])) return false;
    return true;
  }
  bool same_bits(Numbers& other) {
    return size == other.size && std::memcmp(data(), other.data(), static_cast<std::size_t>(size) * sizeof(T)) == 0;
  }
};

template <class T>
Numbers<T> uniform_numbers(Index n, unsigned seed, T low = -1, T high = 1, Index offset = 0) {
  std::mt19937 engine(seed);
  Numbers<T> x(n, offset);
  for (Index i = 0; i < n; ++i) x[i] = low + (high - low) * static_cast<T>(static_cast<double>(engine()) * 0x1p-32);
  return x;
}

struct Threads {
  int before = num_threads();
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
};

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
Matrix read(bool transposed, Index rows, Index columns, T* x) {
  using Source = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  if (transposed) return Eigen::Map<Source>(x, columns, rows).transpose().template cast<double>();
  return Eigen::Map<Source>(x, rows, columns).template cast<double>();
}

/// Compares c = op(a) op(b) with Eigen's product in double, within the bound of a sum of k rounded terms.
template <class T>
void check_product(Index m, Index n, Index k) {
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true}) {
      auto a = uniform_numbers<T>(m * k, 1), b = uniform_numbers<T>(k * n, 2);
      const Matrix left = read(transpose_a, m, k, a.data()), right = read(transpose_b, k, n, b.data());
      const Matrix product = left * right;
      const double terms = static_cast<double>(k + 3) * std::numeric_limits<T>::epsilon();
      auto bias = uniform_numbers<T>(n, 3);
      const Matrix start = Matrix::Ones(m, 1) * read(false, 1, n, bias.data());
      for (const Isa use : instruction_sets())
        for (const bool biased : {false, true}) {
          const Matrix expected = biased ? (start + product).eval() : product;
          const Matrix bound = terms * (left.cwiseAbs() * right.cwiseAbs() + start.cwiseAbs());
          Numbers<T> c(m * n);
          detail::gemm<T>(transpose_a, transpose_b, m, n, k, a.data(), b.data(), c.data(),
                          biased ? bias.data() : nullptr, use);
          const Matrix error = (read(false, m, n, c.data()) - expected).cwiseAbs() - bound;
          INFO("isa " << static_cast<int>(use) << ", " << m << " x " << k << " x " << n << ", transposed "
                      << transpose_a << transpose_b << ", biased " << biased);
          if (m * n > 0 && !(error.maxCoeff() <= 0)) {
            Index row = 0, column = 0;
            error.maxCoeff(&row, &column);
            FAIL("element " << row << ", " << column << ": " << c[row * n + column] << " instead of "
                            << expected(row, column));
          }
          if (!c.room_untouched()) FAIL("wrote beyond the end");
        }
    }
  SUCCEED();
}

/// Distance of a result from the exact value in units of the last place of T; for subnormal values the result is 0.
template <class T>
double ulps(T result, long double exact) {
  if (std::isnan(exact)) return std::isnan(result) ? 0 : infinity<double>;
  if (std::fabs(exact) < std::numeric_limits<T>::min() && result == 0) return 0;
  const T rounded = static_cast<T>(exact);
  if (std::isinf(rounded) || std::isinf(result)) return result == rounded ? 0 : infinity<double>;
  int exponent = 0;
  std::frexp(exact, &exponent);
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent) - std::numeric_limits<T>::digits;
  return static_cast<double>(std::fabs(result - exact) / std::ldexp(1.0L, exponent));
}

struct Function {
  const char* name;
  Operation operation;
  double (*exact)(double);
  double most;  // units of the last place that a float may be wrong by
};

double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

const Function functions[] = {
    {"exp", Operation::exp, [](double x) { return std::exp(x); }, 2.5},
    {"expm1", Operation::expm1, [](double x) { return std::expm1(x); }, 2.5},
    {"log", Operation::log, [](double x) { return std::log(x); }, 2.5},
    {"log1p", Operation::log1p, [](double x) { return std::log1p(x); }, 2.5},
    {"tanh", Operation::tanh, [](double x) { return std::tanh(x); }, 2.5},
    {"sigmoid", Operation::sigmoid, sigmoid, 2.5},
    {"softplus", Operation::softplus, softplus, 2.5},
    {"erf", Operation::erf, [](double x) { return std::erf(x); }, 2.5},
    {"sin", Operation::sin, [](double x) { return std::sin(x); }, 2},
    {"cos", Operation::cos, [](double x) { return std::cos(x); }, 2},
    {"sqrt", Operation::sqrt, [](double x) { return std::sqrt(x); }, 2.5},
};

template <class T>
T apply(Operation operation, T a, T b = 0, T c = 0, T constant = 0, Isa use = isa()) {
  const detail::FlushSubnormals scope;
  T x[16], y[16], z[16], out[16];
  std::fill_n(x, 16, a);
  std::fill_n(y, 16, b);
  std::fill_n(z, 16, c);
  detail::pointwise<T>(operation, use)(out, x, y, z, constant, 16);
  return out[0];
}

}  // namespace

TEST_CASE("The instruction set follows the processor or the environment") {
  CHECK(supports(Isa::baseline));
  CHECK(supports(isa()));
  const Isa best = supports(Isa::avx512) ? Isa::avx512 : supports(Isa::avx2) ? Isa::avx2 : Isa::baseline;
  CHECK(detail::choose_isa(nullptr) == best);
  CHECK(detail::choose_isa("") == best);
  CHECK(detail::choose_isa("baseline") == Isa::baseline);
  CHECK_THROWS_MATCHES(detail::choose_isa("sse9"), ArgumentError,
                       Message("EIGENESIS_ISA: expected baseline, avx2 or avx512 but got sse9"));
  for (const auto& [word, set] : {std::pair{"avx2", Isa::avx2}, std::pair{"avx512", Isa::avx512}}) {
    if (supports(set))
      CHECK(detail::choose_isa(word) == set);
    else
      CHECK_THROWS_MATCHES(
          detail::choose_isa(word), ArgumentError,
          Message(std::string("EIGENESIS_ISA: expected an instruction set of this processor but got ") + word));
  }
}

TEMPLATE_TEST_CASE("gemm agrees with Eigen for all transposes and instruction sets", "", float, double) {
  for (const Index m : {1, 2, 7, 8, 16, 17, 48, 53, 100})
    for (const Index n : {1, 2, 7, 8, 16, 17, 48, 53, 100})
      for (const Index k : {1, 7, 16, 53}) check_product<TestType>(m, n, k);
  check_product<TestType>(0, 5, 3);
  check_product<TestType>(5, 0, 3);
  check_product<TestType>(128, 20, 400);
  check_product<TestType>(784, 100, 128);
  check_product<TestType>(131, 784, 17);
  check_product<TestType>(9, 50, 2311);
  check_product<TestType>(32, 400, 784);    // transposes a and c rather than b
  check_product<TestType>(40, 2100, 1000);  // several blocks of k and of columns, panels packed by their first tile
  check_product<TestType>(2, 3, 0);
}

TEMPLATE_TEST_CASE("gemm without an inner size gives zeros", "", float, double) {
  for (const Isa use : instruction_sets()) {
    Numbers<TestType> none(0), c(6);
    detail::gemm<TestType>(false, false, 2, 3, 0, none.data(), none.data(), c.data(), nullptr, use);
    for (Index i = 0; i < 6; ++i) CHECK(c[i] == 0);
    CHECK(c.room_untouched());
  }
}

TEMPLATE_TEST_CASE("gemm gives the same bits for any number of threads, rows, columns and any address", "", float,
                   double) {
  using T = TestType;
  for (const Isa use : instruction_sets())
    for (const auto& [m, n, k] : {std::array<Index, 3>{128, 200, 300}, {100, 20, 400}, {70, 1, 256}, {130, 90, 1500}})
      for (const bool transpose_a : {false, true})
        for (const bool transpose_b : {false, true}) {
          INFO("isa " << static_cast<int>(use) << ", " << m << " x " << k << " x " << n << ", transposed "
                      << transpose_a << transpose_b);
          auto a = uniform_numbers<T>(m * k, 3), b = uniform_numbers<T>(k * n, 4);
          const auto product = [&, m = m, n = n, k = k](int threads, T* x, T* y, Index offset) {
            const Threads setting(threads);
            Numbers<T> c(m * n, offset);
            detail::gemm<T>(transpose_a, transpose_b, m, n, k, x, y, c.data(), nullptr, use);
            return c;
          };
          auto expected = product(1, a.data(), b.data(), 0);
          for (const int threads : {2, 3, 8}) CHECK(product(threads, a.data(), b.data(), 0).same_bits(expected));
          auto moved_a = uniform_numbers<T>(m * k, 3, -1, 1, 5), moved_b = uniform_numbers<T>(k * n, 4, -1, 1, 3);
          CHECK(product(1, moved_a.data(), moved_b.data(), 7).same_bits(expected));

          if (transpose_a || transpose_b) continue;
          const Index row = m / 2, column = n / 2;
          Numbers<T> one_row(n), one_column(m), b_column(k);
          detail::gemm<T>(false, false, 1, n, k, a.data() + row * k, b.data(), one_row.data(), nullptr, use);
          for (Index i = 0; i < k; ++i) b_column[i] = b[i * n + column];
          detail::gemm<T>(false, false, m, 1, k, a.data(), b_column.data(), one_column.data(), nullptr, use);
          CHECK(std::memcmp(one_row.data(), expected.data() + row * n, static_cast<std::size_t>(n) * sizeof(T)) == 0);
          bool same = true;
          for (Index i = 0; i < m; ++i) same = same && one_column[i] == expected[i * n + column];
          CHECK(same);
        }
}

TEMPLATE_TEST_CASE("gemm keeps a NaN in its row", "", float, double) {
  for (const Isa use : instruction_sets()) {
    const Index m = 21, n = 19, k = 35;
    auto a = uniform_numbers<TestType>(m * k, 5), b = uniform_numbers<TestType>(k * n, 6);
    a[4 * k + 17] = quiet_nan<TestType>;
    Numbers<TestType> c(m * n);
    detail::gemm<TestType>(false, false, m, n, k, a.data(), b.data(), c.data(), nullptr, use);
    Index wrong = 0;
    for (Index i = 0; i < m * n; ++i) wrong += std::isnan(c[i]) != (i / n == 4);
    CHECK(wrong == 0);
  }
}

TEMPLATE_TEST_CASE("Arithmetic kernels round as single operations do, in place and at any length", "", float, double) {
  using T = TestType;
  struct Case {
    Operation operation;
    T (*exact)(T, T, T, T);
  };
  const Case cases[] = {
      {Operation::negate, [](T a, T, T, T) { return -a; }},
      {Operation::abs, [](T a, T, T, T) { return std::fabs(a); }},
      {Operation::square, [](T a, T, T, T) { return a * a; }},
      {Operation::reciprocal, [](T a, T, T, T) { return 1 / a; }},
      {Operation::sqrt, [](T a, T, T, T) { return std::sqrt(a); }},
      {Operation::add_constant, [](T a, T, T, T k) { return a + k; }},
      {Operation::multiply_constant, [](T a, T, T, T k) { return a * k; }},
      {Operation::divide_constant, [](T a, T, T, T k) { return a / k; }},
      {Operation::constant_minus, [](T a, T, T, T k) { return k - a; }},
      {Operation::constant_over, [](T a, T, T, T k) { return k / a; }},
      {Operation::add, [](T a, T b, T, T) { return a + b; }},
      {Operation::subtract, [](T a, T b, T, T) { return a - b; }},
      {Operation::multiply, [](T a, T b, T, T) { return a * b; }},
      {Operation::divide, [](T a, T b, T, T) { return a / b; }},
      {Operation::less, [](T a, T b, T, T) { return T(a < b); }},
      {Operation::less_equal, [](T a, T b, T, T) { return T(a <= b); }},
      {Operation::equal, [](T a, T b, T, T) { return T(a == b); }},
      {Operation::gate, [](T a, T b, T, T k) { return a <= 0 ? b * k : b; }},
      {Operation::select, [](T a, T b, T c, T) { return a != 0 ? b : c; }},
  };
  for (const Isa use : instruction_sets())
    for (const Case& test : cases)
      for (Index n = 1; n <= 50; n += 7) {
        auto a = uniform_numbers<T>(n + 64, 7), b = uniform_numbers<T>(n + 64, 8), c = uniform_numbers<T>(n + 64, 9);
        for (Index i = 0; i < n; i += 3) b[i] = a[i];
        for (Index i = 0; i < n; i += 5) a[i] = i % 2 ? quiet_nan<T> : T{0};
        const Index rounded = (n + 15) / 16 * 16;
        Numbers<T> out(rounded);
        const auto kernel = detail::pointwise<T>(test.operation, use);
        kernel(out.data(), a.data(), b.data(), c.data(), T(0.7), n);
        Index wrong = 0;
        for (Index i = 0; i < n; ++i) {
          const T exact = test.exact(a[i], b[i], c[i], T(0.7));
          wrong += !(out[i] == exact || (std::isnan(out[i]) && std::isnan(exact)));
        }
        INFO("isa " << static_cast<int>(use) << ", operation " << static_cast<int>(test.operation) << ", n " << n);
        CHECK(wrong == 0);
        CHECK(out.room_untouched());
        kernel(a.data(), a.data(), b.data(), c.data(), T(0.7), n);
        CHECK(std::memcmp(a.data(), out.data(), static_cast<std::size_t>(n) * sizeof(T)) == 0);
      }
}

TEMPLATE_TEST_CASE("power agrees with the standard library", "", float, double) {
  using T = TestType;
  for (const Isa use : instruction_sets()) {
    auto a = uniform_numbers<T>(64, 10, T(0.1), 3), b = uniform_numbers<T>(64, 11, -4, 4);
    Numbers<T> powers(64);
    detail::pointwise<T>(Operation::power, use)(powers.data(), a.data(), b.data(), nullptr, 0, 64);
    for (Index i = 0; i < 64; ++i) {
      const double epsilon = std::numeric_limits<T>::epsilon();
      CHECK_THAT(powers[i], WithinRel(std::pow(static_cast<double>(a[i]), b[i]), 2 * epsilon));
    }
    CHECK(apply<T>(Operation::power, -2, 3, 0, 0, use) == -8);
    CHECK(apply<T>(Operation::power, 0, 0, 0, 0, use) == 1);
    CHECK(std::isnan(apply<T>(Operation::power, -2, T(0.5), 0, 0, use)));
    CHECK(apply<T>(Operation::power, std::numeric_limits<T>::denorm_min(), -1, 0, 0, use) == infinity<T>);
  }
}

TEMPLATE_TEST_CASE("gate with constant 0 lets nothing through, not even infinity or NaN", "", float, double) {
  using T = TestType;
  const T nan = quiet_nan<T>, inf = infinity<T>;
  for (const Isa use : instruction_sets()) {
    const auto gate = [&](T a, T b) { return apply<T>(Operation::gate, a, b, 0, 0, use); };
    for (const T closed : {T{-1}, T{0}, -inf})
      for (const T b : {T{3}, inf, -inf, nan}) CHECK(gate(closed, b) == 0);
    for (const T open : {T{1}, inf, nan}) {
      CHECK(gate(open, 3) == 3);
      CHECK(gate(open, -inf) == -inf);
      CHECK(std::isnan(gate(open, nan)));
    }
  }
}

TEST_CASE("Elementary functions of floats stay within 2.5 units of the last place, sines within 2") {
  const detail::FlushSubnormals scope;
  constexpr Index block = 4096;
  Numbers<float> x(block), y(block);
  for (const Isa use : instruction_sets())
    for (const Function& f : functions) {
      double worst = 0;
      float place = 0;
      const auto kernel = detail::pointwise<float>(f.operation, use);
      for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32);) {  // every 16 411th float, NaNs and infinities too
        for (Index i = 0; i < block; ++i, bits += 16'411) {
          const auto word = static_cast<std::uint32_t>(bits);
          std::memcpy(&x[i], &word, 4);
        }
        kernel(y.data(), x.data(), nullptr, nullptr, 0, block);
        for (Index i = 0; i < block; ++i)
          if (const double error = ulps(y[i], f.exact(x[i])); !(error <= worst)) worst = error, place = x[i];
      }
      INFO(f.name << ", isa " << static_cast<int>(use) << ", worst at " << place);
      CHECK(worst <= f.most);
      CHECK(x.room_untouched());
    }
}

TEST_CASE("Elementary functions of floats near zero, at the edges and beyond") {
  const float tiny = 1e-45f, small = 1e-30f;  // tiny is subnormal and counts as 0
  for (const Isa use : instruction_sets()) {
    const auto f = [&](Operation operation, float x) { return apply<float>(operation, x, 0, 0, 0, use); };
    for (const Function& function : functions) {
      INFO(function.name << ", isa " << static_cast<int>(use));
      CHECK(std::isnan(f(function.operation, quiet_nan<float>)));
    }
    CHECK(f(Operation::exp, -infinity<float>) == 0);
    CHECK(f(Operation::exp, infinity<float>) == infinity<float>);
    CHECK(f(Operation::exp, 89) == infinity<float>);
    CHECK(f(Operation::exp, 0) == 1);
    CHECK(f(Operation::exp, -100) == 0);
    CHECK(f(Operation::exp, tiny) == 1);
    CHECK(f(Operation::expm1, -infinity<float>) == -1);
    CHECK(f(Operation::expm1, infinity<float>) == infinity<float>);
    CHECK(f(Operation::log, 0) == -infinity<float>);
    CHECK(f(Operation::log, infinity<float>) == infinity<float>);
    CHECK(f(Operation::log, 1) == 0);
    CHECK(f(Operation::log, tiny) == -infinity<float>);
    CHECK(f(Operation::log, -tiny) == -infinity<float>);
    CHECK(std::isnan(f(Operation::log, -small)));
    CHECK(f(Operation::log1p, -1) == -infinity<float>);
    CHECK(f(Operation::log1p, infinity<float>) == infinity<float>);
    CHECK(std::isnan(f(Operation::log1p, -1.5f)));
    for (const Operation odd : {Operation::expm1, Operation::log1p, Operation::tanh, Operation::sin})
      for (const float x : {0.0f, small, -small}) {
        CHECK(f(odd, x) == x);
        CHECK(f(odd, std::copysign(tiny, x)) == 0);
      }
    CHECK(f(Operation::tanh, infinity<float>) == 1);
    CHECK(f(Operation::tanh, -infinity<float>) == -1);
    CHECK(f(Operation::sigmoid, 0) == 0.5f);
    CHECK(f(Operation::sigmoid, infinity<float>) == 1);
    CHECK(f(Operation::sigmoid, -infinity<float>) == 0);
    CHECK(f(Operation::sigmoid, -100) == 0);
    CHECK(f(Operation::softplus, infinity<float>) == infinity<float>);
    CHECK(f(Operation::softplus, -infinity<float>) == 0);
    CHECK(f(Operation::softplus, 1000) == 1000);
    CHECK(f(Operation::softplus, -100) == 0);
    CHECK(f(Operation::erf, infinity<float>) == 1);
    CHECK(f(Operation::erf, -infinity<float>) == -1);
    CHECK(std::isnan(f(Operation::sin, infinity<float>)));
    CHECK(std::isnan(f(Operation::cos, -infinity<float>)));
    CHECK(std::isnan(f(Operation::sqrt, -1)));
    CHECK_THAT(f(Operation::sin, 1e22f), WithinRel(-0.7340815353f, 2e-7f));  // mpmath, of 9999999778196308361216
    CHECK_THAT(f(Operation::cos, 1e22f), WithinRel(0.6790613371f, 2e-7f));
  }
}

TEST_CASE("Elementary functions of doubles are those of the standard library") {
  for (const Isa use : instruction_sets())
    for (const Function& f : functions)
      for (const double x : {-745.2, -40.0, -1.5, -1e-3, -1e-300, 0.0, 1e-17, 0.3, 1.0, 2.75, 40.0, 709.0}) {
        const double result = apply<double>(f.operation, x, 0, 0, 0, use), exact = f.exact(x);
        INFO(f.name << " of " << x << ", isa " << static_cast<int>(use) << ": " << result << " instead of " << exact);
        CHECK(ulps(result, exact) <= 1);
      }
  CHECK(apply<double>(Operation::log, 1e-310) == -infinity<double>);  // subnormal
  CHECK(apply<double>(Operation::sqrt, 1e-310) == 0);
}

TEMPLATE_TEST_CASE("Sums are exact for whole numbers and do not depend on address or threads", "", float, double) {
  using T = TestType;
  for (const Isa use : instruction_sets()) {
    for (const Index n : {0, 1, 3, 15, 16, 17, 63, 64, 65, 1000, 20'000}) {
      Numbers<T> x(n);
      for (Index i = 0; i < n; ++i) x[i] = static_cast<T>(i % 100 - 30);
      T expected = 0;
      for (Index i = 0; i < n; ++i) expected += x[i];
      CHECK(detail::sum<T>(x.data(), n, use) == expected);
    }
    const Index n = 3'000'001;
    auto x = uniform_numbers<T>(n, 13), moved = uniform_numbers<T>(n, 13, -1, 1, 3);
    long double exact = 0, magnitude = 0;
    for (Index i = 0; i < n; ++i) exact += x[i], magnitude += std::fabs(x[i]);
    const T total = detail::sum<T>(x.data(), n, use);
    CHECK_THAT(total, WithinAbs(static_cast<double>(exact),
                                static_cast<double>(magnitude) * 20 * std::numeric_limits<T>::epsilon()));
    CHECK(detail::sum<T>(moved.data(), n, use) == total);
    for (const int threads : {1, 2, 3, 8}) {
      const Threads setting(threads);
      CHECK(detail::sum<T>(x.data(), n, use) == total);
    }
  }
}

TEST_CASE("Sums of ten million floats are right to 1e-7, along every axis") {
  const Index n = 10'000'000;
  Numbers<float> x(n);
  const double tenth = 0.1f, total = tenth * static_cast<double>(n);
  std::fill_n(x.data(), n, 0.1f);
  for (const Isa use : instruction_sets()) {
    INFO("isa " << static_cast<int>(use));
    CHECK_THAT(detail::sum<float>(x.data(), n, use), WithinRel(total, 1e-7));
    CHECK_THAT(detail::sum_of_squares<float>(x.data(), n, use), WithinRel(total * tenth, 1e-12));
    for (const Index columns : {1, 4, 100, 12'500}) {
      const Index rows = n / columns;
      Numbers<float> sums(columns);
      detail::sum_rows<float>(x.data(), rows, columns, sums.data(), use);
      for (Index c = 0; c < columns; ++c)
        if (std::fabs(sums[c] - tenth * static_cast<double>(rows)) > 1e-7 * static_cast<double>(rows) * tenth)
          FAIL("column " << c << " of " << columns << ": " << sums[c]);
      CHECK(sums.room_untouched());
    }
    float row = 0;
    detail::sum_columns<float>(x.data(), 1, n, &row, use);
    CHECK_THAT(row, WithinRel(total, 1e-7));
  }
}

TEST_CASE("Squares of floats beyond their range are summed") {
  for (const Isa use : instruction_sets()) {
    Numbers<float> x(2);
    x[0] = 3e38f, x[1] = -3e38f;
    CHECK_THAT(detail::sum_of_squares<float>(x.data(), 2, use), WithinRel(1.8e77, 1e-6));
  }
}

TEMPLATE_TEST_CASE("Sums of rows and columns, maxima and transposes", "", float, double) {
  using T = TestType;
  for (const Isa use : instruction_sets())
    for (const Index rows : {1, 2, 7, 16, 17, 65, 128, 2500})
      for (const Index columns : {1, 2, 10, 16, 17, 48, 63, 64, 65, 200}) {
        Numbers<T> x(rows * columns), by_row(rows), by_column(columns), greatest(rows), transposed(rows * columns);
        for (Index i = 0; i < x.size; ++i) x[i] = static_cast<T>(i * 7919 % 1009 - 700);
        x[x.size - 1] = -infinity<T>;
        detail::transpose<T>(x.data(), rows, columns, transposed.data(), use);
        detail::max_columns<T>(x.data(), rows, columns, greatest.data(), use);
        x[x.size - 1] = 5;
        detail::sum_columns<T>(x.data(), rows, columns, by_row.data(), use);
        detail::sum_rows<T>(x.data(), rows, columns, by_column.data(), use);
        Numbers<T> row_sums(rows), column_sums(columns), maxima(rows);
        Index wrong = 0;
        for (Index r = 0; r < rows; ++r) {
          row_sums[r] = 0;
          maxima[r] = -infinity<T>;
          for (Index c = 0; c < columns; ++c) {
            if (r == 0) column_sums[c] = 0;
            const bool last = r * columns + c == x.size - 1;
            const T value = x[r * columns + c];
            row_sums[r] += value;
            column_sums[c] += value;
            maxima[r] = last ? maxima[r] : std::max(maxima[r], value);
            wrong += transposed[c * rows + r] != (last ? -infinity<T> : value);
          }
        }
        INFO("isa " << static_cast<int>(use) << ", " << rows << " x " << columns);
        CHECK(wrong == 0);
        CHECK(by_row.same_bits(row_sums));
        CHECK(by_column.same_bits(column_sums));
        CHECK(greatest.same_bits(maxima));
        CHECK((by_row.room_untouched() && by_column.room_untouched() && greatest.room_untouched() &&
               transposed.room_untouched()));
      }
}

TEMPLATE_TEST_CASE("Sums of rows are the same for any number of threads", "", float, double) {
  for (const Isa use : instruction_sets())
    for (const auto& [rows, columns] : {std::pair<Index, Index>{128, 784}, {9000, 30}}) {
      auto x = uniform_numbers<TestType>(rows * columns, 14);
      Numbers<TestType> expected(columns), sums(columns);
      {
        const Threads setting(1);
        detail::sum_rows<TestType>(x.data(), rows, columns, expected.data(), use);
      }
      for (const int threads : {2, 3, 8}) {
        const Threads setting(threads);
        detail::sum_rows<TestType>(x.data(), rows, columns, sums.data(), use);
        CHECK(sums.same_bits(expected));
      }
    }
}

TEMPLATE_TEST_CASE("A maximum is NaN where a NaN is", "", float, double) {
  for (const Isa use : instruction_sets())
    for (const Index columns : {1, 2, 9, 16, 64, 65, 130})
      for (Index place = 0; place < columns; ++place) {
        auto x = uniform_numbers<TestType>(3 * columns, 15);
        x[columns + place] = quiet_nan<TestType>;
        Numbers<TestType> greatest(3);
        detail::max_columns<TestType>(x.data(), 3, columns, greatest.data(), use);
        CHECK((!std::isnan(greatest[0]) && std::isnan(greatest[1]) && !std::isnan(greatest[2])));
      }
}

TEMPLATE_TEST_CASE("largest_magnitude finds the number and each NaN and infinity", "", float, double) {
  using T = TestType;
  for (const Isa use : instruction_sets()) {
    CHECK(detail::largest_magnitude<T>(nullptr, 0, use) == 0);
    for (const Index n : {1, 5, 16, 67, 130}) {
      auto x = uniform_numbers<T>(n, 16);
      Index missed = 0;
      for (Index i = 0; i < n; ++i)
        for (const T number : {T(-3), T(2), quiet_nan<T>, infinity<T>, -infinity<T>}) {
          const T before = std::exchange(x[i], number), found = detail::largest_magnitude<T>(x.data(), n, use);
          missed += std::isnan(number) ? !std::isnan(found) : found != std::abs(number);
          x[i] = before;
        }
      CHECK(missed == 0);
    }
    auto large = uniform_numbers<T>(100'003, 17);
    large[70'000] = std::numeric_limits<T>::lowest();
    CHECK(detail::largest_magnitude<T>(large.data(), large.size, use) == std::numeric_limits<T>::max());
    large[100'002] = quiet_nan<T>;
    CHECK(std::isnan(detail::largest_magnitude<T>(large.data(), large.size, use)));
  }
}

TEMPLATE_TEST_CASE("adam takes PyTorch's steps", "", float, double) {
  using T = TestType;
  const double rate = 0.01, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.1;
  for (const Isa use : instruction_sets())
    for (const Index n : {1, 16, 17, 40'000}) {
      auto weight = uniform_numbers<T>(n, 18), gradient = uniform_numbers<T>(n, 19);
      Numbers<T> m(n), v(n);
      std::vector<double> w(weight.data(), weight.data() + n), mean(w.size(), 0), square(w.size(), 0);
      std::fill_n(m.data(), n, T{0});
      std::fill_n(v.data(), n, T{0});
      for (int t = 1; t <= 3; ++t) {
        const double correction1 = 1 - std::pow(beta1, t), correction2 = 1 - std::pow(beta2, t);
        for (std::size_t i = 0; i < w.size(); ++i) {  // torch.optim.AdamW, line by line
          const double g = gradient[static_cast<Index>(i)];
          w[i] *= 1 - rate * weight_decay;
          mean[i] = beta1 * mean[i] + (1 - beta1) * g;
          square[i] = beta2 * square[i] + (1 - beta2) * g * g;
          w[i] -= rate / correction1 * mean[i] / (std::sqrt(square[i]) / std::sqrt(correction2) + epsilon);
        }
        detail::adam<T>(weight.data(), m.data(), v.data(), gradient.data(), n, T(beta1), T(beta2),
                        T(rate / correction1), T(1 / correction2), T(epsilon), T(rate * weight_decay), use);
      }
      double worst = 0;
      for (std::size_t i = 0; i < w.size(); ++i)
        worst = std::max(worst, std::fabs(w[i] - static_cast<double>(weight[static_cast<Index>(i)])));
      INFO("isa " << static_cast<int>(use) << ", n " << n);
      CHECK(worst <= (sizeof(T) == 4 ? 1e-6 : 1e-14));
      CHECK((weight.room_untouched() && m.room_untouched() && v.room_untouched()));
    }
}
