// SPDX-License-Identifier: MIT
// What eigenesis::compiled holds of reports: apart, as programs without one need not hold the page.
#define EIGENESIS_COMPILED
#include <eigenesis/training/report_inl.hpp>
