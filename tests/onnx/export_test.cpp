// SPDX-License-Identifier: MIT
// What export_onnx writes, byte by byte, and what it refuses. write_models.cpp and onnx_test.py run what it wrote.
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/onnx/export.hpp>

#include "catch.hpp"
#include "files.hpp"
#include "golden.hpp"

using namespace eigenesis;

namespace {

const Tensor<float, 2> example = counted(Shape{4, 3}, 1);

/// Exports to a file that is there already, and stays as it is if that is refused.
struct Fixture {
  TemporaryDirectory directory;
  std::string path = directory / "model.onnx";
  Fixture() { write_bytes(path, Bytes{1, 2, 3}); }

  void check_refused(const auto& model, const std::string& expected_and_got, const auto&... x) {
    CHECK_THROWS_MATCHES(export_onnx(path, model, x...), ArgumentError,
                         Message("export_onnx: expected " + expected_and_got));
    CHECK(read_bytes(path) == Bytes{1, 2, 3});
    CHECK(directory.file_count() == 1);
    CHECK(detail::Trace<float>::current() == nullptr);
  }
};

auto identity_of_ones_own(const Variable<float, 2>& x) {
  return record(x.value(), wrt(x, [](const auto&, const auto& dy) { return dy; }));
}

/// A layer that calls a function of its x.
template <class F>
struct Apply {
  F f;
  auto operator()(const Variable<float, 2>& x) const { return f(x); }
};
template <class F>
Apply(F) -> Apply<F>;

struct Trained {
  BatchNorm<> norm{3};
  auto operator()(const Variable<float, 2>& x, Pass = {}) const {
    Rng rng(1);
    return norm(x, Pass::training(rng));
  }
  static void fields(auto& self, auto&& field) { field("norm", self.norm); }
};

struct Two {
  Parameter<float, 1> first = Tensor<float, 1>(Shape{3}, 1.0f), input = Tensor<float, 1>(Shape{3}, 2.0f);
  auto operator()(const Variable<float, 2>& x) const { return x.shape(0) > 3 ? x * input : x * first; }
  static void fields(auto& self, auto&& field) {
    field("first", self.first);
    field("second", self.input);
  }
};
struct NamedInput : Two {
  static void fields(auto& self, auto&& field) { field("input", self.input); }
};
struct Twice {
  Variable<float, 2> y;
  static void fields(auto& self, auto&& field) {
    field("y", self.y);
    field("y", self.y);
  }
};

}  // namespace

TEST_CASE("An exported model is the same file everywhere", "[onnx]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "decoder.onnx";
  export_onnx(path, golden_decoder(), example, counted(Shape{2, 2}, 1));
  const Bytes found = read_bytes(path);
  const Bytes expected =
      read_bytes((std::filesystem::path(__FILE__).parent_path() / "../goldens/decoder.onnx").string());
  CHECK(found.size() == expected.size());
  CHECK(std::ranges::mismatch(found, expected).in1 - found.begin() == std::ssize(expected));
}

TEST_CASE("An exported model is as it was, and writes the same again", "[onnx]") {
  Rng rng(2);
  Sequential network{Linear(3, 4, rng), BatchNorm(4), Dropout{}};
  network(Variable(example), Pass::training(rng));
  const auto before = network(Variable(example)).value();
  const TemporaryDirectory directory;
  export_onnx(directory / "a.onnx", network, example);
  export_onnx(directory / "b.onnx", network, counted(Shape{9, 3}, 0.5));
  CHECK(read_bytes(directory / "a.onnx") == read_bytes(directory / "b.onnx"));
  CHECK(read_bytes(directory / "a.onnx").size() > 100);
  CHECK((network(Variable(example)).value().array() == before.array()).all());
}

TEST_CASE_METHOD(Fixture, "Examples have to show what depends on the samples", "[onnx]") {
  Rng rng(3);
  const Linear linear(3, 2, rng);
  const std::string rule =
      "examples of at least two samples that differ, which show what depends on the samples, but got ";
  check_refused(linear, rule + "[1, 3]", counted(Shape{1, 3}, 1));
  check_refused(linear, rule + "[0, 3]", Tensor<float, 2>(Shape{0, 3}));
  check_refused(linear, rule + "[5, 3], all of them equal", Tensor<float, 2>(Shape{5, 3}, 1.0f));
  check_refused(Sequential{AppendCondition{}, Linear(4, 2, rng)}, rule + "[2, 1], all of them equal", example,
                Tensor<float, 2>(Shape{2, 1}, 1.0f));
  CHECK_THROWS_AS(export_onnx(path, linear, counted(Shape{2, 4}, 1)), ShapeError);
  CHECK(detail::Trace<float>::current() == nullptr);
}

TEST_CASE_METHOD(Fixture, "What an ONNX file cannot say is refused by name", "[onnx]") {
  Rng rng(4);
  const auto in_layer = [&](auto f) { return Sequential{Linear(3, 3, rng), Apply{f}}; };
  const std::string layer = ", in layer 1 (Apply)", samples = " for 3, 5 and 7 samples in ";
  const std::string
      constants = "constants that are the same for all samples but got one of shape ",
      drawn = " that was drawn or computed from x.value()",
      own =
          "operations of the library's evaluation but got one that record() made in the program's own code, "
          "in training or for a gradient, with a result of shape [3, 3]";
  SECTION("operations") {
    check_refused(in_layer([](const auto& x) { return identity_of_ones_own(x); }), own + layer, example);
    check_refused(Sequential{Linear(3, 3, rng), Trained{}}, own + ", in layer 1 (Trained)", example);
    check_refused(in_layer([](const auto& x) {
                    const auto y = watch(x.value());
                    const auto loss = sum(y * y * y);
                    return loss * x;
                  }),
                  constants + "[3, 3]" + drawn + layer, example);
  }
  SECTION("constants") {
    check_refused(in_layer([](const auto& x) {
                    static Rng own_rng(1);
                    return Dropout{}(x, Pass::training(own_rng));
                  }),
                  constants + "[3, 3]" + drawn + layer, example);
    check_refused(in_layer([](const auto& x) { return x * Variable(x.value()); }), constants + "[3, 3]" + drawn + layer,
                  example);
    check_refused(Apply{[](const auto& x) { return x + static_cast<double>(x.value()(0, 1)); }},
                  "numbers that are fixed or multiples of the number of samples but got -2, 1 and -2" + samples +
                      "map, in layer (Apply)",
                  example);
  }
  SECTION("constants that are the same for all rows of the example") {
    // In each row the greatest number is 1, at another place.
    Tensor<float, 2> ones(Shape{8, 3}, 0.25f);
    for (Index i = 0; i < 8; ++i) ones(i, i % 3) = 1, ones(i, (i + 1) % 3) = 0.1f * static_cast<float>(i);
    const auto greatest = [](const auto& x) { return std::ranges::max(x.value().values()); };
    check_refused(
        Apply{[&](const auto& x) { return x / greatest(x); }},
        "the same operations for any samples but got no more for 3 and map for 3 other samples as operation 0",
        ones);  // a division by 1 is none
    check_refused(Apply{[&](const auto& x) { return x * (greatest(x) + 1); }},
                  "numbers that are the same for other samples but got 2 and 1.6875 in map, in layer (Apply)", ones);
    check_refused(Apply{[&](const auto& x) { return x + Variable<float, 1>(Tensor<float, 1>(Shape{3}, greatest(x))); }},
                  "constants that are the same for all samples but got one of shape [3] that was drawn or computed "
                  "from x.value(), in layer (Apply)",
                  ones);
    check_refused(Apply{[&](const auto& x) { return slice(x, 1, 0, greatest(x) == 1 ? 2 : 1); }},
                  "positions that are the same for other samples but got 2 and 1 in slice, in layer (Apply)", ones);
    check_refused(Apply{[&](const auto& x) { return greatest(x) == 1 ? sin(x) : cos(x); }},
                  "the same formula for any samples but got another for other samples in map, in layer (Apply)", ones);
    check_refused(
        Apply{[&](const auto& x) { return greatest(x) == 1 ? sin(x) : transpose(transpose(x)); }},
        "the same operations for any samples but got map for 3 and transpose for 3 other samples as operation "
        "0, in layer (Apply)",
        ones);
  }
  SECTION("numbers") {
    check_refused(
        in_layer([](const auto& x) { return x * (x.shape(0) - 1); }),
        "numbers that are fixed or multiples of the number of samples but got 2, 4 and 6" + samples + "map" + layer,
        example);
    check_refused(
        in_layer([](const auto& x) { return slice(x, 0, 0, x.shape(0) / 2); }),
        "positions that are fixed or multiples of the number of samples but got 1, 2 and 3" + samples + "slice" + layer,
        example);
    check_refused(
        in_layer([](const auto& x) {
          return concatenate({x, slice(x, 0, 0, 1)}, 0);
        }),
        "sizes that are fixed or multiples of the number of samples but got 4, 6 and 8" + samples + "the output",
        example);
    check_refused(in_layer([](const auto& x) { return slice(x, 1, 2, 2); }), "no axis of size 0 but got [3, 0]",
                  example);
  }
  SECTION("operations that differ") {
    check_refused(
        in_layer([](const auto& x) { return x.shape(0) > 3 ? transpose(transpose(x)) : exp(sin(x)); }),
        "the same operations for any samples but got map for 3 and transpose for 5 samples as operation 1" + layer,
        example);
    check_refused(in_layer([](const auto& x) { return x.shape(0) > 3 ? sin(x) : cos(x); }),
                  "the same formula for any number of samples but got others" + samples + "map" + layer, example);
    check_refused(Two{}, "the same parameters for any samples but got others for other samples, in layer (Two)",
                  example);
  }
  SECTION("names") {
    check_refused(NamedInput{}, "fields of different names, none of them that of an input or output, but got input",
                  example);
    check_refused(Apply{[](const auto& x) { return Twice{x}; }},
                  "inputs and outputs of different names but got y twice", example);
    check_refused(Linear(3, 3, rng), "as many names of inputs as inputs, 1, but got 2", example,
                  OnnxNames{.inputs = {"x", "y"}});
    check_refused(Linear(3, 3, rng), "as many names of outputs as outputs, 1, but got 2", example,
                  OnnxNames{.outputs = {"x", "y"}});
    check_refused(Linear(3, 3, rng), "names of outputs in UTF-8 that are not empty but got ''", example,
                  OnnxNames{.outputs = {""}});
    check_refused(Linear(3, 3, rng), "names of inputs in UTF-8 that are not empty but got 'x\\xff'", example,
                  OnnxNames{.inputs = {"x\xff"}});
    check_refused(Linear(3, 3, rng), "inputs and outputs of different names but got x twice", example,
                  OnnxNames{{"x"}, {"x"}});
    check_refused(Linear(3, 3, rng),
                  "fields of different names, none of them that of an input or output, but got weight", example,
                  OnnxNames{.inputs = {"weight"}});
  }
}

TEST_CASE("A file that cannot be written is told of in the caller's name", "[onnx]") {
  Rng rng(5);
  const TemporaryDirectory directory;
  CHECK_THROWS_WITH(export_onnx(directory / "none/model.onnx", Linear(3, 2, rng), example),
                    ContainsSubstring("export_onnx: ") && ContainsSubstring("none/model.onnx"));
}

TEST_CASE("Operations that no output needs are left out, whatever they are", "[onnx]") {
  Rng rng(6);
  const Linear linear(3, 2, rng);
  const TemporaryDirectory directory;
  export_onnx(
      directory / "plain.onnx", [&](const auto& x) { return linear(x); }, example);
  export_onnx(
      directory / "more.onnx",
      [&](const auto& x) {
        const auto unused = sin(identity_of_ones_own(x) * Variable(x.value()));
        return linear(x);
      },
      example);
  CHECK(read_bytes(directory / "more.onnx") == read_bytes(directory / "plain.onnx"));
}

TEST_CASE("A formula of thousands of steps is exported without deep recursion", "[onnx]") {
  const TemporaryDirectory directory;
  export_onnx(
      directory / "long.onnx",
      [](const auto& x) {
        return map(
            [](auto t) {
              auto y = t;
              for (int i = 0; i < 4'000; ++i) y = sin(y) + t;
              return y;
            },
            x);
      },
      example);
  CHECK(read_bytes(directory / "long.onnx").size() > 100'000);
}
