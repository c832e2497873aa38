#!/bin/sh
# Every key of every split stands in docs/ini-format.md; several sources, both directions, known and train_core through
# harness run; on real data, the protocols of RecBole and MyMediaLite and what they publish.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

documented() {
    "$HARNESS" list splits >splits && [ "$(wc -l <splits)" -ge 14 ] || return 1
    while read -r split rest; do
        "$HARNESS" describe "$split" | sed -n 's/^  \([a-z_]*\) = .*/\1/p' >keys
        [ -s keys ] || { echo "no keys of $split"; return 1; }
        while read -r key; do
            grep -qF "| \`$split\` | \`$key\` |" "$HARNESS_SOURCE/docs/ini-format.md" ||
                { echo "$split $key"; return 1; }
        done <keys
    done <splits
}
ok 'docs/ini-format.md has every key of every split' documented

cell() { # cell FILE ALGORITHM COLUMN
    awk -F, -v algorithm="$2" -v column="$3" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["label"] == algorithm && $at["status"] == "done" { print $at[column]; exit }' "$1"
}
near() { # near VALUE WANT WITHIN
    awk -v v="$1" -v w="$2" -v e="$3" 'BEGIN { d = v - w; if (d < 0) d = -d; exit !(v != "" && d <= e) }' ||
        { echo "'$1' is not $2 within $3"; false; }
}

# ---- generated data: several sources, both directions, a sweep of what is known
shop='[dataset.shop]
use = synthetic
users = 80
items = 60
rows = 12
overlap = 0.4
'
cat >x.ini <<END
[experiment]
name = x
$shop
[problem.there]
target = shop/movies
sources = shop/books
split = overlap
cold = 0.2 | 0.5 | 0.8
[problem.back]
target = shop/books
sources = shop/movies
split = random_ratio
known = 0 | 0.5 | 1
[problem.core]
target = shop/movies
split = random_ratio
train_core = 4
[algorithm.popularity]
END
exits 0 'overlap, known and train_core run in both directions' "$HARNESS" run x.ini --store x.sqlite --quiet
"$HARNESS" table x --store x.sqlite --format json >x.json
says x.json 'train_core = 4: not trained on'
says x.json 'known = 0.5: links forgotten'
same_queries() {
    sed -n '/"label": "back/,/test_queries/s/.*"test_queries": \([0-9]*\).*/\1/p' x.json >counts
    [ "$(wc -l <counts)" = 3 ] && [ "$(sort -u counts | wc -l)" = 1 ]
}
ok 'the same queries are asked whatever is known' same_queries
cat >two.ini <<END
[experiment]
name = two
$shop
[dataset.mall]
use = synthetic
users = 80
items = 60
rows = 12
overlap = 0.4
[problem.p]
target = shop/movies
sources = shop/books, mall/books
split = overlap
[algorithm.popularity]
END
exits 0 'two sources' "$HARNESS" run two.ini --store x.sqlite --quiet

exits 2 'known without sources' "$HARNESS" check x.ini --set problem.core.known=0.5
says err 'known = 0.5 forgets links to a source, and there is no source'
exits 2 'a split that is not there' "$HARNESS" check x.ini --set problem.core.split=leave_k_ot
says err "did you mean 'leave_k_out'?"

# ---- real data
if [ -z "${HARNESS_DATA:-}" ] || [ ! -d "$HARNESS_DATA/ml-1m" ]; then
    skip 'RecBole on MovieLens 1M, MyMediaLite on MovieLens 100K' 'HARNESS_DATA is not set'
    finish
fi
# RecBole's page: 834,449 interactions; it counts a padding user and item: 6,034 and 3,124. The table of its split on
# data with two films merged has 834,464 and 3,124. Popularity by an independent program on that data: recall 0.0800,
# nDCG 0.1199, hit 0.4870, precision 0.0938; the standard error over users and splits is below 0.003 (hit: 0.008).
cat >recbole.ini <<'END'
[experiment]
name = recbole
[dataset.ml-1m]
rating_min = 3
core_users = 10
core_items = 10
[problem.p]
target = ml-1m
split = random_ratio
test = 0.1
validation = 0.1
rounding = recbole
[evaluate]
metrics = ndcg, recall, hit, precision
[algorithm.popularity]
END
exits 0 'RecBole, MovieLens 1M' "$HARNESS" run recbole.ini --store r.sqlite --quiet
"$HARNESS" table recbole --store r.sqlite --format json >r.json
"$HARNESS" table recbole --store r.sqlite --format csv >r.csv
# 834,449 rows: 80,695 asked, as many validate, 673,059 train
says r.json '"users": 6033, "items": 3123, "train_rows": 673059, "source_rows": 0, "test_rows": 80695'
ok 'popularity: recall' near "$(cell r.csv popularity recall@10)" 0.0800 0.004
ok 'popularity: nDCG' near "$(cell r.csv popularity ndcg@10)" 0.1199 0.004
ok 'popularity: hit' near "$(cell r.csv popularity hit@10)" 0.4870 0.016
ok 'popularity: precision' near "$(cell r.csv popularity precision@10)" 0.0938 0.003

# MeLU's four scenarios. Counted by a program of its own from the authors' files and the ratings: tasks of 13 to 100
# rows, 2,653 warm ones with 121,811 rows, 668, 2,863 and 723 cold ones; 10 rows of each are asked, so that 121,811 -
# 26,530 = 95,281 train.
cat >melu.ini <<'END'
[experiment]
name = melu
[problem.p]
target = ml-1m-melu
split = scenarios
scenario = warm | cold_users | cold_items | cold_both
users_by = given
items_by = given
rows_min = 13
rows_max = 100
asked = 10
support = random
validation = 0
candidates = held_out
[evaluate]
metrics = mae, ndcg@1/gain=exp, ndcg@3/gain=exp
[algorithm.popularity]
[algorithm.mean]
END
exits 0 'the four scenarios of MeLU, MovieLens 1M' "$HARNESS" run melu.ini --store r.sqlite --quiet
"$HARNESS" table melu --store r.sqlite --format json >melu.json
for queries in 2653 668 2863 723; do
    says melu.json "\"train_rows\": 95281, \"source_rows\": 0, \"test_rows\": ${queries}0"
done
no_leak() {
    ! grep -q 'train rows of cold users' melu.json
}
ok 'users who train and have support rows of cold films are no leak' no_leak

# NCF's split, from the rows of its test file and its negatives: two rows of Ferrari Dacrema et al., table 55, in the
# intervals of experiments/papers/ncf_ml1m.ini, which has all that can be tried.
sed '/^\[algorithm\.p3alpha\]/,$d' "$HARNESS_SOURCE/experiments/papers/ncf_ml1m.ini" >ncf.ini
sed -n '/^\[published\]/,/^$/p; /^\[published.TopPopular\]/,/^$/p; /^\[published.ItemKNN/,/^$/p' \
    "$HARNESS_SOURCE/experiments/papers/ncf_ml1m.ini" >>ncf.ini
exits 0 'NCF, MovieLens 1M' "$HARNESS" reproduce ncf.ini --store r.sqlite --quiet
says out '10 of 10 cells hold: the table holds'
"$HARNESS" table ncf_ml1m --store r.sqlite --format json >ncf.json
says ncf.json '"users": 6040, "items": 3706, "train_rows": 994169, "source_rows": 0, "test_rows": 6040'

# Independent values over other folds of the same rule; the folds move them by about 0.002, the MRR by 0.008. Those of
# itemknn may differ by the intervals of experiments/papers/mymedialite_ml100k.ini times the root of 2: four standard
# deviations of the difference between two draws of the folds.
cat >mml.ini <<'END'
[experiment]
name = mml
[problem.p]
target = ml-100k
split = item_kfold
candidates = union
[evaluate]
metrics = auc, precision@5, precision@10, map@1682, ndcg@1682, mrr
[algorithm.popularity]
[algorithm.itemknn]
neighbors = 80
normalize = yes
[algorithm.userknn]
neighbors = 80
END
exits 0 'MyMediaLite, MovieLens 100K' "$HARNESS" run mml.ini --store r.sqlite --quiet
"$HARNESS" table mml --store r.sqlite --format csv >m.csv
while read -r algorithm metric want within; do
    ok "$algorithm: $metric" near "$(cell m.csv "$algorithm" "$metric")" "$want" "$within"
done <<'END'
popularity auc 0.86495 0.002
popularity precision@5 0.21321 0.003
popularity precision@10 0.19238 0.003
popularity map@1682 0.13575 0.002
popularity ndcg@1682 0.47817 0.003
popularity mrr 0.41973 0.010
itemknn auc 0.92911 0.0018
itemknn precision@5 0.31552 0.0082
itemknn precision@10 0.27866 0.0083
itemknn map@1682 0.22059 0.0058
itemknn ndcg@1682 0.56022 0.0059
itemknn mrr 0.51618 0.0212
userknn auc 0.92997 0.002
userknn precision@5 0.39838 0.004
userknn precision@10 0.33338 0.003
userknn map@1682 0.26673 0.003
userknn ndcg@1682 0.60845 0.004
userknn mrr 0.64483 0.010
END
finish
