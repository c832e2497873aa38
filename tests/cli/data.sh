#!/bin/sh
# harness data: list, info, verify, add, fetch, with a made dataset and a server on this machine.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"
real=${HARNESS_DATA-}
unset HARNESS_DATA

# ------------------------------------------------------------------------------------------------- a small dataset
rm datasets # the link of tap.sh to the shipped descriptions: this test writes its own
mkdir datasets data made
tab=$(printf '\t')
{
    for u in 1 2 3 4 5 6 7; do
        for i in 11 12 13 14; do
            echo "$u$tab$((i + u % 3))$tab$((1 + (u * i) % 5))$tab$((900000000 + u * 86400 + i))"
        done
    done
    echo "1${tab}12${tab}2${tab}999999999" # user 1 and item 12 again
} >made/small.data
{
    for i in 11 12 13 14 15 16; do echo "$i|Film $i ($((1980 + i)))|Comedy|Drama"; done
} >made/small.item
sum() { sha256sum "$1" | cut -d ' ' -f 1; }
describe() { # describe URL-BASE: writes datasets/small.ini
    cat >datasets/small.ini <<END
[dataset]
title = A small set
home = http://127.0.0.1/small
licence = made for a test
folder = small

[domain.films]
interactions = small.data
separator = tab
user = 1
item = 2
rating = 3
time = 4
rating_scale = 1 5

[items]
file = small.item
separator = |
id = 1
title = 2
block.genre = list 3 by /

[sha256]
small.data = $(sum made/small.data)

[url]
small.data = $1/small.data
small.item = $1/small.item

[expect]
films.read = 29
films.rows = 28
films.users = 7
films.items = 6
END
}
describe http://127.0.0.1:1
# ------------------------------------------------------------------------------------------------------------ usage
exits 0 'data --help' "$HARNESS" data --help
says out 'usage: harness data'
exits 2 'an unknown word' "$HARNESS" data verifi small
says err "did you mean 'verify'?"
exits 2 'no name' "$HARNESS" data info
says err 'data info needs the name of a dataset'
exits 2 'one name too many' "$HARNESS" data verify small other
exits 2 'an unknown dataset' "$HARNESS" data info smal
says err "did you mean 'small'?"
exits 2 'a setting without a value' "$HARNESS" data info small --set core_users
says err '--set core_users is not KEY=VALUE'
exits 2 'an unknown setting' "$HARNESS" data info small --set core_user=2
says err 'core_users'

# -------------------------------------------------------------------------------------------------- list, info, verify
exits 0 'list' "$HARNESS" data list --data data
ok 'a set without files is missing' grep -Eq '^small +missing +A small set$' out
exits 0 'info without files' "$HARNESS" data info small --data data
says out 'licence    made for a test'
says out 'missing'
says out 'harness data fetch small'
exits 3 'verify without files' "$HARNESS" data verify small --data data
says err '2 of the files of small are missing'

exits 2 'add without files' "$HARNESS" data add small
exits 2 'add a file of no set' "$HARNESS" data add small datasets/small.ini --data data
says err 'is no file of small, neither by its name nor by its checksum; it has: small.data, small.item'
exits 3 'add a file that is not there' "$HARNESS" data add small nothing --data data
sed 's/1$/2/' made/small.data >small.data
exits 1 'add a file of another checksum' "$HARNESS" data add small small.data --data data
says err 'it is damaged or another version'
ok 'nothing was added' test ! -e data/small/small.data
: >small.item
exits 1 'add an empty file' "$HARNESS" data add small small.item --data data
says err 'is empty'
cp made/small.data other-name
exits 0 'add by name and by checksum' "$HARNESS" data add small other-name made/small.item --data data
says out 'data/small/small.data: copied, checksum right'
says out 'data/small/small.item: copied, no checksum known'
ok 'the copy is equal' cmp made/small.data data/small/small.data
exits 0 'add again' "$HARNESS" data add small made/small.item --data data
says out 'is there already'
sed 's/Film/Movie/' made/small.item >small.item
exits 2 'add over another file' "$HARNESS" data add small small.item --data data
says err '--replace'
exits 0 'add --replace' "$HARNESS" data add small small.item --data data --replace
ok 'it was replaced' cmp small.item data/small/small.item
exits 0 'add --link' "$HARNESS" data add small made/small.item --data data --replace --link
ok 'it is a link' test -L data/small/small.item
exits 0 'list with files' "$HARNESS" data list --data data
ok 'the set is present' grep -Eq '^small +present' out
exits 0 'verify' "$HARNESS" data verify small --data data
says out 'right    data/small/small.data'
says out 'unknown  data/small/small.item'
says out 'right    films: 29 read'
says out 'right    films: 28 rows'
says out 'note     films: 1 rows repeat a user and an item'
says out 'user ids     1 to 7'
exits 0 'info' "$HARNESS" data info small --data data
says out 'films: 7 users, 6 items, 28 rows'
says out 'ratings      1 to 5'
says out 'times        1998-07-10 to 2001-09-09'
says out 'titles       6 of 6 items'
says out 'item block genre        1 columns, 6 of 6 items have any'
says out 'removed 1 rows'
exits 0 'info with a setting' "$HARNESS" data info small --data data --set rating_min=3
ok 'the filter is in the ledger' grep -q 'rating.*removed' out

sed -i 's/films.users = 7/films.users = 8/' datasets/small.ini
exits 1 'verify with another count' "$HARNESS" data verify small --data data
says out 'WRONG    films: 7 users, expected 8'
says err 'small is not what its description says: 1 thing is wrong'
describe http://127.0.0.1:1
rm data/small/small.data
sed 's/999999999/999999998/' made/small.data >data/small/small.data
exits 1 'verify with another checksum' "$HARNESS" data verify small --data data
says out 'WRONG    data/small/small.data'
says out "expected $(sum made/small.data)"

# ------------------------------------------------------------------------------------------------------------- fetch
rm -r data/small
status_of "$HARNESS" data fetch small --data data
if grep -q 'without libcurl' err; then
    ok 'without libcurl: says what to do' grep -q 'by hand: get http://127.0.0.1:1/small.data and put it into' err
    skip 'downloads' 'this build has no libcurl'
    finish
fi
exits 3 'fetch without a server' "$HARNESS" data fetch small --data data
says err 'cannot download http://127.0.0.1:1/small.data'
says err 'by hand: get http://127.0.0.1:1/small.data and put it into data/small/small.data'
says err ', or: harness data add small small.data'
ok 'in one sentence' test "$(grep -c '^harness:' err)" = 1
says err 'licence of small: made for a test'
ok 'nothing is left' test -z "$(ls data/small)"
if ! command -v python3 >/dev/null 2>&1; then
    skip 'downloads' 'there is no python3 for a server'
    finish
fi
cp made/small.item served.item 2>/dev/null
mkdir served
cp made/small.data made/small.item served
python3 "$HARNESS_SOURCE/tests/cli/server.py" served 2>/dev/null &
server=$!
trap 'kill $server 2>/dev/null; chmod -R u+w "$here" 2>/dev/null; rm -rf "$here"' EXIT
tries=0
while [ ! -f served/port ] && [ $tries -lt 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
if [ ! -f served/port ]; then
    skip 'downloads' 'the server does not start'
    finish
fi
base=http://127.0.0.1:$(cat served/port)
describe "$base"
exits 0 'fetch' "$HARNESS" data fetch small --data data
says out 'data/small/small.data:'
says out 'checksum right'
ok 'it is whole' cmp made/small.data data/small/small.data
ok 'no part is left' test "$(ls data/small)" = "small.data
small.item"
exits 0 'fetch again' "$HARNESS" data fetch small --data data
says out 'data/small/small.data is there'
ok 'nothing was downloaded twice' test "$(grep -c . served/requests)" = 2
exits 0 'what was fetched is right' "$HARNESS" data verify small --data data

rm -r data/small
describe "$base/cut/100"
exits 3 'fetch, broken off' "$HARNESS" data fetch small --data data
says err 'what has come is kept, and the same command continues it'
ok 'the file has not got its name' test ! -e data/small/small.data
ok 'the part is kept' test "$(wc -c <data/small/small.data.part)" = 100
status_of "$HARNESS" data fetch small --data data # the data is continued; the other file breaks off
ok 'only the rest was asked for' grep -q 'small.data bytes=100-' served/requests
ok 'continued, it is whole' cmp made/small.data data/small/small.data
exits 0 'and the other file too' "$HARNESS" data fetch small --data data
ok 'it is whole too' cmp made/small.item data/small/small.item

rm -r data/small
"$HARNESS" data fetch small --data data >/dev/null 2>&1
{ cat made/small.data; echo "8${tab}11${tab}3${tab}900000000"; } >served/small.data
describe "$base"
exits 1 'the server has another file now' "$HARNESS" data fetch small --data data
says err 'SHA-256'
says err 'the download was not kept'
ok 'no part of it is left' test -z "$(ls data/small)"
cp made/small.data served/small.data

mkdir -p data/small
head -c 50 made/small.item >data/small/small.data.part # without a tag: of an unknown file
describe "$base/plain"
exits 0 'a server without ranges' "$HARNESS" data fetch small --data data
ok 'it is whole' cmp made/small.data data/small/small.data
rm -r data/small
describe "$base/moved"
exits 0 'a server that redirects' "$HARNESS" data fetch small --data data
rm -r data/small
describe "$base/nowhere"
rm served/small.data
exits 3 'a file that the server has not' "$HARNESS" data fetch small --data data
says err 'the server answers 404 (there is no such file)'
ok 'nothing is left' test -z "$(ls data/small)"
sed -i '/^small.data = http/d' datasets/small.ini
exits 3 'a file without an address' "$HARNESS" data fetch small --data data
says err 'no address is known for small.data of small'
says err 'by hand: get small.data from http://127.0.0.1/small and put it into data/small/small.data'
if [ "$(id -u)" != 0 ]; then
    chmod a-w data
    rm -rf data/small 2>/dev/null
    describe "$base"
    exits 3 'a data folder that cannot be written' "$HARNESS" data fetch small --data data/deeper
    says err 'cannot make folder'
    chmod u+w data
fi

# ------------------------------------------------------------------------------------------- the descriptions we ship
cd "$HARNESS_SOURCE" || exit 99
exits_here() { # like exits, but the outputs go to the test's folder
    want=$1 title=$2
    shift 2
    "$@" >"$here/out" 2>"$here/err" </dev/null
    status=$?
    ok "$title" test "$status" = "$want"
}
exits_here 0 'list of the shipped descriptions' "$HARNESS" data list --data "$here/none"
ok 'none is broken' sh -c "! grep -E '^[^ ]+ +broken' '$here/out'"
ok 'all are listed' test "$(grep -c . "$here/out")" = "$(find datasets -name '*.ini' | grep -c .)"
if [ "$real" ]; then # every real set that is here is what its description says
    "$HARNESS" data list --data "$real" | awk '$2 == "present" { print $1 }' >"$here/present"
    while read -r name; do
        ok "verify $name" "$HARNESS" data verify "$name" --data "$real" --quiet
    done <"$here/present"
else
    skip 'the real sets' 'HARNESS_DATA is not set'
fi
cd "$here" || exit 99
finish
