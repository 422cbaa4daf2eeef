// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

/// One step of gradient descent towards model(x) = y; gives the mean squared error before it.
float train(eigenesis::Linear<float>& model, const eigenesis::Variable<float, 2>& x, const eigenesis::Variable<float, 2>& y);
