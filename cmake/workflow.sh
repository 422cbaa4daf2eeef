#!/bin/sh
# SPDX-License-Identifier: MIT
# workflow.sh PRESET PACKAGE...: installs with apt those of the packages that the machine lacks, where there is apt, then
# runs the CMake workflow preset. What apt cannot give, CMake looks for itself.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift

installed() {
  case $1 in
    g++) command -v "${CXX:-c++}" ;;
    libeigen3-dev) ls -d /usr/include/eigen3 /usr/local/include/eigen3 ;;
    libstb-dev) ls -d /usr/include/stb /usr/local/include/stb ;;
    catch2) ls -d /usr/include/catch2 /usr/local/include/catch2 ;;
    *) command -v "$1" ;;
  esac 2>/dev/null | grep -q .
}

missing=
if command -v apt-get >/dev/null; then
  for package in "$@"; do installed "$package" || missing="$missing $package"; done
fi
if [ -n "$missing" ]; then
  sudo=
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  echo "Installing with apt:$missing"
  log=$(mktemp)
  # The lists of packages may be old or absent, and one unreachable source among them must not stop us.
  $sudo apt-get -qq update >"$log" 2>&1 || true
  # shellcheck disable=SC2086  # a list
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install --no-install-recommends \
    $missing >>"$log" 2>&1 </dev/null || { tail -n 5 "$log"; echo "Could not install$missing, trying without"; } >&2
  rm -f "$log"
fi

if ! command -v cmake >/dev/null; then
  echo "Please install CMake 3.25 or newer, then call this again" >&2
  exit 1
fi
version=$(cmake --version | sed -n 's/^cmake version //p')
case $version in
  [012].* | 3.[0-9].* | 3.1[0-9].* | 3.2[0-4].*)
    echo "Workflow presets need CMake 3.25 or newer but this is $version (the library itself needs 3.22)" >&2
    exit 1 ;;
esac
exec cmake --workflow --preset "$preset"
