#!/bin/sh
# Run by `make installcheck`. Builds tests/plugins/outside.c in a folder of its own against the installed header, found
# through rh.pc; loads it into the installed program and runs it on generated data beside the built-in algorithm that
# does the same.
# Needs HARNESS (the installed program), PKGDATADIR (of the installation), PKG_CONFIG_PATH (where rh.pc is),
# HARNESS_SOURCE, CC, PKG_CONFIG, DESTDIR.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
stop() {
    echo "installcheck: $*" >&2
    exit 1
}

cp "$HARNESS_SOURCE/tests/plugins/outside.c" "$work"
cd "$work"
PKG_CONFIG_SYSROOT_DIR=${DESTDIR-}
export PKG_CONFIG_SYSROOT_DIR
flags=$($PKG_CONFIG --cflags rh) || stop "pkg-config does not find rh in $PKG_CONFIG_PATH"
# shellcheck disable=SC2086 # words
$CC -std=gnu17 -Wall -Wextra -Werror -O2 -fPIC -shared $flags -o outside.so outside.c -lm ||
    stop 'the plugin does not compile against the installed header'
"$HARNESS" --version >version || stop 'the installed program does not start'
[ -s version ] || stop 'the installed program does not tell its version'
cat version

# Nothing of the source tree is near: descriptions come from the installation. A staged one does not know its place.
cat >installed.ini <<END
[experiment]
name = installed
seed = 1723
[plugins]
path = $work/outside.so
[dataset.shop]
use = synthetic
[problem.warm]
target = shop/movies
split = leave_one_out
order = random
[evaluate]
metrics = ndcg, auc
[algorithm.outside]
scale = 3.5
[algorithm.popularity]
END
[ -z "${DESTDIR-}" ] || printf '[data]\ndescriptions = %s\n' "$PKGDATADIR/datasets" >>installed.ini
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME
unset HARNESS_DATA RH_PLUGIN_PATH

"$HARNESS" describe outside >/dev/null 2>&1 && stop 'knows the plugin before it was named'
"$HARNESS" list datasets --names >names || stop 'cannot list the datasets'
[ -n "${DESTDIR-}" ] || grep -qx synthetic names || stop 'does not find the installed descriptions of datasets'
"$HARNESS" run installed.ini --quiet --store "$work/s.sqlite" --format csv >table.csv || stop 'the plugin does not run'
cat table.csv
# Both count: every score is 3.5 times the other's, so every number is the same.
for algorithm in outside popularity; do
    sed -n "s/,$algorithm,$algorithm,/,/p" table.csv >"$algorithm.csv"
    [ -s "$algorithm.csv" ] || stop "no row of $algorithm in the table"
done
cmp outside.csv popularity.csv || stop 'the plugin and popularity count differently'
