#!/bin/sh
# Data that is damaged or wrong: one clear sentence with file and line, status 1, and the problems with good data go on.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >x.ini <<'END'
[experiment]
name = x
[data]
descriptions = .
path = raw
[dataset.synth]
use = synthetic
users = 60
items = 40
rows = 900
[problem.own]
target = own
split = leave_one_out
[problem.good]
target = synth/movies
split = leave_one_out
order = random
[algorithm.popularity]
END
mkdir raw
head='user,item,rating,time\n'
rows='u1,a,3,1\nu1,b,4,2\nu1,c,1,3\nu2,a,5,4\nu2,c,2,5\nu3,b,2,6\nu3,a,2,9\n' # lines 2 to 8
# describe PLACE [LINE]...: a description of a file with a header; LINEs are further keys of the domain.
describe() {
    printf '[dataset]\ntitle = own\nfolder = .\n[domain]\ninteractions = %s\n' "$1" >own.ini
    printf 'user = user\nitem = item\nrating = rating\ntime = time\n' >>own.ini
    shift
    for line; do
        echo "$line" >>own.ini
    done
}
run() { # TITLE STATUS
    rm -f x.sqlite*
    exits "$2" "$1" timeout 100 "$HARNESS" run x.ini --store x.sqlite --cache cache
    "$HARNESS" table x --store x.sqlite --format csv >x.csv 2>csv.err
    ok "$1: the good problem goes on" grep -q '^x,good,.*,popularity,popularity,done,1,0,60,0\.' x.csv
    ok "$1: no file is left half-written" test -z "$(find cache -name '*.tmp*' -o -name '*.part')"
}
refused() { # TITLE SENTENCE
    run "$1" 1
    says err "$2"
    ok "$1: one sentence" test "$(grep -c '^warning' err)" = 1
    says err '1 done, 0 found in x.sqlite, 1 failed'
}
accepted() { # TITLE
    run "$1" 0
    "$HARNESS" table x --store x.sqlite --format csv | grep '^x,own,' >own.csv
    ok "$1: the same numbers" cmp own.csv plain.csv
}
rows_and() { printf "$head$rows$1" >raw/d.csv; }

# ---- what is fine
describe d.csv
rows_and ''
run 'a plain file' 0
grep '^x,own,' x.csv >plain.csv
ok 'has a row' test -s plain.csv
printf "\357\273\277$head$rows" >raw/d.csv
accepted 'a byte order mark'
printf "$head$rows" | sed "s/\$/$(printf '\r')/" >raw/d.csv
accepted 'CRLF'
printf "%s" "$(printf "$head$rows")" >raw/d.csv
accepted 'no newline at the end'
printf "$head$rows" | sed 's/^u1/-1/; s/^u2/99999999999999999999999/; s/^u3/-99999999999/' >raw/d.csv
accepted 'negative and overflowing ids: texts, as all ids'
rows_and 'u1,a,3,1\n'
accepted 'a row twice: the last one counts'

# One description, two files: each problem has its own rows, one after the other and as target and source.
rows_and ''
printf "$head$rows" | sed '/^u3/d; s/^u\([0-9]\)/v\1/' >raw/e.csv
describe '{name}.csv'
printf '[variables]\nname = d\n' >>own.ini
cat >two.ini <<'END'
[experiment]
name = two
[data]
descriptions = .
path = raw
[dataset.d]
use = own
[dataset.e]
use = own
name = e
[problem.both]
target = d/own
sources = e/own
split = leave_one_out
validation = no
[problem.other]
target = e/own
split = leave_one_out
validation = no
[algorithm.popularity]
END
exits 0 'one description, two files' "$HARNESS" run two.ini --store two.sqlite --cache none --quiet
says out 'source e/own, split leave_one_out, 5 users, 3 items, 4 train rows, 5 source rows, 3 test queries'
says out 'target e/own, split leave_one_out, 2 users, 3 items, 3 train rows, 2 test queries'

# ---- what is not
: >raw/d.csv
refused 'an empty file' 'raw/./d.csv: the file is empty'
printf "$head" >raw/d.csv
refused 'a header alone' 'd.csv: the file has no rows'
printf "$head$rows" | tr , ';' >raw/d.csv
describe d.csv 'separator = comma'
refused 'another separator' \
    "d.csv:1: there is no column 'user'; there are: user;item;rating;time; is the separator right?"
describe d.csv
printf "$head$rows" | sed '1s/rating/stars/' >raw/d.csv
refused 'a missing column' "d.csv:1: there is no column 'rating'; there are: user, item, stars, time"
rows_and 'u4,a,3\n'
refused 'a short row' "d.csv:9: 3 columns split at 'comma', the header has 4"
rows_and 'u4,a,good,7\n'
refused 'a rating that is a word' "d.csv:9: rating 'good' is not a number"
rows_and 'u4,a,3x,7\n'
refused 'a rating with a tail' "d.csv:9: rating '3x' is not a number"
rows_and 'u4,a,NaN,7\n'
refused 'a rating that is NaN' "d.csv:9: rating 'NaN' is not a number"
rows_and 'u4,a,-inf,7\n'
refused 'an infinite rating' "d.csv:9: rating '-inf' is not a number"
rows_and 'u4,a,1e999,7\n'
refused 'an overflowing rating' "d.csv:9: rating '1e999' is not a number"
rows_and 'u4,a,,7\n'
refused 'no rating' 'd.csv:9: there is no rating; to read rows without one set implicit = yes'
rows_and 'u4,a,6,7\n'
describe d.csv 'rating_scale = 1 5'
refused 'a rating outside the scale' "d.csv:9: rating '6' is not allowed: expected a number from 1 to 5"
describe d.csv
for time in -7 99999999999999999999 2020-01-01 1e999 nan; do
    rows_and "u4,a,3,$time\n"
    refused "time $time" "d.csv:9: time '$time' is not allowed: expected unix seconds, 0 to the year 9999"
done
rows_and ',a,3,7\n'
refused 'an empty id' 'd.csv:9: the user id is empty'
rows_and "u4,$(head -c 5000 /dev/zero | tr '\0' x),3,7\n"
refused 'an id of 5000 bytes' 'd.csv:9: the item id has 5000 bytes: at most '
printf "$head$rows" | sed 's/,[abc],/,1&/; s/,1,[abc],/,1,/' >raw/d.csv
printf 'u4,99999999999999999999,3,7\n' >>raw/d.csv
describe d.csv 'item_range = 1 9'
refused 'an overflowing id where numbers are needed' "d.csv:9: item '99999999999999999999' is not a number"
describe d.csv
rows_and 'u\377,a,3,7\n'
refused 'invalid UTF-8' 'd.csv:9: an id with bytes that are not UTF-8; is it encoding = latin1?'
rows_and 'u\300\200,a,3,7\n'
refused 'an overlong NUL' 'd.csv:9: an id with bytes that are not UTF-8'
rows_and ''
head -c 5000 /dev/zero >>raw/d.csv
refused 'zeros at the end' 'd.csv: no reader knows this format; name one with reader ='
rows_and 'u\0004,a,3,7\n'
describe d.csv 'reader = delimited'
refused 'a NUL byte' 'd.csv:9: a NUL byte; is this a text file in UTF-8?'
describe d.csv
rows_and '"u4,a,3,7\n'
refused 'a quote that does not end' 'd.csv:9: a quoted field begins in this line and does not end'
rows_and 'u1,a,3,1\n'
printf '[options]\nduplicates = error\n' >>own.ini
refused 'duplicates where none may be' "duplicates"
describe d.csv
rm raw/d.csv
refused 'no file' 'own: dataset own: cannot find d.csv'
mkdir raw/d.csv
refused 'a folder' "d.csv': "
rmdir raw/d.csv
mkfifo raw/d.csv
refused 'a pipe' "d.csv': not a regular file"
rm raw/d.csv
rows_and ''
chmod 0 raw/d.csv
if [ -r raw/d.csv ]; then
    skip 'a file without permission' 'the super-user reads all'
else
    refused 'a file without permission' "d.csv': Permission denied"
fi
rm -f raw/d.csv

# ---- archives
if ! python3 -c 'import zipfile' 2>/dev/null; then
    skip 'archives' 'no python3'
    finish
fi
python3 - <<'END'
import gzip, io, struct, zipfile
text = 'user,item,rating,time\n' + ''.join(
    f'u{u},i{(u * 7 + k * k) % 31},{1 + (u + k) % 5},{k + 1}\n' for u in range(400) for k in range(9))

def write(name, member, change=lambda b: b):
    b = io.BytesIO()
    with zipfile.ZipFile(b, 'w', zipfile.ZIP_DEFLATED) as z:
        z.writestr(member, text)
    open('raw/' + name, 'wb').write(change(bytearray(b.getvalue())))

def claim(size):  # both headers give this size for the unpacked member
    def change(b):
        for mark, at in ((b'PK\3\4', 22), (b'PK\1\2', 24)):
            i = b.find(mark) + at
            b[i:i + 4] = struct.pack('<I', size)
        return b
    return change

def flip(b):
    b[len(b) // 3] ^= 0x55
    return b

write('good.zip', 'a/d.csv')
write('cut.zip', 'a/d.csv', lambda b: b[:len(b) // 2])
write('head.zip', 'a/d.csv', lambda b: b[:20])
write('up.zip', '../d.csv')
write('root.zip', '/d.csv')
write('huge.zip', 'a/d.csv', claim(0xfffffff0))
write('small.zip', 'a/d.csv', claim(50))
write('flip.zip', 'a/d.csv', flip)
write('other.zip', 'a/e.csv')
packed = gzip.compress(text.encode())
open('raw/cut.csv.gz', 'wb').write(packed[:len(packed) // 2])
open('raw/tail.csv.gz', 'wb').write(packed[:-4])
open('raw/d.csv', 'w').write(text)
END
describe d.csv
run 'the file' 0
grep '^x,own,' x.csv >plain.csv
describe good.zip:d.csv
accepted 'the file in a zip'
archive() { # TITLE PLACE SENTENCE
    describe "$2"
    refused "$1" "$3"
}
archive 'half a zip' cut.zip:d.csv 'cannot read on, the file is damaged or cut off'
archive 'the beginning of a zip' head.zip:d.csv 'head.zip'
archive 'a zip with a flipped bit' flip.zip:d.csv 'cannot read on, the file is damaged or cut off'
archive 'a zip that leaves the folder' up.zip:d.csv "up.zip: refused, its member '../d.csv' leaves the folder"
archive 'a zip with an absolute path' root.zip:d.csv "root.zip: refused, its member '/d.csv' leaves the folder"
archive 'a zip with an absurd size' huge.zip:d.csv '4294967280 bytes unpacked out of '
archive 'a zip that gives a wrong size' small.zip:d.csv 'cannot read on, the file is damaged or cut off'
archive 'a zip without the member' other.zip:d.csv "other.zip has no member 'd.csv'; it has: a/e.csv"
archive 'half a gzip file' cut.csv.gz 'cut.csv.gz:1: cannot read on, the file is damaged or cut off'
archive 'a gzip file without its end' tail.csv.gz 'cannot read on, the file is damaged or cut off'
ok 'nothing was unpacked anywhere' test ! -e d.csv -a ! -e ../d.csv
finish
