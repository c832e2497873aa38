#!/bin/sh
# Metrics in an experiment: variants and other names, values of a whole run, features that are missing, any threads.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

experiment() {
    cat <<END
[experiment]
name = m
seed = 5
[dataset.synth]
use = synthetic
users = 120
items = 90
rows = 2400
[problem.warm]
target = synth/movies
split = leave_one_out
order = random
[evaluate]
metrics = $1
cutoffs = 5
[algorithm.random]
[algorithm.popularity]
[algorithm.itemknn]
END
}
experiment 'hr@10, ndcg/gain=exp, map_cut@10, logloss, coverage, gini, entropy@5/log=e, popularity, lift, novelty,
    ild/block=genre, miscalibration/block=genre, serendipity, unexpectedness@5/of=relevant/block=genre' >m.ini
cat >>m.ini <<END
[plot.p]
y = hr@10
END

exits 0 'metrics of all kinds run' "$HARNESS" run m.ini --store s.sqlite --quiet
says out 'hit@10'
says out 'coverage@5'
says out 'ild@5/block=genre'
"$HARNESS" table m --store s.sqlite --format csv >one.csv
exits 0 'and again on other threads' "$HARNESS" run m.ini --store t.sqlite --quiet --threads 3
"$HARNESS" table m --store t.sqlite --format csv >two.csv
sed 's/,[^,]*$//' one.csv >one && sed 's/,[^,]*$//' two.csv >two # without the seconds
ok 'the same numbers' cmp one two

if command -v sqlite3 >/dev/null 2>&1; then
    definition=$(sqlite3 s.sqlite "SELECT DISTINCT definition FROM metric WHERE id = 'map@10/div=rel'")
    ok 'an alias is stored as what it stands for' test "$definition" = 'map@10/div=rel/at=hits/ties=mean'
    count=$(sqlite3 s.sqlite "SELECT count(*) FROM metric_user
        WHERE metric IN ('coverage@5', 'gini@5', 'entropy@5/log=e')")
    ok 'metrics of a run have no values of users' test "$count" = 0
    wrong=$(sqlite3 s.sqlite "SELECT count(*) FROM metric WHERE value IS NULL OR defined <> 120")
    ok 'all is defined for every user' test "$wrong" = 0
    order=$(sqlite3 s.sqlite "SELECT group_concat(r.algorithm, ' ') FROM (SELECT * FROM metric
        WHERE id = 'coverage@5' ORDER BY value) m JOIN run r ON r.id = m.run")
    ok 'popularity covers least, chance most' test "$order" = 'popularity itemknn random'
else
    skip 'the store' 'sqlite3 is not installed'
fi
exits 0 'a metric of a run is no reason not to compare others' "$HARNESS" compare m --store s.sqlite --metric gini@5
says out 'gini@5 against popularity, lower is better (0.'
says out 'not compared: a value of the whole run has no users to compare'
ok 'with the values and the difference' grep -Eq '^itemknn +0\.[0-9]{4} +-0\.[0-9]{4} +- ' out

experiment 'ndcg, ild@5/block=genres' >missing.ini
exits 1 'features that the data lacks' "$HARNESS" run missing.ini --store u.sqlite
says err "metric ild@5/block=genres needs the item features 'genres', and target 'movies' has only genre"
experiment 'ndcg@10/gian=exp' >variant.ini
exits 2 'an unknown variant' "$HARNESS" run variant.ini --store u.sqlite
says err "variant.ini:14: [evaluate] metrics: metric 'ndcg@10/gian=exp': ndcg has no variant 'gian'"
experiment 'ndcg@10/gain=exponential' >word.ini
exits 2 'an unknown word' "$HARNESS" run word.ini --store u.sqlite
says err 'gain is one of bin, exp, linear, above'
exits 0 'a metric is described by any of its names' "$HARNESS" describe hr@10
says out 'metric hit'
exits 0 'with its variants' "$HARNESS" describe ndcg
says out '2^rating - 1'
finish
