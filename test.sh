#!/bin/sh
# Test what a training run left in its work dir.
set -eu
usage='usage: sh test.sh WORK_DIR [option...]
WORK_DIR  a run below work_dirs/; predictions and pre_log.out go to WORK_DIR/preds
option    --teacher   --format-only   --gpu N   ... (tools/test.py --help)'
case "${1-}" in
-h | --help) echo "$usage" && exit ;;
'' | -*) echo "$usage" >&2 && exit 2 ;;
/*) work_dir=$1 ;;
*) work_dir=$PWD/$1 ;;
esac
DIDA_COMMAND=$(printf '%s\n' sh "$0" "$@") && export DIDA_COMMAND
shift
cd "$(dirname "$0")"
work_dir=${work_dir#"$PWD/"}
python=$(sh tools/bootstrap.sh)
exec "$python" -m tools.test "$work_dir" "$@"
