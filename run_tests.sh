#!/bin/sh
# Run the tests, as many at a time as there are cores, at most eight; with -n 0 in one process.
set -eu
usage='usage: sh run_tests.sh [pytest option...]
For example: sh run_tests.sh tests/models -k bank'
case "${1-}" in -h | --help) echo "$usage" && exit ;; esac
cd "$(dirname "$0")"
python=$(sh tools/bootstrap.sh requirements.txt requirements-dev.txt)
exec "$python" -m pytest -n auto --maxprocesses 8 --dist loadfile "$@"
