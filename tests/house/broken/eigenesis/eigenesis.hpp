// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/cellar/unknown.hpp"
#include "eigenesis/core/banner.hpp"
#include "eigenesis/core/relative.hpp"
#include "eigenesis/core/twice.hpp"
#include "eigenesis/core/upward.hpp"
#include "eigenesis/data/sideways.hpp"
