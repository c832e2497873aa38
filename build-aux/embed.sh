#!/bin/sh
# Usage: embed.sh NAME FILE
# Prints a C source with the text of FILE as `const char NAME[]`.
set -eu
echo "/* Made by build-aux/embed.sh from ${2##*/}; do not edit. */"
echo "extern const char $1[];"
echo "const char $1[] ="
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$2"
echo "    ;"
