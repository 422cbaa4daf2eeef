// SPDX-License-Identifier: MIT
#pragma once

#include "upward.hpp"
