#!/bin/sh
# Usage: build-info.sh SRCDIR FLAGS
# Prints the C header that tells which source and which compiler flags a program was made from. The commit comes from
# git, or from the list that a release carries.
set -eu
srcdir=$1
flags=$(printf '%s' "$2" | tr -s ' \t\n' '   ' | sed 's/^ //; s/ $//; s/["\\]/\\&/g')
commit=
# Only a .git of our own: an unpacked release may lie inside some other repository.
if [ -e "$srcdir/.git" ]; then
    commit=$(git -C "$srcdir" --no-optional-locks describe --always --dirty --abbrev=12 2>/dev/null) || commit=
fi
# A clone on a machine without git still knows where it stands.
if [ -z "$commit" ] && [ -f "$srcdir/.git/HEAD" ]; then
    head=$(cat "$srcdir/.git/HEAD")
    case $head in
    'ref: '*) head=$(cat "$srcdir/.git/${head#ref: }" 2>/dev/null) || head= ;;
    esac
    commit=$(printf %.12s "$head")
fi
if [ -z "$commit" ] && [ -f "$srcdir/.tarball-commit" ]; then
    commit=$(cat "$srcdir/.tarball-commit")
fi
echo '/* Made by build-aux/build-info.sh; do not edit. */'
echo "#define RH_COMMIT \"${commit:-unknown}\""
echo "#define RH_CFLAGS \"$flags\""
