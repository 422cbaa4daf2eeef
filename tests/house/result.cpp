// SPDX-License-Identifier: MIT
// Two files of a program. One knows of the other a function that has a type of the library as its result.
#include <eigenesis/core/tensor.hpp>

eigenesis::Tensor<float, 2> result();
#if defined(RESULT_MAIN)
int main() { return static_cast<int>(result().size()); }
#else
eigenesis::Tensor<float, 2> result() { return {}; }
#endif
