#!/bin/sh
# Print the Python that has what this project needs; make .venv first where there is none.
# usage: sh tools/bootstrap.sh [REQUIREMENTS-FILE...]     (requirements.txt if none is named)
# DIDA_STACK=oldest (or newest): that end of the requirements' ranges, in .venv-oldest.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- requirements.txt
active=${VIRTUAL_ENV-${CONDA_PREFIX-}}
venv=.venv${DIDA_STACK:+-$DIDA_STACK}
case "${DIDA_STACK-}" in
    oldest) active='' pythons='python3.10 python3.11 python3.12 python3.13 python3.14' ;;
    newest) active='' pythons='python3.14 python3.13 python3.12 python3.11 python3.10' ;;
    *) pythons='python python3 python3.14 python3.13 python3.12 python3.11 python3.10' ;;
esac
# What bootstrap.py leaves in .venv/installed: a copy of each file, written last.
is_whole() {
    [ -x "$venv/bin/python" ] && [ ! -e "$venv/installing" ] || return 1
    for file in "$@"; do cmp -s "$file" "$venv/installed/$file" || return 1; done
}
if { [ -z "$active" ] || [ "$active" = "$PWD/$venv" ]; } && is_whole "$@"; then
    echo "$PWD/$venv/bin/python" && exit
fi
for python in ${active:+"$active/bin/python"} $pythons; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        exec "$python" tools/bootstrap.py "$@"
    fi
done
echo 'error: no Python 3.10 or later on the PATH; install one (apt install python3 python3-venv)' >&2
exit 1
