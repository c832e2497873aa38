#!/bin/sh
# Saved models, and why they recommend what they do; docs/models.md: its commands are run as printed, in their order.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >x.ini <<'END'
[experiment]
name = x
[dataset.synth]
use = synthetic
users = 60
items = 40
rows = 900
[problem.warm]
target = synth/movies
split = leave_one_out
order = random
[problem.cold]
target = synth/movies
split = cold_users
k = 3
[evaluate]
metrics = ndcg@5, auc
[algorithm.popularity]
[algorithm.itemknn]
neighbors = 5 | 10
[algorithm.ials]
problems = warm
epochs = 2
END
run() { "$HARNESS" run x.ini --cache none "$@"; }
explain() { "$HARNESS" explain x.ini --cache none "$@"; }

exits 0 'a run saves no models unless asked' run --quiet
ok 'there are none' test ! -e results/models
exits 0 'stored runs are not fitted again for their models' run --save-models
says err '7 stored runs have no saved model; --force fits them again'
says err '0 done, 7 found'
exits 0 'unless asked' run --save-models --force --quiet
ok 'seven files' test "$(find results/models -type f | wc -l)" = 7
exits 0 'elsewhere' run --save-models=else/where --store other.sqlite --quiet
ok 'seven files there' test "$(find else/where -type f | wc -l)" = 7
ok 'the same bytes' diff -r results/models else/where
exits 3 'not a folder' run --save-models=x.ini --store third.sqlite
says err "x.ini"
if command -v sqlite3 >/dev/null; then
    sqlite3 results/harness.sqlite 'select hash || "  results/" || path from model' >sums
    ok 'checksums of the files are in the store' sha256sum -c sums
    sqlite3 other.sqlite 'select path from model where path not like "/%"' >relative
    ok 'a folder beside the store is named from there' test "$(grep -c '^else/where/' relative)" = 7
else
    skip 'checksums' 'no sqlite3'
fi

warm='--problem warm --algorithm itemknn --user'
# shellcheck disable=SC2086
{
    exits 2 'two of one section' explain $warm u8
    says err 'name one of them with --algorithm'
    exits 0 'by its label' explain --problem warm --algorithm 'itemknn neighbors=10' --user u8
    says out 'itemknn neighbors=10 for user u8, problem warm: 22 items in the history'
    says out 'model results/models/'
    says out 'rank 1 of 17'
    ok 'ten items' test "$(grep -c '^  score' out)" = 10
    ok 'of a saved model nothing is said' test ! -s err
}
ten() { explain --problem warm --algorithm 'itemknn neighbors=10' "$@"; }
ten --user u8 --top 4 --reasons 3 --format tsv >saved.tsv
ten --user u8 --top 4 --reasons 3 --format tsv --store none.sqlite >fitted.tsv 2>err
says err 'has no saved model and is fitted'
ok 'the saved model and the fitted one say the same' cmp saved.tsv fitted.tsv
ok 'a head and a row a reason' test "$(wc -l <saved.tsv)" = 13
ok 'eight columns' awk -F '\t' 'NF != 8 { exit 1 }' saved.tsv
ok 'ranks in order' awk -F '\t' 'NR > 1 { if ($4 < last) exit 1; last = $4 }' saved.tsv
# The score of itemknn is the sum of its reasons.
ten --user u8 --top 17 --reasons 40 --format tsv | awk -F '\t' 'NR > 1 { sum[$1] += $8; score[$1] = $3 } END {
    for (i in sum) if ((sum[i] - score[i])^2 > 1e-8) exit 1; exit length(sum) != 17 }'
ok 'weights add up to the score' test $? = 0
item=$(awk -F '\t' 'NR == 2 { print $1 }' saved.tsv)
title=$(awk -F '\t' 'NR == 2 { print $2 }' saved.tsv)
ten --user u8 --item "$item" --reasons 3 --format csv >by.id
ten --user u8 --item "$title" --reasons 3 --format csv >by.title
ok 'an item by its title' cmp by.id by.title
ok 'has its reasons alone' test "$(wc -l <by.id)" = 4
seen=$(awk -F '\t' 'NR == 2 { print $6 }' saved.tsv)
exits 0 'an item of the history' ten --user u8 --item "$seen"
says out 'not ranked: the user has it already'
exits 0 'as json' ten --user u8 --top 2 --format json
if command -v python3 >/dev/null; then
    ok 'that a program reads' python3 -c '
import json
x = json.load(open("out"))
assert x["user"] == "u8" and len(x["items"]) == 2 and x["items"][0]["rank"] == 1
assert x["items"][0]["because"][0]["weight"] >= x["items"][0]["because"][1]["weight"]'
else
    skip 'that a program reads' 'no python3'
fi
"$HARNESS" export x --users users.csv --cache none >/dev/null
cold=$(awk -F , '$2 == "cold" { print $4; exit }' users.csv)
exits 0 'a cold user, from the support rows' explain --problem cold --algorithm 'itemknn neighbors=5' --user "$cold"
says out '3 items in the history'

exits 2 'no such user' ten --user nobody
says err "there is no user 'nobody' in problem 'warm'; users are called like 'u"
exits 2 'no such item' ten --user u8 --item Alien
says err "there is no item 'Alien' in 'movies', by id or by title"
exits 2 'an algorithm that cannot' explain --problem warm --algorithm popularity --user u8
says err 'popularity cannot say why'
says err 'itemknn neighbors=5, itemknn neighbors=10, ials can'
exits 2 'no such algorithm' explain --algorithm bpr --user u8
says err "there is no algorithm 'bpr' in the experiment; there are popularity, itemknn neighbors=5"
exits 2 'several problems' explain --algorithm 'itemknn neighbors=5' --user u8
says err 'the experiment has more than one problem; name one of them with --problem: warm, cold'
exits 2 'not on this problem' explain --algorithm ials --problem cold --user u8
says err "does not run 'ials' on 'cold'"
exits 2 'no user' explain --algorithm ials
exits 2 'no items' ten --user u8 --top 0
exits 2 'an unknown format' ten --user u8 --format xml
says err 'there are text, csv, tsv and json'

for f in results/models/*; do
    printf x >>"$f"
done
exits 1 'a damaged model' ten --user u8
says err 'its bytes are not those that were there'
rm -r results/models
exits 0 'a model that is gone is fitted' ten --user u8
says err 'is gone'

# The page.
cp -r "$HARNESS_SOURCE/experiments" experiments
chmod -R u+w experiments
sed -i 's/^\[algorithm\.\(direct\|adversarial\|pretrain\|maml\)\]/&\nepochs = 1/' experiments/*.ini
ln -s "$HARNESS" harness
PATH=$here:$PATH
awk '/^```/ { inside = !inside; next } inside && /^harness /' "$HARNESS_SOURCE/docs/models.md" >commands
ok 'the page has commands' test "$(wc -l <commands)" -ge 3
while read -r line; do
    exits 0 "$line" sh -c "$line"
done <commands
finish
