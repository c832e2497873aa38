#!/bin/sh
# Whole processes, in alternation: MovieLens 100K from the text file to the stored metrics of itemknn (100 neighbours,
# full ranking), against the same job in implicit. Prints the seconds of each pair and the ratio.
#
# usage: HARNESS_DATA=FOLDER PEER_PYTHON=python-with-implicit bench/whole.sh [PAIRS]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
harness=${HARNESS:-$here/harness}
: "${HARNESS_DATA:?name the folder with ml-100k/u.data}" "${PEER_PYTHON:?name a python that has implicit}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/knn.ini" <<END
[experiment]
name = knn
[data]
cache = none
descriptions = $here/datasets
[problem]
target = ml-100k
split = random_ratio
test = 0.2
validation = 0
[evaluate]
metrics = precision, map, ndcg, auc
[algorithm.itemknn]
neighbors = 100
END
seconds() {
    start=$(date +%s.%N)
    "$@" >/dev/null 2>&1
    awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { printf "%.3f", b - a }'
}
for i in $(seq "${1:-5}"); do
    rm -f "$work/x.sqlite"
    ours=$(seconds "$harness" run "$work/knn.ini" --store "$work/x.sqlite" --quiet)
    theirs=$(seconds "$PEER_PYTHON" "$here/bench/peer_itemknn.py" "$HARNESS_DATA/ml-100k/u.data")
    awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "harness %.3f s, implicit %.3f s, ratio %.1f\n", a, b, b / a }'
done
