#!/bin/sh
# The experiments run and say what is true: on generated data whose truth is a setting, and on real data.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

# cell FILE PROBLEM ALGORITHM COLUMN: a cell of a csv table; empty when there is none. No label has a comma in it here.
cell() {
    awk -F, -v problem="$2" -v algorithm="$3" -v column="$4" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["problem"] == problem && $at["label"] == algorithm && $at["status"] == "done" { print $at[column] }' "$1"
}
above() { # above FACTOR A B: A > FACTOR * B, and both are numbers
    awk -v factor="$1" -v a="$2" -v b="$3" 'BEGIN { exit !(a ~ /^[0-9.]+/ && b ~ /^[0-9.]+/ && a > factor * b) }'
}
beats() { # beats FACTOR FILE PROBLEM COLUMN BETTER WORSE
    in_time "$3, $4: $5 beats $6" above "$1" "$(cell "$2" "$3" "$5" "$4")" "$(cell "$2" "$3" "$6" "$4")"
}

# A file that a problem names is part of what the plan is identified by, so it must be there.
for file in "$HARNESS_SOURCE"/experiments/*.ini; do
    if lacks_data "$file"; then
        skip "check ${file##*/}" 'HARNESS_DATA is not set'
    else
        exits 0 "check ${file##*/}" "$HARNESS" check "$file"
    fi
done

exits 0 'cross_domain.ini' "$HARNESS" run "$(experiment "$HARNESS_SOURCE/experiments/cross_domain.ini")" \
    --store cross.sqlite --quiet
"$HARNESS" table cross_domain --store cross.sqlite --format csv >cross.csv
# The examples of docs/breakdown.md and docs/compare.md.
exits 0 'by overlap and history' "$HARNESS" breakdown cross_domain --store cross.sqlite --by overlap,history
says out 'in a source ('
exits 0 'by popularity' "$HARNESS" breakdown cross_domain --store cross.sqlite --by popularity --metric recall@20,mrr \
    --format md
says out 'recall@20 by popularity'
exits 0 'against twins' "$HARNESS" compare cross_domain --store cross.sqlite --pairs twin
says out 'ndcg@10 against direct'
for metric in ndcg@10 auc; do
    beats 1.2 cross.csv warm $metric popularity random
    beats 1.15 cross.csv warm $metric itemknn popularity
done
exits 0 'shared_users.ini' "$HARNESS" run "$(experiment "$HARNESS_SOURCE/experiments/shared_users.ini")" \
    --store shared.sqlite --quiet
"$HARNESS" table shared_users --store shared.sqlite --format csv >shared.csv
beats 1.5 shared.csv 'cold k=0' ndcg@10 bitgcf bitgcf_apart
beats 1.5 shared.csv 'cold k=0' ndcg@10 conet ials
beats 1.05 shared.csv 'cold k=5' ndcg@10 lightgcn bitgcf_apart
# New items: features are all there is, and what they mean can be learned on another domain, too.
exits 0 'new_items.ini' "$HARNESS" run "$HARNESS_SOURCE/experiments/new_items.ini" --store new.sqlite --quiet
"$HARNESS" table new_items --store new.sqlite --format csv >new.csv
beats 2 new.csv new ndcg@10 content ials
beats 2 new.csv new ndcg@10 attribute_map ials
beats 2 new.csv new ndcg@10 metaemb ials
beats 2 new.csv new ndcg@10 mwuf average
beats 1.05 new.csv new ndcg@10 pretrain direct
beats 1.05 new.csv new ndcg@10 coral direct
# Cold users, nothing seen: only what is known from the source tells one from another.
for method in 'adversarial objective=wasserstein' 'adversarial objective=gan' 'adversarial objective=dann' \
    'pretrain mode=finetune'; do
    beats 1.15 cross.csv 'cold k=0' ndcg@10 "$method" direct
done

# The truth is known. The tastes of a user in two domains are the same (sharing = 1) or independent (0), and without
# drift nothing else ties them: items have appeals of their own in each domain, and the time when a user is active,
# which is common to the domains, tells nothing about what is picked. So a gain over the twin is a must or a mistake.
cat >truth.ini <<'END'
[experiment]
name = truth
[dataset.generated]
use = synthetic
users = 300
items = 150
rows = 30
overlap = 1
drift = 0
sharing = 0 | 1
seed = 3 | 17 | 29
[problem.cold]
target = generated/movies
sources = generated/books
split = overlap
cold = 0.4
k = 0
[evaluate]
metrics = ndcg, auc
cutoffs = 10
[algorithm.direct]
[algorithm.adversarial]
objective = wasserstein | dann
[algorithm.pretrain]
END
# gains METRIC: a line 'problem|method|lower|upper' for each: the 99 % t interval of the mean difference over the users
# (120 of them: t = 2.618 for 119 degrees of freedom).
gains() {
    sqlite3 -separator '|' truth.sqlite "
        SELECT ep.label, er.label, sum(d), sum(d * d), count(*) FROM (
            SELECT b.run, b.value - a.value AS d
            FROM run ra JOIN user_value a ON a.run = ra.id AND a.metric = '$1'
            JOIN run rb ON rb.problem = ra.problem AND rb.id <> ra.id
            JOIN user_value b ON b.run = rb.id AND b.metric = '$1' AND b.position = a.position
            WHERE ra.algorithm = 'direct') g
        JOIN run r ON r.id = g.run JOIN experiment_run er ON er.run = r.id
        JOIN experiment_problem ep ON ep.problem = r.problem
        GROUP BY r.id ORDER BY r.id" | awk -F'|' '{
            mean = $3 / $5
            half = 2.618 * sqrt(($4 - $5 * mean * mean) / ($5 - 1) / $5)
            if ($5 == 120) printf "%s|%s|%.4f|%.4f\n", $1, $2, mean - half, mean + half
        }'
}
holds() { # holds SHARING CONDITION: for each of 3 seeds and 3 methods
    sed 's/^/interval: /' gains
    awk -F'|' -v sharing="sharing=$1 " \
        'index($1, sharing) { n++; if (!('"$2"')) bad = 1 } END { exit n != 9 || bad }' gains
}
exits 0 'an experiment whose truth is known' "$HARNESS" run "$(experiment truth.ini)" --store truth.sqlite --quiet
if command -v sqlite3 >/dev/null; then
    for metric in ndcg@10 auc; do
        gains $metric >gains
        in_time "$metric: same tastes, transfer gains" holds 1 '$3 > 0.05'
        in_time "$metric: unrelated tastes, transfer does not gain" holds 0 '$3 <= 0'
    done
else
    skip 'transfer gains where there is something to transfer, and there only' 'no sqlite3'
fi

if [ -z "${HARNESS_DATA:-}" ]; then
    skip 'experiments on real data' 'HARNESS_DATA is not set'
    finish
fi
exits 0 'movielens.ini' "$HARNESS" run "$(experiment "$HARNESS_SOURCE/experiments/movielens.ini")" \
    --store real.sqlite --quiet
"$HARNESS" table movielens --store real.sqlite --format csv >movielens.csv
for metric in ndcg@10 auc; do
    beats 1.2 movielens.csv last $metric popularity random
    for neighbors in 20 100; do
        beats 1.02 movielens.csv last $metric "itemknn neighbors=$neighbors" popularity
    done
done
one_epoch() {
    name=$1
    shift
    exits 0 "$name.ini, one epoch" "$HARNESS" run "$(experiment "$HARNESS_SOURCE/experiments/$name.ini")" \
        --store real.sqlite --quiet --set algorithm.direct.epochs=1 "$@"
}
one_epoch amazon_cross_domain --set algorithm.adversarial.epochs=1 --set algorithm.pretrain.epochs=1 \
    --set algorithm.pretrain.source_epochs=1 --set algorithm.maml.epochs=1 --set problem.cold.k=5 \
    --set algorithm.coral.epochs=1 --set algorithm.mmd.epochs=1 --set algorithm.ptupcdr.epochs=1
one_epoch movielens_to_amazon --set algorithm.adversarial.epochs=1 --set algorithm.pretrain.epochs=1 \
    --set algorithm.pretrain.source_epochs=1 --set problem.cold.k=5 --set algorithm.coral.epochs=1 \
    --set algorithm.mmd.epochs=1
one_epoch cold_start_maml --set algorithm.maml.epochs=1 --set problem.new_users.k=5 --set algorithm.anil.epochs=1 \
    --set algorithm.reptile.epochs=1 --set algorithm.meta_sgd.epochs=1 --set algorithm.maml_start.epochs=1 \
    --set algorithm.maml_blind.epochs=1 --set algorithm.maml_reading.epochs=1
finish
