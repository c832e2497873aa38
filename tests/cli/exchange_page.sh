#!/bin/sh
# docs/exchange.md: its commands are run as printed, in their order.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"
page=$HARNESS_SOURCE/docs/exchange.md
cp -r "$HARNESS_SOURCE/experiments" experiments
chmod -R u+w experiments
# The whole experiment is the job of experiments.sh: here one epoch does.
sed -i 's/^\[algorithm\.\(direct\|adversarial\|pretrain\|maml\)\]/&\nepochs = 1/' experiments/*.ini
ln -s "$HARNESS" harness
PATH=$here:$PATH
awk '/^```/ { inside = !inside; next } inside && /^harness /' "$page" >commands
ok 'the page has commands' test "$(wc -l <commands)" = 8
while read -r line; do
    exits 0 "$line" sh -c "$line"
    cp out "out.$number"
done <commands
ok 'evaluate adds the metrics of the page' grep -q 'map@20/div=rel' out.3
ok 'the files of the page are there' sh -c 'for f in $(sed -n "s/^| .\(warm\.[a-z.]*\). |.*/\1/p" "$1" | grep -v cand)
    do test -s exported/$f || exit 1; done' - "$page"
ok 'the columns of the page' grep -qx 'experiment,problem,algorithm,user,metric,value' users.csv
ok 'the imported run is in the table' grep -q '^theirs ' out.6
value_of() { awk -v a="$1" '/^warm/ { on = 1 } on && $1 == a { sub(/\*/, "", $2); print $2; exit }' out.6; }
ok 'with the value of the exported one' test "$(value_of theirs)" = "$(value_of popularity)"
ok 'values of trec_eval' test -s values.csv
finish
