#!/bin/sh
# Whole processes, in alternation: seven metrics of a run file of 160 MB (5,891 queries x 1,000 items, generated), by
# `harness evaluate` and by pytrec_eval, which is trec_eval behind Python. With TREC_EVAL=PROGRAM trec_eval itself runs
# too. Prints the seconds of each pair, the ratio, and the largest difference of a mean.
#
# usage: PEER_PYTHON=python-with-pytrec_eval bench/runfile.sh [PAIRS]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
harness=${HARNESS:-$here/harness}
: "${PEER_PYTHON:?name a python that has pytrec_eval}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$PEER_PYTHON" "$here/bench/runfile.py" generate 5891 1000 9999 "$work/x"
echo "$(wc -c <"$work/x.run") bytes, $(wc -l <"$work/x.run") lines"
seconds() {
    start=$(date +%s.%N)
    "$@" >"$work/$to" 2>&1
    awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { printf "%.3f", b - a }'
}
ratio() {
    awk -v a="$1" -v b="$2" -v name="$3" \
        'BEGIN { printf "harness %.3f s, %s %.3f s, ratio %.1f\n", a, name, b, b / a }'
}
for i in $(seq "${1:-3}"); do
    to=ours
    ours=$(seconds "$harness" evaluate --run "$work/x.run" --qrels "$work/x.qrels" --ties trec_eval --format csv)
    to=theirs
    ratio "$ours" "$(seconds "$PEER_PYTHON" "$here/bench/runfile.py" measure "$work/x")" pytrec_eval
    if [ -n "${TREC_EVAL-}" ]; then
        to=trec
        ratio "$ours" "$(seconds "$TREC_EVAL" -m map -m ndcg -m recip_rank -m ndcg_cut.10 -m recall.10,100 -m P.10 \
            "$work/x.qrels" "$work/x.run")" trec_eval
    fi
done
awk 'FILENAME == ARGV[1] { split($0, f, ","); got[f[1]] = f[3]; next }
    { d = got[$1] - $2; d = d < 0 ? -d : d; most = d > most ? d : most; n++ }
    END { printf "%d means, largest difference %.1e\n", n, most }' "$work/ours" "$work/theirs"
