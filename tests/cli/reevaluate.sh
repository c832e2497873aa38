#!/bin/sh
# New metrics of stored runs without fitting are, to the last bit, those of a run that had them from the start.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

# Ties (popularity), scores of all kinds, ratings (itemknn_rating); relevant from a rating; one list of candidates.
cat >x.ini <<'END'
[experiment]
name = x
[dataset.synth]
use = synthetic
users = 80
items = 60
rows = 2400
[problem.warm]
target = synth/movies
split = random_ratio
test = 0.3
validation = 0
[problem.folds]
target = synth/movies
split = kfold
folds = 2
[problem.seen]
target = synth/movies
split = leave_one_out
candidates = test
[evaluate]
metrics = auc
relevant_from = 3
no_relevant = zero
few_candidates = skip
[algorithm.popularity]
[algorithm.itemknn]
[algorithm.itemknn_rating]
END
accuracy='ndcg, ndcg/gain=exp/ideal=all, ndcg@all/gain=above, ndcg/discount=late, dcg, dcg/gain=linear, recall,
    recall/div=min, precision, f1, hit, mrr, mrr@5, map, map/div=rel, map@all, r_precision, auc, auc@5, gauc,
    gauc/weight=candidates, rmse, mae'
lists='coverage, gini, entropy, popularity, lift, novelty, ild/block=genre, miscalibration/block=genre, serendipity,
    unexpectedness/block=genre'
accuracy=$(echo "$accuracy" | tr '\n' ' ')
lists=$(echo "$lists" | tr '\n' ' ')
run() { "$HARNESS" run x.ini --cache none --quiet --store "$@"; }
evaluate() { "$HARNESS" evaluate x --cache none --cutoffs 1,5,10 --store "$@"; }

# Every metric that there is, but the one that needs all scores: a new metric shall be thought of here.
"$HARNESS" list metrics --names | grep -v @ | sort -u >all
echo "$accuracy,$lists,logloss" | tr ',' '\n' | sed 's/^ *//; s/[ @/].*//' | sort -u | sed '/^$/d' >tried
ok 'every metric is tried' sh -c 'test -z "$(comm -23 all tried)"'

exits 0 'runs with one metric' run few.sqlite
exits 0 'accuracy metrics of stored runs' evaluate few.sqlite --metrics "$accuracy"
says err '12 runs measured, 0 had the metrics, 0 failed'
says out 'ndcg@5/gain=exp/ideal=all'
exits 0 'once more' evaluate few.sqlite --metrics 'ndcg@5, rmse'
says err '0 runs measured, 12 had the metrics, 0 failed'
exits 2 'lists without kept rankings' evaluate few.sqlite --metrics "$lists"
says err "metric 'coverage@1' needs kept rankings, and 'popularity' has none; harness run FILE.ini --keep-rankings"
exits 0 'rankings are kept' run lists.sqlite --keep-rankings=60
exits 0 'lists and accuracy' evaluate lists.sqlite --metrics "$lists,$accuracy"
exits 0 'runs with all metrics' run many.sqlite --set "evaluate.metrics=auc,$accuracy,$lists" \
    --set evaluate.cutoffs=1,5,10 --threads 1
if command -v sqlite3 >/dev/null; then
    values() { # STORE [CONDITION]: all values, and those of the users, as bits
        sqlite3 "$1" "select p.identity, e.label, m.id, m.definition, printf('%.17g', m.value), m.defined, hex(u.value)
            from experiment_run e join run r on r.id = e.run join problem p on p.id = r.problem
            join metric m on m.run = r.id left join metric_user u on u.run = r.id and u.metric = m.id
            where ${2-1} order by 1, 2, 3"
    }
    values lists.sqlite >lists
    values many.sqlite >many
    ok 'all values are there' test "$(wc -l <many)" -gt 700
    ok 'and the same to the last bit' cmp lists many
    values few.sqlite >few
    sqlite3 few.sqlite "select distinct id from metric" | sed "s/.*/'&'/" | paste -sd, - >ids
    values many.sqlite "m.id in ($(cat ids))" >same
    ok 'accuracy needs no kept rankings' cmp few same
    ok 'for forty metrics and more' test "$(tr , '\n' <ids | wc -l)" -gt 40
else
    skip 'the values' 'no sqlite3'
fi

# ---- what cannot be had
exits 0 'short rankings' run short.sqlite --keep-rankings=7
exits 0 'suffice for short lists' "$HARNESS" evaluate x --cache none --store short.sqlite --metrics coverage@1
exits 2 'not for longer ones' "$HARNESS" evaluate x --cache none --store short.sqlite --metrics coverage@8
says err "metric 'coverage@8' looks deeper than the kept rankings of 'popularity', which have 7 items"
exits 2 'nor for a tie at their end' "$HARNESS" evaluate x --cache none --store short.sqlite --metrics coverage@7
says err "needs all items tied with rank 7, and the kept rankings of"
exits 2 'all scores' "$HARNESS" evaluate x --cache none --store short.sqlite --metrics logloss
says err "metric 'logloss' needs the scores of all candidates, which are not stored"
exits 2 'an unknown metric' "$HARNESS" evaluate x --cache none --store short.sqlite --metrics ngcd@5
says err "there is no metric 'ngcd'"
exits 2 'no metric' "$HARNESS" evaluate x --cache none --store short.sqlite
says err 'evaluate needs --metrics LIST'
exits 1 'an unknown block' "$HARNESS" evaluate x --cache none --store short.sqlite --metrics ild@2/block=colour
says err colour
exits 2 'an unknown experiment' "$HARNESS" evaluate y --store short.sqlite --metrics auc
says err "has no experiment 'y'"
exits 3 'no store' "$HARNESS" evaluate x --store none.sqlite --metrics auc
says err "there is no store 'none.sqlite'"
exits 2 'options of files' "$HARNESS" evaluate x --store short.sqlite --metrics auc --ties trec_eval
says err '--ties, --ignore-ranks and --users are for --run FILE'
if command -v sqlite3 >/dev/null; then
    sqlite3 short.sqlite 'delete from run_test'
    exits 2 'runs of an earlier program' "$HARNESS" evaluate x --cache none --store short.sqlite --metrics hit@3
    says err "'popularity' was stored by an earlier harness, without the places of its held-out rows"
    sqlite3 few.sqlite 'update run_test set above = zeroblob(length(above)), tied = zeroblob(length(tied))'
    exits 3 'places that do not fit' "$HARNESS" evaluate x --cache none --store few.sqlite --metrics hit@3
    says err "what is stored of 'popularity' does not fit its problem"
    sqlite3 few.sqlite "update problem set content = 'x'"
    exits 1 'another problem' "$HARNESS" evaluate x --cache none --store few.sqlite --metrics hit@4
    says err "problem 'warm' comes out other than it was stored; run the experiment again"
fi
finish
