#!/bin/sh
# harness run: what is stored is not run again; the same bytes again, on any number of threads, after an interruption
# and after kill -9 at many moments.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >small.ini <<'END'
[experiment]
name = small
seed = 11
[dataset.synth]
use = synthetic
users = 150
items = 100
rows = 3000
[problem.warm]
target = synth/movies
sources = synth/books
split = leave_one_out
order = random
[problem.cold]
target = synth/movies
sources = synth/books
split = cold_users
k = 1 | 3
k_max = 3
[evaluate]
metrics = ndcg, recall, auc
cutoffs = 5, 10
[algorithm.random]
[algorithm.popularity]
[algorithm.itemknn]
neighbors = 10 | 20
[algorithm.content]
[algorithm.direct]
epochs = 3
[algorithm.adversarial]
epochs = 3
END
run() { "$HARNESS" run small.ini "$@"; }
csv() { "$HARNESS" table small --format csv --store "$1"; }
same() { cmp "$1" "$2"; }

exits 0 'check prints the plan' "$HARNESS" check small.ini
says out 'itemknn neighbors=20'
says out '3 problems, 21 runs'
ok 'check leaves no store' test ! -e results

exits 0 'a first run' run --store one.sqlite --threads 1
says err '21 done, 0 found in one.sqlite, 0 failed'
says out 'itemknn neighbors=20'
csv one.sqlite >one.csv
ok 'the table has a row for each run' test "$(grep -c . one.csv)" -ge 22
exits 0 'a second run does nothing' run --store one.sqlite
says err '0 done, 21 found in one.sqlite, 0 failed'
csv one.sqlite >again.csv
ok 'and prints the same table' same one.csv again.csv

exits 0 'the same with two threads' run --store two.sqlite --threads 2 --quiet
ok 'quiet is quiet' test ! -s err
csv two.sqlite >two.csv
ok 'one and two threads give the same bytes' same one.csv two.csv
exits 0 'without a cache' run --store three.sqlite --cache none --quiet
csv three.sqlite >three.csv
ok 'the cache changes nothing' same one.csv three.csv
exits 0 '--force runs all again' run --store two.sqlite --force
says err '21 done, 0 found in two.sqlite, 0 failed'

exits 0 'a changed value reruns what it touches' run --store one.sqlite --set algorithm.direct.epochs=2
says err '3 done, 18 found in one.sqlite, 0 failed'
exits 0 'and back again' run --store one.sqlite
says err '0 done, 21 found in one.sqlite, 0 failed'
csv one.sqlite >back.csv
ok 'to the same table' same one.csv back.csv

# An algorithm alone gives the numbers that it gives in company.
exits 0 'one algorithm alone' "$HARNESS" run small.ini --store two.sqlite --set algorithm.direct.problems=warm
ok 'is found among the stored runs' grep -q '0 done' err

# SIGINT: a clean end, and the next run goes on.
sed 's/^epochs = 3/epochs = 400/' small.ini >slow.ini
"$HARNESS" run slow.ini --store slow.sqlite >out 2>err &
pid=$!
sleep 1.5
kill -INT $pid 2>/dev/null
wait $pid
status=$?
ok 'SIGINT ends with status 130' test $status = 130
says err 'interrupted'
if command -v sqlite3 >/dev/null; then
    ok 'the store is whole' test "$(sqlite3 slow.sqlite 'pragma integrity_check')" = ok
else
    skip 'the store is whole' 'no sqlite3'
fi

# kill -9 at many moments, then to the end: the bytes of an uninterrupted run.
finished=0
for delay in 0.02 0.05 0.08 0.11 0.15 0.2 0.25 0.3 0.35 0.4 0.5 0.6 0.7 0.8 0.9; do
    "$HARNESS" run small.ini --store killed.sqlite --quiet >/dev/null 2>&1 &
    pid=$!
    sleep "$delay"
    kill -9 $pid 2>/dev/null && finished=$((finished + 1))
    wait $pid 2>/dev/null
done
ok 'something was killed' test "$finished" -ge 3
exits 0 'after kill -9 the next run goes on' run --store killed.sqlite
csv killed.sqlite >killed.csv
ok 'to the same bytes' same one.csv killed.csv

finish
