#!/bin/sh
# experiments/lessons: each runs in seconds and shows what its text says.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

# cell FILE PROBLEM ALGORITHM COLUMN: a cell of a csv table; empty when there is none.
cell() {
    awk -F, -v problem="$2" -v algorithm="$3" -v column="$4" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["problem"] == problem && $at["label"] == algorithm && $at["status"] == "done" { print $at[column] }' "$1"
}
# holds EXPRESSION VALUE...: the expression over v[1], v[2], ... is true, and all are numbers.
holds() {
    expression=$1
    shift
    awk "BEGIN { for (i = 1; i < ARGC; i++) if (ARGV[i] !~ /^-?[0-9.]+(e-?[0-9]+)?\$/) exit 1
        for (i = 1; i < ARGC; i++) v[i] = ARGV[i]; exit !($expression) }" "$@"
}
lesson() {
    exits 0 "$1.ini" "$HARNESS" run "$HARNESS_SOURCE/experiments/lessons/$1.ini" --store "$1.sqlite" --quiet
    cp out "$1.txt"
    "$HARNESS" table "$1" --store "$1.sqlite" --format csv >"$1.csv"
}

lesson sampled_metrics
says sampled_metrics.txt 'SAMPLED: values with candidates=sampled rank the held-out items against 10 drawn'
recall() { # recall SUFFIX NEGATIVES CONDITION: of itemknn5 (v[1]) and popularity (v[2])
    holds "$3" "$(cell sampled_metrics.csv "hidden negatives=$2" itemknn5 "recall@10$1")" \
        "$(cell sampled_metrics.csv "hidden negatives=$2" popularity "recall@10$1")"
}
for n in 10 25 50 100 200 400; do
    ok "full ranking, beside $n negatives: itemknn5 is better by a fifth" recall '' $n 'v[1] > 1.2 * v[2]'
done
for n in 10 25 50; do
    ok "$n sampled negatives: the order is turned round" recall /candidates=sampled $n 'v[1] < 0.98 * v[2]'
done
ok '400 sampled negatives: it is back' recall /candidates=sampled 400 'v[1] > 1.1 * v[2]'
for n in 10 25 50 100 200 400; do
    ok "corrected from $n: itemknn5 is better" recall /candidates=corrected $n 'v[1] > 1.1 * v[2]'
done
for n in 100 200 400; do
    ok "corrected from $n: near the full value" holds 'v[1] < 1.06 * v[2] && v[1] > 0.94 * v[2]' \
        "$(cell sampled_metrics.csv "hidden negatives=$n" itemknn5 recall@10/candidates=corrected)" \
        "$(cell sampled_metrics.csv "hidden negatives=$n" itemknn5 recall@10)"
done
ok 'auc is left alone by sampling' holds 'v[1] < v[2] + 0.005 && v[1] > v[2] - 0.005' \
    "$(cell sampled_metrics.csv 'hidden negatives=25' itemknn5 auc/candidates=sampled)" \
    "$(cell sampled_metrics.csv 'hidden negatives=25' itemknn5 auc)"
exits 0 'its pictures' "$HARNESS" plot sampled_metrics --store sampled_metrics.sqlite --script
says out 'recall@10/candidates=corrected'
exits 0 'the picture of sampled values' "$HARNESS" plot sampled_metrics --store sampled_metrics.sqlite --plot sampled \
    --script
says out 'SAMPLED: does not keep the order'
exits 0 'its comparison' "$HARNESS" compare sampled_metrics --store sampled_metrics.sqlite \
    --metric recall@10/candidates=sampled
says out 'SAMPLED: values with candidates=sampled'
for format in md latex json csv; do
    "$HARNESS" table sampled_metrics --store sampled_metrics.sqlite --format $format >table.$format
    says table.$format SAMPLED
done

exits 0 'the plan of sampled_metrics' "$HARNESS" check "$HARNESS_SOURCE/experiments/lessons/sampled_metrics.ini"
says out ', candidates sampled, negatives 10, negatives_by uniform, correction 0.1 (3 folds or repeats)'

lesson placebo
says placebo.txt 'PLACEBO: the link between the users of target and sources is shuffled'
says placebo.txt 'PLACEBO: the features of the items are shuffled'
# gain METHOD CONDITION: gains over direct without placebo (v[1]), with users (v[2]) and features (v[3]) shuffled.
gain() {
    set -- "$1" "$2" none users features
    values=
    for placebo in $3 $4 $5; do
        values="$values $(awk -v a="$(cell placebo.csv "cold placebo=$placebo" "$1" ndcg@10)" \
            -v b="$(cell placebo.csv "cold placebo=$placebo" direct ndcg@10)" 'BEGIN { printf "%.6f", a - b }')"
    done
    # shellcheck disable=SC2086 # three words
    holds "$2" $values
}
for method in pretrain adversarial; do
    ok "$method gains" gain "$method" 'v[1] > 0.15'
    ok "$method: no gain without the link" gain "$method" 'v[2] < 0.01'
    ok "$method: features alone are not the gain" gain "$method" 'v[3] > 0.5 * v[1] && v[3] < 0.9 * v[1]'
done
ok 'popularity does not know of placebos' holds 'v[1] == v[2] && v[1] == v[3]' \
    "$(cell placebo.csv 'cold placebo=none' popularity ndcg@10)" \
    "$(cell placebo.csv 'cold placebo=users' popularity ndcg@10)" \
    "$(cell placebo.csv 'cold placebo=features' popularity ndcg@10)"

lesson leak
ndcg() { cell leak.csv "$1" "$2" ndcg@10; }
ok 'random split: userknn leads by half' holds 'v[1] > 1.5 * v[2]' "$(ndcg random userknn)" "$(ndcg random popularity)"
ok 'cut in time: by a fifth at most' holds 'v[1] < 1.2 * v[2]' "$(ndcg time userknn)" "$(ndcg time popularity)"
ok 'the mirror doubles the gain' holds 'v[1] - v[2] > 2 * (v[3] - v[4])' "$(ndcg mirror pretrain)" \
    "$(ndcg mirror direct)" "$(ndcg books pretrain)" "$(ndcg books direct)"
ok 'and the table says why' \
    grep -q '^LEAKAGE.* whose item the same user has in a source, by id, title or users (100' leak.txt
sed -n '/^time$/,/^books$/p' leak.txt >time.txt
ok 'a cut in time has no leakage line' test "$(grep -c LEAKAGE time.txt)" = 0

# On real data, with fewer runs than the lesson has.
if [ -n "${HARNESS_DATA:-}" ]; then
    sed 's/^repeats = .*/repeats = 2/; s/^epochs = .*/epochs = 4 | 10/' \
        "$HARNESS_SOURCE/experiments/lessons/cold_ratings.ini" >cold_ratings.ini
    exits 0 cold_ratings.ini "$HARNESS" run cold_ratings.ini --store cold_ratings.sqlite --quiet
    "$HARNESS" table cold_ratings --store cold_ratings.sqlite --format csv >cold_ratings.csv
    mae() { cell cold_ratings.csv 'cold' "$1" mae; }
    ok 'as published a personal map beats the one of all' holds 'v[1] < 0.85 * v[2]' "$(mae 'ptupcdr epochs=10')" \
        "$(mae emcdr)"
    ok 'and the mean of the movie beats both by far' holds 'v[1] < 0.6 * v[2]' "$(mae mean)" \
        "$(mae 'ptupcdr epochs=10')"
    for map in linear mlp personal; do
        ok "with offsets $map comes near the mean and does not pass it" holds 'v[1] >= v[2] && v[1] < 1.1 * v[2]' \
            "$(mae "with_offsets map=$map")" "$(mae mean)"
    done
else
    skip cold_ratings.ini 'HARNESS_DATA names no folder with real data'
fi

# Two draws of ten.
if [ -n "${HARNESS_DATA:-}" ]; then
    for name in metarec_ml100k metarec_ml100k_click; do
        exits 0 "$name.ini" "$HARNESS" run "$HARNESS_SOURCE/experiments/lessons/$name.ini" --store $name.sqlite \
            --quiet --set experiment.repeats=2
        "$HARNESS" table $name --store $name.sqlite --format csv >$name.csv
        ok 'all rows are there' test "$(cut -d , -f 11 $name.csv | grep -c done)" = \
            "$(grep -c '^\[algorithm' "$HARNESS_SOURCE/experiments/lessons/$name.ini")"
    done
    of() { cell "$1.csv" new_users "$2" "$3"; }
    random=$(of metarec_ml100k random precision@5)
    ok 'five of ten are right: precision is recall, by chance a half' holds \
        'v[1] == v[2] && v[1] > 0.45 && v[1] < 0.55' "$random" "$(of metarec_ml100k random recall@5)"
    ok 'the MeLU of the table is no further from chance than 58 users are' holds '0.5345 - v[1] < 0.06' "$random"
    ok 'clicks: LWA and NLBA are no better than chance' holds 'v[1] > 0.53 && v[2] > 0.57 && v[3] > 0.66' \
        "$(of metarec_ml100k_click random precision@5)" "$(of metarec_ml100k_click random ndcg@5)" \
        "$(of metarec_ml100k_click random mrr@5)"
    for name in metarec_ml100k metarec_ml100k_click; do
        ok "$name: the mean of the film is better than chance" holds 'v[1] > v[2] + 0.05' \
            "$(of $name mean precision@5)" "$(of $name random precision@5)"
        ok "$name: and as good as melu" holds 'v[1] > v[2] - 0.02' "$(of $name mean ndcg@5)" "$(of $name melu ndcg@5)"
    done
else
    skip 'the lessons of MetaRec' 'HARNESS_DATA names no folder with real data'
fi
finish
