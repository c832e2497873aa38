#!/bin/sh
# The experiments on pairs of Amazon domains: their plans are whole, and each problem is built and answered.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

experiments=$HARNESS_SOURCE/experiments
for file in "$experiments"/*/*.ini; do
    if lacks_data "$file"; then
        skip "check ${file#"$experiments"/}" 'HARNESS_DATA is not set'
    else
        exits 0 "check ${file#"$experiments"/}" "$HARNESS" check "$file"
    fi
done

plan() { # plan FILE PROBLEMS RUNS
    exits 0 "the plan of $1.ini" "$HARNESS" check "$experiments/$1.ini"
    says out "$2 problems, $3 runs"
}
plan amazon_pairs_cold 60 480 # 8 targets, 3 shares of cold users, 2 or 3 controls; 8 algorithms on each
plan amazon_pairs_known 18 198 # 8 targets, 1 to 3 controls; 11 algorithms
plan amazon_k_shot 60 660     # 2 targets, 3 shares, 5 numbers of shown items, with and without the link; 11 algorithms
plan amazon_movies_music 12 144 # 2 targets, new and known users, 3 controls; 12 algorithms

if [ -z "${HARNESS_DATA:-}" ]; then
    skip 'pairs of Amazon domains' 'HARNESS_DATA is not set'
    finish
fi
# tiny FILE RUNS ALGORITHMS [--set ...]: the file with these algorithms alone; all runs are done.
tiny() {
    name=$1 runs=$2 keep=$3
    shift 3
    awk -v keep=" $keep " '
        /^\[/ { name = substr($0, 12, length($0) - 12) # of [algorithm.NAME]
                out = /^\[plot\./ || (/^\[algorithm\./ && !index(keep, " " name " ")) }
        !out' "$experiments/$name.ini" >"$name.ini"
    exits 0 "$name.ini, small" "$HARNESS" run "$name.ini" --store "$name.sqlite" "$@"
    says err "$runs done, 0 found"
}
tiny amazon_pairs_cold 24 'popularity emcdr conet_apart' --set algorithm.emcdr.epochs=1 \
    --set algorithm.conet_apart.epochs=1 --set algorithm.emcdr.factors=4 --set algorithm.conet_apart.factors=4 \
    $(for p in cloth sport phone electronic game video beauty electronics; do
        echo "--set problem.$p.cold=0.2 --set problem.$p.placebo=none"
    done)
# A quarter of what is asked of cloth is listed in sport too. Its gain is made of that.
cat >doubles.ini <<'END'
[dataset.disencdr]
use = amazon-disencdr-sport-cloth
core_items = 5
[problem.cloth]
target = disencdr/cloth
sources = disencdr/sport
split = overlap
cold = 0.2
placebo = none | doubles
[evaluate]
metrics = ndcg
[algorithm.popularity]
[algorithm.cmf]
factors = 8
reg = 0.003
unobserved = 0.01
epochs = 5
twin = popularity
END
exits 0 'with and without doubles' "$HARNESS" run doubles.ini --store doubles.sqlite
says out 'gain, doubles dropped'
ok 'the gain is above 0.02 with them, and below 0.005 without' awk '
    $1 == "cmf" && !n++ { exit !(seen = substr($3, 2) > 0.02 && $6 < 0.005) } END { exit !seen }' out
tiny amazon_pairs_known 16 'popularity cmf' --set algorithm.cmf.epochs=1 --set algorithm.cmf.factors=4 \
    --set algorithm.cmf.twin=popularity \
    $(for p in cloth sport phone electronic beauty electronics; do echo "--set problem.$p.placebo=none"; done)
tiny amazon_k_shot 16 'popularity ials cmf bitgcf_apart' --set algorithm.ials.epochs=1 --set algorithm.cmf.epochs=1 \
    --set algorithm.bitgcf_apart.epochs=1 \
    $(for p in movies books; do
        echo "--set problem.$p.cold=0.5 --set problem.$p.placebo=none --set problem.$p.k=0|10"
    done)
tiny amazon_movies_music 24 'popularity content'
finish
