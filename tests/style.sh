#!/bin/sh
# The rules of the source that a compiler does not see: which module may include which, what is called where, how long
# a line is. TAP; each finding is a line "# file:line: what". Needs HARNESS_SOURCE.
set -u
cd "${HARNESS_SOURCE:-.}" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
LC_ALL=C
export LC_ALL
echo 0 >"$work/number"

# report TITLE: one test; it passes when standard input is empty. (At the end of a pipe a variable would be lost.)
report() {
    number=$(($(cat "$work/number") + 1))
    echo $number >"$work/number"
    sort -u >"$work/found"
    if [ -s "$work/found" ]; then
        echo "not ok $number - $1"
        sed 's/^/# /' "$work/found"
    else
        echo "ok $number - $1"
    fi
}

sh build-aux/list-files.sh . >"$work/files"
of() { grep -E "$1" "$work/files"; }
c_files=$(of '^(src|algorithms|include|bench|tests)/.*\.[ch]$')
module_files=$(of '^(src|algorithms)/.*\.[ch]$')
text_files=$(of '(\.([ch]|sh|md|ini|sql|am|ac|bash|1)|/run|^bootstrap)$')

# Code alone, as "file:line:code": comments gone, texts and characters emptied.
# shellcheck disable=SC2086 # the lists are words
awk '
    FNR == 1 { inside = 0 }
    {
        line = $0
        code = ""
        while (line != "") {
            if (inside) {
                at = index(line, "*/")
                if (!at) break
                line = substr(line, at + 2)
                inside = 0
            } else if (match(line, /\/\*|\/\/|"|'"'"'/)) {
                code = code substr(line, 1, RSTART - 1)
                mark = substr(line, RSTART, RLENGTH)
                line = substr(line, RSTART + RLENGTH)
                if (mark == "//") break
                if (mark == "/*") { inside = 1; code = code " "; continue }
                while (line != "" && substr(line, 1, 1) != mark)
                    line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
                line = substr(line, 2)
                code = code mark mark
            } else {
                code = code line
                line = ""
            }
        }
        if (code !~ /^[ \t]*$/) print FILENAME ":" FNR ":" code
    }' $c_files >"$work/code"
# calls WORDS FILES: places where one of the functions (w1|w2) is called in files that match.
calls() { grep -E "^($2):" "$work/code" | grep -E "(^|[^A-Za-z0-9_>.])($1) *\\("; }

# shellcheck disable=SC2086
grep -nE '^[ 	]*#[ 	]*include' $module_files /dev/null | sed 's/:[ 	]*#[ 	]*include[ 	]*/:/' >"$work/includes"

# ----------------------------------------------------------------------------------------------- who may include whom
awk -F: '
    BEGIN {
        below = "base data metrics plugin store"
        may["base"] = "base"
        may["data"] = "base data"
        may["metrics"] = "base metrics"
        may["plugin"] = "base plugin"
        may["store"] = "base store"
        may["split"] = below " split"
        may["eval"] = below " split eval"
        may["exchange"] = "base metrics store exchange"
        may["config"] = below " split eval config"
        may["run"] = below " split eval config run exchange"
        may["report"] = "base store report"
        may["commands"] = below " split eval config run report exchange"
    }
    $1 ~ /^src\// && $3 ~ /^"/ {
        split($1, path, "/")
        from = path[3] == "" ? "commands" : path[2]
        target = $3
        gsub(/"/, "", target)
        if (target !~ /\//) {
            if (from != "commands") print $1 ":" $2 ": " $3 " is not named from src/, like \"base/text.h\""
            next
        }
        sub(/\/.*/, "", target)
        if (!(from in may)) print $1 ":" $2 ": no rule for the folder src/" from
        else if (index(" " may[from] " ", " " target " ") == 0) print $1 ":" $2 ": " from "/ may not include " $3
    }' "$work/includes" | report 'modules include along the arrows of docs/architecture.md'

awk -F: '
    BEGIN {
        n = split("assert complex ctype errno fenv float inttypes limits math stdalign stdarg stdatomic stdbool " \
                  "stddef stdint stdio stdlib string tgmath threads", name, " ")
        for (i = 1; i <= n; i++) ok["<" name[i] ".h>"] = 1
        ok["<rh/plugin.h>"] = ok["<rh/numpy_legacy.h>"] = ok["<cblas.h>"] = ok["<lapacke.h>"] = 1
    }
    $1 ~ /^algorithms\// && !($3 in ok) && $3 !~ /^<gsl\/.*>/ && $3 !~ /^"algorithms\/lib\/.*"/ {
        print $1 ":" $2 ": an algorithm may not include " $3
    }' "$work/includes" | report 'algorithms include the contract, algorithms/lib, BLAS, GSL and the C library alone'

awk -F: '
    BEGIN {
        home["<sqlite3.h>"] = "^src/(store|report)/|^src/run/provenance.c$"
        home["<archive.h>"] = "^src/data/|^src/run/provenance.c$"
        home["<archive_entry.h>"] = "^src/data/"
        home["<curl/curl.h>"] = "^src/data/"
        home["<jansson.h>"] = "^src/(data|report)/"
        home["<ini.h>"] = "^src/base/"
        home["<sha2.h>"] = "^src/base/"
        home["<omp.h>"] = "^src/base/"
    }
    ($3 in home) && $1 !~ home[$3] { print $1 ":" $2 ": " $3 " belongs to " home[$3] }' "$work/includes" |
    report 'each library is spoken to from one module'

# ----------------------------------------------------------------------------------------------- what is called
{
    calls 'strcpy|strcat|stpcpy|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|gets|alloca|mktemp|tmpnam' '[^:]*'
    calls 'system|rand|srand|random|drand48|lrand48' '(src|algorithms)/[^:]*'
} | report 'no function without bounds, without errors, or with hidden state'
{
    calls 'exit|_Exit|quick_exit|abort|printf|vprintf|puts|putchar|perror' '(src/[^:]*/|algorithms/)[^:]*'
    grep -E '^(src/[^:]*/|algorithms/)[^:]*:[0-9]+:(|.*[^A-Za-z0-9_])(stdout|stderr)([^A-Za-z0-9_]|$)' "$work/code"
} | report 'below the commands nothing exits or prints'

# ----------------------------------------------------------------------------------------------- the text
# shellcheck disable=SC2046
awk '
    {
        line = $0
        gsub(/[\200-\277]/, "", line) # what follows the first byte of a UTF-8 character
        if (length(line) > 120) print FILENAME ":" FNR ": " length(line) " columns"
    }' $(of '\.([ch]|sh|sql)$|/run$|^bootstrap$') | report 'lines have at most 120 columns'
# shellcheck disable=SC2086
for f in $c_files; do
    n=$(wc -l <"$f")
    [ "$n" -le 700 ] || echo "$f: $n lines want to be two files"
done | report 'C files have at most 700 lines'
# shellcheck disable=SC2086
{
    grep -n '	' $c_files /dev/null | sed 's/^\([^:]*:[^:]*\):.*/\1: a tab/'
    grep -nE '[ 	]+$' $text_files /dev/null | sed 's/^\([^:]*:[^:]*\):.*/\1: spaces at the end/'
    grep -n "$(printf '\r')" $text_files /dev/null | sed 's/^\([^:]*:[^:]*\):.*/\1: a carriage return/'
    for f in $text_files; do
        [ ! -s "$f" ] || [ -z "$(tail -c 1 "$f")" ] || echo "$f: no newline at the end"
    done
} | report 'no tab in C, no space at the end of a line, a newline at the end of a file'

# ----------------------------------------------------------------------------------------------- the files
for f in $(of '^(src|algorithms|bench)/.*\.[ch]$|^tests/(unit|cli)/.*\.(c|h|sh)$'); do
    grep -qE "(^|[ 	=])$(printf %s "$f" | sed 's/\./\\./g')( |\$)" Makefile.am || echo "$f: not in Makefile.am"
done | report 'every source and test is in Makefile.am'
for f in $(of '^src/[^/]*/.*\.c$'); do
    [ -f "${f%.c}.h" ] || grep -qE "^#include \"$(basename "$(dirname "$f")")/" "$f" ||
        echo "$f: neither a header of its own nor one of its module"
done | report 'every module source stands behind a header of its module'
for f in $(of '^algorithms/.*\.c$' | grep -v '^algorithms/lib/'); do
    [ "$(grep -cE '^RH_ALGORITHM\([a-z0-9_]+\)$' "$f")" = 1 ] || [ -f "${f%.c}.h" ] ||
        echo "$f: does not end with one RH_ALGORITHM(id)"
done | report 'every algorithm source has one descriptor'
for f in $(of '^(src|algorithms)/.*\.h$'); do
    guard=$(sed -n 's/^#ifndef //p' "$f" | head -n 1)
    echo "$guard" >>"$work/guards"
    case $guard in
    RH_*_"$(basename "$f" .h | tr 'a-z-' 'A-Z_')_H") grep -q "^#define $guard\$" "$f" && continue ;;
    esac
    echo "$f: no guard like RH_MODULE_NAME_H"
done >"$work/unguarded"
{
    cat "$work/unguarded"
    sort "$work/guards" | uniq -d | sed 's/$/ guards two headers/'
} | report 'every header is guarded by its name'
# The machine of whoever wrote a file is not part of it. (Pieces, so that this line is not found.)
# shellcheck disable=SC2086
grep -nE "(^|[^A-Za-z0-9_.}/])/(work|root|home/[a-z]|tmp/[A-Za-z0-9])" $text_files /dev/null |
    grep -v '^tests/style\.sh:' | report 'no path of a certain machine'
for f in $(of '\.md$'); do
    # [text](target) outside code; targets on the web and in the same page are not looked at.
    awk '/^ *```/ { code = !code } !code { gsub(/`[^`]*`/, ""); print FNR ":" $0 }' "$f" |
        grep -oE '^[0-9]+:|\]\([^)# ]+' | while IFS= read -r piece; do
        case $piece in
        *:) [ "${piece%:}" -gt 0 ] 2>/dev/null && line=${piece%:} ;;
        esac
        case $piece in
        '](http'* | '](mailto'*) ;;
        ']('*) [ -e "$(dirname "$f")/${piece#](}" ] || echo "$f:${line-}: links to ${piece#](}, which is not there" ;;
        esac
    done
done | report 'links in the documents lead somewhere'
for f in README.md CONTRIBUTING.md NEWS.md COPYING docs/architecture.md docs/datasets.md docs/ini-format.md \
    docs/metrics.md docs/schema.md docs/writing-an-algorithm.md docs/harness.1 docs/harness.bash; do
    [ -s "$f" ] || echo "$f: not there"
done | report 'every document is there'

echo "1..$(cat "$work/number")"
