#!/bin/sh
# Run by `make installcheck`. Builds tests/plugins/outside.c in a folder of its own against the installed header, found
# through rh.pc; loads it into the installed program and runs it on generated data.
# Needs HARNESS (the installed program), PKG_CONFIG_PATH (where rh.pc is), HARNESS_SOURCE, CC, PKG_CONFIG, DESTDIR.
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
[ -n "$($PKG_CONFIG --variable=plugindir rh)" ] || stop 'rh.pc names no plugindir'
# shellcheck disable=SC2086 # words
$CC -std=gnu17 -Wall -Wextra -Werror -O2 -fPIC -shared $flags -o outside.so outside.c -lm ||
    stop 'the plugin does not compile against the installed header'
"$HARNESS" --version >version || stop 'the installed program does not start'
[ -s version ] || stop 'the installed program does not tell its version'
cat version
