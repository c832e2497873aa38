#!/bin/sh
# README.md: its examples are used as printed.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"
page=$HARNESS_SOURCE/README.md
# block N: the N-th ini block
block() { awk -v want="$1" '/^```ini$/ { n++; on = n == want; next } /^```$/ { on = 0 } on' "$page"; }
mkdir mine
block 1 >mine/shop.ini
block 2 >shop_experiment.ini
{
    echo customer,article,when
    for u in 1 2 3 4 5 6 7 8; do
        for i in 1 2 3 4 5 6; do
            [ $(((u * i) % 4)) = 0 ] || echo "c$u,a$i,2024-0$(((u + i) % 9 + 1))-1$i"
        done
    done
} | gzip >orders.csv.gz
exits 0 'own data, as the page says' "$HARNESS" run shop_experiment.ini
says out 'itemknn neighbors=100'
ok 'the store is where the page says' test -s results/harness.sqlite

# The commands under "What you can do".
cp -r "$HARNESS_SOURCE/experiments" experiments
chmod -R u+w experiments
# The whole experiment is the job of experiments.sh: here two epochs do.
sed -i 's/^\[algorithm\.\(direct\|adversarial\|pretrain\|maml\)\]/&\nepochs = 2/' experiments/*.ini
ln -s "$HARNESS" harness
awk '/^## What you can do/ { part = 1 } /^## Experiments/ { part = 0 } part && /^\.\/harness/' "$page" |
    sed 's/ *#.*//' >commands
ok 'the page has commands' test "$(grep -c . commands)" -ge 7
while read -r line; do
    case $line in
    *ml100k*) [ -f "${HARNESS_DATA:-}/ml-100k/u.data" ] || { skip "$line" 'needs ml-100k'; continue; } ;;
    *--terminal*) command -v gnuplot >/dev/null || { skip "$line" 'no gnuplot'; continue; } ;;
    esac
    exits 0 "$line" sh -c "$line"
done <commands
for f in $(grep -o '^| `[a-z_]*\.ini' "$page" | tr -d '|` '); do
    if lacks_data "experiments/$f"; then
        skip "the page names $f" 'HARNESS_DATA is not set'
    else
        exits 0 "the page names $f" ./harness check "experiments/$f"
    fi
done
finish
