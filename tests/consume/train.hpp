// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

eigenesis::Tensor<float, 2> train(const eigenesis::Tensor<float, 2>& x);
