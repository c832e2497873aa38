#!/bin/sh
# Items that nobody has rated are ranked by their features; features of other items do not help.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >new.ini <<'INI'
[experiment]
name = new
seed = 1
[dataset.synth]
use = synthetic
[problem.items]
target = synth/movies
split = cold_items
candidates = test
placebo = none | features
[evaluate]
metrics = auc
[algorithm.popularity]
[algorithm.ials]
factors = 16
[algorithm.attribute_map]
factors = 16
[algorithm.feature_ridge]
reg = 3
[algorithm.wrong]
use = feature_ridge
blocks = colour
INI
exits 1 'one run is refused, the others go on' "$HARNESS" run new.ini --store s.sqlite
says err "has no item features 'colour'; it has:"
"$HARNESS" table new --store s.sqlite --format csv >table.csv 2>err
# between LOW HIGH PLACEBO ALGORITHM: its AUC lies there
between() {
    awk -F, -v problem="items placebo=$3" -v label="$4" -v low="$1" -v high="$2" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["problem"] == problem && $at["label"] == label { auc = $at["auc"]; found = 1 }
        END { print auc; exit !(found && auc >= low && auc <= high) }' table.csv
}
for algorithm in popularity ials; do
    ok "$algorithm cannot tell new items apart" between 0.5 0.5 none $algorithm
done
for algorithm in attribute_map feature_ridge; do
    ok "$algorithm can" between 0.7 0.9 none $algorithm
    ok "$algorithm cannot with the features of other items" between 0.45 0.55 features $algorithm
done
finish
