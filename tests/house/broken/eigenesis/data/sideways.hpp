// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/sum.hpp"
