#!/bin/sh
# docs/writing-an-algorithm.md: its plugin compiles without warnings, loads and runs; its commands and its .ini are used
# as printed.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"
page=$HARNESS_SOURCE/docs/writing-an-algorithm.md
block() { awk -v want="\`\`\`$1" '$0 == want { on = 1; next } $0 == "```" { on = 0 } on' "$page"; }
block c >recent.c
block ini >recent.ini
ln -s "$HARNESS_SOURCE/include" include
ok 'the page has a plugin' grep -q 'RH_ALGORITHM(recent)' recent.c
ok 'it compiles without warnings' ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Werror -O2 \
    -shared -fPIC ${CHECKED_CFLAGS:-} -I include -o strict.so recent.c -lm
rm -f strict.so
block sh | sed "s/^cc /${CC:-cc} ${CHECKED_CFLAGS:-} /" >build.sh
ok 'the command of the page builds it' sh build.sh
exits 0 'it runs' "$HARNESS" run recent.ini --store x.sqlite
says err '3 done, 0 found in x.sqlite, 0 failed'
says out 'recent half_life=365'
exits 0 'and is described' env RH_PLUGIN_PATH=recent.so "$HARNESS" describe recent
says out 'half_life = 30    (number 0.001 to 1000000)'
exits 0 'and is listed' env RH_PLUGIN_PATH=recent.so "$HARNESS" list algorithms
says out 'popularity with exponential forgetting'
finish
