// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstring>
#include <eigenesis/eigenesis.hpp>
#include <filesystem>

#include "catch.hpp"
#include "files.hpp"
#include "python.hpp"

using namespace eigenesis;

namespace {

/// np.savez(file, x=np.array([1.5, -2], dtype='<f4')) of NumPy 2.4, with the sizes of zip64 before the content.
const Bytes golden = [] {
  const std::string_view hex =
      "504b03042d000000000000002100d6434b05ffffffffffffffff05001400782e6e7079010010008800000000000000880000"
      "0000000000934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2046"
      "616c73652c20277368617065273a2028322c292c207d20202020202020202020202020202020202020202020202020202020"
      "20202020202020202020202020202020202020202020202020202020202020200a0000c03f000000c0504b01022d032d0000"
      "00000000002100d6434b058800000088000000050000000000000000000000800100000000782e6e7079504b050600000000"
      "0100010033000000bf0000000000";
  Bytes bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}();

template <class Scalar, int Rank>
std::vector<Scalar> list(const Tensor<Scalar, Rank>& x) {
  return std::vector<Scalar>(x.data(), x.data() + x.size());
}

struct Fixture {
  TemporaryDirectory directory;
  std::string path = directory / "a.npz";

  void check_refused(const Bytes& file, const std::string& message) {
    write_bytes(path, file);
    CHECK_THROWS_MATCHES(load_npz(path), DataError, Message("load_npz: expected " + message + " in " + path));
  }
  void check_get_refused(const Bytes& file, const std::string& message) {
    write_bytes(path, file);
    const Npz loaded = load_npz(path);
    CHECK_THROWS_MATCHES((loaded.get<float, 1>("x")), DataError, Message("Npz::get: expected " + message));
  }
};

Bytes changed(Bytes file, std::size_t at, const Bytes& to) {
  std::copy(to.begin(), to.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  return file;
}

const std::filesystem::path seeds =
    std::filesystem::path(__FILE__).parent_path().parent_path() / "fuzz" / "seeds" / "npz";

}  // namespace

TEST_CASE_METHOD(Fixture, "load_npz reads what NumPy wrote, byte for byte") {
  write_bytes(path, golden);
  const Npz file = load_npz(path);
  CHECK(file.names() == std::vector<std::string>{"x"});
  CHECK(file.contains("x"));
  CHECK_FALSE(file.contains("x.npy"));
  CHECK(list(file.get<float, 1>("x")) == std::vector<float>{1.5f, -2});
  CHECK(list(file.get<double, 1>("x")) == std::vector<double>{1.5, -2});
}

TEST_CASE("load_npz reads members that are stored, deflated, or streamed") {
  for (const std::string name : {"good_stored", "good_deflated"}) {
    const Npz file = load_npz(seeds / name);
    CHECK(file.names() == std::vector<std::string>{"x", "y"});
    CHECK(list(file.get<float, 2>("x")) == std::vector<float>{0, 1, 2, 3, 4, 5});
    CHECK(list(file.get<double, 1>("y")) == std::vector<double>{-0x1p53, 7});
    CHECK_THROWS_WITH(file.labels("y"), ContainsSubstring("Npz::labels: expected labels between -2^31 and 2^31 but got "
                                                          "-9007199254740992 at [0] in y.npy in "));
  }
  CHECK(load_npz(seeds / "good_plain").get<float, 3>("x").shape() == Shape<3>{3, 1, 1});
  CHECK(load_npz(seeds / "good_streamed").labels("x") == std::vector<int>{65535});
  CHECK(load_npz(seeds / "good_empty").names().empty());
}

TEST_CASE_METHOD(Fixture, "save_npz and load_npz give the same back") {
  Tensor<float, 3> images(Shape{2, 3, 2});
  for (Index i = 0; i < 12; ++i) images.data()[i] = std::sqrt(static_cast<float>(i));
  const Tensor<double, 0> scalar({}, 0.1);
  const std::vector<int> labels{7, -1};
  save_npz(path, {{"images", images}, {"a/\xc3\xa9", scalar}, {"labels", labels}, {"none", Tensor<float, 2>()}});
  const Npz file = load_npz(path);
  CHECK(file.names() == std::vector<std::string>{"images", "a/\xc3\xa9", "labels", "none"});
  CHECK(file.get<float, 3>("images").shape() == images.shape());
  CHECK(list(file.get<float, 3>("images")) == list(images));
  CHECK(file.get<double, 0>("a/\xc3\xa9").item() == 0.1);
  CHECK(file.labels("labels") == labels);
  CHECK(file.get<float, 2>("none").shape() == Shape<2>{0, 0});
  const Bytes once = read_bytes(path);
  save_npz(path, {{"images", images}, {"a/\xc3\xa9", scalar}, {"labels", labels}, {"none", Tensor<float, 2>()}});
  CHECK(read_bytes(path) == once);
  save_npz(path, {});
  CHECK(load_npz(path).names().empty());

  CHECK_THROWS_MATCHES(file.labels("no\x1b"), DataError,
                       Message("Npz::labels: expected one of the names images, a/\\xc3\\xa9, labels, none but got "
                               "no\\x1b for " +
                               path));
  CHECK_THROWS_MATCHES((file.get<float, 2>("images")), DataError,
                       Message("Npz::get: expected an array of 2 axes but got [2, 3, 2] in images.npy in " + path));
  CHECK_THROWS_MATCHES(save_npz("x.npy", {{"x", labels}}), ArgumentError,
                       Message("save_npz: expected a name that ends in .npz but got x.npy"));
  CHECK_THROWS_MATCHES(save_npz(path, {{"x", labels}, {"x", scalar}}), ArgumentError,
                       Message("save_npz: expected each name once but got x.npy twice"));
  CHECK_THROWS_MATCHES(save_npz(path, {{"", labels}}), ArgumentError,
                       Message("save_npz: expected names but got an empty one"));
  CHECK_THROWS_MATCHES(save_npz(path, {{std::string(1000, 'n'), labels}}), ArgumentError,
                       Message("save_npz: expected names of at most 1000 bytes but got 1004"));
  CHECK(load_npz(path).names().empty());  // as it was
}

TEST_CASE_METHOD(Fixture, "load_npz refuses archives that are not what they claim to be") {
  const Bytes file = read_bytes(seeds / "good_deflated");
  const std::size_t end = file.size() - 22, directory_size = end - detail::little_endian(&file[end + 16]),
                    member = end - directory_size;
  const std::string size = std::to_string(directory_size);
  check_refused({}, "a zip archive but got another kind, or one without its end,");
  check_refused(Bytes(file.begin(), file.end() - 1), "a zip archive but got another kind, or one without its end,");
  check_refused(changed(file, end + 4, {1}), "an archive on one disk but got several");
  check_refused(changed(file, end + 8, {3}), "an archive on one disk but got several");
  check_refused(changed(file, end + 8, {0xff, 0xff, 0xff, 0xff}), "a directory of 32-bit sizes but got one of zip64");
  check_refused(changed(file, end + 8, {3, 0, 3}), "3 members but the directory ends, or is damaged, after 2");
  check_refused(changed(file, end + 8, {1, 0, 1}),
                "a directory of 1 members but got " + std::to_string(directory_size / 2) + " more bytes");
  check_refused(changed(file, end + 12, {1}),
                "a directory of " + size + " bytes but got 1 from " + std::to_string(member));
  check_refused(changed(file, member, {0}), "2 members but the directory ends, or is damaged, after 0");
  const auto check_member_refused = [&](std::size_t at, const Bytes& to, const std::string& message) {
    check_refused(changed(file, member + at, to), message + " for x.npy");
  };
  check_member_refused(8, {1}, "no encryption but got flags 1");
  check_member_refused(10, {12}, "compression 0 (stored) or 8 (deflated) but got 12");
  check_member_refused(24, {0xff, 0xff, 0xff, 0xff}, "32-bit sizes but got those of zip64");
  check_member_refused(24, {0, 0, 0, 0x7f},
                       "a size that the compressed bytes can have but got 2130706432 from " +
                           std::to_string(detail::little_endian(&file[member + 20])));
  check_member_refused(42, {1}, "a record before the content but got none at byte 1");
  check_member_refused(10, {0},
                       "as many bytes stored as there are but got " +
                           std::to_string(detail::little_endian(&file[member + 20])) + " for 152");
  check_refused(changed(file, 8, {0}), "the same compression before the content but got another for x.npy");
  check_refused(changed(file, 30, {'z'}), "the same name before the content but got another for x.npy");
  check_refused(changed(changed(file, 30 + 2, {'a'}), member + 46 + 2, {'a'}),
                "arrays, whose names end in .npy, but got x.apy");
  Bytes same_name = file;
  for (std::size_t i = 0; i + 5 <= file.size(); ++i)
    if (std::memcmp(&file[i], "y.npy", 5) == 0) same_name[i] = 'x';
  check_refused(same_name, "each name once but got x.npy twice");
  Bytes overlapping = changed(file, member + directory_size / 2 + 42, Bytes(&file[member + 42], &file[member + 46]));
  overlapping[member + directory_size / 2 + 46] = 'x';
  check_refused(overlapping, "members that follow one another but got byte 0 behind " +
                                 std::to_string(30 + 5 + 20 + detail::little_endian(&file[member + 20])) +
                                 " for x.npy");
  CHECK_THROWS_MATCHES(
      load_npz("no/such/file"), DataError,
      Message("load_npz: expected a readable file but got 'No such file or directory' for no/such/file"));
}

TEST_CASE_METHOD(Fixture, "Npz::get refuses damaged data, and bombs before they are unpacked") {
  Bytes file = golden;
  const std::size_t numbers = file.size() - 22 - 51 - 8;
  file[numbers] ^= 1;
  check_get_refused(file, "checksum " + std::to_string(detail::little_endian(&golden[14])) + " but got " +
                              std::to_string(detail::crc32(std::span(file).subspan(numbers - 128, 136))) +
                              " for x in " + path);
  check_get_refused(read_bytes(seeds / "bomb"), "136 bytes, as their beginning says, but got 100128 for x in " + path);
  check_get_refused(changed(golden, numbers - 128, {0}), "an .npy file but got another kind in x.npy in " + path);
  Bytes deflated = read_bytes(seeds / "good_streamed");
  deflated[30 + 5 + 20] = 0xff;  // behind the record, the name and the sizes of zip64
  check_get_refused(deflated, "deflated bytes but got damaged or truncated ones for x in " + path);
}

TEST_CASE("load_npz reads every array that NumPy writes, and NumPy what save_npz writes") {
  const TemporaryDirectory directory;
  const std::string& folder = directory.path();
  if (run_python(__FILE__, "numpy_arrays.py", "write " + folder).empty()) return;
  for (const std::string name : {"stored", "deflated"}) {
    const Npz file = load_npz(folder + "/" + name + ".npz");
    CHECK(file.names().size() == 304);
    for (const std::string& array : file.names()) {
      const auto check = [&]<int Rank>(const Shape<Rank>&) {
        CHECK(list(file.get<double, Rank>(array)) == list(load_npy<double, Rank>(folder + "/" + array + ".npy")));
      };
      if (array.ends_with("_five")) check(Shape<1>{});
      if (array.ends_with("_empty")) check(Shape<3>{});
      if (array.ends_with("_cube")) check(Shape<3>{});
    }
  }

  const TemporaryDirectory ours;
  const Tensor<float, 2> matrix(Shape{2, 3}, {-9.75f, -0.5f, 8.75f, -7.25f, 2, 11.25f});  // as numpy_arrays.py has it
  const std::vector<int> labels{-39, -2, 35, -29, 8};
  save_npz(ours / "ours.npz",
           {{"float32_matrix", matrix}, {"int32_five", labels}, {"float64_empty", Tensor<double, 3>(Shape{2, 0, 3})}});
  CHECK(run_python(__FILE__, "numpy_arrays.py", "check " + ours.path()) == "3\n");
}
