#!/bin/sh
# Usage: list-algorithms.sh SRCDIR FILE...
# Prints the C table of built-in algorithms, from the RH_ALGORITHM(id) lines of the files, sorted by id.
set -eu
srcdir=$1
shift
ids=$(for f in "$@"; do
    [ -f "$f" ] || f=$srcdir/$f
    sed -n 's/^RH_ALGORITHM(\([a-z0-9_]*\)).*/\1/p' "$f"
done | LC_ALL=C sort)
echo '/* Made by build-aux/list-algorithms.sh from the RH_ALGORITHM lines; do not edit. */'
echo '#include <rh/plugin.h>'
echo 'extern const struct rh_algorithm *(*const rh_builtin_algorithms[])(void);'
for id in $ids; do echo "const struct rh_algorithm *rh_algorithm_$id(void);"; done
echo 'const struct rh_algorithm *(*const rh_builtin_algorithms[])(void) = {'
for id in $ids; do echo "    rh_algorithm_$id,"; done
echo '    NULL'
echo '};'
