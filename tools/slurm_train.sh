#!/bin/sh
# Train one config on the GPUs of a Slurm cluster.
set -eu
usage='usage: sh tools/slurm_train.sh PARTITION JOB_NAME CONFIG [option...]
option --work-dir DIR   --resume   --overwrite   ... (python tools/train.py --help)
The environment variables GPUS (8, in all), GPUS_PER_NODE (8), CPUS_PER_GPU (5) and SRUN_ARGS say
what is asked for; every GPU takes data.samples_per_gpu images a step.'
case "${1-}" in -h | --help) echo "$usage" && exit ;; esac
[ $# -ge 3 ] || { echo "$usage" >&2 && exit 2; }
DIDA_COMMAND=$(printf '%s\n' env ${GPUS+"GPUS=$GPUS"} ${GPUS_PER_NODE+"GPUS_PER_NODE=$GPUS_PER_NODE"} \
    ${CPUS_PER_GPU+"CPUS_PER_GPU=$CPUS_PER_GPU"} ${SRUN_ARGS+"SRUN_ARGS=$SRUN_ARGS"} sh "$0" "$@")
export DIDA_COMMAND
case "$3" in /*) config=$3 ;; *) config=$PWD/$3 ;; esac
partition=$1 job=$2 && shift 3
cd "$(dirname "$0")/.."
python=$(DIDA_TORCH=${DIDA_TORCH:-cuda} sh tools/bootstrap.sh) # a log-in node may have no GPU
gpus=${GPUS:-8}
per_node=$((${GPUS_PER_NODE:-8} < gpus ? ${GPUS_PER_NODE:-8} : gpus))
# One torchrun a node; they meet at the first one, at a port that belongs to the job.
# shellcheck disable=SC2016,SC2086
exec srun --partition="$partition" --job-name="$job" --nodes=$((gpus / per_node)) \
    --ntasks-per-node=1 --gres=gpu:"$per_node" \
    --cpus-per-task=$((${CPUS_PER_GPU:-5} * per_node)) --kill-on-bad-exit=1 ${SRUN_ARGS-} \
    sh -c 'host=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
        python=$1 per_node=$2 && shift 2
        exec "$python" -m torch.distributed.run --nnodes "$SLURM_NNODES" \
            --nproc-per-node "$per_node" --rdzv-backend c10d --rdzv-id "$SLURM_JOB_ID" \
            --rdzv-endpoint "$host:$((20000 + SLURM_JOB_ID % 10000))" tools/train.py "$@"' \
    sh "$python" "$per_node" "$config" "$@"
