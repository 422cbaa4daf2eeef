// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/sum.hpp"
