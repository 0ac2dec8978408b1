#!/bin/sh
# Train one config with several processes on this machine: one a GPU or, without GPUs, on the CPU.
set -eu
usage='usage: sh tools/dist_train.sh CONFIG N [option...]
CONFIG a .py or .json file, configs/dida/... for example
N      number of processes; each takes data.samples_per_gpu images a step
option --work-dir DIR   --resume   --overwrite   ... (python tools/train.py --help)'
case "${1-}" in
-h | --help) echo "$usage" && exit ;;
/*) config=$1 ;;
*) config=$PWD/${1-} ;;
esac
case "${2-}" in '' | 0 | *[!0-9]*) echo "$usage" >&2 && exit 2 ;; esac
DIDA_COMMAND=$(printf '%s\n' sh "$0" "$@") && export DIDA_COMMAND
n=$2
shift 2
cd "$(dirname "$0")/.."
config=${config#"$PWD/"}
python=$(sh tools/bootstrap.sh)
threads=$(($(getconf _NPROCESSORS_ONLN) / n))
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$((threads > 0 ? threads : 1))}"
exec "$python" -m torch.distributed.run --standalone --nproc-per-node "$n" \
    tools/train.py "$config" "$@"
