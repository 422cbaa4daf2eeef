// SPDX-License-Identifier: MIT
// GFLOP/s of the convolutions and matrix products of the models, and GB/s of Adam, at 1 and 2 threads: best / median of
// interleaved rounds, beside the peak of one core, a loop of multiply-adds in registers. Nominal FLOPs: taps that fall
// into the padding count, though no kernel computes them, so that a rate may exceed the peak.
// Arguments: rounds (7), batch sizes (64 128).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <eigenesis/eigenesis.hpp>
#include <functional>
#include <string>
#include <vector>
using namespace eigenesis;
using detail::ConvolutionAxis, detail::ConvolutionGeometry;

constexpr long loops = 300'000;

// 12 independent sums hide the latency of the instruction.
#if EIGENESIS_X86
#define PEAK(name, instruction_set, bytes)                                                \
  __attribute__((target(instruction_set))) double name() {                                \
    typedef float Vector __attribute__((vector_size(bytes)));                             \
    Vector sum[12] = {}, x = {};                                                          \
    for (long i = 0; i < loops; ++i) {                                                    \
      _Pragma("GCC unroll 12") for (int j = 0; j < 12; ++j)                               \
        asm volatile("vfmadd231ps {%1, %1, %0|%0, %1, %1}" : "+v"(sum[j]) : "v"(x));      \
    }                                                                                     \
    return 2.0 * loops * 12 * bytes / 4;                                                  \
  }
PEAK(peak_avx2, "avx2,fma", 32)
PEAK(peak_avx512, "avx512f", 64)
#endif
double peak_baseline() {
  typedef float Vector __attribute__((vector_size(16)));
  volatile float zero = 0;
  const Vector x = zero - Vector{};
  Vector sum[12] = {};
  for (long i = 0; i < loops; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < 12; ++j) sum[j] = sum[j] * x + x;
  }
  for (const Vector& s : sum) zero = s[0];
  return 2.0 * loops * 12 * 4;
}
double peak() {
#if EIGENESIS_X86
  if (isa() == Isa::avx512) return peak_avx512();
  if (isa() == Isa::avx2) return peak_avx2();
#endif
  return peak_baseline();
}

double seconds_of(const std::function<void()>& work, int count) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / count;
}

/// Something to be measured: its name, and the giga-units (FLOP, bytes) that a call does.
struct Work {
  std::string name;
  double units;
  std::function<void()> call;
};

std::string measure(const std::vector<Work>& row, int rounds) {
  const std::size_t n = row.size();
  std::vector<std::vector<double>> rates(2 * n);
  for (int round = -1; round < rounds; ++round)  // the first warms up
    for (std::size_t i = 0; i < 2 * n; ++i) {
      const Work& work = row[i % n];
      set_num_threads(i < n ? 1 : 2);
      const double once = seconds_of(work.call, 1);
      const double seconds = seconds_of(work.call, std::max(1, static_cast<int>(4e-3 / (once + 1e-7))));
      if (round >= 0) rates[i].push_back(work.units / seconds);
    }
  std::string text;
  for (std::size_t i = 0; i < 2 * n; ++i) {
    std::ranges::sort(rates[i]);
    char cell[40];
    std::snprintf(cell, sizeof cell, "%s %6.1f /%6.1f", i == n ? "  |" : "", rates[i].back(),
                  rates[i][rates[i].size() / 2]);
    text += cell;
  }
  return text;
}

std::vector<float> noise(Index n) {
  Rng rng(static_cast<std::uint64_t>(n));
  std::vector<float> x(static_cast<std::size_t>(n) + 32);
  rng.fill_normal(x.data(), n);
  return x;
}

void convolutions(Index batch, int rounds) {
  std::printf("\n%-44s %-45s | %s\n", ("GFLOP/s, batch " + std::to_string(batch) + ", convolution").c_str(),
              "1 thread: forward, dx, dw", "2 threads");
  struct Layer {
    bool transposed;
    Index input, in, output, out, kernel, stride, padding;
  };
  for (const Layer& layer : {Layer{false, 28, 1, 14, 64, 4, 2, 1}, {false, 14, 64, 7, 128, 4, 2, 1},
                             {false, 7, 128, 3, 256, 4, 2, 1}, {false, 3, 256, 1, 1, 3, 1, 0},
                             {true, 1, 100, 4, 256, 4, 1, 0}, {true, 4, 256, 7, 128, 3, 2, 1},
                             {true, 7, 128, 14, 64, 4, 2, 1}, {true, 14, 64, 28, 1, 4, 2, 1},
                             {false, 32, 3, 16, 64, 4, 2, 1}, {false, 16, 64, 16, 64, 3, 1, 1},
                             {false, 32, 32, 32, 3, 3, 1, 1}}) {
    const auto& [transposed, input, in, output, out, kernel, stride, padding] = layer;
    const ConvolutionAxis axis = transposed ? ConvolutionAxis{output, kernel, input, stride, padding}
                                            : ConvolutionAxis{input, kernel, output, stride, padding};
    const ConvolutionGeometry g{batch, transposed ? out : in, transposed ? in : out, axis, axis};
    auto x = noise(batch * g.input_pixels() * g.in), w = noise(g.taps() * g.in * g.out),
         y = noise(batch * g.output_pixels() * g.out);
    const double flops = 2e-9 * static_cast<double>(batch * g.output_pixels() * g.taps() * g.in * g.out);
    Work forward{"", flops, [&] { detail::conv_forward(g, x.data(), w.data(), y.data()); }};
    Work dx{"", flops, [&] { detail::conv_input_gradient(g, y.data(), w.data(), x.data()); }};
    const Work dw{"", flops, [&] { detail::conv_weight_gradient(g, x.data(), y.data(), w.data()); }};
    if (transposed) std::swap(forward, dx);
    char name[80];
    std::snprintf(name, sizeof name, "%s %ldx%ldx%ld -> %ldx%ldx%ld, %ld/%ld/%ld",
                  transposed ? "transposed" : "conv", long{input}, long{input}, long{in}, long{output}, long{output},
                  long{out}, long{kernel}, long{stride}, long{padding});
    std::printf("%-44s%s\n", name, measure({forward, dx, dw}, rounds).c_str());
    std::fflush(stdout);
  }
}

void products(Index batch, int rounds) {
  std::printf("\n%-44s %-45s | %s\n", ("GFLOP/s, batch " + std::to_string(batch) + ", linear layer").c_str(),
              "1 thread: forward NN, dx NT, dw TN", "2 threads");
  for (const auto& [in, out] : {std::pair<Index, Index>{100, 256}, {256, 512}, {512, 1024}, {1024, 784}, {784, 512},
                                {512, 256}, {256, 1}}) {
    auto x = noise(batch * in), w = noise(in * out), y = noise(batch * out);
    const double flops = 2e-9 * static_cast<double>(batch * in * out);
    const auto gemm = [&, m = batch, k = in, n = out](bool ta, bool tb) {
      if (ta)
        detail::gemm(true, false, k, n, m, x.data(), y.data(), w.data());
      else if (tb)
        detail::gemm(false, true, m, k, n, y.data(), w.data(), x.data());
      else
        detail::gemm(false, false, m, n, k, x.data(), w.data(), y.data());
    };
    const std::string name = std::to_string(in) + " -> " + std::to_string(out);
    std::printf("%-44s%s\n", name.c_str(),
                measure({{"", flops, [&] { gemm(false, false); }},
                         {"", flops, [&] { gemm(false, true); }},
                         {"", flops, [&] { gemm(true, false); }}},
                        rounds)
                    .c_str());
    std::fflush(stdout);
  }
}

void adam(Index size, int rounds) {
  auto weight = noise(size), gradient = noise(size);
  std::vector<float> m(weight.size()), v(weight.size());
  const Work step{"", 28e-9 * static_cast<double>(size), [&] {
                    detail::adam(weight.data(), m.data(), v.data(), gradient.data(), size, 0.9f, 0.999f, 1e-6f, 1.0f,
                                 1e-8f, 0.0f);
                  }};
  std::printf("%-44s%s\n", ("Adam, " + std::to_string(size) + " parameters").c_str(), measure({step}, rounds).c_str());
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  std::vector<Index> batches;
  for (int i = 2; i < argc; ++i) batches.push_back(std::atoi(argv[i]));
  if (batches.empty()) batches = {64, 128};
  const char* const names[] = {"baseline", "avx2", "avx512"};
  double flops = 0;
  const Work loop{"", 0, [&] { flops = peak(); }};
  double best = 1e9;
  for (int i = 0; i < 20 * rounds; ++i) best = std::min(best, seconds_of(loop.call, 1));
  std::printf("%s: peak of 1 thread %.1f GFLOP/s; every cell: best / median of %d rounds\n",
              names[static_cast<int>(isa())], flops / best * 1e-9, rounds);
  for (const Index batch : batches) convolutions(batch, rounds);
  for (const Index batch : batches) products(batch, rounds);
  std::printf("\nGB/s, 28 bytes per parameter\n");
  for (const Index size : {100'000, 1'500'000, 6'000'000}) adam(size, rounds);
}
