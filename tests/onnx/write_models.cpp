// SPDX-License-Identifier: MIT
// Writes models as ONNX files into a folder, and beside them what the library makes of 1, 2 and 7 samples:
//   write_onnx_models FOLDER
// onnx_test.py and documents_test.py run the files and compare. A file of numbers begins with a line of their type and
// shape.
#include <cstdio>
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/onnx/export.hpp>
#include <filesystem>
#include <fstream>

#include "golden.hpp"

using namespace eigenesis;

namespace {

std::string folder;

template <class Scalar>
void write_numbers(const std::string& path, const AnyVariable<Scalar>& x) {
  std::ofstream file(path, std::ios::binary);
  file << (sizeof(Scalar) == 8 ? "float64" : "float32");
  for (const Index size : x.shape()) file << ' ' << size;
  file << '\n';
  file.write(reinterpret_cast<const char*>(x.data()),
             static_cast<std::streamsize>(static_cast<std::size_t>(x.size()) * sizeof(Scalar)));
  if (!file.flush()) throw Error("write_numbers: expected to write " + path);
}

template <class Scalar, int Rank>
Variable<Scalar, Rank> first_rows(const Tensor<Scalar, Rank>& x, Index n) {
  return slice(Variable(x), 0, 0, n);
}

/// `examples` are 7 samples each.
template <class Model>
void write(const std::string& name, const Model& model, const auto&... examples) {
  export_onnx(folder + "/" + name + ".onnx", model, examples...);
  for (const Index n : {1, 2, 7}) {
    const NoGradient no_gradient;
    const std::string begin = folder + "/" + name + "." + std::to_string(n) + ".";
    const char* const inputs[] = {"input", "condition"};
    std::size_t i = 0;
    (write_numbers(begin + inputs[i++], first_rows(examples, n)), ...);
    detail::for_each_output(call(model, first_rows(examples, n)...), [&](std::string_view output, const auto& y) {
      write_numbers(begin + std::string(output), y);
    });
  }
}

template <class Scalar = float, class... Sizes>
auto normal(std::uint64_t seed, Sizes... sizes) {
  Rng rng(seed);
  Tensor<Scalar, sizeof...(Sizes) + 1> x(Shape{Index{7}, Index{sizes}...});
  rng.fill_normal(x.data(), x.size());
  return x;
}

/// Gives BatchNorms running averages and parameters of their own.
template <class Model>
void stir(Model& model, const auto& x) {
  Rng rng(99);
  for_each_parameter(model, [&](const FieldPath& path, auto& parameter) {
    if (path.name != "weight" || parameter.shape().sizes.size() != 1) return;
    for (auto& each : parameter.mutable_value().values()) each = 0.5f + static_cast<float>(rng.uniform());
  });
  for (int i = 0; i < 3; ++i) call(model, Variable(x), Pass::training(rng));
}

struct ResidualBlock {
  Linear<> first, second;
  ResidualBlock(Index width, Rng& rng) : first(width, width, rng), second(width, width, rng) {}
  auto operator()(const Variable<float, 2>& x) const { return x + second(tanh(first(x))); }
  static void fields(auto& self, auto&& field) {
    field("first", self.first);
    field("second", self.second);
  }
};

/// A residual block of convolutions, with a BatchNorm that it calls itself.
struct ResidualImages {
  Conv2d<> conv;
  BatchNorm<> norm;
  explicit ResidualImages(Index channels, Rng& rng)
      : conv(channels, channels, 3, {.padding = 1}, rng), norm(channels) {}
  auto operator()(const Variable<float, 4>& x, Pass pass = {}) const { return x + relu(norm(conv(x), pass)); }
  static void fields(auto& self, auto&& field) {
    field("conv", self.conv);
    field("norm", self.norm);
  }
};

/// The standard deviation of each feature over the batch, as one more feature (Karras et al. 2018).
struct MinibatchDeviation {
  auto operator()(const Variable<float, 2>& x) const {
    const auto deviation = sqrt(mean(square(x - mean(x, 0)), 0) + 1e-8);
    return concatenate({x, broadcast(mean(deviation), Shape{x.shape(0), 1})}, 1);
  }
};

/// Samples that look at each other, [N, F] -> [N, F].
struct Attention {
  Linear<> query, key;
  auto operator()(const Variable<float, 2>& x) const {
    return matmul(softmax(matmul(query(x), transposed(key(x))), 1), x);
  }
  static void fields(auto& self, auto&& field) {
    field("query", self.query);
    field("key", self.key);
  }
};

/// Weights divided by their norms, so that exported weights are computed with before they are used.
struct UnitRows {
  Linear<> linear;
  auto operator()(const Variable<float, 2>& x) const {
    const auto norms = sqrt(sum(square(linear.weight), 0));
    return matmul(x, linear.weight / norms, linear.bias);
  }
  static void fields(auto& self, auto&& field) { field("linear", self.linear); }
};

struct TwoOutputs {
  Variable<float, 2> code;
  Variable<float, 1> energy;
  static void fields(auto& self, auto&& field) {
    field("code", self.code);
    field("energy", self.energy);
  }
};

template <class Scalar>
void write_formulas(const std::string& prefix) {
  const auto x = normal<Scalar>(1, 40);
  write(
      prefix + "elementary",
      [](const auto& t) {
        const auto positive = square(t) + 0.1;
        return concatenate(std::vector{abs(t),
                                       square(t),
                                       sqrt(positive),
                                       exp(t),
                                       expm1(t),
                                       expm1(1e-4 * t),
                                       log(positive),
                                       log1p(positive),
                                       log1p(1e-4 * positive),
                                       sin(t),
                                       cos(t),
                                       tanh(t),
                                       sigmoid(t),
                                       softplus(t),
                                       softplus(40 * t),
                                       pow(positive, 1.7),
                                       -t,
                                       2 + t,
                                       3 * t,
                                       t / 3,
                                       1 - t,
                                       1 / positive,
                                       3 / positive,
                                       relu(t),
                                       leaky_relu(t, 0.2),
                                       clamp(t, -1, 0.5),
                                       elu(t),
                                       elu(t, 0.7)},
                           1);
      },
      x);
  write(
      prefix + "lambda",
      [](const auto& t) {
        return map(
            [](auto a, auto b) {
              const auto chosen = select(a < b, a * b, select(a <= -b, a - b, pow(abs(a) + 1, b)));
              const auto counted = (a < 0.5) + (b >= a) + (a == b) + (a != b) + (a > 1);
              const auto bent = select(a * (a > 0), maximum(a, 0.3), minimum(a, b)) + select(0 * a, 1, a / (b * b + 1));
              return chosen + 0.1 * counted + bent +
                     leaky_relu(a - b, 0.1) * detail::trace(detail::Operation::gate, 0.5, a, b);
            },
            t, slice(t, 1, 3, 4));
      },
      x);
  // One operand is not used, and the one that is has to be stretched all the same.
  write(
      prefix + "stretched",
      [](const auto& t) {
        const auto per_sample = sum_per_sample(t);
        const auto column = reshape(per_sample, Shape{t.shape(0), 1});
        return concatenate(
            {map([](auto a, auto) { return 2 * a; }, column, t), map([](auto a, auto) { return a; }, column, t),
             map([](auto a) { return a - a + 5; }, t), broadcast(column, t.shape())},
            1);
      },
      x);
  write(
      prefix + "reduced",
      [](const auto& t) {
        const Index n = t.shape(0);
        const auto images = reshape(t, Shape{n, Index{5}, Index{4}, Index{2}});
        const auto pixels = reshape(images, Shape{n * 20, Index{2}});
        const auto whole = sum(pixels) / 100 + mean(t);
        return concatenate({reshape(softmax(images, 2), t.shape()), reshape(log_softmax(t, 1), t.shape()),
                            reshape(logsumexp(t, 1), Shape{n, 1}), reshape(maximum(images, 1), Shape{n, 8}),
                            reshape(sum(images, 3), Shape{n, 20}), broadcast(mean(t, 0), Shape{n, 40}),
                            broadcast(whole, Shape{n, 1}), reshape(sum_to(images, Shape{n, 1, 4, 1}), Shape{n, 4}),
                            reshape(sum(matmul(pixels, transposed(pixels / (n * 20))), 1), Shape{n, 20})},
                           1);
      },
      x);
  write(
      prefix + "arranged",
      [](const auto& t) {
        const Index n = t.shape(0);
        const auto cubes = reshape(t, Shape{n, Index{5}, Index{8}});
        const auto turned = transpose(cubes);
        const auto parts = split(t, 1, {10, 30});
        const auto ends = concatenate({slice(t, 0, n, n), slice(t, 0, 1, n), slice(t, 0, 0, 1)}, 0);
        return concatenate(
            {reshape(turned, t.shape()), pad(parts[0], 1, 2, 3), parts[1], reshape(transpose(turned + 1), t.shape()),
             Variable(Tensor<Scalar, 2>(Shape{n, 1}, Scalar{1})), slice(pad(t, 0, n, n), 0, n, 2 * n)},
            1);
      },
      x);
}

void write_networks() {
  Rng rng(3);
  write("golden", golden_decoder(), counted(Shape{7, 3}, 0.5), counted(Shape{7, 2}, 0.5));
  const Generator mlp{Sequential{Linear(2, 32, rng), Relu{}, Linear(32, 32, rng), LeakyRelu{0.2}, Linear(32, 2, rng)},
                      StandardNormal(2)};
  write("mlp_generator", mlp, normal(1, 2));

  Generator dcgan{Sequential{Linear(20, 4 * 4 * 16, {.bias = false}, rng), Unflatten{4, 4, 16}, BatchNorm(16), Relu{},
                             ConvTranspose2d(16, 8, 4, {.stride = 2, .padding = 1, .bias = false}, rng), BatchNorm(8),
                             Relu{}, ConvTranspose2d(8, 3, 4, {.stride = 2, .padding = 1}, rng), Tanh{}},
                  StandardNormal(20)};
  const auto z = normal(2, 20);
  stir(dcgan, z);
  write("dcgan_generator", dcgan, z);
  Discriminator judge{Sequential{Conv2d(3, 8, 4, {.stride = 2, .padding = 1}, rng), LeakyRelu{0.2},
                                 Conv2d(8, 16, 4, {.stride = 2, .padding = 1, .bias = false}, rng), BatchNorm(16),
                                 LeakyRelu{0.2}, Flatten{RowOrder::channels_first}, Dropout{}, Linear(256, 1, rng)}};
  const auto images = normal(3, 16, 16, 3);
  stir(judge, images);
  write("dcgan_discriminator", judge, images);

  Rng pixel_rng(5);
  const Tensor<float, 2> pixels = StandardUniform(60).sample(7, pixel_rng);
  Vae vae{Encoder{Sequential{Linear(60, 40, rng), Relu{}}, Linear(40, 8, rng), Linear(40, 8, rng)},
          Decoder{Sequential{Linear(8, 40, rng), Relu{}, Linear(40, 60, rng)}, BernoulliLikelihood{}},
          StandardNormal(8)};
  write("vae_encoder", vae.encoder, pixels);
  write("vae_decoder", vae.decoder, normal(4, 8));
  const Linear head(8, 6, rng);
  LearnedNormalLikelihood<> learned;
  learned.log_standard_deviation.mutable_value() = Tensor<float, 0>({}, 0.3f);
  write("learned_normal_decoder", Decoder{head, learned}, normal(5, 8));
  write("normal_decoder", Decoder{head, NormalLikelihood{0.5}}, normal(5, 8));
  write("squared_error_decoder", Decoder{head, SquaredError{}}, normal(5, 8));
  write("point_encoder", Encoder{Sequential{Linear(8, 8, rng), Tanh{}}, head}, normal(5, 8));
  write(
      "one_hot", [&](const auto& x) { return OneHot{head(x)}; }, normal(5, 8));
  write(
      "categorical", [&](const auto& x) { return Categorical{head(x)}; }, normal(5, 8));

  const Tensor<float, 2> classes = one_hot(std::vector{3, 1, 0, 2, 2, 1, 3}, 4);
  write("conditional_generator",
        Generator{Sequential{AppendCondition{}, Linear(10 + 4, 32, rng), Relu{}, Linear(32, 9, rng), Sigmoid{}},
                  StandardNormal(10)},
        normal(6, 10), classes);
  write("conditional_images",
        Discriminator{Sequential{AppendCondition{}, Conv2d(3 + 4, 8, 3, {.stride = 2, .padding = 1}, rng), Gelu{},
                                 Flatten{}, Linear(8 * 8 * 8, 1, rng)}},
        images, classes);
  write("conditional_vae_encoder",
        Encoder{Sequential{AppendCondition{}, Linear(60 + 4, 16, rng), Softplus{}}, Linear(16, 3, rng),
                Linear(16, 3, rng)},
        pixels, classes);

  write("residual", Sequential{Linear(2, 16, rng), ResidualBlock(16, rng), ResidualBlock(16, rng), Linear(16, 1, rng)},
        normal(7, 2));
  Sequential residual_images{Conv2d(3, 6, 3, {.padding = 1}, rng), ResidualImages(6, rng), GlobalAvgPool2d{}};
  stir(residual_images, images);
  write("residual_images", residual_images, images);
  const auto swish = [](const auto& x) { return map([](auto t) { return t * sigmoid(t); }, x); };
  write("swish", Sequential{Linear(2, 64, rng), swish, Linear(64, 1, rng)}, normal(8, 2));
  write("minibatch_deviation", Sequential{Linear(4, 5, rng), MinibatchDeviation{}, Linear(6, 2, rng)}, normal(9, 4));
  write("attention", Attention{Linear(4, 3, rng), Linear(4, 3, rng)}, normal(9, 4));
  write("unit_rows", UnitRows{Linear(4, 3, rng)}, normal(9, 4));
  write(
      "two_outputs",
      [&](const auto& x) {
        const auto code = head(x);
        return TwoOutputs{code, sum_per_sample(square(code))};
      },
      normal(5, 8));
  write("identity", Sequential{}, normal(5, 8));

  const Tensor<float, 2> latents = normal(6, 10);
  const Generator of_class{Sequential{AppendCondition{}, Linear(10 + 4, 9, rng)}, StandardNormal(10)};
  export_onnx(folder + "/named.onnx", of_class, latents, classes, {.inputs = {"z", "class"}, .outputs = {"pixels"}});
  for (const Index n : {1, 2, 7}) {
    const std::string begin = folder + "/named." + std::to_string(n) + ".";
    write_numbers(begin + "z", first_rows(latents, n));
    write_numbers(begin + "class", first_rows(classes, n));
    write_numbers(begin + "pixels", call(of_class, first_rows(latents, n), first_rows(classes, n)));
  }

  write("pooled",
        Sequential{AvgPool2d{3, {.stride = 2, .padding = 1}}, MaxPool2d{3, {.stride = 1, .padding = 1}}, MaxPool2d{2},
                   Upsample2d{2}, Upsample2d{3, Interpolation::bilinear}, GlobalMaxPool2d{}},
        images);
  Sequential normed{Conv2d(3, 6, 3, {.padding = 2, .dilation = 2}, rng),
                    LayerNorm(6),
                    InstanceNorm(6),
                    ConvTranspose2d(6, 4, 3, {.stride = 3, .padding = 1, .output_padding = 2, .dilation = 2}, rng),
                    InstanceNorm(4, {.affine = true}),
                    Elu{},
                    Flatten{},
                    Unflatten{50, 50, 4, RowOrder::channels_first}};
  stir(normed, images);
  write("normed", normed, images);
  write("double_generator",
        Sequential{Linear<double>(3, 16, rng), LeakyRelu{0.2}, Linear<double>(16, 16, rng), Relu{},
                   LayerNorm<double>(16), Linear<double>(16, 4, rng), Softplus{}},
        normal<double>(10, 3));
}

// The files that the Python of README.md and docs/guide.md reads, each in a folder of its own, with latents and what
// the library makes of them.

void write_readme() {
  const std::string begin = folder + "/README/";
  std::filesystem::create_directories(begin);
  Rng rng(7);
  Generator generator{Sequential{Linear(2, 128, rng), Relu{}, Linear(128, 128, rng), Relu{}, Linear(128, 2, rng)},
                      StandardNormal(2)};
  save_safetensors(begin + "generator.safetensors", generator.network);
  export_onnx(begin + "generator.onnx", generator, generator.prior.sample(2, rng));
  const Tensor<float, 2> z = normal(20, 2);
  save_npy(begin + "generator.input.npy", z);
  save_npy(begin + "generator.output.npy", generator.decode(z));
  save_npy(begin + "generator.network.npy", generator.decode(z));
}

void write_guide() {
  const std::string begin = folder + "/guide/";
  std::filesystem::create_directories(begin);
  Rng rng(8);
  Decoder decoder{Sequential{Linear(20, 400, rng), Relu{}, Linear(400, 784, rng)}, BernoulliLikelihood{}};
  save_safetensors(begin + "decoder.safetensors", decoder.network);
  export_onnx(begin + "decoder.onnx", decoder, StandardNormal(20).sample(8, rng));
  const Tensor<float, 2> z = normal(21, 20);
  save_npy(begin + "decoder.input.npy", z);
  save_npy(begin + "decoder.mean.npy", decoder(Variable(z)).mean().value());
  save_npy(begin + "decoder.logits.npy", decoder(Variable(z)).logits().value());
  save_npy(begin + "decoder.network.npy", decoder.network(Variable(z)).value());
  Generator generator{Sequential{AppendCondition{}, Linear(100 + 10, 784, rng)}, StandardNormal(100)};
  export_onnx(begin + "generator.onnx", generator, StandardNormal(100).sample(2, rng), one_hot(std::vector{3, 7}, 10));
  const Tensor<float, 2> latents = normal(22, 100), classes = one_hot(std::vector{1, 2, 3, 4, 5, 6, 7}, 10);
  save_npy(begin + "generator.input.npy", latents);
  save_npy(begin + "generator.condition.npy", classes);
  save_npy(begin + "generator.output.npy", call(generator, Variable(latents), Variable(classes)).value());
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 2) throw Error("write_onnx_models: expected a folder");
  folder = arguments[1];
  write_networks();
  write_formulas<float>("");
  write_formulas<double>("double_");
  write_readme();
  write_guide();
  return 0;
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
