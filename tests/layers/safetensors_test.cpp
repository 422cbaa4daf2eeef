// SPDX-License-Identifier: MIT
#include <cstring>
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

std::vector<double> numbers_of(const auto& model) {
  std::vector<double> numbers;
  for_each_state(model, [&](const FieldPath&, const auto& tensor) {
    numbers.insert(numbers.end(), tensor.values().begin(), tensor.values().end());
  });
  return numbers;
}

template <class Scalar>
auto make_network(std::uint64_t seed) {
  Rng rng(seed);
  Sequential network{Conv2d<Scalar>(2, 3, 3, rng),
                     BatchNorm<Scalar>(3),
                     Relu{},
                     ConvTranspose2d<Scalar>(3, 5, 2, {.stride = 2, .bias = false}, rng),
                     Flatten{RowOrder::channels_first},
                     Linear<Scalar>(5 * 8 * 4, 2, rng)};
  Tensor<Scalar, 4> x(Shape{4, 6, 4, 2});
  rng.fill_normal(x.data(), x.size());
  network(Variable(x), Pass::training(rng));  // moves the running averages
  return network;
}

/// A layer of one's own: two axes, in the order that they have in memory; and an empty and a single number.
struct Table {
  Parameter<float, 2> rows = Tensor<float, 2>(Shape{2, 3}, {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f});
  Tensor<float, 3> none;
  Tensor<double, 0> count = Tensor<double, 0>({}, 7.0);
  static void fields(auto& self, auto&& field) {
    field("rows", self.rows);
    field("none", self.none);
    field("count", self.count);
  }
};

/// What goes into one file.
template <class Model, class Optimizer>
struct Checkpoint {
  Model& model;
  Optimizer& optimizer;
  static void fields(auto& self, auto&& field) {
    field("model", self.model);
    field("optimizer", self.optimizer);
  }
};

template <class Model>
struct Wrapped {
  Model& module;
  static void fields(auto& self, auto&& field) { field("module", self.module); }
};

struct TwoNames {
  Parameter<float, 1> first, second;
  std::string name, other_name;
  static void fields(auto& self, auto&& field) {
    field(self.name, self.first);
    field(self.other_name, self.second);
  }
};

/// One parameter under 600 names: 2400 MiB in a file.
struct Repeated {
  Parameter<float, 1> weight = Tensor<float, 1>(Shape{1 << 20}, 0.0f);
  static void fields(auto& self, auto&& field) {
    for (int i = 100; i < 700; ++i) field(std::to_string(i), self.weight);
  }
};

/// The file of a header and of as many bytes of data, counted from 0.
Bytes file_of(const std::string& header, std::size_t data_size) {
  Bytes bytes(8);
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(header.size() >> 8 * i);
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (std::size_t i = 0; i < data_size; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
  return bytes;
}
std::string header_of(const Bytes& bytes) {
  std::uint64_t size;
  std::memcpy(&size, bytes.data(), 8);
  return std::string(bytes.begin() + 8, bytes.begin() + 8 + static_cast<std::ptrdiff_t>(size));
}

struct Fixture {
  TemporaryDirectory directory;
  std::string path = directory / "file.safetensors";
  Rng rng{1};
  Linear<> linear{2, 3, rng};  // weight [3, 2] in files, bias [3]

  void check_bytes_refused(const Bytes& bytes, const std::string& message) {
    write_bytes(path, bytes);
    const std::vector<double> before = numbers_of(linear);
    CHECK_THROWS_MATCHES(load_safetensors(path, linear), DataError,
                         Message("load_safetensors: expected " + message + " in " + path));
    CHECK(numbers_of(linear) == before);
  }
  void check_refused(const std::string& header, const std::string& message, std::size_t data_size = 36) {
    INFO(header);
    check_bytes_refused(file_of(header, data_size), message);
  }
};

const std::string weight = R"("weight": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]})";
const std::string bias = R"("bias": {"dtype": "F32", "shape": [3], "data_offsets": [24, 36]})";

}  // namespace

TEMPLATE_TEST_CASE("A network comes back bit for bit", "[io]", float, double) {
  const TemporaryDirectory directory;
  const std::string path = directory / "network.safetensors";
  const auto saved = make_network<TestType>(1);
  auto loaded = make_network<TestType>(2);
  REQUIRE(numbers_of(saved) != numbers_of(loaded));
  save_safetensors(path, saved);
  load_safetensors(path, loaded);
  CHECK(numbers_of(saved) == numbers_of(loaded));
  CHECK(directory.file_count() == 1);
  CHECK(read_bytes(path).size() % 8 == (sizeof(TestType) == 8 ? 0 : numbers_of(saved).size() % 2 * 4));
}

TEST_CASE_METHOD(Fixture, "Files hold PyTorch's names and orders of axes, a layer of one's own lies as in memory") {
  for (Index i = 0; i < 6; ++i) linear.weight.mutable_value().data()[i] = static_cast<float>(i + 1) / 8;
  for (Index i = 0; i < 3; ++i) linear.bias.mutable_value()(i) = -static_cast<float>(i + 1) / 8;
  save_safetensors(path, linear);
  const Bytes bytes = read_bytes(path);
  CHECK(header_of(bytes) ==
        R"({"__metadata__": {"format": "pt", "crc32": "846d57ce"}, )" + weight + ", " + bias + "} ");
  const auto number = [&](std::size_t i) {
    float value;
    std::memcpy(&value, bytes.data() + 8 + header_of(bytes).size() + 4 * i, 4);
    return value;
  };
  for (std::size_t out = 0; out < 3; ++out) {
    for (std::size_t in = 0; in < 2; ++in) CHECK(number(2 * out + in) == linear.weight.value()(in, out));
    CHECK(number(6 + out) == linear.bias.value()(out));
  }

  save_safetensors(path, Table{});
  CHECK(
      header_of(read_bytes(path)) ==
      R"({"__metadata__": {"format": "pt", "crc32": "1d5e3160"}, "count": {"dtype": "F64", "shape": [], "data_offsets": [0, 8]}, )"
      R"("rows": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]}, )"
      R"("none": {"dtype": "F32", "shape": [0, 0, 0], "data_offsets": [32, 32]}}     )");
  Table table;
  table.rows.mutable_value().array() = 0;
  table.count.data()[0] = 0;
  load_safetensors(path, table);
  CHECK(numbers_of(table) == numbers_of(Table{}));

  Sequential network = make_network<float>(1);
  for_each_state(network, [](const FieldPath& field, const auto& tensor) {
    const auto in_file = in_file_order(field, tensor);
    if constexpr (std::is_same_v<decltype(in_file), const Tensor<float, 4>>) {
      const auto [out, in, height, width] = in_file.shape().sizes;
      REQUIRE(tensor.shape() == Shape<4>{height, width, in, out});
      for (Index o = 0; o < out; ++o)
        for (Index i = 0; i < in; ++i)
          for (Index y = 0; y < height; ++y)
            for (Index x = 0; x < width; ++x) CHECK(in_file(o, i, y, x) == tensor(y, x, i, o));
    }
  });
}

TEST_CASE_METHOD(Fixture, "Training goes on where it was saved, bit for bit") {
  const auto step = [](auto& model, auto& adam) {
    Rng noise(7);
    Tensor<float, 4> x(Shape{4, 6, 4, 2});
    noise.fill_normal(x.data(), x.size());
    adam.minimize(mean(square(model(Variable(x), Pass::training(noise)))), model);
  };
  auto model = make_network<float>(1), resumed = make_network<float>(2);
  Adam adam, adam_of_resumed;
  for (int i = 0; i < 3; ++i) step(model, adam);
  Checkpoint<decltype(model), Adam<>> checkpoint{model, adam}, to_resume{resumed, adam_of_resumed};
  save_safetensors(path, checkpoint);
  CHECK_THROWS_WITH(load_safetensors(path, to_resume),
                    ContainsSubstring("; an optimizer has names only after prepare(model)"));
  adam_of_resumed.prepare(resumed);
  load_safetensors(path, to_resume);
  for (int i = 0; i < 3; ++i) {
    step(model, adam);
    step(resumed, adam_of_resumed);
  }
  CHECK(adam_of_resumed.steps() == 6);
  CHECK(numbers_of(checkpoint) == numbers_of(to_resume));
}

TEST_CASE_METHOD(Fixture, "An optimizer is what was saved however often it is loaded, also before its first step") {
  const Variable x(Tensor<float, 2>(Shape{4, 2}, {1.0f, -0.5f, 0.25f, 2.0f, -1.5f, 0.75f, 0.5f, 1.0f}));
  const auto step = [&](Linear<>& model, Adam<>& adam) { adam.minimize(mean(square(model(x) - 1)), model); };
  const auto fields_of = [](const Adam<>& adam) {
    std::string names;
    for_each_state(adam, [&](const FieldPath& field, const auto&) { names += to_string(field) + " "; });
    return names;
  };
  Adam adam;
  save_safetensors(directory / "fresh", adam);
  for (int i = 0; i < 3; ++i) step(linear, adam);
  save_safetensors(path, adam);

  Linear<> same = linear;
  Adam loaded;
  loaded.prepare(same);
  for (int i = 0; i < 3; ++i) load_safetensors(path, loaded);
  CHECK(loaded.steps() == 3);
  CHECK(fields_of(loaded) == fields_of(adam));
  CHECK(numbers_of(loaded) == numbers_of(adam));
  for (int i = 0; i < 3; ++i) {
    step(linear, adam);
    step(same, loaded);
  }
  CHECK(numbers_of(same) == numbers_of(linear));
  CHECK(numbers_of(loaded) == numbers_of(adam));

  // The state of no step goes into an optimizer that has made none, and is not taken for that of one that has.
  Adam empty;
  load_safetensors(directory / "fresh", empty);
  CHECK(empty.steps() == 0);
  Linear<> again = linear, plain = linear;
  Adam unsaved;
  step(again, empty);
  step(plain, unsaved);
  CHECK(numbers_of(again) == numbers_of(plain));
  const std::vector<double> before = numbers_of(loaded);
  CHECK_THROWS_AS(load_safetensors(directory / "fresh", loaded), DataError);
  Linear<> wide(2, 5, rng);
  Adam of_wide;
  of_wide.prepare(wide);
  save_safetensors(path, of_wide);
  CHECK_THROWS_MATCHES(load_safetensors(path, loaded), DataError,
                       Message("load_safetensors: expected state.0.exp_avg of shape [6] but got [10] in " + path));
  CHECK(numbers_of(loaded) == before);
}

TEST_CASE_METHOD(Fixture, "Losses of before are not differentiated after loading, but after saving") {
  const auto loss = [&] { return sum(linear(Variable(Tensor<float, 2>(Shape{1, 2}, 1.0f)))); };
  Sgd<float> sgd;
  Checkpoint<Linear<>, Sgd<float>> checkpoint{linear, sgd};
  const auto before_saving = loss();
  save_safetensors(path, linear);
  save_safetensors(directory / "checkpoint", checkpoint);
  CHECK_NOTHROW(gradient(before_saving, linear.weight));
  load_safetensors(path, linear);
  CHECK_THROWS_AS(gradient(before_saving, linear.weight), Error);
  CHECK_NOTHROW(gradient(loss(), linear.weight));
}

namespace {

/// What tests/goldens/weights.py wrote.
template <class Scalar>
struct Golden {
  Rng rng{1};
  Sequential<Conv2d<Scalar>, BatchNorm<Scalar>, LeakyRelu, ConvTranspose2d<Scalar>, Flatten, Linear<Scalar>> network{
      Conv2d<Scalar>(2, 3, 3, {.padding = 1}, rng),
      BatchNorm<Scalar>(3),
      LeakyRelu{0.2},
      ConvTranspose2d<Scalar>(3, 4, 2, {.stride = 2}, rng),
      Flatten{RowOrder::channels_first},
      Linear<Scalar>(4 * 8 * 6, 5, rng)};
  Tensor<Scalar, 4> x{Shape{4, 4, 3, 2}};
  Tensor<Scalar, 2> y{Shape{4, 5}};
  std::vector<Tensor<Scalar, 1>> found{4, Tensor<Scalar, 1>(Shape{12})}, expected = found;  // F64, F32, F16, BF16
  static void fields(auto& self, auto&& field) {
    field("network", self.network);
    field("x", self.x);
    field("y", self.y);
    field("found", self.found);
    field("expected", self.expected);
  }
};

}  // namespace

TEMPLATE_TEST_CASE("PyTorch's weights give PyTorch's output, its numbers of every type are the same here", "[io]",
                   float, double) {
  Golden<TestType> golden;
  load_safetensors((std::filesystem::path(__FILE__).parent_path() / "../goldens/weights.safetensors").string(), golden,
                   {.allow_non_finite = true});
  const Tensor<TestType, 2> y = golden.network(Variable(golden.x)).value();
  CHECK((y.array() - golden.y.array()).abs().maxCoeff() < 1e-6);
  CHECK(golden.y.array().abs().maxCoeff() > 0.1);
  for (std::size_t kind = 0; kind < 4; ++kind)
    for (Index i = 0; i < 12; ++i) {
      INFO("kind " << kind << ", number " << i);
      const TestType found = golden.found[kind](i), expected = golden.expected[kind](i);
      if (std::isnan(expected))
        CHECK(std::isnan(found));
      else
        CHECK(static_cast<float>(found) == static_cast<float>(expected));
      CHECK(std::signbit(found) == std::signbit(expected));
    }
  if (sizeof(TestType) == 8) CHECK(golden.found[0](3) == TestType(-1.0 / 3));
}

TEST_CASE_METHOD(Fixture, "load_safetensors takes any order, white space, escapes and metadata") {
  const auto loads = [&](const std::string& header, std::size_t data_size = 36) {
    INFO(header);
    linear.weight.mutable_value().array() = 0;
    write_bytes(path, file_of(header, data_size));
    CHECK_NOTHROW(load_safetensors(path, linear));
    CHECK(linear.weight.value()(0, 1) != 0);
  };
  loads("{" + weight + "," + bias + "}");
  loads("{" + bias + ", \"__metadata__\": {}, " + weight + "}   ");
  loads("{" + weight + "," + R"("__metadata__": {"made\nby": "\"A\" \\ \/\b\f\r\t"}, )" + bias + "}");
  loads(
      "{\t\"we\\u0069ght\"\n: { \"shape\" :[ 3 , 2 ] ,\r\n\"data_offsets\":[12,36],\"dtype\":\"F32\"} , "
      R"("bias":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})");
  loads("{" + weight + "," + bias + R"(, "a.num_batches_tracked": {"dtype": "I64", "shape": [], )" +
            R"("data_offsets": [36, 44]}, "num_batches_tracked": {"dtype": "I64", "shape": [], )" +
            R"("data_offsets": [44, 52]}})",
        52);

  TwoNames names{{}, {}, "\"\\\x01\n", "\u00e9\u20ac\U0001f600"};
  save_safetensors(path, names);
  CHECK_THAT(header_of(read_bytes(path)), ContainsSubstring(R"("\"\\\u0001\u000a": {)"));
  load_safetensors(path, names);
  write_bytes(path, file_of(R"({"\"\\\u0001\n": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}, )"
                            R"("\u00e9\u20AC\ud83d\uDE00": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}})",
                            0));
  CHECK_NOTHROW(load_safetensors(path, names));
}

TEST_CASE_METHOD(Fixture, "load_safetensors refuses files that are not safetensors") {
  CHECK_THROWS_MATCHES(
      load_safetensors("no/such/file", linear), DataError,
      Message("load_safetensors: expected a readable file but got 'No such file or directory' for no/such/file"));
  check_bytes_refused({'P', 'K', 3, 4, 20, 0, 0, 0, 8, 0}, "a safetensors file but got another kind");
  check_bytes_refused({1, 0, 0}, "a file of at least 8 bytes but got 3");
  check_bytes_refused({3, 0, 0, 0, 0, 0, 0, 0, '{', '}'}, "a header of at most 2 bytes but got 3");
  Bytes huge = file_of("{}", 0);
  huge[7] = 0xff;
  check_bytes_refused(huge, "a header of at most 2 bytes but got 18374686479671623682");
  check_refused("", "'{' at byte 0 of the header but got its end");
  check_refused(" {}", "'{' at byte 0 of the header but got byte 32");
  check_refused("{", "a string at byte 1 of the header but got its end");
  check_refused("{}x", "the end at byte 2 of the header but got 'x'");
  check_refused("{\"a\" 1", "':' at byte 5 of the header but got '1'");
  check_refused("{\"a", "a character of a string at byte 3 of the header but got its end");
  check_refused("{\"a\n\"", "a character of a string at byte 3 of the header but got byte 10");
  check_refused("{\"\\x\"", "an escaped character at byte 3 of the header but got 'x'");
  check_refused("{\"\\", "an escaped character at byte 3 of the header but got its end");
  check_refused("{\"\\u12\":", "four hexadecimal digits at byte 4 of the header but got '1'");
  check_refused("{\"\\u12", "four hexadecimal digits at byte 4 of the header but got '1'");
  check_refused("{\"\\u-123\"", "four hexadecimal digits at byte 4 of the header but got '-'");
  for (const char* half : {"{\"\\ud800\"", "{\"\\ud800\\u0041\"", "{\"\\udc00\"", "{\"\\ud800\\ud800\""})
    check_refused(half, "escapes of whole characters but got half of one");
  for (const char* alien : {"\xff", "\xc3", "\xed\xa0\x80", "\xc0\x80"})
    check_refused("{\"w" + std::string(alien) + "\": {}}",
                  "a character in UTF-8 at byte 3 of the header but got byte " +
                      std::to_string(int{static_cast<unsigned char>(*alien)}));
  check_refused("{\"__metadata__\": {\"a\": 1}}", "a string at byte 23 of the header but got '1'");
}

TEST_CASE_METHOD(Fixture, "load_safetensors refuses headers that do not describe tensors") {
  const auto refuse = [&](const std::string& json, const std::string& message) {
    check_refused("{\"w\": " + json + "}", message);
  };
  refuse("[]", "'{' at byte 6 of the header but got '['");
  refuse("{}", "dtype, shape and data_offsets of w but got no dtype");
  refuse(R"({"dtype": "F32", "data_offsets": [0, 0]})", "dtype, shape and data_offsets of w but got no shape");
  refuse(R"({"dtype": "F32", "shape": []})", "dtype, shape and data_offsets of w but got no data_offsets");
  refuse(R"({"shape": [], "shape": []})", "dtype, shape and data_offsets, each once, of w but got shape");
  refuse(R"({"type": "F32"})", "dtype, shape and data_offsets, each once, of w but got type");
  refuse(R"({"dtype": 32})", "a string at byte 16 of the header but got '3'");
  refuse(R"({"dtype": "I8"})", "numbers of type F64, F32, F16, BF16 or U64 for w but got I8");
  refuse(R"({"dtype": "I64"})", "numbers of type F64, F32, F16, BF16 or U64 for w but got I64");
  refuse(R"({"shape": 3})", "'[' at byte 16 of the header but got '3'");
  refuse(R"({"shape": [-1]})", "a whole number at byte 17 of the header but got '-'");
  refuse(R"({"shape": [01]})", "a whole number at byte 17 of the header but got '0'");
  refuse(R"({"shape": [1.5]})", "']' at byte 18 of the header but got '.'");
  refuse(R"({"shape": [1,]})", "a whole number at byte 19 of the header but got ']'");
  refuse(R"({"shape": [9223372036854775808]})", "a number below 2^63 at byte 17 of the header but got '9'");
  refuse(R"({"shape": [99999999999999999999]})", "a number below 2^63 at byte 17 of the header but got '9'");
  std::string many = "1";
  for (int i = 0; i < 64; ++i) many += ",1";
  refuse("{\"shape\": [" + many + "]}", "at most 64 numbers at byte 146 of the header but got ']'");
  refuse(R"({"data_offsets": [0]})", "two data_offsets of w but got [0]");
  check_refused("{" + weight + ", " + weight + "}", "each name once but got weight twice");
  check_refused(R"({"__metadata__": {}, "__metadata__": {}})", "each name once but got __metadata__ twice");
  check_refused(R"({"__metadata__": {"a": "1", "a": "2"}})", "each key of __metadata__ once but got a twice");
}

TEST_CASE_METHOD(Fixture, "load_safetensors refuses data that are not where the header says") {
  const auto refuse = [&](const std::string& w, const std::string& b, const std::string& message) {
    check_refused(R"({"weight": {"dtype": "F32", )" + w + R"(}, "bias": {"dtype": "F32", )" + b + "}}", message);
  };
  const std::string right_weight = R"("shape": [3, 2], "data_offsets": [0, 24])";
  refuse(R"("shape": [3, 2], "data_offsets": [0, 20])", R"("shape": [3], "data_offsets": [20, 32])",
         "data_offsets of weight that hold F32 [3, 2] but got [0, 20]");
  refuse(R"("shape": [3, 2], "data_offsets": [24, 0])", R"("shape": [3], "data_offsets": [24, 36])",
         "data_offsets of weight that hold F32 [3, 2] but got [24, 0]");
  refuse(R"("shape": [4611686018427387904, 2], "data_offsets": [0, 0])", R"("shape": [3], "data_offsets": [0, 12])",
         "data_offsets of weight that hold F32 [4611686018427387904, 2] but got [0, 0]");
  refuse(right_weight, R"("shape": [3], "data_offsets": [20, 32])",
         "the data of bias to begin at 24, where those before end, but got 20");
  refuse(right_weight, R"("shape": [3], "data_offsets": [25, 37])",
         "the data of bias to begin at 24, where those before end, but got 25");
  refuse(R"("shape": [3, 2], "data_offsets": [12, 36])", R"("shape": [2], "data_offsets": [4, 12])",
         "the data of bias to begin at 0, where those before end, but got 4");
  check_refused("{" + weight + ", " + bias + "}", "36 bytes of data, as the header says, but got 35", 35);
  check_refused("{" + weight + ", " + bias + "}", "36 bytes of data, as the header says, but got 37", 37);
}

TEST_CASE_METHOD(Fixture, "load_safetensors refuses files of another model") {
  check_refused("{" + weight + "}", "the names of the model but got 1 missing (bias) and 0 unexpected", 24);
  check_refused("{" + weight + R"(, "0.bias": {"dtype": "F32", "shape": [3], "data_offsets": [24, 36]}})",
                "the names of the model but got 1 missing (bias) and 1 unexpected (0.bias)");
  check_refused(R"({"weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, )" + bias + "}",
                "weight of shape [3, 2] but got [2, 3]");
  check_refused(R"({"weight": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}, )" + bias + "}",
                "weight of shape [3, 2] but got [6]");
  check_refused("{" + weight + ", " + bias + R"(, "more": {"dtype": "F32", "shape": [0], "data_offsets": [36, 36]}})",
                "the names of the model but got 0 missing and 1 unexpected (more)");
  check_refused(R"({"a\u001b[31m": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}})",
                "the names of the model but got 2 missing (weight, bias) and 1 unexpected (a\\x1b[31m)");
  check_refused(
      "{\"" + std::string(1000, 'n') + R"(": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}})",
      "the names of the model but got 2 missing (weight, bias) and 1 unexpected (" + std::string(100, 'n') + "...)");
  const auto network = make_network<float>(1);
  save_safetensors(path, network);
  check_bytes_refused(read_bytes(path),
                      "the names of the model but got 2 missing (weight, bias) and 9 unexpected (0.bias, 0.weight, "
                      "1.bias, 1.running_mean, 1.running_var, 1.weight, 3.weight, 5.bias, ...)");
}

TEST_CASE_METHOD(Fixture, "load_safetensors refuses numbers that make no sense in a model") {
  /// The model with `value` for the first number of the tensor of that name.
  const auto check = [&](auto model, const std::string& name, double value, const std::string& rule,
                         const std::string& got, const LoadOptions& options = {}) {
    for_each_state(model, [&](const FieldPath& field, auto& tensor) {
      if (to_string(field) == name) tensor.data()[0] = static_cast<std::decay_t<decltype(tensor.data()[0])>>(value);
    });
    save_safetensors(path, model);
    const std::vector<double> before = numbers_of(model);
    INFO(name << " = " << value);
    if (rule.empty())
      CHECK_NOTHROW(load_safetensors(path, model, options));
    else
      CHECK_THROWS_MATCHES(
          load_safetensors(path, model, options), DataError,
          Message("load_safetensors: expected " + rule + " for " + name + " but got " + got + " in " + path));
  };
  const auto optimizer_of = [&]<class Optimizer>(Optimizer optimizer) {
    optimizer.minimize(sum(square(linear(Variable(Tensor<float, 2>(Shape{1, 2}, 1.0f))))), linear);
    return optimizer;
  };
  const double inf = INFINITY, nan = NAN;
  const std::string finite = "finite numbers, or .allow_non_finite,", at_least_zero = "finite numbers >= 0",
                    whole = "whole numbers >= 0";
  check(linear, "weight", nan, finite, "nan");
  check(linear, "bias", inf, finite, "inf");
  check(linear, "bias", -inf, finite, "-inf");
  check(linear, "weight", nan, "", "", {.allow_non_finite = true});
  check(linear, "weight", -3e38, "", "");
  const Adam adam = optimizer_of(Adam());
  for (const std::string name : {"steps", "state.0.step"}) {
    check(adam, name, -1, whole, "-1");
    check(adam, name, 0.5, whole, "0.5");
    check(adam, name, nan, whole, "nan", {.allow_non_finite = true});
    check(adam, name, 1e300, whole, "1e+300");
    check(adam, name, inf, whole, "inf");
    check(adam, name, 5, "", "");
  }
  check(adam, "state.1.exp_avg_sq", -1, at_least_zero, "-1");
  check(adam, "state.1.exp_avg_sq", nan, at_least_zero, "nan", {.allow_non_finite = true});
  check(adam, "state.1.exp_avg_sq", inf, at_least_zero, "inf");
  check(adam, "state.1.exp_avg", -1, "", "");
  check(adam, "state.1.exp_avg", nan, finite, "nan");
  check(optimizer_of(RmsProp()), "state.0.square_avg", -1, at_least_zero, "-1");
  check(optimizer_of(Sgd({.momentum = 0.9})), "state.0.momentum_buffer", inf, finite, "inf");
  check(MovingAverage(linear), "steps", -1, whole, "-1");
  check(BatchNorm(3), "running_var", -1, at_least_zero, "-1");
  check(BatchNorm(3), "running_mean", -1, "", "");
}

TEST_CASE_METHOD(Fixture, "load_safetensors refuses doubles that a float cannot hold") {
  Rng other(2);
  Linear<double> large(2, 3, other);
  const auto with = [&](double value) {
    large.weight.mutable_value()(0, 1) = value;
    save_safetensors(path, large);
    return read_bytes(path);
  };
  for (const auto& [value, text] : {std::pair(1e300, "1e+300"), {-3.5e38, "-3.5e+38"}})
    check_bytes_refused(with(value), "numbers that a float can hold for weight but got " + std::string(text));
  with(1e300);
  CHECK_THROWS_AS(load_safetensors(path, linear, {.allow_non_finite = true}), DataError);
  CHECK_NOTHROW(load_safetensors(path, large));
  with(INFINITY);
  load_safetensors(path, linear, {.allow_non_finite = true});
  CHECK(linear.weight.value()(0, 1) == INFINITY);
}

TEST_CASE_METHOD(Fixture, "A part of a file goes into a model, or a file into a part of it, and what is left is told") {
  Sequential saved{Linear(2, 3, rng), Relu{}, Linear(3, 1, rng)};
  save_safetensors(path, saved);
  const LeftOver of_part = load_safetensors(path, linear, {.rename = {{"0.", ""}}, .partial = true});
  CHECK(numbers_of(linear) == numbers_of(std::get<0>(saved.layers)));
  CHECK(of_part.missing.empty());
  CHECK(of_part.unused == std::vector<std::string>{"2.bias", "2.weight"});

  Sequential larger{Linear(2, 3, rng), BatchNorm(3), Linear(3, 1, rng)};
  const std::vector<double> last = numbers_of(std::get<2>(larger.layers));
  save_safetensors(path, linear);
  const LeftOver of_file = load_safetensors(path, larger, {.rename = {{"", "0."}}, .partial = true});
  CHECK(numbers_of(linear) == numbers_of(std::get<0>(larger.layers)));
  CHECK(numbers_of(std::get<2>(larger.layers)) == last);
  CHECK(of_file.missing ==
        std::vector<std::string>{"1.weight", "1.bias", "1.running_mean", "1.running_var", "2.weight", "2.bias"});
  CHECK(of_file.unused.empty());

  save_safetensors(path, Wrapped<decltype(saved)>{saved});
  Sequential again{Linear(2, 3, rng), Relu{}, Linear(3, 1, rng)};
  CHECK_THROWS_AS(load_safetensors(path, again), DataError);
  const LeftOver nothing = load_safetensors(path, again, {.rename = {{"model.", "x."}, {"module.", ""}}});
  CHECK(nothing.missing.empty());
  CHECK(nothing.unused.empty());
  CHECK(numbers_of(again) == numbers_of(saved));
}

TEST_CASE_METHOD(Fixture, "A partial load that would load nothing, other shapes or one name twice is refused") {
  const auto refuse = [&](const LoadOptions& options, const std::string& message) {
    const std::vector<double> before = numbers_of(linear);
    CHECK_THROWS_MATCHES(load_safetensors(path, linear, options), DataError,
                         Message("load_safetensors: expected " + message + " in " + path));
    CHECK(numbers_of(linear) == before);
  };
  save_safetensors(path, Sequential{Linear(3, 3, rng), Linear(2, 3, rng)});
  refuse({.partial = true},
         "at least one of the names of the model but got 2 missing (weight, bias) and 4 unexpected "
         "(0.bias, 0.weight, 1.bias, 1.weight)");
  refuse({.rename = {{"0.", ""}}, .partial = true}, "weight of shape [3, 2] but got [3, 3]");
  refuse({.rename = {{"0.", ""}, {"1.", ""}}, .partial = true}, "each name once but got bias twice after renaming");
  refuse({.rename = {{"1.", ""}}}, "the names of the model but got 0 missing and 2 unexpected (0.bias, 0.weight)");
}

TEST_CASE_METHOD(Fixture, "save_safetensors refuses what it could not read again") {
  CHECK_THROWS_MATCHES(save_safetensors(path, TwoNames{{}, {}, "same", "same"}), ArgumentError,
                       Message("save_safetensors: expected fields of different names but got same twice"));
  CHECK_THROWS_MATCHES(save_safetensors(path, TwoNames{{}, {}, "w", "__metadata__"}), ArgumentError,
                       Message("save_safetensors: expected fields of different names but got __metadata__ twice"));
  CHECK_THROWS_MATCHES(
      save_safetensors("huge", Repeated{}), ArgumentError,
      Message("save_safetensors: expected a model of less than 2 GiB but got 2516634128 bytes for huge"));
  CHECK_THROWS_MATCHES(save_safetensors("no/such/file", linear), Error,
                       Message("save_safetensors: expected a writable file but got 'No such file or directory' for "
                               "no/such/file"));
  CHECK(directory.file_count() == 0);
}

TEST_CASE_METHOD(Fixture, "Every flipped bit of a file with a checksum is found") {
  save_safetensors(path, linear);
  const Bytes whole = read_bytes(path);
  Index missed = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    Bytes bytes = whole;
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1 << bit % 8);
    write_bytes(path, bytes);
    try {
      load_safetensors(path, linear, {.exact = true});
      ++missed;
    } catch (const DataError&) {
    }
  }
  CHECK(missed == 0);
  write_bytes(path, whole);
  load_safetensors(path, linear, {.exact = true});
}

TEST_CASE_METHOD(Fixture, "A damaged file loads or is refused, and then changes nothing") {
  const BatchNorm<> norm(3);
  Sequential network{linear, norm};
  save_safetensors(path, network);
  Bytes whole = read_bytes(path);
  const std::size_t header_end = 8 + header_of(whole).size();
  const std::string_view key = "crc32", other = "other";  // without checksum, as files of others
  std::ranges::copy(other, std::ranges::search(whole, key).begin());
  const std::vector<double> before = numbers_of(network);
  std::size_t refused = 0;
  const auto load = [&](const Bytes& bytes) {
    write_bytes(path, bytes);
    try {
      load_safetensors(path, network);
      load_safetensors(directory / "whole", network);
      return true;
    } catch (const DataError&) {
      ++refused;
      CHECK(numbers_of(network) == before);
      return false;
    }
  };
  write_bytes(directory / "whole", whole);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    INFO("byte " << i);
    for (const int change : {1, 2, 0x10, 0x20, 0x80, 0xff}) {
      Bytes bytes = whole;
      bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ change);
      const bool loaded = load(bytes);
      float number = 0;  // that the byte belongs to; some changes make infinities, or variances below 0
      if (i >= header_end) std::memcpy(&number, bytes.data() + i - (i - header_end) % 4, 4);
      if (i >= header_end && std::isfinite(number) && number >= 0) CHECK(loaded);
    }
  }
  CHECK(refused > 5 * header_end);
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(load(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))));
}
