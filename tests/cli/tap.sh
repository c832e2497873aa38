# Sourced by the shell tests: TAP, and a fresh folder for each test file.
#   ok TITLE COMMAND...        the command succeeds
#   exits N TITLE COMMAND...   it ends with status N (a crash is not a refusal); what it printed is in ./out and ./err
#   says FILE TEXT             ./FILE has the text in it
#   slow_build                 the program is built with sanitizers or so, says HARNESS_SLOW_BUILD (.ci/run sets it)
#   experiment FILE            prints where to find the experiment FILE: in a slow build, a copy that does all on less
#   lacks_data FILE            the experiment FILE names a file of the data, and there is no data
#   in_time TITLE COMMAND...   ok, but skipped in a slow build, where experiments are too short for what it says
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
lacks_data() {
    [ -z "${HARNESS_DATA:-}" ] && grep -q '^\(candidates_file\|item_bridge\) = [^ ]*/' "$1"
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
slow_build() {
    [ -n "${HARNESS_SLOW_BUILD:-}" ]
}
# Every section and algorithm, so that the same code is walked through; but one epoch, one repeat, small generated data,
# and of real data the first weeks or years alone. What is true of the numbers is for the plain build to say.
shorten() {
    [ -f "$here/in_epochs" ] || for name in $("$HARNESS" list algorithms --names); do
        "$HARNESS" describe "$name" | grep '^  epochs = ' >/dev/null && echo "$name"
    done >"$here/in_epochs"
    awk -F' *= *' '
        BEGIN {
            less["ml-100k"] = "until = 1997-10-20\ncore_users = 20"
            less["ml-1m"] = "until = 2000-05-10\ncore_users = 20"
            less["amazon-movies"] = "until = 2005-01-01\ncore_users = 5"
        }
        function leave() {
            if (kind == "algorithm" && use in in_epochs && !said)
                print "epochs = 1"
            if (kind == "dataset" && use == "synthetic")
                print "users = 60\nitems = 50\nrows = 15"
            if (kind == "dataset" && use in less)
                print less[use]
        }
        NR == FNR { in_epochs[$1]; next }
        /^\[/ {
            leave()
            kind = use = $1
            sub(/^\[/, "", kind)
            sub(/[.\]].*/, "", kind)
            sub(/^[^.]*[.]/, "", use)
            sub(/\].*/, "", use)
            said = 0
            if (kind == "dataset")
                described[use]
        }
        $1 == "use" { use = $2; sub(/ *;.*/, "", use) }
        kind == "algorithm" && $1 ~ /epochs$/ { said = said || $1 == "epochs"; print $1 " = 1"; next }
        kind == "dataset" && use == "synthetic" && $1 ~ /^(users|items|rows)$/ { next }
        kind == "dataset" && use in less && $1 ~ /^(until|core_users)$/ { next }
        $1 == "target" || $1 == "sources" { n = split($2, word, /[, ]+/); while (n) named[word[n--]] }
        $1 == "repeats" || $1 == "init_repeats" { print $1 " = 1"; next }
        { print }
        END {
            leave()
            for (d in named)
                if (!(d in described) && d in less)
                    print "[dataset." d "]\n" less[d]
        }' "$here/in_epochs" "$1"
}
experiment() {
    slow_build || { echo "$1" && return; }
    shorten "$1" >"short_${1##*/}" && echo "short_${1##*/}"
}
in_time() {
    if slow_build; then
        skip "$1" 'a slow build: the experiment is shortened'
    else
        ok "$@"
    fi
}
finish() {
    echo "1..$number"
    [ "$failures" = 0 ]
    exit
}
