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

# ---- import
import_x() { "$HARNESS" import "$1" --experiment x --store x.sqlite --cache none --name "$2" --problem "${3:-warm}"; }
table_x() { "$HARNESS" table x --store x.sqlite --format csv; }
lines_of() { table_x | grep -c ",$1,"; }
exits 0 'import of what was exported' import_x 'out.d/warm.itemknn_neighbors=5.run' theirs
says out 'theirs on warm: ndcg@5'
says out '100.0 % of the candidates are listed'
ok 'has a line in the table' test "$(lines_of theirs)" = 1
"$HARNESS" export x --store x.sqlite --users again.csv >/dev/null
values() { awk -F, -v l="$1" '$2 == "warm" && $3 == l { print $4, $5, $6 }' again.csv; }
values theirs >theirs
values 'itemknn neighbors=5' >ours
ok 'and the same values for every user' cmp theirs ours
ok 'of which there are some' test "$(wc -l <ours)" = 180
exits 0 'compare has it too' "$HARNESS" compare x --store x.sqlite --baseline theirs
says out theirs
exits 0 'the experiment is run again' run_x
ok 'and keeps it' test "$(lines_of theirs)" = 1

# One user lists one item, the second-best of all: the others are tied below it.
awk 'NR == 2 { print $1 "," $3 ",0.5" }' out.d/warm.popularity.run >short.csv
exits 0 'import of a short list' import_x short.csv short
says out '1 lines; 0.'
says out '59 of 60 users are not in the file: all their candidates count as tied'
exits 0 'a name again' import_x out.d/warm.popularity.run short
ok 'takes its place' test "$(lines_of short)" = 1
awk '{ print $1 "," $2 ",9" }' out.d/warm.seen >seen.csv
exits 0 'seen items' import_x seen.csv seen
says out "$(wc -l <out.d/warm.seen) lines name items that are no candidates of their user and were passed over"
exits 0 'a fold' import_x out.d/folds_1.popularity.run theirs folds/1

refused() { # TITLE STATUS SENTENCE FILE [NAME] [PROBLEM]
    exits "$2" "$1" import_x "$4" "${5:-new}" "${6:-warm}"
    says err "$3"
    ok "$1: one sentence" test "$(wc -l <err)" = 1
}
echo 'nobody,movies-1,1' >bad.csv
refused 'an unknown user' 1 "bad.csv:1: there is no user 'nobody' in problem 'warm'" bad.csv
user=$(cut -d, -f1 short.csv)
printf '%s,movies-1,1\n%s,movies-999,0\n' "$user" "$user" >bad.csv
refused 'an unknown item' 1 "bad.csv:2: there is no item 'movies-999' in problem 'warm'" bad.csv
printf '%s,movies-1,1\n%s,movies-1,0\n' "$user" "$user" >bad.csv
refused 'an item twice' 1 "bad.csv:2: query $user has item movies-1 twice, first in line 1" bad.csv
printf '%s,movies-1,1,1\n%s,movies-2,0,1\n' "$user" "$user" >bad.csv
refused 'a rank twice' 1 "bad.csv:2: query $user has rank 1 twice, first in line 1" bad.csv
printf '%s,movies-1,nan\n' "$user" >bad.csv
refused 'a score that is no number' 1 'bad.csv:1: the score is not a finite number' bad.csv
refused 'a name that is taken' 2 "'popularity' is an algorithm of experiment 'x' already" short.csv popularity
refused 'an unknown problem' 2 "there is no problem 'cold' in the experiment; there are warm, folds/0, folds/1" \
    short.csv new cold
refused 'two folds' 2 "'folds' is more than one problem; name one of warm, folds/0, folds/1" short.csv new folds
refused 'no file' 3 "cannot open 'none.csv'" none.csv
exits 2 'no name' "$HARNESS" import short.csv --experiment x --store x.sqlite
says err 'import takes one file, --experiment NAME and --name WORD'
exits 2 'no problem' "$HARNESS" import short.csv --experiment x --store x.sqlite --name new
says err 'the experiment has 3 problems; name one of warm, folds/0, folds/1'
exits 3 'no store' "$HARNESS" import short.csv --experiment x --store none.sqlite --name new
says err "there is no store 'none.sqlite'"
ok 'nothing of all that is stored' test "$(lines_of new)" = 0
finish
