#!/bin/sh
# Rankings that runs keep on request, and where held-out rows came out, which they keep always.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >x.ini <<'END'
[experiment]
name = x
[dataset.synth]
use = synthetic
users = 60
items = 40
rows = 900
[problem]
target = synth/movies
split = leave_one_out
order = random
[evaluate]
metrics = ndcg@5, auc
[algorithm.popularity]
[algorithm.itemknn]
neighbors = 5 | 10
END
run() { "$HARNESS" run x.ini --cache none --store "$@"; }

exits 0 'a run keeps no rankings unless asked' run x.sqlite
says err '3 done, 0 found'
exits 0 'rankings of stored runs' run x.sqlite --keep-rankings
says err '3 stored runs have no rankings of depth 100 and are run again'
says err '3 done, 0 found'
exits 0 'kept rankings are found' run x.sqlite --keep-rankings=100
says err '0 done, 3 found'
exits 0 'shallower ones are among them' run x.sqlite --set experiment.keep_rankings=5
says err '0 done, 3 found'
exits 0 'deeper ones are not' run x.sqlite --keep-rankings=101 --threads 1
says err '3 stored runs have no rankings of depth 101'
exits 2 'a depth that is none' run x.sqlite --keep-rankings=many
says err "keep_rankings"
exits 2 'a depth below zero' run x.sqlite --keep-rankings=-1
says err 'keep_rankings'

if command -v sqlite3 >/dev/null; then
    sql() { sqlite3 "$1" "$2"; }
    kept='select hex(item), hex(score), hex(above), hex(tied) from ranking join run_test using (run) order by run'
    exits 0 'two threads' run two.sqlite --keep-rankings=7 --threads 2 --quiet
    exits 0 'one thread' run one.sqlite --keep-rankings=7 --threads 1 --quiet
    sql two.sqlite "$kept" >two
    sql one.sqlite "$kept" >one
    ok 'keep the same bytes' cmp one two
    ok 'for every run' test "$(wc -l <one)" = 3
    ok 'seven items of sixty queries' test "$(sql one.sqlite 'select min(length(item)) from ranking')" = 1680
    ok 'names for all items' test "$(sql one.sqlite 'select count(*) from problem_item')" = 40
    ok 'a held-out row a query' test "$(sql one.sqlite 'select length(above) from run_test limit 1')" = $((4 * 60))
else
    skip 'what is in the store' 'no sqlite3'
fi
finish
