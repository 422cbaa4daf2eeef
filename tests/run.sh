#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the tests. Installs with apt what it lacks.
echo "This takes about 20 minutes on two cores. Tests begin after 4; they build the rest of the programs."
exec "$(dirname "$0")/../cmake/workflow.sh" test g++ make cmake libeigen3-dev libstb-dev catch2 pkg-config
