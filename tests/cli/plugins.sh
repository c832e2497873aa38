#!/bin/sh
# Modules that misbehave: a run that fails is a row with its sentence, the others go on; what cannot be loaded is
# refused before anything is written.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"
modules=${HARNESS_BUILD:-$HARNESS_SOURCE}/tests/plugins

# experiment PATH: one with modules from PATH; sections of algorithms on standard input.
experiment() {
    cat >x.ini <<END
[experiment]
name = x
[plugins]
path = $1
[dataset.synth]
use = synthetic
users = 60
items = 40
rows = 900
[problem]
target = synth/movies
split = leave_one_out
order = random
[algorithm.popularity]
END
    cat >>x.ini
}
csv() { "$HARNESS" table x --store "$1" --format csv; }
lines() { test "$(grep -c "$2" "$1")" = "$3"; }
whole() { # FILE: a store that is whole
    if command -v sqlite3 >/dev/null; then
        ok "$1 is whole" test "$(sqlite3 "$1" 'pragma integrity_check; pragma foreign_key_check')" = ok
    else
        skip "$1 is whole" 'no sqlite3'
    fi
}

# ---- runs that fail
experiment "$modules/null.so:$modules/nan.so:$modules/failing.so:$modules/crowded.so" <<'END'
[algorithm.null]
[algorithm.nan]
value = nan | inf | nothing
[algorithm.failing]
where = fit | epoch | score | nowhere
silent = no | yes
[algorithm.crowded]
overflow = no | yes
END
for number_of_run in first second; do
    exits 1 "the $number_of_run run of failing modules" "$HARNESS" run x.ini --store x.sqlite
    says out 'failed: the score of item 39 for user 0 is nan: scores must be finite'
    says out 'failed: the score of item 39 for user 0 is inf: scores must be finite'
    says out 'failed: item 39 got no score for user 0: score() must fill all candidates'
    says out 'failed: nothing can be learned from this'
    says out 'failed: fit failed (data) and did not say why'
    says out 'failed: epoch 2: the loss has left the earth'
    says out 'failed: epoch 2: epoch failed (numeric) and did not say why'
    says out 'failed: this query has no answer'
    says out 'failed: score failed (numeric) and did not say why'
    says out 'failed: not enough memory for 1000000000 elements of 1048576 bytes'
    says out 'failed: not enough memory for 9223372036854775807 elements of 3 bytes'
    if [ "$number_of_run" = first ]; then
        says err '4 done, 0 found in x.sqlite, 11 failed'
    else
        says err '0 done, 4 found in x.sqlite, 11 failed' # what failed is tried again, what is done is not
    fi
    csv x.sqlite >x.csv
    ok 'popularity has its row' grep -q ',popularity,popularity,done,1,0,60,0\.' x.csv
    ok 'null has 0.5, what chance has' grep -q ',null,null,done,1,0,60,.*,0\.5,' x.csv
    ok 'every run has a row' lines x.csv '^x,' 15
done
exits 1 'one and two threads fail alike' "$HARNESS" run x.ini --store y.sqlite --threads 1 --quiet
csv y.sqlite >y.csv
ok 'to the same bytes' cmp x.csv y.csv
whole x.sqlite

# ---- refused before data is read
refused() { # STATUS TITLE SENTENCE
    exits "$1" "$2" "$HARNESS" run x.ini --store none.sqlite
    says err "$3"
    ok "$2: one sentence" lines err . 1
    ok "$2: nothing written" test ! -e none.sqlite
}
experiment "$modules/failing.so" <<'END'
[algorithm.failing]
where = check
END
refused 2 'parameters that do not go together' 'these parameters do not go together'
experiment "$modules/wrong_abi.so" </dev/null
refused 2 'the wrong ABI' "has ABI 3, this program wants 2; rebuild it against this <rh/plugin.h>"
mkdir folder empty
cp "$modules/null.so" "$modules/wrong_abi.so" folder
echo 'not a module' >folder/notes.txt
experiment folder </dev/null
refused 2 'the wrong ABI, in a folder' 'plugin folder/wrong_abi.so has ABI 3'
experiment missing.so </dev/null
refused 3 'a module that is not there' "x.ini:4: cannot load plugin 'missing.so': No such file or directory"
awk 'BEGIN { for (i = 0; i < 999; i++) print "this is a text, not a module" }' >text.so
experiment text.so </dev/null
refused 3 'a text as module' 'x.ini:4: cannot load plugin: ./text.so: '
: >empty.so
experiment empty.so </dev/null
refused 3 'an empty file as module' 'x.ini:4: cannot load plugin: ./empty.so: '
head -c 5000 "$modules/null.so" >cut.so
experiment cut.so </dev/null
refused 3 'half a module' 'x.ini:4: cannot load plugin: ./cut.so: the file is cut off'
mkfifo pipe.so
experiment pipe.so </dev/null
refused 3 'a pipe as module' "x.ini:4: cannot load plugin 'pipe.so': not a file or folder"
printf 'int nothing(void);\nint nothing(void) { return 0; }\n' >other.c
if ${CC:-cc} -shared -fPIC -o other.so other.c 2>/dev/null; then
    experiment other.so </dev/null
    refused 2 'a library that is no plugin' 'plugin ./other.so has no rh_algorithm_entry; end its source with'
else
    skip 'a library that is no plugin' 'no compiler'
fi
experiment empty <<'END'
[algorithm.null]
END
refused 2 'a folder without the module' "there is no algorithm 'null'"
rm folder/wrong_abi.so
experiment "folder:$modules/null.so" <<'END'
[algorithm.null]
END
refused 2 'two modules of one name' "the name 'null' is taken by folder/null.so"
experiment "folder:./folder/null.so" <<'END'
[algorithm.null]
END
exits 0 'a folder, and a module of it once more' "$HARNESS" run x.ini --store z.sqlite --quiet
says out 'null'

# ---- SIGINT: a quick end, and what was finished is stored
experiment "$modules/slow.so" <<'END'
[algorithm.slow]
END
# A shell that is not interactive lets what runs in the background ignore SIGINT; the program takes it nevertheless.
"$HARNESS" run x.ini --store slow.sqlite >out 2>err &
pid=$!
waited=0
until grep -q 'popularity: ' err || [ $waited = 300 ]; do
    sleep 0.1
    waited=$((waited + 1))
done
sleep 0.3
before=$(date +%s)
kill -INT $pid
wait $pid
status=$?
ok 'SIGINT in fit ends with status 130' test $status = 130
ok 'at once' test $(($(date +%s) - before)) -le 5
says err 'harness: interrupted'
whole slow.sqlite
exits 0 'the next run goes on' "$HARNESS" run x.ini --store slow.sqlite --set algorithm.slow.seconds=0
says err '1 done, 1 found in slow.sqlite, 0 failed'

finish
