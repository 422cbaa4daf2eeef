// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/idx.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Images, one per row, and the class that each of them shows.
struct LabelledImages {
  Tensor<float, 2> images;  // [N, height * width * channels], pixels in [0, 1]
  std::vector<int> labels;  // [N]
  Index height = 0, width = 0, channels = 0;
  Index size() const { return images.shape(0); }
};

struct Mnist {
  LabelledImages train, test;
};

namespace detail {

inline LabelledImages load_labelled_images(const std::string& images_path, const std::string& labels_path) {
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

/// Loads the four files of MNIST, or of a data set in its format such as Fashion-MNIST, each plain or as .gz.
/// Throws DataError if one is missing or damaged. Source: LeCun, Bottou, Bengio, Haffner 1998.
EIGENESIS_COMPILABLE Mnist load_mnist(const std::string& directory) {
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
EIGENESIS_COMPILE(Mnist load_mnist(const std::string&));

}  // namespace eigenesis::inline EIGENESIS_ABI
