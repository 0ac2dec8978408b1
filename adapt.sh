#!/bin/sh
# Adapt to a folder of images, from nothing but folders to a network, with what it sees.
set -eu
usage='usage: sh adapt.sh --source IMAGES LABELS --target IMAGES [option...]
IMAGES, LABELS  folders; files that belong together have the same names
option          --target-labels LABELS   --classes map.json   --minutes 60   --out DIR
                --dry-run   --distil mit_b0   ... (tools/adapt.py --help)'
case "${1-}" in -h | --help) echo "$usage" && exit ;; esac
[ $# -gt 0 ] || { echo "$usage" >&2 && exit 2; }
DIDA_COMMAND=$(printf '%s\n' sh "$0" "$@") && export DIDA_COMMAND
here=$(cd "$(dirname "$0")" && pwd)
python=$(sh "$here/tools/bootstrap.sh")
PYTHONPATH=$here${PYTHONPATH:+:$PYTHONPATH} exec "$python" "$here/tools/adapt.py" "$@"
