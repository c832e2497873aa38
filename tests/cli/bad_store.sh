#!/bin/sh
# Stores that cannot be written, are no store, are in use or run out of room: one clear sentence, status 3 (2 where
# another program is needed), no half run.
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
sources = synth/books
split = leave_one_out
order = random
[algorithm.popularity]
[algorithm.itemknn]
neighbors = 5 | 10 | 20
[algorithm.userknn]
END
run() { "$HARNESS" run x.ini --cache none --store "$@"; }
csv() { "$HARNESS" table x --store "$1" --format csv; }
refused() { # TITLE STORE SENTENCE [STATUS]
    exits "${4:-3}" "$1" run "$2"
    says err "$3"
    ok "$1: one sentence" test "$(grep -vc '^info' err)" = 1
    ok "$1: no table" test ! -s out
}
exits 0 'a good store' run good.sqlite --quiet
csv good.sqlite >good.csv
ok 'has five runs' test "$(grep -c '^x,' good.csv)" = 5

# ---- places
mkdir folder
refused 'a folder' folder "'folder' is a folder, not a results store"
refused 'a device' /dev/null "'/dev/null' is not a regular file"
refused 'below a file' x.ini/x.sqlite "x.ini/x.sqlite': Not a directory"
refused 'a folder that may not be written' /proc/x.sqlite "cannot open store '/proc/x.sqlite'"
cp good.sqlite folder/x.sqlite
chmod 444 folder/x.sqlite
chmod 555 folder
if [ -w folder/x.sqlite ]; then
    skip 'a read-only store' 'the super-user writes all'
    skip 'a new store in a read-only folder' 'the super-user writes all'
else
    refused 'a read-only store' folder/x.sqlite \
        "store 'folder/x.sqlite' is read-only; change its permissions or use another"
    refused 'a new store in a read-only folder' folder/y.sqlite "cannot open store 'folder/y.sqlite'"
fi
chmod 755 folder

# ---- files that are no store
echo 'no database' >short.sqlite
refused 'a short text' short.sqlite "'short.sqlite' is not a results store: it is not an SQLite database"
seq 1 4000 >text.sqlite
cp text.sqlite text.copy
refused 'a long text' text.sqlite "'text.sqlite' is not a results store: it is not an SQLite database"
ok 'is left alone' cmp text.sqlite text.copy
: >empty.sqlite
exits 0 'an empty file becomes one' run empty.sqlite --quiet

# SQL with the shell of SQLite or with Python's module.
if command -v sqlite3 >/dev/null; then
    sql() { sqlite3 "$1" "$2"; }
elif python3 -c 'import sqlite3' 2>/dev/null; then
    sql() {
        python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for one in sys.argv[2].split(";"):
    for row in db.execute(one): print(*row)
db.commit()' "$1" "$2"
    }
else
    skip 'other databases' 'neither sqlite3 nor python3'
    finish
fi
whole() { test "$(sql "$1" 'pragma integrity_check; pragma foreign_key_check')" = ok; }
same_numbers() {
    csv "$1" >one.csv
    cmp one.csv good.csv
}
sql other.sqlite 'create table x (y); insert into x values (1)'
refused 'a database of another program' other.sqlite 'is an SQLite database, but not a results store of harness'
cp good.sqlite newer.sqlite
sql newer.sqlite 'pragma user_version = 9'
cp newer.sqlite newer.copy
refused 'a newer schema' newer.sqlite \
    "store 'newer.sqlite' has schema 9, this program knows up to 3; use a newer harness" 2
ok 'is left alone' cmp newer.sqlite newer.copy
head -c 4096 good.sqlite >damaged.sqlite
awk 'BEGIN { for (i = 0; i < 40000; i++) printf "U" }' >>damaged.sqlite
refused 'a damaged store' damaged.sqlite "'damaged.sqlite' is"

# ---- no room: limits of the size of a file from less than the schema to almost all; 512 bytes each
size=$(($(wc -c <good.sqlite) / 512))
for limit in 40 100 $((size / 2)) $((size - 60)) $((size - 20)); do
    store=full$limit.sqlite
    (
        ulimit -f "$limit"
        run $store >out 2>err
        echo $? >status
    )
    ok "at most $limit blocks: status 3" test "$(cat status)" = 3
    says err "cannot write to store '$store': "
    ok "at most $limit blocks: one sentence" test "$(grep -vc '^info' err)" = 1
    ok "at most $limit blocks: the store is whole" whole $store
    exits 0 "at most $limit blocks: with room it goes on" run $store --quiet
    ok "at most $limit blocks: to the same numbers" same_numbers $store
done
mkdir small
if mount -t tmpfs -o size=160k none small 2>/dev/null; then
    exits 3 'a full disk' run small/x.sqlite
    says err "cannot write to store 'small/x.sqlite': the disk is full; make room and run again, stored runs are kept"
    ok 'a full disk: the store is whole' whole small/x.sqlite
    umount small
else
    skip 'a full disk' 'no file system may be mounted here'
fi

# ---- in use
if python3 -c 'import sqlite3' 2>/dev/null; then
    cp good.sqlite locked.sqlite
    python3 -c 'import sqlite3, time
db = sqlite3.connect("locked.sqlite", isolation_level=None)
db.execute("begin immediate")
open("holds", "w").close()
time.sleep(60)' &
    holder=$!
    until [ -e holds ]; do sleep 0.1; done
    refused 'a store that another program locks' locked.sqlite "store 'locked.sqlite' is locked by another program"
    kill $holder
    wait $holder 2>/dev/null
    exits 0 'and when it has gone' run locked.sqlite
    says err '0 done, 5 found in locked.sqlite, 0 failed'
else
    skip 'a store that another program locks' 'no python3'
fi
for round in 1 2 3; do
    store=shared$round.sqlite
    run $store >first.out 2>first.err &
    first=$!
    run $store >second.out 2>second.err &
    second=$!
    wait $first
    ok "two at once, $round: the first ends well" test $? = 0
    wait $second
    ok "two at once, $round: and so does the second" test $? = 0
    ok "two at once, $round: the store is whole" whole $store
    ok "two at once, $round: the numbers of one" same_numbers $store
    ok "two at once, $round: each run is stored once" test "$(sql $store 'select count(*) from run')" = 5
done
finish
