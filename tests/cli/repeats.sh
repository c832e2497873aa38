# repeats and init_repeats: what is drawn again, and what stays. Adding a metric measures the same models.
. "$(dirname "$0")/tap.sh"

cat >r.ini <<'EOF'
[experiment]
name = r
repeats = 2
init_repeats = 3
[dataset.generated]
use = synthetic
users = 100
[problem]
target = generated/movies
split = random_ratio
[evaluate]
metrics = ndcg
cutoffs = 10
[algorithm.popularity]
[algorithm.ials]
factors = 4
epochs = 2
EOF
exits 0 'two splits, three initialisations' "$HARNESS" run r.ini --store r.sqlite
sql() { sqlite3 r.sqlite "$1"; }
ok 'what draws is fitted six times' \
    test "$(sql "select count(*), count(distinct seed) from run where label = 'ials'")" = '6|6'
ok 'what does not draw is fitted once a split' \
    test "$(sql "select group_concat(seed) from run where label = 'popularity'")" = 42,43
ok 'initialisations differ on one split' \
    test "$(sql "select count(distinct m.value) from run r join metric m on m.run = r.id
        where r.algorithm = 'ials' and r.seed % 4294967296 = 42")" = 3
sql "select r.label, r.seed, m.value from run r join metric m on m.run = r.id order by 1, 2" >before
exits 0 'one metric more' "$HARNESS" run r.ini --store s.sqlite --set evaluate.metrics=ndcg,recall
sqlite3 s.sqlite "select r.label, r.seed, m.value from run r join metric m on m.run = r.id
    where m.id = 'ndcg@10' order by 1, 2" >after
ok 'the models are the same' cmp before after
"$HARNESS" run r.ini --store r.sqlite >out 2>err </dev/null
says err '0 done, 8 found'
exits 2 'none is refused' "$HARNESS" check r.ini --set experiment.init_repeats=0
says err 'init_repeats = 0'
finish
