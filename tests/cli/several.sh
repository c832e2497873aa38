#!/bin/sh
# Several sources on generated data whose truth is known: what a source of no use costs, beside a useful one and alone,
# and that weights by likeness take the harm away.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"
. "${HARNESS_SOURCE:-.}/tests/cli/intervals.sh"

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
holds() { # holds PROBLEM METHOD CONDITION, on ./gains
    sed 's/^/interval: /' gains
    awk -F'|' -v problem="$1" -v method="$2" \
        '$1 == problem && $2 == method { n++; if (!('"$3"')) bad = 1 } END { exit n != 1 || bad }' gains
}
exits 0 'two sources and one of them' "$HARNESS" run several.ini --store several.sqlite --quiet
if command -v sqlite3 >/dev/null; then
    for metric in ndcg@10 auc; do
        gains $metric several.sqlite direct >gains
        ok "$metric: a useful source helps" holds useful mamdr '$4 > 0'
        ok "$metric: and does beside a useless one" holds both mamdr '$4 > 0'
        ok "$metric: a useless one alone does harm" holds useless mamdr '$5 < 0'
        ok "$metric: weights take the harm away" holds useless weighed '$4 <= 0 && $5 >= 0'
        ok "$metric: and leave the gain" holds both weighed '$4 > 0'
        gains $metric several.sqlite mamdr >gains
        ok "$metric: beside a useless source weights gain" holds both weighed '$4 > 0'
        ok "$metric: a single useful one is nothing to weigh" holds useful weighed '$4 <= 0 && $5 >= 0'
    done
else
    skip 'what several sources give' 'no sqlite3'
fi
finish
