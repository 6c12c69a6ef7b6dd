#!/bin/bash
# What the agent of an IPsec gateway with many tunnels needs of the processor for one that moves, for all at once, and for
# keeping them alive (../lab/adoption/many.sh), as their number grows.
#
#   tunnels.sh [N...]      with N tunnels; without: 50, then 500
#
# Needs root, and what ../lab/adoption.sh needs; BUILDDIR: a finished build (build/release when not set).
set -u

here=$(cd "$(dirname "$0")" && pwd)
BUILDDIR=$(realpath "${BUILDDIR:-$here/../../build/release}")
. "$here/../lab/adoption/kernel.sh"

[ $# -eq 0 ] || export MANY="$*"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
kernel_lab 900 "$out" bench_many
