// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/config.hpp"
#include "eigenesis/core/error.hpp"
#include "eigenesis/core/pool.hpp"
#include "eigenesis/core/shape.hpp"
#include "eigenesis/core/tensor.hpp"
