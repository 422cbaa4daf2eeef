// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/idx.hpp"
#include "eigenesis/data/mnist.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

EIGENESIS_ONCE LabelledImages load_labelled_images(const std::string& images_path, const std::string& labels_path) {
  LabelledImages result;
  Tensor<float, 4> images = read_idx_images(images_path);
  const auto [n, height, width, channels] = images.shape().sizes;
  result.height = height;
  result.width = width;
  result.channels = channels;
  result.images = std::move(images).reshaped(Shape{n, height * width * channels});
  result.labels = read_idx_labels(labels_path);
  require<DataError>(std::ssize(result.labels) == n, "load_mnist: expected as many labels as images but got ",
                     result.labels.size(), " in ", labels_path, " and ", n, " in ", images_path);
  return result;
}

}  // namespace detail

EIGENESIS_ONCE Mnist load_mnist(const std::string& directory) {
  const auto find = [&](const char* name) {
    const std::string path = directory + "/" + name;
    if (detail::file_exists(path)) return path;
    require<DataError>(
        detail::file_exists(path + ".gz"),
        "load_mnist: expected train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
        "t10k-labels-idx1-ubyte, each plain or as .gz, in the directory ",
        directory, " but found no ", name);
    return path + ".gz";
  };
  const std::string train_images = find("train-images-idx3-ubyte"), train_labels = find("train-labels-idx1-ubyte"),
                    test_images = find("t10k-images-idx3-ubyte"), test_labels = find("t10k-labels-idx1-ubyte");
  return {detail::load_labelled_images(train_images, train_labels),
          detail::load_labelled_images(test_images, test_labels)};
}

}  // namespace eigenesis::inline EIGENESIS_ABI
