#!/bin/sh
# Get ImageNet weights, the published checkpoints and banks from where their authors put them.
set -eu
usage='usage: sh tools/download_checkpoints.sh [--list] [--only NAME[,NAME...]]
(nothing)      what the paper'"'"'s GTA runs need: mit_b5, dida_gta2cs and the bank of GTA
--list         what there is, from where, and what is here already
--only NAME    these, or all whose names begin so: mit_b5, mit, bank_synthia, ...
A download that broke off goes on where it was.'
case "${1-}" in -h | --help) echo "$usage" && exit ;; esac
cd "$(dirname "$0")/.."
exec "$(sh tools/bootstrap.sh)" tools/download_checkpoints.py "$@"
