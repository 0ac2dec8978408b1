#!/bin/sh
# Run the tests, as many at a time as there are cores, at most eight; with -n 0 in one process.
set -eu
usage='usage: sh run_tests.sh [--stack oldest|newest] [pytest option...]
For example: sh run_tests.sh tests/models -k bank
--stack: with the oldest or the newest releases that the requirements allow, in .venv-oldest or
.venv-newest, on the oldest or the newest Python on the PATH'
case "${1-}" in
    -h | --help) echo "$usage" && exit ;;
    --stack)
        case "${2-}" in oldest | newest) ;; *) echo "$usage" >&2 && exit 2 ;; esac
        export DIDA_STACK="$2"
        shift 2
        ;;
esac
cd "$(dirname "$0")"
python=$(sh tools/bootstrap.sh requirements.txt requirements-dev.txt)
exec "$python" -m pytest -n auto --maxprocesses 8 --dist loadfile "$@"
