#!/bin/sh
# harness evaluate on files: the values of trec_eval, the forms that are read, and one clear sentence for what is not.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"
oracle=$HARNESS_SOURCE/tests/oracle

# ---- the values of trec_eval, with its order of ties, to 1e-9; see tests/oracle/runfile.py
trec() {
    "$HARNESS" evaluate --run "$1" --qrels "$oracle/runfile.qrels" --ties trec_eval --ignore-ranks \
        --metrics "map@all,map/div=rel,ndcg@all/gain=linear,ndcg/gain=linear,mrr,precision,recall,hit,r_precision" \
        --cutoffs 1,5,10,100 --users "$2" --format csv
}
exits 0 'a run with ties and in no order' trec "$oracle/runfile.run" users.csv
same_values() { # every value that is expected is there and the same
    awk -F, 'NR == FNR { got[$1 "," $2] = $3; next }
        { n++; d = got[$1 "," $2] - $3; if (!(($1 "," $2) in got) || d > 1e-9 || d < -1e-9) { print; bad = 1 } }
        END { exit bad || n != 192 }' "$1" "$oracle/runfile.expected"
}
ok 'trec_eval says the same, query by query' same_values users.csv
exits 0 'the same with one thread' "$HARNESS" evaluate --run "$oracle/runfile.run" --qrels "$oracle/runfile.qrels" \
    --ignore-ranks --threads 1 --metrics ndcg@5 --format csv
mv out one
exits 0 'and two' "$HARNESS" evaluate --run "$oracle/runfile.run" --qrels "$oracle/runfile.qrels" \
    --ignore-ranks --threads 2 --metrics ndcg@5 --format csv
ok 'has the same bytes' cmp out one

# ---- forms
cat >good.run <<'END'
u1 Q0 a 1 3 mine
u1 Q0 b 2 2 mine
u1 Q0 c 3 1 mine
u2 Q0 a 1 1e0 mine
END
printf 'u1 0 b 1\nu1 0 d 1\nu2 0 a 1\nu2 0 b 0\n' >good.qrels
value() { "$HARNESS" evaluate --run "$1" --qrels "${2:-good.qrels}" --metrics "${3:-precision@2}" --format csv |
    sed -n '1d; s/^[^,]*,[^,]*,\([^,]*\),.*/\1/p'; }
is() { # TITLE FILE VALUE: precision@2 is (1/2 + 1/2) / 2
    ok "$1" test "$(value "$2")" = "$3"
}
is 'TREC' good.run 0.5
tr ' ' '\t' <good.run >tabs.run
is 'tabs' tabs.run 0.5
sed 's/$/\r/' good.run >crlf.run
is 'lines that end as on Windows' crlf.run 0.5
{ echo; sed 's/$/\n  /' good.run; } >blank.run
is 'blank lines' blank.run 0.5
printf %s "$(cat good.run)" >open.run
is 'no newline at the end' open.run 0.5
awk '{ print $1 "," $3 "," $5 "," $4 }' good.run >plain.csv
is 'CSV' plain.csv 0.5
{ echo 'score,item_id,extra,user_id'; awk '{ print $5 ",\"" $3 "\",x," $1 }' good.run; } >named.csv
is 'CSV with names and quotes' named.csv 0.5
sort -k3,3 good.run >mixed.run
is 'lines of a query that are far apart' mixed.run 0.5
pipe() { value /dev/stdin <good.run; }
ok 'a pipe' test "$(pipe)" = 0.5
# recall: u1 lists b of b and d, u2 all
ok 'an unlisted relevant item counts' test "$(value good.run good.qrels recall@3)" = 0.75
printf 'u1 Q0 a 1 1 t\nu1 Q0 b 2 1 t\n' >tied.run
ok 'ties are expectations' test "$(value tied.run good.qrels precision@1)" = 0.5
exits 0 'a summary' "$HARNESS" evaluate --run tied.run --qrels good.qrels
says out '1 queries; 1 of 2 relevant items are listed, 1 with a tied score'
says out '1 judged queries are not in the run, 0 of the run are not judged: not counted'

# ---- what is no run
refused() { # TITLE STATUS SENTENCE: bad.run is refused
    exits "$2" "$1" "$HARNESS" evaluate --run bad.run --qrels good.qrels --metrics ndcg@5
    says err "$3"
    ok "$1: one sentence" test "$(wc -l <err)" = 1
}
bad() { # LINE...: good.run with more lines
    cp good.run bad.run
    for line in "$@"; do printf '%s\n' "$line" >>bad.run; done
}
bad 'u3 Q0 a 1 1'
refused 'a field too few' 1 'bad.run:5: expected six fields: query Q0 document rank score tag'
bad 'u3 Q0 a 1 1 t more'
refused 'a field too many' 1 'bad.run:5: expected six fields'
bad 'u3 Q0 a 1 high t'
refused 'a score that is no number' 1 "bad.run:5: the score is not a number; the line is 'u3 Q0 a 1 high t'"
for score in nan inf -inf 1e39 infinity; do
    bad "u3 Q0 a 1 $score t"
    refused "score $score" 1 'bad.run:5: the score is not a finite number'
done
bad 'u3 Q0 a first 1 t'
refused 'a rank that is none' 1 'bad.run:5: the rank is not a whole number'
bad 'u1 Q0 b 4 0 t'
refused 'an item twice' 1 'bad.run:5: query u1 has item b twice, first in line 2'
bad 'u1 Q0 d 3 0 t'
refused 'a rank twice' 1 'bad.run:5: query u1 has rank 3 twice, first in line 3; with --ignore-ranks'
bad 'u1 Q0 d 4 2.5 t'
refused 'ranks against scores' 1 'bad.run:5: query u1 has score 2.5 at rank 4, above the score 1 at rank 3 in line 3'
exits 0 'which --ignore-ranks allows' "$HARNESS" evaluate --run bad.run --qrels good.qrels --ignore-ranks
: >bad.run
refused 'no line' 2 "'bad.run' has no line"
printf '\n \n' >bad.run
refused 'blank lines alone' 2 "'bad.run' has no line"
rm bad.run
refused 'no file' 3 "cannot open 'bad.run': No such file"
mkdir bad.run
refused 'a folder' 3 "cannot read 'bad.run': it is a folder"
rmdir bad.run
printf 'customer,thing,points\n1,2,3\n' >bad.run
refused 'a header of other names' 1 'bad.run:1: expected a line of TREC'
printf 'user,item,score\nu1,a,1\nu1,b\n' >bad.run
refused 'a short line of CSV' 1 'bad.run:3: fewer fields than the columns user, item and score need'
printf 'u1,"a""b",1\n' >bad.run
refused 'a quote in quotes' 1 'bad.run:1: a quoted field with a quote in it'
sed 's/u/x/' good.run >bad.run
refused 'other queries' 2 "no query of 'bad.run' is in 'good.qrels': its first is 'x1', theirs 'u1'"
head -c 3000 /dev/zero >bad.run
refused 'zeros' 1 'bad.run:1: expected six fields'

exits 1 'qrels that are a run' "$HARNESS" evaluate --run good.run --qrels good.run
says err 'good.run:1: expected four fields: query 0 document relevance'
printf 'u1 0 a 1\nu1 0 a 0\n' >twice.qrels
exits 1 'an item judged twice' "$HARNESS" evaluate --run good.run --qrels twice.qrels
says err 'twice.qrels:2: query u1 has item a twice, first in line 1'
exits 2 'an unknown metric' "$HARNESS" evaluate --run good.run --qrels good.qrels --metrics ndgc@5
says err "there is no metric 'ndgc'; did you mean 'ndcg'?"
exits 2 'a metric of ratings' "$HARNESS" evaluate --run good.run --qrels good.qrels --metrics rmse
says err "metric 'rmse' needs more than a run and judgements"
exits 2 'an unknown order of ties' "$HARNESS" evaluate --run good.run --qrels good.qrels --ties random
says err "--ties 'random': there are expected and trec_eval"
exits 2 'one file' "$HARNESS" evaluate --run good.run
says err 'evaluate takes one experiment, or --run FILE and --qrels FILE'
finish
