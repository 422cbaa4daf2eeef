// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

std::string bundled_digits() {
  return (std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "examples/data/mnist").string();
}

Bytes idx_images(std::uint8_t n) {
  Bytes bytes{0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 3};
  bytes.resize(bytes.size() + 6u * n, 51);
  return bytes;
}
Bytes idx_labels(std::uint8_t n) {
  Bytes bytes{0, 0, 8, 1, 0, 0, 0, n};
  bytes.resize(bytes.size() + n, 4);
  return bytes;
}

}  // namespace

TEST_CASE("The bundled digits are MNIST") {
  const Mnist mnist = load_mnist(bundled_digits());
  CHECK(mnist.train.images.shape() == Shape<2>{60000, 784});
  CHECK(mnist.test.images.shape() == Shape<2>{10000, 784});
  CHECK(mnist.train.size() == 60000);
  CHECK(mnist.train.height == 28);
  CHECK(mnist.train.width == 28);
  CHECK(mnist.train.channels == 1);

  // Mean and standard deviation as in the examples of PyTorch (0.1307, 0.3081); class counts as published.
  const auto pixels = mnist.train.images.array().cast<double>();
  const double mean = pixels.mean();
  CHECK_THAT(mean, WithinAbs(0.13066048, 1e-8));
  CHECK_THAT(std::sqrt((pixels - mean).square().mean()), WithinAbs(0.30810780, 1e-7));
  CHECK(mnist.train.images.array().minCoeff() == 0.0f);
  CHECK(mnist.train.images.array().maxCoeff() == 1.0f);
  std::vector<int> counts(10);
  for (const int label : mnist.train.labels) ++counts.at(static_cast<std::size_t>(label));
  CHECK(counts == std::vector<int>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  CHECK(std::vector<int>(mnist.test.labels.begin(), mnist.test.labels.begin() + 10) ==
        std::vector<int>{7, 2, 1, 0, 4, 1, 4, 9, 5, 9});
}

TEST_CASE("load_mnist takes plain files of any image size") {
  const TemporaryDirectory directory;
  write_bytes(directory / "train-images-idx3-ubyte", idx_images(5));
  write_bytes(directory / "train-labels-idx1-ubyte", idx_labels(5));
  write_bytes(directory / "t10k-images-idx3-ubyte", idx_images(2));
  write_bytes(directory / "t10k-labels-idx1-ubyte.gz", idx_labels(2));  // what counts is the content
  const Mnist mnist = load_mnist(directory.path());
  CHECK(mnist.train.images.shape() == Shape<2>{5, 6});
  CHECK(mnist.test.images.shape() == Shape<2>{2, 6});
  CHECK(mnist.test.height == 2);
  CHECK(mnist.test.width == 3);
  CHECK(mnist.train.images(4, 5) == 0.2f);
  CHECK(mnist.train.labels == std::vector<int>{4, 4, 4, 4, 4});

  write_bytes(directory / "train-labels-idx1-ubyte", idx_labels(6));
  CHECK_THROWS_MATCHES(
      load_mnist(directory.path()), DataError,
      Message("load_mnist: expected as many labels as images but got 6 in " + (directory / "train-labels-idx1-ubyte") +
              " and 5 in " + (directory / "train-images-idx3-ubyte")));
  std::filesystem::remove(directory / "t10k-images-idx3-ubyte");
  CHECK_THROWS_MATCHES(
      load_mnist(directory.path()), DataError,
      Message("load_mnist: expected train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
              "t10k-labels-idx1-ubyte, each plain or as .gz, in the directory " +
              directory.path() + " but found no t10k-images-idx3-ubyte"));
}
