// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace eigenesis;
using detail::ConvolutionAxis, detail::ConvolutionGeometry;

namespace {

std::vector<Isa> instruction_sets() {
  std::vector<Isa> sets;
  for (const Isa use : {Isa::baseline, Isa::avx2, Isa::avx512})
    if (supports(use)) sets.push_back(use);
  return sets;
}

std::string to_string(const ConvolutionGeometry& g) {
  const auto axis = [](const ConvolutionAxis& a) {
    return std::to_string(a.input) + " -> " + std::to_string(a.output) + " (kernel " + std::to_string(a.kernel) +
           ", stride " + std::to_string(a.stride) + ", padding " + std::to_string(a.padding) + ", dilation " +
           std::to_string(a.dilation) + ")";
  };
  return "batch " + std::to_string(g.batch) + ", height " + axis(g.height) + ", width " + axis(g.width) +
         ", channels " + std::to_string(g.in) + " -> " + std::to_string(g.out);
}

/// The sizes of x, w and y, in this order.
struct Sizes {
  Index x, w, y;
  explicit Sizes(const ConvolutionGeometry& g)
      : x(g.batch * g.height.input * g.width.input * g.in),
        w(g.height.kernel * g.width.kernel * g.in * g.out),
        y(g.batch * g.height.output * g.width.output * g.out) {}
};

/// Numbers in a buffer with room behind them for what kernels may read: NaN, so that using it shows, and must stay so.
template <class T>
struct Numbers {
  static constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  Index size;
  std::vector<T> memory;
  explicit Numbers(Index n) : size(n), memory(static_cast<std::size_t>(n) + 128 / sizeof(T), nan) {}
  Numbers(Index n, unsigned seed) : Numbers(n) {
    std::mt19937 engine(seed);
    for (Index i = 0; i < n; ++i) (*this)[i] = static_cast<T>(static_cast<double>(engine()) * 0x1p-31 - 1);
  }
  T* data() { return memory.data(); }
  T& operator[](Index i) { return memory[static_cast<std::size_t>(i)]; }
  bool room_untouched() {
    for (std::size_t i = static_cast<std::size_t>(size); i < memory.size(); ++i)
      if (!std::isnan(memory[i])) return false;
    return true;
  }
};

struct Threads {
  int before = num_threads();
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
};

/// Calls f(place in x, place in w, place in y) for each of the products that a convolution adds up.
template <class F>
void seven_loops(const ConvolutionGeometry& g, F&& f) {
  for (Index n = 0; n < g.batch; ++n)
    for (Index oh = 0; oh < g.height.output; ++oh)
      for (Index ow = 0; ow < g.width.output; ++ow)
        for (Index qh = 0; qh < g.height.kernel; ++qh)
          for (Index qw = 0; qw < g.width.kernel; ++qw) {
            const Index ih = oh * g.height.stride + qh * g.height.dilation - g.height.padding;
            const Index iw = ow * g.width.stride + qw * g.width.dilation - g.width.padding;
            if (ih < 0 || ih >= g.height.input || iw < 0 || iw >= g.width.input) continue;
            for (Index d = 0; d < g.in; ++d)
              for (Index c = 0; c < g.out; ++c)
                f(((n * g.height.input + ih) * g.width.input + iw) * g.in + d,
                  ((qh * g.width.kernel + qw) * g.in + d) * g.out + c,
                  ((n * g.height.output + oh) * g.width.output + ow) * g.out + c);
          }
}

/// Compares with sums in double, within what as many roundings in either direction come to.
template <class T>
void check_sums(const char* what, Isa use, const ConvolutionGeometry& g, Numbers<T>& found,
                const std::vector<double>& sums, const std::vector<double>& magnitudes, const std::vector<int>& terms) {
  INFO(what << ", isa " << static_cast<int>(use) << ": " << to_string(g));
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double bound = (std::sqrt(terms[i]) + 2) * magnitudes[i] * std::numeric_limits<T>::epsilon();
    if (!(std::fabs(found.memory[i] - sums[i]) <= bound))
      FAIL("element " << i << ": " << found.memory[i] << " instead of " << sums[i]);
  }
  if (!found.room_untouched()) FAIL("wrote beyond the end");
}

template <class T>
void check_convolution(const ConvolutionGeometry& g) {
  const Sizes sizes(g);
  Numbers<T> x(sizes.x, 1), w(sizes.w, 2), y(sizes.y, 3);
  const auto vectors = [](Index n) { return std::vector<double>(static_cast<std::size_t>(n)); };
  std::vector<double> sums[3] = {vectors(sizes.x), vectors(sizes.w), vectors(sizes.y)};
  auto magnitudes = std::to_array(sums);
  std::vector<int> terms[3] = {std::vector<int>(sums[0].size()), std::vector<int>(sums[1].size()),
                               std::vector<int>(sums[2].size())};
  seven_loops(g, [&](Index i, Index q, Index o) {
    const auto add = [&](std::size_t to, Index place, double a, double b) {
      const auto at = static_cast<std::size_t>(place);
      sums[to][at] += a * b;
      magnitudes[to][at] += std::fabs(a * b);
      ++terms[to][at];
    };
    add(0, i, y[o], w[q]);
    add(1, q, x[i], y[o]);
    add(2, o, x[i], w[q]);
  });
  for (const Isa use : instruction_sets()) {
    Numbers<T> found_x(sizes.x), found_w(sizes.w), found_y(sizes.y);
    detail::conv_forward<T>(g, x.data(), w.data(), found_y.data(), use);
    detail::conv_input_gradient<T>(g, y.data(), w.data(), found_x.data(), use);
    detail::conv_weight_gradient<T>(g, x.data(), y.data(), found_w.data(), use);
    check_sums("forward", use, g, found_y, sums[2], magnitudes[2], terms[2]);
    check_sums("input gradient", use, g, found_x, sums[0], magnitudes[0], terms[0]);
    check_sums("weight gradient", use, g, found_w, sums[1], magnitudes[1], terms[1]);
  }
  SUCCEED();
}

/// An axis drawn at random; every third with fewer or more outputs than a convolution gives, as transposed ones have.
ConvolutionAxis random_axis(std::mt19937& engine) {
  const auto draw = [&](Index low, Index high) { return low + static_cast<Index>(engine()) % (high - low + 1); };
  ConvolutionAxis axis{draw(1, 11), draw(1, 5), 0, draw(1, 3), draw(0, 3), draw(1, 3)};
  const Index room = axis.input + 2 * axis.padding - axis.dilation * (axis.kernel - 1) - 1;
  axis.output = room < 0 ? 0 : room / axis.stride + 1;
  if (axis.output < 1 || draw(0, 2) == 0) axis.output = draw(1, 7);
  return axis;
}

/// The convolutions of a DCGAN on MNIST and some that other paths lead through.
std::vector<ConvolutionGeometry> larger_geometries(Index batch) {
  const auto square = [&](Index input, Index in, Index output, Index out, Index kernel, Index stride, Index padding) {
    const ConvolutionAxis axis{input, kernel, output, stride, padding};
    return ConvolutionGeometry{batch, in, out, axis, axis};
  };
  return {square(28, 1, 14, 64, 4, 2, 1), square(14, 64, 7, 128, 4, 2, 1),  square(7, 128, 3, 256, 4, 2, 1),
          square(3, 256, 1, 1, 3, 1, 0),  square(4, 256, 1, 100, 4, 1, 0),  square(7, 128, 4, 256, 3, 2, 1),
          square(9, 50, 9, 3, 3, 1, 1),   square(9, 3, 9, 50, 3, 1, 1),     square(30, 5, 28, 2, 3, 1, 0),
          square(6, 40, 6, 56, 1, 1, 0),  square(6, 40, 3, 56, 1, 2, 0),
          {batch, 1, 2, {40, 3, 38}, {1030, 3, 1028}}};
}

}  // namespace

TEMPLATE_TEST_CASE("Convolutions agree with seven loops over random geometries", "", float, double) {
  std::mt19937 engine(5);
  const auto channels = [&](int i) {
    static const Index choice[] = {1, 1, 2, 3, 7, 16, 17, 33, 50};
    return i % 5 < 4 ? choice[engine() % 6] : choice[engine() % 9];
  };
  for (int i = 0; i < 400; ++i) {
    const ConvolutionAxis height = random_axis(engine), width = i % 4 == 0 ? height : random_axis(engine);
    const Index batch = 1 + static_cast<Index>(engine() % 3), in = channels(i), out = channels(i);
    check_convolution<TestType>({batch, in, out, height, width});
  }
}

TEST_CASE("Convolutions of the sizes that models use agree with seven loops") {
  for (const auto& g : larger_geometries(3)) check_convolution<float>(g);
}

TEST_CASE("Convolutions take no memory from the system once they have been called") {
  for (const auto& g : larger_geometries(3)) {
    const Sizes sizes(g);
    Numbers<float> x(sizes.x, 1), w(sizes.w, 2), y(sizes.y, 3);
    const auto convolve = [&] {
      detail::conv_forward(g, x.data(), w.data(), y.data());
      detail::conv_input_gradient(g, y.data(), w.data(), x.data());
      detail::conv_weight_gradient(g, x.data(), y.data(), w.data());
      return detail::BlockCache::system_allocations();
    };
    const auto before = convolve();
    INFO(to_string(g));
    if (detail::recycle_blocks) CHECK(convolve() == before);
  }
}

TEMPLATE_TEST_CASE("Convolutions give the same bits for any number of threads", "", float, double) {
  for (const Isa use : instruction_sets())
    for (const auto& g : larger_geometries(17)) {
      const Sizes sizes(g);
      Numbers<TestType> x(sizes.x, 1), w(sizes.w, 2), y(sizes.y, 3);
      std::vector<Numbers<TestType>> expected;
      for (const int threads : {1, 2, 3}) {
        const Threads setting(threads);
        std::vector<Numbers<TestType>> found{Numbers<TestType>(sizes.y), Numbers<TestType>(sizes.x),
                                             Numbers<TestType>(sizes.w)};
        detail::conv_forward<TestType>(g, x.data(), w.data(), found[0].data(), use);
        detail::conv_input_gradient<TestType>(g, y.data(), w.data(), found[1].data(), use);
        detail::conv_weight_gradient<TestType>(g, x.data(), y.data(), found[2].data(), use);
        if (threads == 1) expected = found;
        for (std::size_t k = 0; k < 3; ++k) {
          INFO("isa " << static_cast<int>(use) << ", " << threads << " threads, direction " << k << ": "
                      << to_string(g));
          CHECK(std::memcmp(expected[k].data(), found[k].data(),
                            static_cast<std::size_t>(found[k].size) * sizeof(TestType)) == 0);
        }
      }
    }
}
