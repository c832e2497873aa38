#!/bin/sh
# Several sources on generated data whose truth is known: what a source of no use costs, beside a useful one and alone,
# and that weights by likeness take the harm away.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

# Books share the tastes of movies, music is a stranger: same users, same genres, nothing else.
cat >several.ini <<'END'
[experiment]
name = several
[dataset.generated]
use = synthetic
domains = 3
strangers = 1
users = 240
items = 160
rows = 24
overlap = 1
drift = 0
seed = 3 | 17 | 29
[problem.useful]
target = generated/movies
sources = generated/books
split = overlap
cold = 0.4
k = 0
[problem.both]
target = generated/movies
sources = generated/books, generated/music
split = overlap
cold = 0.4
k = 0
[problem.useless]
target = generated/movies
sources = generated/music
split = overlap
cold = 0.4
k = 0
[evaluate]
metrics = ndcg, auc
cutoffs = 10
[algorithm.direct]
batch = 8
epochs = 6
[algorithm.mamdr]
batch = 8
epochs = 6
[algorithm.weighed]
use = mamdr
batch = 8
epochs = 6
weigh_sources = similar
END
# gains METRIC BASE: lines 'problem|method|mean|lower|upper' of the difference to BASE over the 96 users of each of the
# three seeds, with its 99 % t interval (t = 2.593 for 287 degrees of freedom).
gains() {
    sqlite3 -separator '|' several.sqlite "
        SELECT substr(p, 1, instr(p, ' ') - 1), m, sum(d), sum(d * d), count(*)
        FROM (
            SELECT ep.label AS p, er.label AS m, b.value - a.value AS d
            FROM experiment_run ea JOIN run ra ON ra.id = ea.run
            JOIN user_value a ON a.run = ra.id AND a.metric = '$1'
            JOIN run rb ON rb.problem = ra.problem AND rb.id <> ra.id
            JOIN user_value b ON b.run = rb.id AND b.metric = '$1' AND b.position = a.position
            JOIN experiment_run er ON er.run = rb.id JOIN experiment_problem ep ON ep.problem = rb.problem
            WHERE ea.label = '$2')
        GROUP BY 1, 2" | awk -F'|' '{
            mean = $3 / $5
            half = 2.593 * sqrt(($4 - $5 * mean * mean) / ($5 - 1) / $5)
            if ($5 == 288) printf "%s|%s|%.4f|%.4f|%.4f\n", $1, $2, mean, mean - half, mean + half
        }'
}
holds() { # holds PROBLEM METHOD CONDITION, on ./gains
    sed 's/^/interval: /' gains
    awk -F'|' -v problem="$1" -v method="$2" \
        '$1 == problem && $2 == method { n++; if (!('"$3"')) bad = 1 } END { exit n != 1 || bad }' gains
}
exits 0 'two sources and one of them' "$HARNESS" run several.ini --store several.sqlite --quiet
if command -v sqlite3 >/dev/null; then
    for metric in ndcg@10 auc; do
        gains $metric direct >gains
        ok "$metric: a useful source helps" holds useful mamdr '$4 > 0'
        ok "$metric: and does beside a useless one" holds both mamdr '$4 > 0'
        ok "$metric: a useless one alone does harm" holds useless mamdr '$5 < 0'
        ok "$metric: weights take the harm away" holds useless weighed '$4 <= 0 && $5 >= 0'
        ok "$metric: and leave the gain" holds both weighed '$4 > 0'
        gains $metric mamdr >gains
        ok "$metric: beside a useless source weights gain" holds both weighed '$4 > 0'
        ok "$metric: a single useful one is nothing to weigh" holds useful weighed '$4 <= 0 && $5 >= 0'
    done
else
    skip 'what several sources give' 'no sqlite3'
fi
finish
