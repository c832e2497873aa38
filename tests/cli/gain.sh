#!/bin/sh
# Twins and placebos: the gain that a table shows is the comparison with the twin; what is no twin is refused.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >start.ini <<'INI'
[experiment]
name = gains
repeats = 2
[dataset.synth]
use = synthetic
users = 120
items = 80
rows = 2000
overlap = 1
[problem.cold]
target = synth/movies
sources = synth/books
split = overlap
cold = 0.4
k = 0
k_max = 5
placebo = none | users
[evaluate]
metrics = ndcg@5
INI
cat start.ini - >gains.ini <<'INI'
[algorithm.popularity]
[algorithm.direct]
epochs = 1 | 2
[algorithm.pretrain]
epochs = 1 | 2
source_epochs = 1
twin = direct
[algorithm.random]
twin = popularity
INI
table() { "$HARNESS" table gains --store s.sqlite "$@"; }
# cell FILE PROBLEM LABEL COLUMN
cell() {
    awk -F, -v problem="$2" -v label="$3" -v column="$4" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; label_at = "label" in at ? at["label"] : at["algorithm"]; next }
        $at["problem"] == problem && $label_at == label { print $at[column] }' "$1"
}
exits 0 'the plan names the twins' "$HARNESS" check gains.ini
says out 'source_epochs=1'
says out '; twin direct epochs=2'
exits 0 'an experiment with twins runs' "$HARNESS" run gains.ini --store s.sqlite --quiet
says out 'gain, users shuffled'
says out 'transfer is negative'
table --format csv >table.csv
"$HARNESS" compare gains --store s.sqlite --baseline 'direct epochs=2' --format csv >compare.csv
for column in 'gain=difference' 'gain ci95 low=ci95 low' 'gain ci95 high=ci95 high'; do
    ok "of a swept twin the one with the same value: ${column%%=*}" test \
        "$(cell table.csv 'cold placebo=none' 'pretrain epochs=2' "${column%%=*}")" = \
        "$(cell compare.csv 'cold placebo=none' 'pretrain epochs=2' "${column#*=}")"
done
ok 'there is a gain' test -n "$(cell table.csv 'cold placebo=none' 'pretrain epochs=1' gain)"
ok 'and the one under the placebo stands beside it' test \
    "$(cell table.csv 'cold placebo=none' 'pretrain epochs=1' 'gain users shuffled')" = \
    "$(cell table.csv 'cold placebo=users' 'pretrain epochs=1' gain)"
ok 'as many settings were tried of the twin' test \
    "$(cell table.csv 'cold placebo=none' 'pretrain epochs=1' 'settings tried')" -eq 2 -a \
    "$(cell table.csv 'cold placebo=none' 'pretrain epochs=1' 'twin settings tried')" -eq 2
exits 0 'the budgets stand in the table' table
ok 'of a method and its twin' sh -c 'grep "^pretrain epochs=1" out | grep -q "  2:2, [0-9.]*x"'
ok 'with no mark where they are even' sh -c '! grep -E "[0-9]:[0-9].* !$" out && ! grep -q "more settings" out'
ok 'no twin, no gain' test -z "$(cell table.csv 'cold placebo=none' popularity gain)"
exits 0 'twins are compared' "$HARNESS" compare gains --store s.sqlite --pairs twin
says out 'gains: compared with their twins'
says out 'Family: 6 comparisons'
says out 'worse: negative transfer'
"$HARNESS" compare gains --store s.sqlite --pairs twin --format csv >twins.csv
ok 'a twin each' awk -F, '
    NR > 1 && $5 != "random" && $4 != "direct epochs=" substr($5, length($5)) { exit 1 }' twins.csv
ok 'by the same numbers' test "$(cell twins.csv 'cold placebo=none' 'pretrain epochs=2' difference)" = \
    "$(cell table.csv 'cold placebo=none' 'pretrain epochs=2' gain)"
exits 2 'with no baseline' "$HARNESS" compare gains --store s.sqlite --pairs twin --baseline random
says err 'leave out --baseline'
for format in text md latex json; do exits 0 "as $format" table --format $format; done
if command -v python3 >/dev/null 2>&1; then
    ok 'which is json' python3 -c '
import json
rows = {r["label"]: r for r in json.load(open("out"))["problems"][0]["rows"]}
assert rows["random"]["twin"] == "popularity" and rows["random"]["gain"]["negative_transfer"]
assert rows["random"]["gain"]["high"] < 0 and "gain" not in rows["popularity"]'
else
    skip 'which is json' 'no python3'
fi
if command -v sqlite3 >/dev/null 2>&1; then
    # Lower is better: the gain is what the value is lower by, over users who count once.
    sed 's/^name = gains/name = lower/; s/^metrics = .*/metrics = miscalibration@5\/block=genre/; s/^k = 0/k = 5/' \
        gains.ini >lower.ini
    "$HARNESS" run lower.ini --store s.sqlite --quiet >/dev/null
    "$HARNESS" table lower --store s.sqlite --format csv >lower.csv
    by_hand=$(sqlite3 s.sqlite "
        WITH mine AS (
            SELECT er.label, q.user, avg(v.value) AS value
            FROM experiment e JOIN experiment_run er ON er.experiment = e.id JOIN run r ON r.id = er.run
            JOIN experiment_problem ep ON ep.experiment = e.id AND ep.problem = r.problem
            JOIN user_value v ON v.run = r.id AND v.metric = e.primary_metric
            JOIN problem_query q ON q.problem = r.problem AND q.position = v.position
            WHERE e.name = 'lower' AND ep.label = 'cold placebo=none' AND v.value IS NOT NULL GROUP BY er.label, q.user)
        SELECT avg(t.value - m.value) FROM mine m JOIN mine t ON t.user = m.user
        WHERE m.label = 'random' AND t.label = 'popularity'")
    ok 'lower is better' awk -v a="$by_hand" -v b="$(cell lower.csv 'cold placebo=none' random gain)" \
        'BEGIN { d = a - b; exit !(b != "" && d < 1e-9 && d > -1e-9) }'
else
    skip 'lower is better' 'no sqlite3'
fi
# more trials than the twin had are said
sed 's/^name = gains/name = uneven/; s/^placebo = .*/placebo = none/; s/^repeats = 2/repeats = 1/' start.ini >uneven.ini
cat >>uneven.ini <<'INI'
[algorithm.direct]
epochs = 1
[algorithm.pretrain]
rate = 0.01 | 0.02 | 0.04
epochs = 1
source_epochs = 1
twin = direct
INI
exits 0 'three settings against one' "$HARNESS" run uneven.ini --store s.sqlite --quiet
ok 'are marked' test "$(grep -c '  3:1, [0-9.]*x !' out)" -eq 3
says out '!: the best of more settings than the twin had'
sed /twin/d gains.ini >none.ini
"$HARNESS" run none.ini --store s.sqlite >/dev/null 2>log
ok 'a twin changes no run' sh -c '! grep "1 of" log'
exits 0 'without twins there is no column' table --format csv
exits 2 'no twins to compare with' "$HARNESS" compare gains --store s.sqlite --pairs twin
says err "no algorithm of experiment 'gains' has a twin"
exits 0 'the table again' table --format csv
ok 'and none is left' sh -c '! grep -q gain, out'

refuse() { # refuse WHAT SENTENCE: of start.ini and what is on stdin
    { cat start.ini; cat; } >x.ini
    exits 2 "$1 is refused" "$HARNESS" check x.ini
    says err "$2"
}
refuse 'an unknown twin' \
    "[algorithm.pretrain] twin = dierct: there is no [algorithm.dierct]; did you mean 'direct'?" <<'INI'
[algorithm.direct]
[algorithm.pretrain]
twin = dierct
INI
refuse 'a twin of oneself' \
    'x.ini:22: [algorithm.pretrain] twin = pretrain: an algorithm is not its own twin' <<'INI'
[algorithm.direct]
[algorithm.pretrain]
twin = pretrain
INI
refuse 'more than one twin' \
    "twin = direct: 2 of the sweep of [algorithm.direct] have the settings of 'popularity'" <<'INI'
[algorithm.direct]
epochs = 1 | 2
[algorithm.popularity]
twin = direct
INI
refuse 'a twin with other values' \
    "twin = direct: 0 of the sweep of [algorithm.direct] have the settings of 'pretrain epochs=3'" <<'INI'
[algorithm.direct]
epochs = 1 | 2
[algorithm.pretrain]
epochs = 1 | 3
twin = direct
INI
finish
