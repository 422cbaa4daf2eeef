// SPDX-License-Identifier: MIT
#include <eigenesis/pictures/scatter.hpp>

void draw(const eigenesis::Tensor<float, 2>& points) { eigenesis::save_scatter("points.png", points); }
