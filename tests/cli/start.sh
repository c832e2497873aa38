#!/bin/sh
# init_from: training that goes on from a saved model.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >x.ini <<'END'
[experiment]
name = x
[dataset.synth]
use = synthetic
users = 60
items = 40
rows = 900
[problem]
target = synth/movies
split = leave_one_out
order = random
[evaluate]
metrics = ndcg@5, auc
[algorithm.ials]
epochs = 2
[algorithm.bpr]
epochs = 2
[algorithm.direct]
epochs = 2
[algorithm.maml]
epochs = 2
[algorithm.ease]
END
run() { "$HARNESS" run x.ini --cache none "$@"; }
model_of() { sqlite3 "$1" "select identity from run join model on run = id where algorithm = '$2'"; }
value() { sqlite3 "$1" "select printf('%.17g', value) from metric m join run r on r.id = m.run where r.algorithm = '$2'
    and m.id = 'auc' and r.identity <> '$3'"; }
command -v sqlite3 >/dev/null || {
    skip 'starting from a model' 'no sqlite3'
    finish
}

exits 0 'models to start from' run --store a.sqlite --save-models --quiet
for a in ials bpr direct maml; do
    id=$(model_of a.sqlite $a)
    cp a.sqlite b.sqlite
    exits 0 "$a without an epoch" run --store b.sqlite --set algorithm.$a.init_from="$id" --set algorithm.$a.epochs=0
    says err '1 done, 4 found'
    # maml draws numbers when it scores, by the name of the run
    [ $a = maml ] || ok "$a is the model" test "$(value b.sqlite $a "$id")" = "$(value a.sqlite $a none)"
    cp a.sqlite c.sqlite
    exits 0 "$a by digits" run --store c.sqlite --set algorithm.$a.init_from="$(echo "$id" | cut -c 1-8)"
    cp a.sqlite d.sqlite
    exits 0 "$a by file" run --store d.sqlite --set algorithm.$a.init_from="models/$id.model"
    ok "$a is trained on" test "$(value c.sqlite $a "$id")" != "$(value a.sqlite $a none)"
    ok "$a: one model, one run" test "$(value c.sqlite $a "$id")" = "$(value d.sqlite $a "$id")"
    exits 0 "$a again" run --store d.sqlite --set algorithm.$a.init_from="models/$id.model"
    says err '0 done, 5 found'
done

id=$(model_of a.sqlite ials)
exits 2 'no such model' run --store a.sqlite --set algorithm.ials.init_from=none.model
says err '[algorithm.ials] init_from = none.model: there is no such file; expected'
exits 2 'no such run' run --store a.sqlite --set algorithm.ials.init_from=0123456789
says err "0 runs in store 'a.sqlite' have an identity that begins so"
exits 2 'an algorithm without epochs' run --store a.sqlite --set algorithm.ease.init_from="$id"
says err 'ease cannot start from a model: it learns all at once'
exits 1 'a model of another algorithm' run --store a.sqlite --set algorithm.bpr.init_from="$id"
says err "the saved model is of another algorithm than 'bpr'"
exits 1 'of another shape' run --store a.sqlite --set algorithm.ials.init_from="$id" --set algorithm.ials.factors=8
says err "field 'ials users' has 60 elements of 256 bytes in the saved model, not 60 of"
exits 1 'of other users' run --store a.sqlite --set algorithm.ials.init_from="$id" --set dataset.synth.users=61
says err "the saved model is of other users, and what 'ials' learns belongs to them"
direct=$(model_of a.sqlite direct)
exits 0 'the network starts with other users and items, where the features are the same' run --store a.sqlite \
    --set algorithm.direct.init_from="$direct" --set dataset.synth.users=80
exits 1 'and not where they are others' run --store a.sqlite --set algorithm.direct.init_from="$direct" \
    --set dataset.synth.seed=2
says err 'the saved model is of other feature columns'
printf x >>"models/$id.model"
exits 1 'a damaged model' run --store a.sqlite --set algorithm.ials.init_from="models/$id.model"
says err 'the saved model is damaged'
rm "models/$id.model"
exits 2 'a model that is gone' run --store a.sqlite --set algorithm.ials.init_from="$id"
says err 'is gone'
finish
