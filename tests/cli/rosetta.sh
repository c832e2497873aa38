#!/bin/sh
# harness rosetta: one run in the words of several libraries, with the values of the libraries themselves.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"
oracle=$HARNESS_SOURCE/tests/oracle
rosetta() { "$HARNESS" rosetta --run "$oracle/rosetta.run" --qrels "$oracle/rosetta.qrels" "$@"; }

exits 0 'a table' rosetta
says out 'LensKit      NDCG(10)'
says out '1/max(1, log2(rank)): ranks 1 and 2 count alike'
says out '25 queries'
exits 0 'as CSV' rosetta --format csv
# Every value that a library gave is there and the same, to 1e-9, and no library's line is without one. See
# tests/oracle/rosetta.py.
same_values() {
    awk -F, 'NR == FNR { if (NR > 1 && $2 != "harness") { got[$2 "," $3] = $4; lines++ } next }
        { n++; k = $1 "," $2; d = got[k] - $3; if (!(k in got) || d > 1e-9 || d < -1e-9) { print; bad = 1 } }
        END { exit bad || n != lines || n < 30 }' out "$oracle/rosetta.expected"
}
ok 'the libraries say the same' same_values
exits 0 'another cut-off' rosetta --cutoff 5
says out 'AveragePrecision(5)'
says out 'map@5/at=ranks'
exits 2 'a cut-off that is none' rosetta --cutoff 0
says err "--cutoff '0' is not an integer from 1"
exits 2 'no qrels' "$HARNESS" rosetta --run "$oracle/rosetta.run"
says err 'rosetta takes one experiment, or --run FILE and --qrels FILE'
exits 3 'no file' "$HARNESS" rosetta --run none --qrels "$oracle/rosetta.qrels"
says err "cannot open 'none'"
exits 0 'ties' "$HARNESS" rosetta --run "$oracle/runfile.run" --qrels "$oracle/runfile.qrels" --ignore-ranks
says out 'with a tied score: expectations here'

# ---- a stored experiment: what leaves it as files says the same
cat >x.ini <<'END'
[experiment]
name = x
keep_rankings = 100
[dataset.synth]
use = synthetic
users = 60
items = 40
rows = 900
[problem.warm]
target = synth/movies
split = leave_one_out
order = random
[evaluate]
metrics = auc
[algorithm.popularity]
[algorithm.itemknn]
END
"$HARNESS" run x.ini --cache none --store x.sqlite --quiet >/dev/null
exits 0 'stored runs' "$HARNESS" rosetta x --store x.sqlite --cache none
says out 'popularity on warm'
says out 'itemknn on warm'
exits 0 'as CSV' "$HARNESS" rosetta x --store x.sqlite --cache none --format csv
sed -n 's/^warm,itemknn,//p' out >stored
ok 'nothing is stored' sh -c '! "$1" table x --store x.sqlite --metric mrr >/dev/null 2>&1' - "$HARNESS"
"$HARNESS" export x --store x.sqlite --cache none --trec out.d >/dev/null
exits 0 'their files' "$HARNESS" rosetta --run out.d/warm.itemknn.run --qrels out.d/warm.qrels --format csv
sed 1d out >files
short() { awk -F, '{ printf "%s,%s,%.12f\n", $2, $3, $4 }' "$1"; } # sums have another order
short stored >stored.short
short files >files.short
ok 'say the same' cmp stored.short files.short
exits 2 'no such experiment' "$HARNESS" rosetta y --store x.sqlite
says err "has no experiment 'y'"
finish
