#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the tests. Installs with apt what it lacks.
exec "$(dirname "$0")/../cmake/workflow.sh" test g++ make cmake libeigen3-dev libstb-dev catch2 pkg-config
