#!/bin/sh
# Segment an image: an overlay and a colour map.
set -eu
usage='usage: sh demo.sh CONFIG CHECKPOINT [IMAGE] [option...]
CONFIG, CHECKPOINT  config.json and latest.pth of a work dir, for example
IMAGE               of any size; a drawn street scene if none is given
option              --out-dir DIR   --teacher   ... (tools/demo.py --help)'
case "${1-}" in -h | --help) echo "$usage" && exit ;; esac
case "${1--} ${2--}" in -* | *\ -*) echo "$usage" >&2 && exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
python=$(sh "$here/tools/bootstrap.sh")
PYTHONPATH=$here${PYTHONPATH:+:$PYTHONPATH} exec "$python" "$here/tools/demo.py" "$@"
