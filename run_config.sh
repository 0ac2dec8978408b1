#!/bin/sh
# Run the training of one config file and print its result.
set -eu
usage='usage: sh run_config.sh CONFIG [GPUID] [option...]
CONFIG a .py or .json file, configs/dida/... for example
GPUID  the CUDA device; without it a GPU if there is one, else the CPU
option --seeds 0,1,2   --resume   --overwrite   ... (run_experiments.py --help)'
case "${1-}" in
-h | --help) echo "$usage" && exit ;;
'' | -*) echo "$usage" >&2 && exit 2 ;;
/*) config=$1 ;;
*) config=$PWD/$1 ;;
esac
DIDA_COMMAND=$(printf '%s\n' sh "$0" "$@") && export DIDA_COMMAND
shift
cd "$(dirname "$0")"
config=${config#"$PWD/"}
case "${1--}" in -*) ;; *) gpuid=$1 && shift && set -- --gpu "$gpuid" "$@" ;; esac
python=$(sh tools/bootstrap.sh)
exec "$python" run_experiments.py --config "$config" "$@"
