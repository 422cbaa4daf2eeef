#!/bin/sh
# SPDX-License-Identifier: MIT
# Trains a VAE and a DCGAN on the MNIST digits, says where their pictures are. Installs with apt what it lacks.
# Arguments go to both programs, so they must be options of both: --epochs 3, --data DIR, --seed 2, --out DIR.
echo "This takes about 5 minutes on two cores: 1 or 2 to build, then a VAE and a DCGAN learn to draw digits."
EIGENESIS_MNIST_FROM=$PWD
IFS=';'  # a list to CMake
EIGENESIS_MNIST_ARGUMENTS="$*"
unset IFS
export EIGENESIS_MNIST_FROM EIGENESIS_MNIST_ARGUMENTS
exec "$(dirname "$0")/../cmake/workflow.sh" mnist g++ make cmake libeigen3-dev libstb-dev
