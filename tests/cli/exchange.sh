#!/bin/sh
# Runs on their way out of the store and into it: export, import, evaluate.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >x.ini <<'END'
[experiment]
name = x
[dataset.synth]
use = synthetic
users = 60
items = 40
rows = 900
[problem.warm]
target = synth/movies
split = leave_one_out
order = random
[problem.folds]
target = synth/movies
split = kfold
folds = 2
[evaluate]
metrics = ndcg@5, recall@5, auc
[algorithm.popularity]
[algorithm.itemknn]
neighbors = 5 | 10
END
"$HARNESS" run x.ini --cache none --store x.sqlite --quiet --set evaluate.cutoffs=7 >/dev/null
export_x() { "$HARNESS" export x --store x.sqlite --cache none "$@"; }
run_x() { "$HARNESS" run x.ini --cache none --store x.sqlite --quiet --set evaluate.cutoffs=7 "$@"; }

# ---- export
exits 2 'runs without kept rankings' export_x --trec out.d
says err "no run of 'x' has kept rankings; harness run FILE.ini --keep-rankings runs it again"
ok 'nothing is written' test ! -e out.d
exits 0 'rankings are kept' run_x --keep-rankings
exits 0 'export' export_x --trec out.d --users users.csv
says out '9 runs in 18 files in out.d'
says out '1620 values in users.csv'
ok 'a run file a run' test -s 'out.d/warm.itemknn_neighbors=5.run' -a -s 'out.d/folds_1.itemknn_neighbors=10.run'
ok 'seen items are no candidates' sh -c 'cut -d" " -f1,3 out.d/warm.popularity.run | sort >a; sort out.d/warm.seen >b
    test -s a -a -s b && test -z "$(comm -12 a b)"'
ok 'all other items are' sh -c 'test $(wc -l <a) = $((60 * $(wc -l <out.d/warm.items) - $(wc -l <b)))'
same_as_stored() { # the metric of the exported files is the stored one
    got=$("$HARNESS" evaluate --run "out.d/$1.$2.run" --qrels "out.d/$1.qrels" --metrics "$4" --format csv |
        sed -n '2s/^[^,]*,[^,]*,\([^,]*\),.*/\1/p')
    want=$(awk -F, -v p="$3" -v a="$5" -v m="$4" '$2 == p && $3 == a && $5 == m && $6 != "" { s += $6; n++ }
        END { printf "%.12f", s / n }' users.csv)
    test "$(printf %.12f "$got")" = "$want"
}
label='itemknn neighbors=5'
for metric in ndcg@5 recall@5 auc; do
    ok "$metric of the files is the stored one" same_as_stored warm itemknn_neighbors=5 warm $metric "$label"
    ok "$metric of a fold too" same_as_stored folds_1 popularity folds/1 $metric popularity
done
exits 2 'files are not replaced' export_x --trec out.d
says err "'out.d/warm.qrels' is there already; --force replaces it"
exits 2 'nor is the CSV' export_x --users users.csv
says err "'users.csv' is there already"
cp users.csv before.csv
exits 0 'but by force' export_x --trec out.d --users users.csv --force
ok 'with the same bytes' cmp users.csv before.csv
exits 2 'an experiment that is not there' "$HARNESS" export y --store x.sqlite --users y.csv
says err "store 'x.sqlite' has no experiment 'y'"
exits 2 'nothing to write' export_x
says err 'export takes one experiment and --trec DIR or --users FILE'
finish
