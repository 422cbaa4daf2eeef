#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the benchmarks with plain -O2, installs the peers (requirements.txt) in build/benchmarks/venv, and runs all of
# them round by round on this machine. Prints tables in Markdown; README.md says what they hold.
#   ./benchmarks/run.sh                              everything, about an hour
#   ./benchmarks/run.sh --quick                      fewer rounds and settings, a few minutes
#   ./benchmarks/run.sh --cells W1,W3/128/2,kernels  some workloads, or one batch size and number of threads of one
#   ./benchmarks/run.sh --out benchmarks/RESULTS.md  writes the tables to a file as well
set -eu
cd "$(dirname "$0")/.."
build=build/benchmarks

python=$build/venv/bin/python
if ! cmp -s benchmarks/requirements.txt $build/installed.txt; then
  python3 -m venv $build/venv
  # One by one: a peer that cannot be had is left out, and the tables say so.
  missing=
  while read -r package; do
    $python -m pip install --quiet --disable-pip-version-check "$package" || missing="$missing $package"
  done <benchmarks/requirements.txt
  if [ -z "$missing" ]; then cp benchmarks/requirements.txt $build/installed.txt; else echo "Without$missing" >&2; fi
fi

cmake -S . -B $build -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2 -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
  -DEIGENESIS_BUILD_TESTS=OFF -DEIGENESIS_BUILD_EXAMPLES=OFF -DEIGENESIS_BUILD_BENCHMARKS=ON \
  -DEIGENESIS_BENCHMARK_LIBTORCH=ON >/dev/null
cmake --build $build
export PYTHONDONTWRITEBYTECODE=1
exec $python benchmarks/compare.py "$@"
