#!/bin/sh
# Bad experiments: one clear sentence with file and line, status 2, nothing written.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

base='[experiment]
name = x
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
sources = synth/books
split = leave_one_out
[algorithm.popularity]
'
# refuse TITLE SENTENCE: the experiment on standard input is refused with the sentence.
refuse() {
    cat >x.ini
    exits 2 "$1" "$HARNESS" run x.ini --store x.sqlite
    says err "$2"
    ok "$1: nothing written" test ! -e x.sqlite
    ok "$1: one sentence" test "$(grep -c . err)" = 1
}
refuse 'unknown section' "x.ini:1: there is no section [experimant]; did you mean [experiment]?" <<END
[experimant]
END
refuse 'no file for candidates' 'x.ini:5: [problem] candidates = file needs the key '"'candidates_file'" <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
split = leave_one_out
candidates = file
[algorithm.popularity]
END
refuse 'a candidates file that is not there' '[problem] candidates_file = no.txt: there is no such file in . or' <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
split = leave_one_out
candidates = sampled
candidates_file = no.txt
[algorithm.popularity]
END
refuse 'an item bridge that is not there' '[problem] item_bridge = no.tsv: there is no such file in . or' <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
sources = synth/books
split = leave_one_out
item_bridge = no.tsv
[algorithm.popularity]
END
refuse 'an item bridge to nowhere' '[problem] item_bridge = ids joins the items of a source to those of' <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
split = leave_one_out
item_bridge = ids
[algorithm.popularity]
END
refuse 'an unknown universe' "x.ini:6: [problem] candidates = tests is not allowed" <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
split = leave_one_out
candidates = tests
[algorithm.popularity]
END
refuse 'a placebo of users without a source' "x.ini:5: [problem] placebo = users shuffles which source user is" <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
split = leave_one_out
placebo = users
[algorithm.popularity]
END
refuse 'unknown key' "x.ini:3: [experiment] has no key 'sed'; did you mean 'seed'?" <<END
[experiment]
name = x
sed = 3
END
refuse 'bad value' "x.ini:2: [experiment] seed = -3 is not allowed: expected integer 0 to 9007199254740992" <<END
[experiment]
seed = -3
END
refuse 'unknown algorithm' "there is no algorithm 'popularty'; did you mean 'popularity'?" <<END
$base
[algorithm.popularty]
END
refuse 'unknown parameter' "x.ini:11: [algorithm.itemknn] has no key 'neighbours'; did you mean 'neighbors'?" <<END
$base[algorithm.itemknn]
neighbours = 3
END
refuse 'parameter out of range' "[algorithm.itemknn] neighbors = 0 is not allowed: expected integer 1 to" <<END
$base[algorithm.itemknn]
neighbors = 0
END
refuse 'empty part of a sweep' "[algorithm.itemknn] neighbors = 1 | has an empty part between '|'" <<END
$base[algorithm.itemknn]
neighbors = 1 |
END
refuse 'unknown metric' "did you mean 'ndcg'?" <<END
$base[evaluate]
metrics = auc, ndgc
END
refuse 'bad cut-off' "[evaluate] cutoffs: cut-off '0' is not allowed: expected integers from 1, such as 5, 10, 20" <<END
$base[evaluate]
cutoffs = 0
END
refuse 'unknown split' "there is no split 'leave_one_outt'; did you mean 'leave_one_out'?" <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
split = leave_one_outt
[algorithm.popularity]
END
refuse 'no problem' "x.ini: no [problem]: say what is asked with target = ... and split = ..." <<END
[algorithm.popularity]
END
refuse 'no algorithm' "x.ini: no [algorithm.NAME]; see \`harness list algorithms\`" <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
split = leave_one_out
END
refuse 'no target' "x.ini:1: [problem] needs the key 'target'" <<END
[problem]
split = leave_one_out
END
refuse 'unknown dataset' "there is no [dataset.snyth] here; did you mean 'synth'?" <<END
[dataset.synth]
use = synthetic
[problem]
target = snyth/movies
split = leave_one_out
[algorithm.popularity]
END
refuse 'unknown domain' "name one domain of dataset 'synth': synth/movies, synth/books" <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/films
split = leave_one_out
[algorithm.popularity]
END
refuse 'a domain twice' "names the domain synth/movies twice; target and sources must differ" <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
sources = synth/books, synth/movies
split = leave_one_out
[algorithm.popularity]
END
refuse 'an algorithm that needs sources' \
    "[algorithm.adversarial] needs source domains, and problem 'problem' has none" <<END
[dataset.synth]
use = synthetic
[problem]
target = synth/movies
split = leave_one_out
[algorithm.adversarial]
END
refuse 'a key twice' "x.ini:3: key 'seed' is there already, at line 2" <<END
[experiment]
seed = 1
seed = 2
END
refuse 'a problem that is not there' "problems = cold: there is no [problem.cold]" <<END
$base[algorithm.itemknn]
problems = cold
END
refuse 'a plot of what is not measured' "[plot.a] y = recall@10 is not among the metrics of [evaluate]" <<END
$base[evaluate]
metrics = auc
[plot.a]
y = recall@10
END
refuse 'a diagram of mean ranks with an axis' '[plot.a] x: kind = cd has none' <<END
$base[evaluate]
metrics = auc
[plot.a]
kind = cd
x = k
END
: >x.ini
exits 2 'an empty file' "$HARNESS" run x.ini
head -c 3000 /dev/urandom >x.ini
exits 2 'noise' "$HARNESS" run x.ini
exits 3 'a file that is not there' "$HARNESS" run missing.ini
says err "cannot open 'missing.ini': No such file or directory"
exits 3 'a folder' "$HARNESS" run .
exits 2 'a command that is not there' "$HARNESS" rnu x.ini
says err "there is no command 'rnu'; did you mean 'run'?"
exits 2 'an option that is not there' "$HARNESS" run x.ini --thread 2
says err "run has no option '--thread'; did you mean '--threads'?"
exits 2 'a thread count that is none' "$HARNESS" run x.ini --threads none
exits 2 'no file' "$HARNESS" run
exits 2 'no command' "$HARNESS"
for command in run check list describe table plot; do
    exits 0 "$command --help" "$HARNESS" $command --help
    says out "usage: harness $command"
done
exits 2 '--set without a section' "$HARNESS" check x.ini --set seed=3
exits 2 'describe what is not there' "$HARNESS" describe itemnkn
says err "did you mean 'itemknn'?"
exits 0 'describe' "$HARNESS" describe itemknn
says out 'neighbors'
exits 0 'describe an algorithm with epochs' "$HARNESS" describe maml
says out 'validate_every = 1    (integer 1 to 100000)'
exits 0 'describe the options of datasets' "$HARNESS" describe dataset
says out 'core_users'
for kind in algorithms datasets metrics splits; do
    exits 0 "list $kind" "$HARNESS" list $kind
    ok "list $kind has lines" test "$(grep -c . out)" -ge 4
done
exits 3 'table without a store' "$HARNESS" table x
finish
