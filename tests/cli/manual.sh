#!/bin/sh
# The manual and the completion know what the program's help knows. TAP. Needs HARNESS, HARNESS_SOURCE.
set -u
manual=$HARNESS_SOURCE/docs/harness.1
completion=$HARNESS_SOURCE/docs/harness.bash
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
number=0
ok() { number=$((number + 1)) && echo "ok $number - $1"; }
not_ok() {
    number=$((number + 1))
    echo "not ok $number - $1"
    sed 's/^/# /'
}
skip() { number=$((number + 1)) && echo "ok $number - $1 # SKIP $2"; }
# same TITLE WANTED GOT
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else printf 'wanted: %s\ngot: %s\n' "$2" "$3" | not_ok "$1"; fi
}

title='the manual is well formed'
if command -v mandoc >/dev/null 2>&1; then
    mandoc -Tlint -Wwarning "$manual" >lint 2>&1
    # What other manuals are installed is not this one's fault.
    sed -i '/mandoc.db/d' lint
    if [ -s lint ]; then not_ok "$title" <lint; else ok "$title"; fi
else
    skip "$title" 'no mandoc'
fi

# Commands and options of the help texts, against both.
title='commands of the help are in the manual and the completion'
"$HARNESS" --help >help
commands=$(sed -n 's/^  \([a-z]*\)  .*/\1/p' help)
{
    [ -n "$commands" ] || echo 'the help has no commands'
    for c in $commands; do
        grep -qE "^\.It Cm $c( |\$)" "$manual" || echo "manual has no $c"
        grep -qE "words='([a-z]+ )*$c( |')" "$completion" || echo "completion has no $c"
    done
} >lacking
if [ -s lacking ]; then not_ok "$title" <lacking; else ok "$title"; fi

title='options of the help are in the manual and the completion'
{
    cat help
    for c in $commands; do "$HARNESS" "$c" --help 2>/dev/null; done
} | grep -oE '(^|[^a-z-])--[a-z][a-z-]*' | sed 's/^[^-]*--//' | sort -u >options
while read -r option; do
    grep -qE "^\.(It )?Fl ([a-z] , )?-$option|Fl -$option" "$manual" || echo "manual has no --$option"
    grep -qE -e "--$option([^a-z]|\$)" "$completion" || echo "completion has no --$option"
done <options >lacking
if [ ! -s options ]; then echo 'the help has no options' >>lacking; fi
if [ -s lacking ]; then not_ok "$title" <lacking; else ok "$title"; fi

if command -v bash >/dev/null 2>&1; then
    cat >harness <<'END'
#!/bin/sh
[ "$1 $3" = 'list --names' ] || exit 2
case $2 in
algorithms) printf '%s\n' itemknn userknn ;;
metrics) printf '%s\n' ndcg recall rmse ;;
splits) echo leave_one_out ;;
datasets) printf '%s\n' ml-100k ml-1m ;;
esac
END
    chmod +x harness
    mkdir experiments
    : >experiments/movielens.ini
    : >experiments/cross_domain.ini
    : >notes.txt
    # offered WORD...: what bash offers after these words, the last of them begun.
    offered() {
        bash --norc -c '
            compopt() { :; } # has a meaning only while a terminal completes
            . "$0"
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _harness
            printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' "$completion" ./harness "$@" |
            sed 's/ *$//'
    }
    same 'completes commands' 'describe' "$(offered d | tr ' ' '\n' | grep de)"
    same 'completes options of a command' '--save-models --set --store' "$(offered run --s)"
    same 'completes experiments by their files' 'experiments' "$(offered run e)"
    same 'completes .ini files alone' 'experiments/cross_domain.ini experiments/movielens.ini' \
        "$(offered check experiments/)"
    same 'completes names of all kinds' 'leave_one_out' "$(offered describe l)"
    same 'completes names of datasets' 'ml-100k ml-1m' "$(offered data info m)"
    same 'completes experiments to compare' 'cross_domain' "$(offered compare c)"
    same 'completes corrections' 'holm' "$(offered compare cross_domain --correction h)"
    same 'completes formats' 'json' "$(offered table cross_domain --format j)"
    same 'completes the last of several metrics' 'ndcg,rmse' "$(offered table cross_domain --metric ndcg,rm)"
    same 'completes metrics behind a cut-off' '10,recall' "$(offered table cross_domain --metric ndcg @ 10,rec)"
    same 'completes tests' 'permutation' "$(offered compare cross_domain --test p)"
    same 'completes stored experiments' 'cross_domain movielens' "$(offered plot '')"
else
    skip 'completion' 'no bash'
fi
echo "1..$number"
