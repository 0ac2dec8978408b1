#!/bin/sh
# Measure on this machine's GPU what docs/performance.md has no figures of, in under ten minutes.
set -eu
usage='usage: sh tools/gpu_check.sh [FILE]
FILE  for the figures, as JSON [gpu_check.json]; it is written anew after each measurement'
case "${1-}" in -h | --help) echo "$usage" && exit ;; -*) echo "$usage" >&2 && exit 2 ;; esac
cd "$(dirname "$0")/.."
exec "$(sh tools/bootstrap.sh)" tools/gpu_check.py "$@"
