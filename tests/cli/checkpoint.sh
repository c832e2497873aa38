#!/bin/sh
# A fit that is interrupted, or killed, goes on inside and ends with the numbers of one that was not.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >x.ini <<'END'
[experiment]
name = x
[dataset.synth]
use = synthetic
users = 150
items = 100
rows = 3000
[problem]
target = synth/movies
split = leave_one_out
order = random
[evaluate]
metrics = ndcg@5, auc
[algorithm.bpr]
epochs = 400
END
run() { "$HARNESS" run x.ini --cache none "$@"; }
# begin STORE SIGNAL: a run with a checkpoint an epoch, that gets the signal when there is one.
begin() {
    "$HARNESS" run x.ini --cache none --store "$1" --checkpoint 0 --quiet >out 2>err &
    pid=$!
    waited=0
    until [ -n "$(find checkpoints -name '*.checkpoint' 2>/dev/null)" ] || [ $waited = 200 ]; do
        sleep 0.02
        waited=$((waited + 1))
    done
    kill "-$2" $pid
    wait $pid 2>/dev/null
    status=$?
}
csv() { "$HARNESS" table x --format csv --store "$1"; }

exits 0 'a fit that is not interrupted' run --store whole.sqlite --quiet
csv whole.sqlite >whole.csv
ok 'leaves no checkpoint' test ! -e checkpoints
for signal in INT KILL; do
    begin $signal.sqlite $signal
    ok "$signal ends a fit" test "$status" != 0
    ok "$signal: there is a checkpoint" test -n "$(find checkpoints -name '*.checkpoint')"
    exits 0 "$signal: the fit goes on" run --store $signal.sqlite
    says err 'goes on behind epoch'
    csv $signal.sqlite >$signal.csv
    ok "$signal: to the same numbers" cmp whole.csv $signal.csv
    if command -v sqlite3 >/dev/null; then
        curve='select epoch, loss, best from epoch order by epoch'
        ok "$signal: by the same curve" test "$(sqlite3 $signal.sqlite "$curve")" = "$(sqlite3 whole.sqlite "$curve")"
    else
        skip "$signal: by the same curve" 'no sqlite3'
    fi
    ok "$signal: the checkpoint is gone" test ! -e checkpoints
done

begin force.sqlite KILL
exits 0 'a forced run starts over' run --store force.sqlite --force
ok 'and says nothing' sh -c '! grep -q "goes on behind" err'
ok 'and takes the checkpoint away' test ! -e checkpoints

begin bad.sqlite KILL
for f in checkpoints/*; do
    printf x >>"$f"
done
exits 0 'a damaged checkpoint is passed over' run --store bad.sqlite
says err 'the fit starts over: its checkpoint'
csv bad.sqlite >bad.csv
ok 'the numbers are the same' cmp whole.csv bad.csv

exits 0 'none' run --store none.sqlite --checkpoint none --quiet
exits 2 'no number of seconds' run --store none.sqlite --checkpoint often
says err '--checkpoint often is not allowed: expected seconds from 0, or none'
exits 0 'an algorithm that cannot' run --store other.sqlite --checkpoint 0 --set algorithm.bpr.use=nmf \
    --set algorithm.bpr.epochs=2
says err 'has no checkpoints: interrupted, its fit starts over'
finish
