// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/training/film.hpp"
#include "eigenesis/training/health.hpp"
#include "eigenesis/training/log.hpp"
#include "eigenesis/training/metric.hpp"
#include "eigenesis/training/stopping.hpp"
#include "eigenesis/training/tensorboard.hpp"

// The watchers that the library has. The umbrella leaves them out: a compiler makes code of all that it sees of them,
// used or not.
