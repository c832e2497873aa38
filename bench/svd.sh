#!/bin/sh
# Predicting ratings against Surprise, whole processes in alternation: the five folds of MovieLens 100K with SVD (100
# factors, 20 epochs), from the text file to RMSE and MAE, on one thread. The two give the same numbers. Prints the
# seconds of each pair and the ratio, then the seconds of the fits alone.
#
# usage: HARNESS_DATA=FOLDER PEER_PYTHON=python-with-scikit-surprise bench/svd.sh [PAIRS]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
harness=${HARNESS:-$here/harness}
: "${HARNESS_DATA:?name the folder with ml-100k/u.data}" "${PEER_PYTHON:?name a python that has scikit-surprise}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/svd.ini" <<END
[experiment]
name = svd
[data]
cache = none
descriptions = $here/datasets
[problem]
target = ml-100k
split = kfold
order = numpy_legacy
candidates = held_out
[evaluate]
metrics = rmse, mae
[algorithm.svd]
random = numpy_legacy
END
seconds() {
    start=$(date +%s.%N)
    "$@" >"$work/out" 2>&1
    awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { printf "%.3f", b - a }'
}
for i in $(seq "${1:-5}"); do
    rm -f "$work/x.sqlite"
    ours=$(seconds "$harness" run "$work/svd.ini" --store "$work/x.sqlite" --threads 1 --quiet)
    fit=$(sqlite3 "$work/x.sqlite" 'SELECT printf("%.3f", sum(fit_seconds)) FROM run')
    theirs=$(seconds "$PEER_PYTHON" "$here/bench/peer_svd.py" "$HARNESS_DATA/ml-100k/u.data")
    peer_fit=$(sed -n 's/^fit \([0-9.]*\).*/\1/p' "$work/out")
    awk -v a="$ours" -v b="$theirs" -v c="$fit" -v d="$peer_fit" 'BEGIN {
        printf "whole: harness %.3f s, surprise %.3f s, ratio %.1f; ", a, b, b / a
        printf "fits: %.3f s, %.3f s, ratio %.1f\n", c, d, d / c }'
done
