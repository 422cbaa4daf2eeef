// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstring>
#include <eigenesis/eigenesis.hpp>
#include <limits>

#include "catch.hpp"
#include "files.hpp"
#include "python.hpp"

using namespace eigenesis;
using namespace std::string_literals;

namespace {

/// A file of a header's text and of numbers, as NumPy writes it.
Bytes npy_of(const std::string& dictionary, const Bytes& numbers, int version = 1) {
  std::string text = dictionary;
  while ((6 + 2 + (version == 1 ? 2 : 4) + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  Bytes file{0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<std::uint8_t>(version), 0};
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) file.push_back(static_cast<std::uint8_t>(text.size() >> 8 * i));
  file.insert(file.end(), text.begin(), text.end());
  file.insert(file.end(), numbers.begin(), numbers.end());
  return file;
}
std::string dictionary_of(const std::string& type, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
}
template <class T>
Bytes bytes_of(std::initializer_list<T> numbers) {
  Bytes bytes(numbers.size() * sizeof(T));
  std::memcpy(bytes.data(), numbers.begin(), bytes.size());
  return bytes;
}

struct Fixture {
  TemporaryDirectory directory;
  std::string path = directory / "a.npy";

  template <class Scalar, int Rank>
  Tensor<Scalar, Rank> load(const Bytes& file, const NpyOptions& options = {}) {
    write_bytes(path, file);
    return load_npy<Scalar, Rank>(path, options);
  }
  template <class Scalar = float>
  void check_refused(const Bytes& file, const std::string& message) {
    write_bytes(path, file);
    CHECK_THROWS_MATCHES((load_npy<Scalar, 1>(path)), DataError,
                         Message("load_npy: expected " + message + " in " + path));
  }
};

template <class Scalar, int Rank>
std::vector<Scalar> list(const Tensor<Scalar, Rank>& x) {
  return std::vector<Scalar>(x.data(), x.data() + x.size());
}

/// What numpy_arrays.py puts into element i of an array.
double expected_value(char kind, Index i) {
  const auto x = static_cast<double>((37 * i + 11) % 101);
  return kind == 'b' ? std::fmod(x, 2) : kind == 'u' ? x : kind == 'i' ? x - 50 : (x - 50) / 4;
}

template <int Rank>
void check_numpy_files(const std::string& folder, const std::string& shape_name, const Shape<Rank>& shape, int& count) {
  for (const std::string type : {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})
    for (const std::string order : {"little", "big", "byte"})
      for (const std::string layout : {"C", "F"}) {
        if ((order == "byte") != (type[1] == '1')) continue;
        const std::string name = order + "_" + type + "_" + layout + "_" + shape_name;
        const Tensor<float, Rank> x = load_npy<float, Rank>(folder + "/" + name + ".npy");
        const Tensor<double, Rank> y = load_npy<double, Rank>(folder + "/" + name + ".npy");
        INFO(name);
        REQUIRE(x.shape() == shape);
        REQUIRE(y.shape() == shape);
        for (Index i = 0; i < shape.size(); ++i) {
          CHECK(static_cast<double>(x.data()[i]) == expected_value(type[0], i));
          CHECK(y.data()[i] == expected_value(type[0], i));
        }
        ++count;
      }
}

template <class Scalar, int Rank>
void save_for_numpy(const std::string& folder, const std::string& name, const Shape<Rank>& shape) {
  Tensor<Scalar, Rank> x(shape);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<Scalar>(expected_value('f', i));
  save_npy(folder + "/" + name + ".npy", x);
}

}  // namespace

TEST_CASE_METHOD(Fixture, "load_npy reads what NumPy wrote, byte for byte") {
  // np.array([[1.5, -2, 0.25], [4, 5, 6]], dtype='<f4')
  const std::string matrix = "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"s +
                             std::string(58, ' ') +
                             "\n\x00\x00\xc0?\x00\x00\x00\xc0\x00\x00\x80>\x00\x00\x80@\x00\x00\xa0@\x00\x00\xc0@"s;
  const Bytes file(matrix.begin(), matrix.end());
  const Tensor<float, 2> x = load<float, 2>(file);
  REQUIRE(x.shape() == Shape<2>{2, 3});
  CHECK(list(x) == std::vector<float>{1.5f, -2, 0.25f, 4, 5, 6});
  CHECK(list(load<double, 2>(file)) == std::vector<double>{1.5, -2, 0.25, 4, 5, 6});
  save_npy(path, x);
  CHECK(read_bytes(path) == file);

  // np.asfortranarray(np.array([[1, 2, 3], [4, 5, -6]], dtype='>i2'))
  const std::string fortran = "\x93NUMPY\x01\x00v\x00{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }"s +
                              std::string(59, ' ') + "\n\x00\x01\x00\x04\x00\x02\x00\x05\x00\x03\xff\xfa"s;
  CHECK(list(load<float, 2>(Bytes(fortran.begin(), fortran.end()))) == std::vector<float>{1, 2, 3, 4, 5, -6});

  // np.array(7.5, dtype='<f8'), version 2
  const std::string scalar = "\x93NUMPY\x02\x00t\x00\x00\x00{'descr': '<f8', 'fortran_order': False, 'shape': (), }"s +
                             std::string(60, ' ') + "\n\x00\x00\x00\x00\x00\x00\x1e@"s;
  CHECK(load<double, 0>(Bytes(scalar.begin(), scalar.end())).item() == 7.5);

  // np.array([True, False, True]), version 3
  const std::string truth = "\x93NUMPY\x03\x00t\x00\x00\x00{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }"s +
                            std::string(58, ' ') + "\n\x01\x00\x01"s;
  CHECK(list(load<float, 1>(Bytes(truth.begin(), truth.end()))) == std::vector<float>{1, 0, 1});
}

TEST_CASE_METHOD(Fixture, "save_npy and load_npy give the same bits back, for every rank") {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor<float, 1> special(Shape{6}, {-0.0f, inf, -inf, std::nanf("7"), 1e-45f, 3.4e38f});
  save_npy(path, special);
  const Tensor<float, 1> again = load_npy<float, 1>(path);
  CHECK(std::memcmp(again.data(), special.data(), 24) == 0);
  save_npy(path, Tensor<double, 0>({}, 0.1));
  CHECK(load_npy<double, 0>(path).item() == 0.1);
  Tensor<double, 6> six(Shape{2, 1, 3, 1, 2, 2});
  for (Index i = 0; i < 24; ++i) six.data()[i] = 1.0 / static_cast<double>(i + 3);
  save_npy(path, six);
  CHECK(list(load_npy<double, 6>(path)) == list(six));
  save_npy(path, Tensor<float, 3>(Shape{2, 0, 3}));
  CHECK(load_npy<float, 3>(path).shape() == Shape<3>{2, 0, 3});
  CHECK(directory.file_count() == 1);

  save_npy(path, std::vector<int>{3, -1, 2147483647});
  CHECK(load_npy_labels(path) == std::vector<int>{3, -1, 2147483647});
  CHECK_THROWS_MATCHES(save_npy("no/such/folder/a.npy", six), Error,
                       Message("save_npy: expected a writable file but got 'No such file or directory' for "
                               "no/such/folder/a.npy"));
}

TEST_CASE_METHOD(Fixture, "save_npy writes no file of another kind's name") {
  CHECK_THROWS_MATCHES(save_npy("x.npz", std::vector<int>{1}), ArgumentError,
                       Message("save_npy: expected a name that ends in .npy but got x.npz"));
}

TEST_CASE_METHOD(Fixture, "load_npy refuses numbers that the type cannot hold, or rounds if asked") {
  const auto refused = [&]<class Scalar>(Scalar, const std::string& type, const Bytes& numbers, Index count,
                                         const std::string& number, Index at) {
    check_refused<Scalar>(npy_of(dictionary_of(type, "(" + std::to_string(count) + ",)"), numbers),
                          "numbers that " + std::string(sizeof(Scalar) == 4 ? "float" : "double") +
                              " holds, or .round = true in the options, but got " + number + " at [" +
                              std::to_string(at) + "]");
  };
  const std::int64_t beyond_float = (1 << 24) + 1, beyond_double = (std::int64_t{1} << 53) + 1,
                     least = std::numeric_limits<std::int64_t>::min();
  refused(0.0f, "<i4", bytes_of({1, 1 << 24, (1 << 24) + 1}), 3, "16777217", 2);
  refused(0.0f, "<i8", bytes_of({-beyond_float}), 1, "-16777217", 0);
  refused(0.0, "<i8", bytes_of({least, beyond_double}), 2, "9007199254740993", 1);
  refused(0.0, "<i8", bytes_of({-beyond_double}), 1, "-9007199254740993", 0);
  refused(0.0, "<u8", bytes_of({~std::uint64_t{0}}), 1, "18446744073709551615", 0);
  refused(0.0f, "<f8", bytes_of({0.1, 1e39}), 2, "1e+39", 1);
  refused(0.0f, "<f8", bytes_of({0.0, -0.0, -1e-46}), 3, "-1e-46", 2);

  // What is exact, and what is rounded as any real number is.
  const auto file = [](const std::string& type, const Bytes& numbers) {
    return npy_of(dictionary_of(type, "(2,)"), numbers);
  };
  CHECK(list(load<float, 1>(file("<i8", bytes_of({least, std::int64_t{1} << 40})))) ==
        std::vector<float>{-0x1p63f, 0x1p40f});
  CHECK(list(load<float, 1>(file("<f8", bytes_of({0.1, 1e-45})))) == std::vector<float>{0.1f, 1e-45f});
  const Tensor<float, 1> special = load<float, 1>(
      file("<f8", bytes_of({std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})));
  CHECK(special(0) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(special(1)));

  const NpyOptions round{.round = true};
  CHECK(list(load<float, 1>(file("<f8", bytes_of({-1e39, 1e-46})), round)) ==
        std::vector<float>{-std::numeric_limits<float>::max(), 0});
  CHECK(list(load<double, 1>(file("<i8", bytes_of({beyond_double, -beyond_double})), round)) ==
        std::vector<double>{0x1p53, -0x1p53});
  CHECK(list(load<float, 1>(file("<u8", bytes_of({~std::uint64_t{0}, std::uint64_t{3}})), round)) ==
        std::vector<float>{0x1p64f, 3});

  write_bytes(path, npy_of(dictionary_of("|b1", "(2, 2)"), {0, 1, 1, 2}));
  CHECK_THROWS_MATCHES((load_npy<float, 2>(path)), DataError,
                       Message("load_npy: expected 0 or 1 but got 2 at [1, 1] in " + path));
}

TEST_CASE_METHOD(Fixture, "load_npy_labels reads whole numbers of any width") {
  write_bytes(path, npy_of(dictionary_of("<i8", "(3,)"), bytes_of<std::int64_t>({7, -2, 0})));
  CHECK(load_npy_labels(path) == std::vector<int>{7, -2, 0});
  write_bytes(path, npy_of(dictionary_of("|u1", "(2,)"), {9, 255}));
  CHECK(load_npy_labels(path) == std::vector<int>{9, 255});
  write_bytes(path, npy_of(dictionary_of(">u2", "(1,)"), {1, 2}));
  CHECK(load_npy_labels(path) == std::vector<int>{258});
  const auto check_no_labels = [&](const Bytes& file, const std::string& message) {
    write_bytes(path, file);
    CHECK_THROWS_MATCHES(load_npy_labels(path), DataError,
                         Message("load_npy_labels: expected " + message + " in " + path));
  };
  check_no_labels(npy_of(dictionary_of("<i8", "(2,)"), bytes_of<std::int64_t>({0, std::int64_t{1} << 31})),
                  "labels between -2^31 and 2^31 but got 2147483648 at [1]");
  check_no_labels(npy_of(dictionary_of("<f4", "(1,)"), bytes_of({1.0f})),
                  "labels that are whole numbers but got type f4");
  check_no_labels(npy_of(dictionary_of("<i4", "(1, 1)"), bytes_of({1})), "an array of 1 axis but got [1, 1]");
}

TEST_CASE_METHOD(Fixture, "load_npy reads any dictionary that Python reads, and no other") {
  const Bytes numbers = bytes_of({1.0f, 2.0f});
  for (const std::string dictionary : {"{'shape': (2,), 'fortran_order': True, 'descr': '<f4'}",
                                       "{ \"descr\" : \"<f4\" ,\t'fortran_order':False,'shape':( 2L , ) , }",
                                       "  {'descr': '<f4', 'fortran_order': False, 'shape': (2,)}  "})
    CHECK(list(load<float, 1>(npy_of(dictionary, numbers))) == std::vector<float>{1, 2});

  const auto refused = [&](const std::string& dictionary, const std::string& message) {
    check_refused(npy_of(dictionary, numbers), message);
  };
  const std::string types =
      "numbers of type f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1, with < or > for the order of their bytes, but "
      "got ";
  for (const std::string type : {"|O", "<c8", "<f2", "<f16", "<U3", "|S4", "<M8[ns]", "=f4", "|f4", "f4", "", "<", "f"})
    refused(dictionary_of(type, "(2,)"), types + type);
  refused("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }",
          "numbers of one type but got a structured type");
  refused("{'descr': '<f4', 'fortran_order': False}", "descr, fortran_order and shape but got no shape");
  refused("{'descr': '<f4', 'shape': (2,)}", "descr, fortran_order and shape but got no fortran_order");
  refused("{}", "descr, fortran_order and shape but got no descr");
  refused("{'descr': '<f4', 'descr': '<f4'}", "descr, fortran_order and shape, each once, but got descr");
  refused("{'\x1b': '<f4'}", "descr, fortran_order and shape, each once, but got \\x1b");
  refused("{'descr': '<f4' 'shape': (2,)}", "'}' at character 16 of the header but got '''");
  refused("{'descr': '<f4'} x", "the end of the header at character 17 of the header but got 'x'");
  refused("{'descr': <f4}", "a string at character 10 of the header but got '<'");
  refused("{'descr': '<f4}", "a string that ends at character 10 of the header but got '''");
  refused("{'fortran_order': 0}", "True or False at character 18 of the header but got '0'");
  refused("{'shape': (2)}", "',' at character 12 of the header but got ')'");
  refused("{'shape': (2 3)}", "',' at character 13 of the header but got '3'");
  refused("{'shape': (2, 3 4)}", "',' or ')' at character 16 of the header but got '4'");
  refused("{'shape': (-2,)}", "a size at character 11 of the header but got '-'");
  refused("{'shape': (,)}", "a size at character 11 of the header but got ','");
  refused("{'shape': (9223372036854775808,)}", "a number below 2^63 at character 11 of the header but got '9'");
  refused("", "'{' at character 54 of the header but got its end");
}

TEST_CASE_METHOD(Fixture, "load_npy refuses files that are not what they claim to be") {
  const Bytes whole = npy_of(dictionary_of("<f4", "(2,)"), bytes_of({1.0f, 2.0f}));
  check_refused({}, "an .npy file but got another kind");
  check_refused({'P', 'K', 3, 4, 5, 6, 7, 8, 9}, "an .npy file but got another kind");
  check_refused(Bytes(whole.begin(), whole.begin() + 6), "a header of 8 bytes but got 6");
  check_refused(Bytes(whole.begin(), whole.begin() + 9), "a header of 10 bytes but got 9");
  check_refused(Bytes(whole.begin(), whole.begin() + 100), "a header of 128 bytes but got 100");
  check_refused(Bytes(whole.begin(), whole.end() - 1), "8 bytes of numbers, as the header says, but got 7");
  Bytes file = whole;
  file.push_back(0);
  check_refused(file, "8 bytes of numbers, as the header says, but got 9");
  for (const auto& [major, minor] : {std::pair{0, 0}, {4, 0}, {1, 1}}) {
    file = whole;
    file[6] = static_cast<std::uint8_t>(major);
    file[7] = static_cast<std::uint8_t>(minor);
    check_refused(file, "version 1.0, 2.0 or 3.0 but got " + std::to_string(major) + "." + std::to_string(minor));
  }
  file = npy_of(dictionary_of("<f4", "(2,)"), bytes_of({1.0f, 2.0f}), 2);
  file[11] = 0xff;
  check_refused(file, "a header of at most 10000 characters but got 4278190196");
  check_refused(npy_of(dictionary_of("<f4", "(2, 1)"), bytes_of({1.0f, 2.0f})), "an array of 1 axis but got [2, 1]");
  check_refused(npy_of(dictionary_of("<f4", "(4294967296, 4294967296, 4)"), {}),
                "a shape that fits into a file but got [4294967296, 4294967296, 4]");
  check_refused(npy_of(dictionary_of("<f4", "(0, 4611686018427387904)"), {}),
                "a shape that fits into a file but got [0, 4611686018427387904]");
  CHECK_THROWS_MATCHES(
      (load_npy<float, 1>("no/such/file")), DataError,
      Message("load_npy: expected a readable file but got 'No such file or directory' for no/such/file"));
}

TEST_CASE("load_npy reads every type, order and shape that NumPy writes, and NumPy what save_npy writes") {
  const TemporaryDirectory directory;
  const std::string& folder = directory.path();
  if (run_python(__FILE__, "numpy_arrays.py", "write " + folder).empty()) return;
  int count = 0;
  check_numpy_files(folder, "scalar", Shape<0>{}, count);
  check_numpy_files(folder, "one", Shape{1}, count);
  check_numpy_files(folder, "five", Shape{5}, count);
  check_numpy_files(folder, "none", Shape{0}, count);
  check_numpy_files(folder, "empty", Shape{2, 0, 3}, count);
  check_numpy_files(folder, "matrix", Shape{2, 3}, count);
  check_numpy_files(folder, "cube", Shape{2, 3, 4}, count);
  check_numpy_files(folder, "six", Shape{2, 1, 3, 1, 2, 2}, count);
  CHECK(count == 19 * 2 * 8);
  for (const std::string version : {"1", "2", "3"})
    CHECK(list(load_npy<float, 2>(folder + "/version" + version + ".npy")) ==
          std::vector<float>{-9.75f, -0.5f, 8.75f, -7.25f, 2, 11.25f});

  const TemporaryDirectory ours;
  const auto save = [&](const std::string& shape_name, const auto& shape) {
    save_for_numpy<float>(ours.path(), "float32_" + shape_name, shape);
    save_for_numpy<double>(ours.path(), "float64_" + shape_name, shape);
  };
  save("scalar", Shape<0>{});
  save("one", Shape{1});
  save("five", Shape{5});
  save("none", Shape{0});
  save("empty", Shape{2, 0, 3});
  save("matrix", Shape{2, 3});
  save("cube", Shape{2, 3, 4});
  save("six", Shape{2, 1, 3, 1, 2, 2});
  save_npy(ours / "int32_five.npy", std::vector<int>{-39, -2, 35, -29, 8});
  save_npy(ours / "int32_none.npy", std::vector<int>{});
  CHECK(run_python(__FILE__, "numpy_arrays.py", "check " + ours.path()) == "18\n");
}
