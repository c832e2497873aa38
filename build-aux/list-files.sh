#!/bin/sh
# Usage: list-files.sh SRCDIR
# Prints the files that belong to the project, one a line, sorted: those that git tracks; in an unpacked release, its
# list; without either (a clone but no git program), the files in the folders of sources.
set -eu
cd "$1"
if [ -e .git ] && git ls-files --error-unmatch configure.ac >/dev/null 2>&1; then
    git ls-files
elif [ -f .tarball-files ]; then
    cat .tarball-files
else
    find include src algorithms datasets experiments docs tests bench build-aux \
        -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.ini' -o -name '*.md' -o -name '*.sql' -o -name '*.1' \) \
        ! -name tap-driver.sh ! -name builtin.c ! -name schema.c ! -name build_info.h 2>/dev/null
    find . -maxdepth 1 \( -name '*.md' -o -name configure.ac -o -name Makefile.am -o -name bootstrap \) | sed 's,^\./,,'
fi | LC_ALL=C sort
