#!/bin/sh
# Usage: coverage.sh SRCDIR BUILDDIR, after the tests of a build with --enable-gcov; GCOV is the gcov to use.
# Prints which part of the lines of each source the tests reach, least first, and writes pages to BUILDDIR/coverage when
# gcovr or lcov is there.
set -eu
srcdir=$(cd "$1" && pwd)
cd "$2"
gcov=${GCOV:-gcov}
if [ -z "$(find . -name '*.gcda' | head -n 1)" ]; then
    echo 'coverage: nothing was counted; configure with --enable-gcov' >&2
    exit 1
fi

find . -name '*.gcda' | while read -r data; do
    # shellcheck disable=SC2086 # GCOV may be two words
    $gcov -n -o "$(dirname "$data")" "$data" 2>/dev/null
done | awk -v srcdir="$srcdir/" '
    /^File / {
        name = substr($0, 7, length($0) - 7)
        if (index(name, srcdir) == 1) name = substr(name, length(srcdir) + 1)
        while (name ~ /^\.\.?\//) sub(/^\.\.?\//, "", name)
    }
    /^Lines executed:/ && name ~ /^(src|algorithms)\/.*\.c$/ {
        split($0, part, /[:% ]+/)
        share[name] = part[3]
        lines[name] = $NF
        name = ""
    }
    END {
        for (name in share) {
            printf "%6.1f %% of %5d  %s\n", share[name], lines[name], name
            reached += share[name] * lines[name]
            all += lines[name]
        }
        printf "%6.1f %% of %5d  together\n", all ? reached / all : 0, all
    }' | sort -n

rm -rf coverage
if command -v gcovr >/dev/null 2>&1; then
    mkdir coverage
    gcovr --gcov-executable "$gcov" -r "$srcdir" --object-directory . -f "$srcdir/src" -f "$srcdir/algorithms" \
        --html-details coverage/index.html
elif command -v lcov >/dev/null 2>&1 && command -v genhtml >/dev/null 2>&1 && [ "$gcov" = gcov ]; then
    mkdir coverage
    lcov -q -c -d . -o coverage/all.info 2>coverage/log &&
        lcov -q -e coverage/all.info "$srcdir/src/*" "$srcdir/algorithms/*" -o coverage/harness.info 2>>coverage/log &&
        genhtml -q -o coverage coverage/harness.info 2>>coverage/log ||
        echo "lcov could not make pages: $2/coverage/log"
fi
[ ! -f coverage/index.html ] || echo "pages: $2/coverage/index.html"
