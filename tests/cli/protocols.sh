#!/bin/sh
# docs/protocols.md through harness run: candidates, policies for odd queries, published negatives.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cell() {
    awk -F, -v problem="$2" -v algorithm="$3" -v column="$4" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["problem"] == problem && $at["label"] == algorithm && $at["status"] == "done" { print $at[column] }' "$1"
}
holds() { # holds EXPRESSION VALUE...: true over v[1], v[2], ..., all of them numbers
    expression=$1
    shift
    awk "BEGIN { for (i = 1; i < ARGC; i++) if (ARGV[i] !~ /^-?[0-9.]+(e-?[0-9]+)?\$/) exit 1
        for (i = 1; i < ARGC; i++) v[i] = ARGV[i]; exit !($expression) }" "$@"
}
run() { # run TITLE OPTION...: runs x.ini from standard input, makes x.csv
    cat >x.ini
    title=$1
    shift
    exits 0 "$title" "$HARNESS" run x.ini --store x.sqlite --quiet "$@"
    "$HARNESS" table x --store x.sqlite --format csv >x.csv
}
base='[experiment]
name = x
[dataset.shop]
use = synthetic
users = 80
items = 60
rows = 8
overlap = 0.3
'

# ---- universes: the same scores over fewer items; what falls out is said
run 'candidate universes' <<END
$base[problem.p]
target = shop/movies
split = random_ratio
test = 0.4
validation = 0
candidates = all | train | test | union | overlap
[evaluate]
metrics = auc, ndcg
[algorithm.popularity]
END
says out 'OUT OF REACH: with candidates = train '
for word in train test union overlap; do
    ok "$word: a value" holds 'v[1] > 0 && v[1] <= 1' "$(cell x.csv "p candidates=$word" popularity auc)"
done
ok 'an item that has no train row cannot be found by popularity: out of reach is better than last' \
    holds 'v[1] > v[2]' "$(cell x.csv 'p candidates=train' popularity auc)" \
    "$(cell x.csv 'p candidates=all' popularity auc)"
ok 'union is what is seen at all' holds 'v[1] <= v[2]' "$(cell x.csv 'p candidates=all' popularity ndcg@10)" \
    "$(cell x.csv 'p candidates=union' popularity ndcg@10)"
if command -v sqlite3 >/dev/null; then
    lost=$(sqlite3 x.sqlite "SELECT sum(rows) FROM removed WHERE step = 'candidates = train'")
    ok 'train and overlap lose the same rows: those of items without a train row' test "$lost" -gt 0 -a "$lost" = \
        "$(sqlite3 x.sqlite "SELECT sum(rows) FROM removed WHERE step = 'candidates = overlap'")"
    ok 'test and union lose nothing' test -z \
        "$(sqlite3 x.sqlite "SELECT sum(rows) FROM removed WHERE step IN ('candidates = test', 'candidates = union')")"
fi

# ---- a file of candidates, and one with an item that is not there
printf 'movies-1\nmovies-2\nmovies-3\n' >some.txt
printf '%s' "$base[problem.p]
target = shop/movies
split = random_ratio
candidates = file
candidates_file = some.txt
[evaluate]
metrics = ndcg
[algorithm.popularity]
" >filed.ini
run 'a file of three items' <filed.ini
says out 'OUT OF REACH: with candidates = file '
before=$(cell x.csv p popularity ndcg@10)
ok 'a value' holds 'v[1] > 0' "$before"
printf 'movies-1\nmovies-2\nmovies-4\n' >some.txt
run 'another file of the same name is another problem' <filed.ini
ok 'and another value' holds 'v[1] > 0 && v[1] != v[2]' "$(cell x.csv p popularity ndcg@10)" "$before"
printf 'movies-1\nmovies-999\n' >some.txt
exits 1 'an item that the data does not have' "$HARNESS" run x.ini --store x.sqlite --quiet
says out "some.txt:2: item 'movies-999' is not one of the 60 items of domain 'movies'"

# ---- items in common: rows of the source's own users train in the target
i=1
while [ $i -le 60 ]; do printf 'books-%d,movies-%d\n' $i $i; i=$((i + 1)); done >same.csv
printf '%s' "$base[problem.alone]
target = shop/movies
sources = shop/books
split = leave_one_out
[problem.oracle]
target = shop/movies
sources = shop/books
split = leave_one_out
item_bridge = same.csv
[evaluate]
metrics = auc
[algorithm.popularity]
[algorithm.itemknn]
" >bridge.ini
run 'an item bridge' <bridge.ini
says out 'ORACLE: what users of the sources did with items that are known to be the target'
ok 'popularity learns from the rows that came over' holds 'v[1] > 0.5 && v[2] > 0.5 && v[1] != v[2]' \
    "$(cell x.csv alone popularity auc)" "$(cell x.csv oracle popularity auc)"
before=$(cell x.csv oracle popularity auc)
head -n 5 same.csv >fewer.csv && mv fewer.csv same.csv
run 'another file of the same name is another problem' <bridge.ini
ok 'and another value' holds 'v[1] > 0.5 && v[1] != v[2]' "$(cell x.csv oracle popularity auc)" "$before"

# ---- odd queries: by policy, counted
printf '%s' "$base[problem.p]
target = shop/movies
split = leave_one_out
[evaluate]
metrics = ndcg, recall@1000
relevant_from = 5
[algorithm.popularity]
" >odd.ini
run 'queries without a relevant item are left out' <odd.ini
says out 'queries without a relevant candidate (left out of ranking metrics)'
says out 'queries with fewer candidates than the cut-off (kept)'
skipped=$(cell x.csv p popularity ndcg@10)
queries=$(cell x.csv p popularity queries)
none=$(grep -o '[0-9]* of [0-9]* queries without a relevant' out | cut -d ' ' -f 1)
run 'or are worth nothing' --set evaluate.no_relevant=zero <odd.ini
says out 'queries without a relevant candidate (worth 0)'
ok 'the mean over all is the mean over the others by their share' holds \
    'v[3] > 0 && v[1] * v[2] < v[4] * (v[2] - v[3]) + 1e-9 && v[1] * v[2] > v[4] * (v[2] - v[3]) - 1e-9' \
    "$(cell x.csv p popularity ndcg@10)" "$queries" "$none" "$skipped"
run 'fewer candidates than k' --set evaluate.few_candidates=skip <odd.ini
ok 'no query has 1000 candidates' test -z "$(cell x.csv p popularity recall@1000)"
ok 'and all have 10' test "$(cell x.csv p popularity ndcg@10)" = "$skipped"
run 'users of whom nothing is known' <<END
$base[problem.p]
target = shop/movies
split = cold_users
k = 0
[evaluate]
metrics = ndcg
no_history = skip
[algorithm.popularity]
END
says out 'queries without a history (left out)'
ok 'leave nothing to measure' test -z "$(cell x.csv p popularity ndcg@10)"

# ---- the best rated half of what a new user is asked
printf '%s' "$base[problem.p]
target = shop/movies
split = scenarios
scenario = cold_users
users = 0.3
items = 0
asked = 10
support = random
warm = 0
validation = 0
candidates = held_out
[evaluate]
metrics = precision@5, recall@5, auc
relevant_best = 5
[algorithm.random]
" >best.ini
run 'the five best rated of ten are relevant' <best.ini
ok 'so precision and recall are the same, and a half by chance' holds 'v[1] == v[2] && v[1] > 0.44 && v[1] < 0.56' \
    "$(cell x.csv p random precision@5)" "$(cell x.csv p random recall@5)"
exits 0 'the plan of it' "$HARNESS" check best.ini
says out 'relevant the 5 highest rated of a query'
exits 2 'fewer than none' "$HARNESS" check best.ini --set evaluate.relevant_best=-1
says err 'relevant_best = -1'

# ---- published negatives
if [ -z "${HARNESS_DATA:-}" ]; then
    skip 'published negatives' 'HARNESS_DATA is not set'
    finish
fi
run 'the 99 negatives of BiTGCF, as published' <<END
[experiment]
name = x
[problem.p]
target = amazon-bitgcf/electronic
split = predefined
candidates = sampled
candidates_file = amazon-bitgcf/electronic_cell/test_neg.txt.xz
[evaluate]
metrics = auc
[algorithm.popularity]
END
says out "SAMPLED: values with candidates=sampled rank the held-out items against the file's negatives"
ok 'auc over them is that of the full ranking, as the sample is uniform' holds \
    'v[1] < v[2] + 0.01 && v[1] > v[2] - 0.01' "$(cell x.csv p popularity auc/candidates=sampled)" \
    "$(cell x.csv p popularity auc)"
run '99 negatives by our own hand' <<END
[experiment]
name = x
[problem.p]
target = ml-100k
split = leave_one_out
candidates = sampled
negatives = 99
[evaluate]
metrics = hit
[algorithm.popularity]
END
ok 'hit@10 of popularity is near the 0.4 that papers print for ML-100K, and the full value a fifth of it' holds \
    'v[1] > 0.35 && v[1] < 0.55 && v[2] < v[1] / 4' "$(cell x.csv p popularity hit@10/candidates=sampled)" \
    "$(cell x.csv p popularity hit@10)"
finish
