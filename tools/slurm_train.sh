#!/usr/bin/env bash
# Train under slurm: tools/slurm_train.sh PARTITION JOB_NAME CONFIG [args…]
# GPUS (8), GPUS_PER_NODE (8), CPUS_PER_TASK (8) and SRUN_ARGS from the environment.
set -euo pipefail
PARTITION=${1:?partition}; JOB=${2:?job name}; CONFIG=${3:?config}; shift 3
cd "$(dirname "$0")/.."
GPUS=${GPUS:-8}; PER_NODE=${GPUS_PER_NODE:-8}
# shellcheck disable=SC2086
exec srun -p "$PARTITION" --job-name="$JOB" --gres="gpu:$PER_NODE" \
    --ntasks="$GPUS" --ntasks-per-node="$PER_NODE" \
    --cpus-per-task="${CPUS_PER_TASK:-8}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    python -u tools/train.py "$CONFIG" --launcher slurm "$@"
