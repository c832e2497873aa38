#!/bin/sh
# An epoch of MeLU's meta-training on MovieLens 1M against the same in PyTorch, in alternation: 2,653 tasks, 121,811
# rows, 8 fields of 32, layers 256 -> 64 -> 64 -> 1, second order. PyTorch gets the first TASKS tasks; the ratio is of
# seconds a row, of the wall and of processors.
#
# usage: HARNESS_DATA=FOLDER PEER_PYTHON=python-with-torch bench/melu.sh [THREADS [INNER_STEPS [TASKS [PAIRS]]]]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
harness=${HARNESS:-$here/harness}
: "${HARNESS_DATA:?name the folder with ml-1m and ml-1m-melu}" "${PEER_PYTHON:?name a python that has torch}"
threads=${1:-2} steps=${2:-1} tasks=${3:-320} pairs=${4:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# One run for each number of epochs: the difference is what two epochs take, without reading data or scoring.
cat >"$work/melu.ini" <<END
[experiment]
name = melu
[data]
descriptions = $here/datasets
[problem]
target = ml-1m-melu
split = scenarios
scenario = cold_users
users_by = given
items_by = given
rows_min = 13
rows_max = 100
asked = 10
support = random
warm = 0
validation = 0
candidates = held_out
[evaluate]
metrics = mae
[algorithm.melu]
inner_steps = $steps
epochs = 1 | 3
END
for i in $(seq "$pairs"); do
    rm -f "$work/x.sqlite"
    "$harness" run "$work/melu.ini" --data "$HARNESS_DATA" --store "$work/x.sqlite" --threads "$threads" \
        --quiet >/dev/null
    ours=$(sqlite3 "$work/x.sqlite" 'SELECT (max(wall_seconds) - min(wall_seconds)) / 2, (max(cpu_seconds) -
        min(cpu_seconds)) / 2 FROM run' | tr '|' ' ')
    theirs=$("$PEER_PYTHON" "$here/bench/peer_melu.py" "$HARNESS_DATA" "$threads" "$steps" "$tasks")
    echo "$ours $theirs" | awk '{
        share = 121811 / $7
        printf "epoch: harness %.2f s, torch %.2f s, ratio %.1f; ", $1, $10 * share, $10 * share / $1
        printf "processors: %.2f s, %.2f s, ratio %.1f\n", $2, $12 * share, $12 * share / $2 }'
done
