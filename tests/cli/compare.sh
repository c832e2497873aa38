#!/bin/sh
# harness compare: the same bytes again and on any number of threads; its options; what it refuses.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >small.ini <<'END'
[experiment]
name = small
seed = 11
repeats = 2
[dataset.synth]
use = synthetic
users = 120
items = 80
rows = 2000
[problem.warm]
target = synth/movies
split = leave_one_out
order = random
[evaluate]
metrics = ndcg, auc
cutoffs = 5, 10
[algorithm.random]
[algorithm.popularity]
[algorithm.itemknn]
neighbors = 10 | 20
END
compare() { "$HARNESS" compare small --store s.sqlite "$@"; }

exits 0 'an experiment runs' "$HARNESS" run small.ini --store s.sqlite --quiet
exits 0 'and is compared' compare
says out 'small: compared with popularity'
says out 'GENERATED DATA'
says out 'Family: 3 comparisons, all of this command (1 problem, 1 metric), corrected by Holm'
says out 'ndcg@5 against popularity ('
compare --format csv >one.csv
if command -v taskset >/dev/null 2>&1; then one='taskset -c 0'; else one=; fi
$one "$HARNESS" compare small --store s.sqlite --format csv >two.csv
ok 'the same bytes again and on one thread' cmp one.csv two.csv
ok 'one line a comparison' test "$(grep -c . one.csv)" = 4
ok 'users of both repeats count once' awk -F, 'NR > 1 && ($6 > 120 || $6 != $18 + $19 + $20) { exit 1 }' one.csv
exits 0 'several metrics are one family' compare --metric ndcg,auc --correction bh --test permutation --format md
says out 'Family: 9 comparisons'
says out 'corrected by Benjamini-Hochberg'
says out 'sign-flip permutation test'
exits 0 'Wilcoxon on request' compare --test wilcoxon --format md
says out 'Warning: the Wilcoxon test asks'
says out 'Ihemelandu and Ekstrand 2023'
exits 0 'all pairs, randomised Tukey' compare --pairs all --correction tukey
says out 'small: all pairs compared'
says out 'ndcg@5 against itemknn neighbors=10'
says out 'Family: 6 comparisons'
says out 'randomised Tukey HSD (10000 exchanges of the labels inside users)'
compare --pairs all --correction tukey --metric ndcg,auc --format csv >one.csv
$one "$HARNESS" compare small --store s.sqlite --pairs all --correction tukey --metric ndcg,auc --format csv >two.csv
ok 'the same bytes on one thread' cmp one.csv two.csv
ok 'every pair once' test "$(cut -d, -f2-5 one.csv | sort -u | grep -c .)" = 19
exits 2 'all pairs have no baseline' compare --pairs all --baseline random
says err 'leave out --baseline'
exits 2 'unknown pairs' compare --pairs some
says err "unknown pairs 'some': allowed baseline, all"
exits 0 'variance over repeats' compare --variance
says out 'popularity'
says out 'With one initialisation a split its variance is in that of the split'
compare --variance --format csv >one.csv
ok 'two splits, no initialisations: the component is empty' \
    awk -F, 'NR > 1 && ($5 != 2 || $6 != 1 || $9 == "" || $10 != "" || $11 == "") { exit 1 }' one.csv
exits 2 'variance as json' compare --variance --format json
says err 'text or csv'
exits 0 'a threshold' compare --threshold 5 --baseline random
says out 'better by less than the threshold 5: not relevant in practice'
exits 0 'as json' compare --format json
if command -v python3 >/dev/null 2>&1; then
    ok 'which is json' python3 -c 'import json; assert len(json.load(open("out"))["comparisons"]) == 3'
else
    skip 'which is json' 'no python3'
fi
exits 2 'an unknown baseline is refused' compare --baseline popularty
says err "did you mean 'popularity'?"
exits 2 'an unknown test' compare --test tt
says err "unknown test 'tt': allowed t, permutation, wilcoxon"
exits 2 'an unknown correction' compare --correction holmes
says err "did you mean 'holm'?"
exits 2 'a threshold that is none' compare --threshold -0.1
says err "threshold '-0.1' is no difference"
exits 2 'latex' compare --format latex
says err 'allowed text, md, csv, json'
exits 2 'an unknown metric' compare --metric ndgc@5
says err "did you mean 'ndcg@5'?"
exits 2 'no experiment' "$HARNESS" compare
exits 2 'an unknown experiment' "$HARNESS" compare smal --store s.sqlite
says err "did you mean 'small'?"
finish
