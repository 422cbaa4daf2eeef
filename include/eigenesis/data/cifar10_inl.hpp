// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/cifar10.hpp"
#include "eigenesis/files/file.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

EIGENESIS_ONCE LabelledImages read_cifar10(std::string_view function, const std::vector<std::string>& paths) {
  constexpr std::size_t pixels = 32 * 32, record = 1 + 3 * pixels;
  std::vector<Bytes> files;
  std::size_t count = 0;
  for (const std::string& path : paths) {
    files.push_back(read_file(function, path));
    const std::size_t size = files.back().size();
    require<DataError>(size > 0 && size % record == 0, function, ": expected records of ", record,
                       " bytes, a label and 3 x 32 x 32 pixels, but got ", size, " bytes in ", path);
    count += size / record;
  }
  LabelledImages result;
  result.height = result.width = 32;
  result.channels = 3;
  result.classes = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  result.images = Tensor<float, 2>(Shape{static_cast<Index>(count), static_cast<Index>(3 * pixels)});
  float* to = result.images.data();
  for (std::size_t file = 0; file < files.size(); ++file)
    for (std::size_t begin = 0; begin < files[file].size(); begin += record) {
      const std::uint8_t* const from = &files[file][begin];
      require<DataError>(*from <= 9, function, ": expected labels from 0 to 9 but got ", *from, " in record ",
                         begin / record, " of ", paths[file]);
      result.labels.push_back(*from);
      for (std::size_t pixel = 0; pixel < pixels; ++pixel)
        for (std::size_t channel = 0; channel < 3; ++channel)
          *to++ = static_cast<float>(from[1 + channel * pixels + pixel]) / 255.0f;
    }
  return result;
}

}  // namespace detail

EIGENESIS_ONCE LabelledImages read_cifar10(const std::vector<std::string>& paths) {
  require<ArgumentError>(!paths.empty(), "read_cifar10: expected at least one file but got none");
  return detail::read_cifar10("read_cifar10", paths);
}

EIGENESIS_ONCE Cifar10 load_cifar10(const std::string& directory) {
  std::vector<std::string> train;
  for (int i = 1; i <= 5; ++i) train.push_back(directory + "/data_batch_" + std::to_string(i) + ".bin");
  const std::string test = directory + "/test_batch.bin";
  return {detail::read_cifar10("load_cifar10", train), detail::read_cifar10("load_cifar10", {test})};
}

}  // namespace eigenesis::inline EIGENESIS_ABI
