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
says err 'rosetta takes --run FILE and --qrels FILE; harness export EXPERIMENT --trec DIR makes them'
exits 3 'no file' "$HARNESS" rosetta --run none --qrels "$oracle/rosetta.qrels"
says err "cannot open 'none'"
exits 0 'ties' "$HARNESS" rosetta --run "$oracle/runfile.run" --qrels "$oracle/runfile.qrels" --ignore-ranks
says out 'with a tied score: expectations here'
finish
