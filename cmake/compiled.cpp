// SPDX-License-Identifier: MIT
// With EIGENESIS_COMPILED_HERE defined, the definitions that programs share.
#include <eigenesis/eigenesis.hpp>
