#!/bin/sh
# Run all trainings of an experiment and print their results.
set -eu
usage='usage: sh run_exp.sh [EXPID] [GPUID] [option...]
EXPID  an id of "python experiments.py --list"; 0, the quick start, if none is given
GPUID  the CUDA device; without it a GPU if there is one, else the CPU
option --seeds 0,1,2   --jobs 3,5   --dry-run   --resume   --overwrite
       --smoke   --options key=value ...   (all: run_experiments.py --help)'
case "${1-}" in -h | --help) echo "$usage" && exit ;; esac
DIDA_COMMAND=$(printf '%s\n' sh "$0" "$@") && export DIDA_COMMAND
cd "$(dirname "$0")"
expid=0
case "${1--}" in -*) ;; *) expid=$1 && shift ;; esac
case "${1--}" in -*) ;; *) gpuid=$1 && shift && set -- --gpu "$gpuid" "$@" ;; esac
python=$(sh tools/bootstrap.sh)
exec "$python" run_experiments.py --exp "$expid" "$@"
