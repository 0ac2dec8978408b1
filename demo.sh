#!/bin/sh
# Segment pictures and videos: overlays, colour maps and label maps.
set -eu
usage='usage: sh demo.sh CONFIG CHECKPOINT [INPUT] [option...]
CONFIG, CHECKPOINT  config.json and latest.pth of a work dir, for example
INPUT               picture, video, folder or 'quoted/*.pattern'; a drawn scene if none is given
option              --out-dir DIR   --teacher   ... (tools/demo.py --help)'
case "${1-}" in -h | --help) echo "$usage" && exit ;; esac
case "${1--} ${2--}" in -* | *\ -*) echo "$usage" >&2 && exit 2 ;; esac
DIDA_COMMAND=$(printf '%s\n' sh "$0" "$@") && export DIDA_COMMAND
here=$(cd "$(dirname "$0")" && pwd)
python=$(sh "$here/tools/bootstrap.sh")
PYTHONPATH=$here${PYTHONPATH:+:$PYTHONPATH} exec "$python" "$here/tools/demo.py" "$@"
