#!/bin/sh
# An epoch of maml and one of adversarial on MovieLens 1M against the same in PyTorch, in alternation, with the item
# features of the dataset (genres, title, plot, director, cast). maml: second order, 6,040 tasks, two inner steps;
# adversarial: MovieLens 100K as the source, the first STEPS of its 1,060 steps. PyTorch makes the very steps of the
# first epoch, which bench/experiment writes down, and says how far its losses are from ours: of the first step, the
# mean over the steps, and the most of any, where rounding has grown.
#
# usage: HARNESS_DATA=FOLDER PEER_PYTHON=python-with-torch bench/torch.sh [THREADS [PAIRS [STEPS [ROW ...]]]]
# ROW: maml, wasserstein (critic with gradient penalty), dann
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
: "${HARNESS_DATA:?name the folder with ml-1m and ml-100k}" "${PEER_PYTHON:?name a python that has torch}"
threads=${1:-2} pairs=${2:-3} steps=${3:-100}
[ $# -lt 4 ] && set -- maml wasserstein dann || shift 3
export OMP_WAIT_POLICY=passive
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Without weight decay: PyTorch's lazy optimisers have none.
experiment() { # NAME ALGORITHM SOURCES SETTINGS
    printf '%s\n' '[experiment]' "name = $1" '[data]' "descriptions = $here/datasets" '[problem]' 'target = ml-1m' \
        "$3" 'split = leave_one_out' 'validation = 0' '[evaluate]' 'metrics = auc' "[algorithm.$2]" 'decay = 0' \
        "$4" >"$work/$1.ini"
}
experiment maml maml '' ''
experiment wasserstein adversarial 'sources = ml-100k' 'ramp = 0'
experiment dann adversarial 'sources = ml-100k' 'ramp = 0
objective = dann'

field() { # LINE NAME
    echo "$1" | sed "s/.*\<$2 \([^ ]*\).*/\1/"
}
for row in "$@"; do
    most=$steps
    [ "$row" = maml ] && most=1000000
    "$here/bench/experiment" "$work/$row.ini" 1 1 "$most" "$work/$row.record" >/dev/null
    for i in $(seq "$pairs"); do
        theirs=$("$PEER_PYTHON" -W ignore "$here/bench/peer_torch.py" "$row" "$work/$row.record" "$threads" \
            10 0.02 0.005)
        ours=$("$here/bench/experiment" "$work/$row.ini" "$threads" 1 "$most")
        echo "$row $(field "$ours" seconds) $(field "$ours" cpu) $(field "$ours" peak) $(field "$ours" steps)" \
            "$(field "$theirs" seconds) $(field "$theirs" cpu) $(field "$theirs" peak) $(field "$theirs" steps)" \
            "$(field "$theirs" first) $(field "$theirs" mean) $(field "$theirs" most)" | awk '{
            printf "%s, %d steps: torch %.2f s, harness %.2f s, ratio %.1f; ", $1, $5, $6, $2, $6 / $2
            printf "processors: %.2f s, %.2f s, ratio %.1f; ", $7, $3, $7 / $3
            printf "MiB: %.0f, %.0f; losses apart: first %s, mean %s, most %s\n", $8, $4, $10, $11, $12 }'
    done
done
