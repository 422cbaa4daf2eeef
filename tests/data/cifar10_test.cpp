// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

/// A record whose pixel in row y, column x has red = seed + y, green = seed + x, blue = seed + y + x, modulo 256.
void append_record(Bytes& file, std::uint8_t label, int seed) {
  file.push_back(label);
  for (int channel = 0; channel < 3; ++channel)
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x)
        file.push_back(static_cast<std::uint8_t>(seed + (channel == 0 ? y : channel == 1 ? x : y + x)));
}
void check_picture(const LabelledImages& pictures, Index i, int label, int seed) {
  CHECK(pictures.labels[static_cast<std::size_t>(i)] == label);
  const float* pixel = pictures.images.data() + i * 3072;
  int wrong = 0;
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 32; ++x)
      for (const int value : {seed + y, seed + x, seed + y + x})
        wrong += *pixel++ != static_cast<float>(value % 256) / 255.0f;
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("load_cifar10 reads six files into H, W, C order") {
  const TemporaryDirectory directory;
  for (int i = 1; i <= 5; ++i) {
    Bytes file;
    append_record(file, static_cast<std::uint8_t>(i), 10 * i);
    append_record(file, 0, 200);
    write_bytes(directory / ("data_batch_" + std::to_string(i) + ".bin"), file);
  }
  CHECK_THROWS_MATCHES(load_cifar10(directory.path()), DataError,
                       Message("load_cifar10: expected a readable file but got 'No such file or directory' for " +
                               (directory / "test_batch.bin")));
  Bytes test;
  append_record(test, 9, 100);
  write_bytes(directory / "test_batch.bin", test);
  const Cifar10 cifar = load_cifar10(directory.path());
  REQUIRE(cifar.train.images.shape() == Shape<2>{10, 3072});
  REQUIRE(cifar.train.labels.size() == 10);
  for (int i = 0; i < 5; ++i) {
    check_picture(cifar.train, 2 * i, i + 1, 10 * (i + 1));
    check_picture(cifar.train, 2 * i + 1, 0, 200);
  }
  REQUIRE(cifar.test.images.shape() == Shape<2>{1, 3072});
  check_picture(cifar.test, 0, 9, 100);
  for (const LabelledImages* part : {&cifar.train, &cifar.test}) {
    CHECK(part->height == 32);
    CHECK(part->width == 32);
    CHECK(part->channels == 3);
    CHECK(part->classes.at(0) == "airplane");
    CHECK(part->classes.at(9) == "truck");
    CHECK(part->classes.size() == 10);
  }
  const LabelledImages one = read_cifar10({directory / "data_batch_3.bin", directory / "test_batch.bin"});
  CHECK(one.labels == std::vector<int>{3, 0, 9});
}

TEST_CASE("read_cifar10 refuses other sizes and labels") {
  const TemporaryDirectory directory;
  const std::string path = directory / "batch.bin";
  Bytes file;
  append_record(file, 1, 0);
  append_record(file, 10, 0);
  const auto refused = [&](const Bytes& bytes, const std::string& message) {
    write_bytes(path, bytes);
    CHECK_THROWS_MATCHES(read_cifar10({path}), DataError, Message("read_cifar10: expected " + message + path));
  };
  refused(file, "labels from 0 to 9 but got 10 in record 1 of ");
  const std::string records = "records of 3073 bytes, a label and 3 x 32 x 32 pixels, but got ";
  refused({}, records + "0 bytes in ");
  refused(Bytes(3072), records + "3072 bytes in ");
  refused(Bytes(file.begin(), file.end() - 1), records + "6145 bytes in ");
  refused(Bytes(3074 * 100), records + "307400 bytes in ");  // the records of CIFAR-100
  CHECK_THROWS_MATCHES(read_cifar10({}), ArgumentError,
                       Message("read_cifar10: expected at least one file but got none"));
}
