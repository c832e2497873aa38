# Sourced by the shell tests: TAP, and a fresh folder for each test file.
#   ok TITLE COMMAND...        the command succeeds
#   exits N TITLE COMMAND...   it ends with status N (a crash is not a refusal); what it printed is in ./out and ./err
#   says FILE TEXT             ./FILE has the text in it
# Ends with `finish`.
set -u
: "${HARNESS:?set HARNESS to the program}" "${HARNESS_SOURCE:?set HARNESS_SOURCE to the source tree}"
number=0
failures=0
here=$(mktemp -d "${TMPDIR:-/tmp}/harness-test.XXXXXX") || exit 99
trap 'chmod -R u+w "$here" 2>/dev/null; rm -rf "$here"' EXIT
trap 'exit 1' HUP INT TERM
cd "$here" || exit 99
ln -s "$HARNESS_SOURCE/datasets" datasets # a build outside the tree has none beside the program
export XDG_CACHE_HOME="$here/cache"
unset RH_PLUGIN_PATH

ok() {
    title=$1
    shift
    number=$((number + 1))
    if "$@" >"$here/ok.out" 2>&1; then
        echo "ok $number - $title"
    else
        failures=$((failures + 1))
        echo "not ok $number - $title"
        sed 's/^/# /' "$here/ok.out" | head -n 20
    fi
}
status_of() {
    "$@" >out 2>err </dev/null
    status=$?
}
exits() {
    want=$1
    title=$2
    shift 2
    status_of "$@"
    number=$((number + 1))
    if [ "$status" = "$want" ]; then
        echo "ok $number - $title"
    else
        failures=$((failures + 1))
        echo "not ok $number - $title: status $status, expected $want"
        head -n 20 out err | sed 's/^/# /'
    fi
}
says() {
    number=$((number + 1))
    if grep -qF -- "$2" "$1"; then
        echo "ok $number - $1 says: $2"
    else
        failures=$((failures + 1))
        echo "not ok $number - $1 says: $2"
        head -n 20 "$1" | sed 's/^/# /'
    fi
}
skip() {
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}
finish() {
    echo "1..$number"
    [ "$failures" = 0 ]
    exit
}
