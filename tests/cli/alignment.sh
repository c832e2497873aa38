#!/bin/sh
# Aligned features on generated data whose truth is a setting: they gain over the same network without alignment where
# the features of the domains are turned and there is something to transfer, and nowhere else.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"
. "${HARNESS_SOURCE:-.}/tests/cli/intervals.sh"

# Nobody links the domains in training (known = 0): what the books tell about a movie goes through features alone, and
# those of the two domains lie at an angle whose cosine is 0.3. The tastes of a user in both are the same (sharing = 1)
# or independent (0); the placebo gives each user the books of another one.
cat >turned.ini <<'END'
[experiment]
name = turned
[dataset.generated]
use = synthetic
users = 240
items = 200
rows = 30
overlap = 1
drift = 0
words = no
vectors = yes
turn = 0.7
sharing = 0 | 1
seed = 3 | 17 | 29 | 41 | 53 | 67
[problem.cold]
target = generated/movies
sources = generated/books
split = overlap
cold = 0.4
k = 0
known = 0
placebo = none | users
[evaluate]
metrics = ndcg, auc
cutoffs = 10
[algorithm.unaligned]
use = coral
domain_weight = 0
item_ids = no
source_history = 1
batch = 8
[algorithm.coral]
domain_weight = 300
pairs = 64
item_ids = no
source_history = 1
batch = 8
[algorithm.mmd]
domain_weight = 0.3
pairs = 64
item_ids = no
source_history = 1
batch = 8
[algorithm.adversarial]
domain_weight = 0.02
critic_pairs = 64
item_ids = no
source_history = 1
batch = 8
END
store=turned.sqlite reference=unaligned
holds() { # holds SHARING PLACEBO CONDITION: for each of 3 methods
    sed 's/^/interval: /' gains
    awk -F'|' -v sharing="sharing=$1 " -v placebo="placebo=$2" \
        'index($1, sharing) && index($1, placebo) { n++; if (!('"$3"')) bad = 1 } END { exit n != 3 || bad }' gains
}
exits 0 'domains turned against each other' "$HARNESS" run "$(experiment turned.ini)" --store turned.sqlite --quiet
if command -v sqlite3 >/dev/null; then
    for metric in ndcg@10 auc; do
        gains $metric >gains
        in_time "$metric: same tastes, alignment gains" holds 1 none '$4 > 0'
        in_time "$metric: the placebo removes the gain" holds 1 users '$4 <= 0'
        in_time "$metric: unrelated tastes, alignment does not gain" holds 0 none '$4 <= 0'
        in_time "$metric: nor under the placebo" holds 0 users '$4 <= 0'
    done
else
    skip 'alignment gains where there is something to align, and there only' 'no sqlite3'
fi

# Where the vectors of a domain are moved away by one vector, the components in which the domains' means meet (tca) gain
# over the same network on the vectors as they are, and over kernel principal components, their twin; but not with the
# books of a stranger. A turn moves more than means: there they do not gain over the vectors as they are.
sed -e 's/^name = .*/name = moved/' -e 's/^turn = .*/offset = 2/' -e 's/^sharing = .*/sharing = 1/' \
    -e 's/^seed = .*/seed = 3 | 17 | 29/' \
    -e '/^.algorithm.coral/,$d' turned.ini >moved.ini
cat >>moved.ini <<'END'
[algorithm.tca]
components = 16
item_ids = no
source_history = 1
batch = 8
[algorithm.twin]
use = tca
match = no
components = 16
item_ids = no
source_history = 1
batch = 8
END
tca_gains() { # tca_gains PROBLEM CONDITION: in the one line of tca whose problem has this in its name
    sed 's/^/interval: /' gains
    awk -F'|' -v problem="$1" 'index($1, problem) && $2 == "tca" { n++; if (!('"$2"')) bad = 1 }
        END { exit n != 1 || bad }' gains
}
exits 0 'a domain moved away' "$HARNESS" run "$(experiment moved.ini)" --store moved.sqlite --quiet
exits 0 'a domain turned away' "$HARNESS" run "$(experiment moved.ini)" --store away.sqlite --quiet \
    --set dataset.generated.offset=0 --set dataset.generated.turn=0.7 --set problem.cold.placebo=none
if command -v sqlite3 >/dev/null; then
    for metric in ndcg@10 auc; do
        for reference in unaligned twin; do
            gains $metric moved.sqlite $reference >gains
            in_time "$metric: means that meet gain over $reference" tca_gains placebo=none '$4 > 0'
            in_time "$metric: the placebo removes the gain over $reference" tca_gains placebo=users '$4 <= 0 && $5 >= 0'
        done
        gains $metric away.sqlite unaligned >gains
        in_time "$metric: nothing to mend by means in a turn" tca_gains cold '$4 <= 0 && $5 >= 0'
        gains $metric away.sqlite twin >gains
        in_time "$metric: nor does the twin gain over means that meet" tca_gains cold '$5 > 0'
    done
else
    skip 'transfer components gain where means lie apart, and there only' 'no sqlite3'
fi

# A corner of the sweep, one repeat, and its pictures.
exits 0 'shift_sweep.ini' "$HARNESS" run "$(experiment "$HARNESS_SOURCE/experiments/shift_sweep.ini")" \
    --store sweep.sqlite --quiet --set experiment.repeats=1 --set 'dataset.generated.turn=0 | 0.8' \
    --set 'problem.cold.known=0.05 | 1' \
    --set algorithm.mmd.epochs=3 --set algorithm.coral.epochs=3 --set algorithm.adversarial.epochs=3 \
    --set algorithm.dsn.epochs=3 --set algorithm.tca.epochs=3 --set algorithm.components.epochs=3
says out 'gain, users shuffled'
for plot in shift links; do
    exits 0 "the picture of $plot" "$HARNESS" plot shift_sweep --store sweep.sqlite --plot $plot --script
    for method in direct coral mmd adversarial dsn tca cmf emcdr; do
        says out $method
    done
done
finish
