#!/bin/sh
# What transfer and meta-learning cannot work with: every such algorithm against every such problem, on tiny data. It
# either works, or its run is marked failed with one sentence (the cause; what helps) that is printed and stored, and
# the others go on. Who has to refuse what follows from what `describe` says, so a new algorithm joins by itself.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"
if ! command -v sqlite3 >/dev/null; then
    skip 'bad input of transfer and meta-learning' 'no sqlite3'
    finish
fi

# ---- who is asked
: >algorithms
for name in $("$HARNESS" list algorithms --names); do
    "$HARNESS" describe "$name" >"$name.txt"
    if grep -q 'learns from source domains' "$name.txt" || [ -f "$HARNESS_SOURCE/algorithms/meta/$name.c" ]; then
        echo "$name" >>algorithms
    fi
done
ok 'transfer and meta-learning are found' \
    test "$(grep -cxE 'coral|emcdr|cmf|pretrain|maml|melu|metaemb' algorithms)" = 7
has() { grep -qF -- "$2" "$1.txt"; }
uses_sources() { has "$1" 'learns from source domains'; }
needs_sources() { has "$1" 'needs source domains'; }
needs_features() { has "$1" 'needs item features'; }
needs_ratings() { has "$1" 'needs ratings'; }
makes_tasks() { grep -q '^  inner_steps = ' "$1.txt" && [ -f "$HARNESS_SOURCE/algorithms/meta/$1.c" ]; }

# ---- the data: 20 users, four rows each
mkdir raw
rows() { # USERS SALT [RATING]: rows of users with this letter, ratings 1 to 5 or all alike
    awk -v p="$1" -v salt="$2" -v one="${3-}" 'BEGIN {
        print "user,item,rating,time"
        for (u = 0; u < 20; u++)
            for (k = 0; k < 4; k++) {
                i = (u * 5 + k * k * salt + k * (u % 3 + 1)) % 12
                while (seen[u, i]++)
                    i = (i + 1) % 12
                print p u ",i" i "," (one ? one : 1 + (u + i) % 5) "," 1000 + u * 7 + k * 13
            }
    }'
}
rows u 1 >raw/target.csv
rows u 2 >raw/source.csv
rows v 2 >raw/strangers.csv
rows u 1 5 >raw/fives.csv
awk 'BEGIN { print "user,item,rating,time"; for (u = 0; u < 20; u++) for (i = 0; i < 5; i++)
    print "u" u ",i" i "," 1 + (u + i) % 5 "," 1000 + u + i * 7 }' >raw/everything.csv
awk -F, 'NR == 1 || n[$1]++ < 2' raw/target.csv >raw/two.csv
awk -F, 'NR == 1 || n[$1]++ < 1' raw/source.csv >raw/one.csv
awk 'BEGIN { print "item,genre"; for (i = 0; i < 12; i++) print "i" i ",g" i % 4 }' >raw/genres.csv
describe() { # NAME TARGET SOURCE: a description of two domains
    printf '[dataset]\ntitle = %s\nfolder = .\n' "$1" >"$1.ini"
    for part in "target $2" "source $3"; do
        printf '[domain.%s]\ninteractions = %s.csv\nrating = rating\ntime = time\n' ${part% *} ${part#* } >>"$1.ini"
    done
}
genres() { # NAME BLOCK [DOMAIN]: a block of features
    printf '[items.%s]\nfile = genres.csv\nblock.%s = value genre\n' "$2" "$2" >>"$1.ini"
    [ -z "${3-}" ] || echo "domain = $3" >>"$1.ini"
}
problems='fine apart bare unlike unrated fives everything brief late'
describe fine target source && genres fine genre
describe apart target strangers && genres apart genre
describe bare target source
describe unlike target source && genres unlike genre target && genres unlike kind source
describe unrated target source && genres unrated genre && sed -i '/^rating/d' unrated.ini
describe fives fives source && genres fives genre
describe everything target everything && genres everything genre
describe brief two one && genres brief genre
describe late target source && genres late genre
{
    printf '[experiment]\nname = x\n[data]\ndescriptions = .\npath = raw\n[evaluate]\nmetrics = ndcg@3, auc\n'
    for p in $problems; do
        printf '[problem.%s]\ntarget = %s/target\nsources = %s/source\n' $p $p $p
        printf 'split = leave_one_out\norder = file\nvalidation = no\n'
    done
    printf '[dataset.after]\nuse = late\nfrom = 2030-01-01\n[algorithm.popularity]\n'
    for name in $(cat algorithms); do
        echo "[algorithm.$name]"
        ! grep -q '^  epochs = ' "$name.txt" || echo 'epochs = 2'
    done
} | sed 's,^sources = late/source,sources = after/source,' >x.ini

# ---- all of it, once
exits 1 'some are refused' "$HARNESS" run x.ini --store x.sqlite --cache none --quiet
grep '^warning' err | sort >said
sqlite3 -separator '|' x.sqlite "SELECT substr(p.target, 1, instr(p.target, '/') - 1), r.algorithm, r.status, r.message,
    (SELECT count(*) FROM metric m WHERE m.run = r.id AND m.value IS NOT NULL),
    (SELECT count(*) FROM metric_user u WHERE u.run = r.id)
    FROM run r JOIN problem p ON p.id = r.problem" >runs
all=$(($(grep -c . algorithms) + 1))
for p in $problems; do
    ok "$p: a row for every run" test "$(grep -c "^$p|" runs)" = $all
    [ $p = late ] || ok "$p: the others go on" grep -q "^$p|popularity|done||2|2" runs
done
sed -n 's/^[a-z]*|\([a-z_0-9]*\)|[^|]*|\(..*\)|[0-9]*|[0-9]*$/warning \1: \2/p' runs | sort >stored
ok 'what is stored is what is said' cmp said stored
ok 'a failed run has no values' test -z "$(awk -F'|' '$3 != "done" && $(NF-1) $NF != "00"' runs)"
ok 'a run that is done has all of its values' test -z "$(awk -F'|' '$3 == "done" && $0 !~ /[|]done[|][|]2[|]2$/' runs)"
ok 'every sentence has a cause and a hint, and no end' \
    test -z "$(grep -vE '^warning [a-z_0-9]+: [a-z].{20,}[;:?] .{7,}[^.]$' stored)"
ok 'nothing is left half-written' test -z "$(find . -name '*.tmp*' -o -name '*.checkpoint' -o -name '*.part')"

# refuses PROBLEM ALGORITHM TEXT: so it does. works: its run is done.
refuses() { ok "$1: $2 refuses" grep -q "^$1|$2|[a-z]*|.*$3" runs; }
works() { ok "$1: $2 works" grep -q "^$1|$2|done|" runs; }
for name in $(cat algorithms); do
    works fine $name
    refuses late $name "no row is left after the filter 'time window from 2030-01-01'"
    if uses_sources $name && ! needs_features $name; then
        refuses apart $name "^*$name .* users with train rows in the target and in a source, and there is none; "
    else
        works apart $name
    fi
    if needs_features $name; then
        refuses bare $name "$name needs item features, and target 'target' has none; "
    else
        works bare $name
    fi
    if needs_features $name && needs_sources $name; then
        refuses unlike $name "$name needs item features that the sources share with 'target', but .*; "
    else
        works unlike $name
    fi
    if needs_ratings $name; then
        refuses unrated $name "$name needs ratings, and target 'target' has none; "
        refuses fives $name \
            "$name learns from ratings that differ, and all 60 train rows of target 'target' are rated 5; "
    else
        works unrated $name
        works fives $name
    fi
    if makes_tasks $name; then
        refuses brief $name "$name makes a task of each .*two .*rows or more.*; "
    fi
done

# ---- an inner loop that diverges, and k = 0
{
    printf '[experiment]\nname = wild\n[data]\ndescriptions = .\npath = raw\n[evaluate]\nmetrics = ndcg@3\n[problem]\n'
    printf 'target = fine/target\nsources = fine/source\nsplit = leave_one_out\norder = file\n[algorithm.popularity]\n'
    for name in $(cat algorithms); do
        ! grep -q '^  inner_rate = ' "$name.txt" || ! grep -q '^  inner_steps = ' "$name.txt" ||
            printf '[algorithm.%s]\ninner_rate = 100\ninner_steps = 100\nepochs = 2\n' "$name"
        ! grep -q '^  loss = .*mse' "$name.txt" || ! grep -q '^  inner_steps = ' "$name.txt" || echo 'loss = mse'
    done
} >wild.ini
exits 1 'inner loops diverge' "$HARNESS" run wild.ini --store wild.sqlite --cache none --quiet
cp err wild.err
sqlite3 -separator '|' wild.sqlite "SELECT algorithm, status, message FROM run" >runs
ok 'the others go on' grep -q '^popularity|done|' runs
for name in $(sed -n 's/^\[algorithm\.\(.*\)\]/\1/p' wild.ini | grep -v popularity); do
    ok "$name says that it diverged, and which rate" grep -q "^$name|numeric|.*; .*inner_rate" runs
done
for name in $(cat algorithms); do
    # ---- rates far too large, and no shots
    for rate in $(sed -nE 's/^  ((.*_)?rate) = .*number [^ ]* to ([0-9]{1,5})\)$/\1/p' "$name.txt"); do
        { cat wild.ini | sed '/^\[algorithm/,$d' && printf '[algorithm.%s]\n%s = 1e6\n' "$name" "$rate"; } >rate.ini
        exits 2 "$name with $rate = 1e6" "$HARNESS" run rate.ini --store rate.sqlite --cache none
        says err "[algorithm.$name] $rate = 1e6 is not allowed: expected number"
    done
    if grep -q '^  shots = ' "$name.txt"; then
        { cat wild.ini | sed '/^\[algorithm/,$d' && printf '[algorithm.%s]\nshots = 0\n' "$name"; } >rate.ini
        exits 2 "$name with shots = 0" "$HARNESS" run rate.ini --store rate.sqlite --cache none
        says err "[algorithm.$name] shots = 0 is not allowed: expected integer 1 to"
    fi
done
ok 'nothing was written' test ! -e rate.sqlite
finish
