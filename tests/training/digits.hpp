// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

#include <eigenesis/eigenesis.hpp>

/// The bundled MNIST.
inline eigenesis::Mnist load_digits() {
  return eigenesis::load_mnist(
      (std::filesystem::path(__FILE__).parent_path() / "../../examples/data/mnist").lexically_normal().string());
}
