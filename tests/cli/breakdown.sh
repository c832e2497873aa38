#!/bin/sh
# harness breakdown: what is stored of users, items and rows; strata, values and gaps against another program's.
. "${HARNESS_SOURCE:-.}/tests/cli/tap.sh"

cat >shop.ini <<'INI'
[dataset]
title = A shop
[domain]
interactions = rows.csv
user = user
item = item
rating = rating
time = time
rating_scale = 1 5
[users]
file = users.csv
id = user
block.gender = value gender
block.town = value town
INI
{
    echo user,gender,town
    for u in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29; do
        echo "u$u,$([ $((u % 3)) = 0 ] && echo f || echo m),t$((u % 4))"
    done
} >users.csv
awk 'BEGIN {
    print "user,item,rating,time"
    for (u = 1; u <= 30; u++)
        for (i = 1; i <= 12; i++)
            if ((u * i + i) % (1 + i) < 5 && (u + i) % 4)
                printf "u%d,i%d,%d,%d\n", u, i, 1 + (u + 2 * i) % 5, 1000000000 + 86400 * ((7 * u + 11 * i) % 90)
}' >rows.csv
cat >broken.ini <<'INI'
[experiment]
name = broken
repeats = 2
[data]
path = .
cache = none
descriptions = .
[problem]
target = shop
split = leave_one_out
order = random
validation = no
[evaluate]
metrics = ndcg@3, recall@2, rmse
[algorithm.random]
[algorithm.popularity]
INI
breakdown() { "$HARNESS" breakdown broken --store s.sqlite "$@"; }
exits 0 'an experiment runs' "$HARNESS" run broken.ini --store s.sqlite --quiet
exits 0 'and is broken down' breakdown
says out 'ndcg@3 by history'
exits 0 'by more' breakdown --by user.gender,user.town,cold,overlap,popularity,new,time,value
for word in 'ndcg@3 by user.gender' 'unknown (' 'recall@3 by popularity, part of each held-out row' 'mrr by time' \
    'head ('; do
    says out "$word"
done
for format in md latex csv json; do exits 0 "as $format" breakdown --by user.gender,popularity --format $format; done
breakdown --by history,user.gender,popularity,new,time --metric recall@2 --bins 3 --format csv >one.csv
if command -v taskset >/dev/null 2>&1; then one='taskset -c 0'; else one=; fi
$one "$HARNESS" breakdown broken --store s.sqlite --by history,user.gender,popularity,new,time --metric recall@2 \
    --bins 3 --format csv >two.csv
ok 'the same bytes again and on one thread' cmp one.csv two.csv
cat >check.py <<'PY'
# All anew from the store and the files, in another way: strata, values, users, gaps.
import collections, csv, json, sqlite3, struct
db = sqlite3.connect("s.sqlite")
doubles = lambda b: struct.unpack("<%dd" % (len(b) // 8), b)
ints = lambda b: struct.unpack("<%di" % (len(b) // 4), b)
rows = list(csv.DictReader(open("rows.csv")))
gender = {r["user"]: r["gender"] for r in csv.DictReader(open("users.csv"))}
problems = [p for p, in db.execute("SELECT problem FROM experiment_problem ORDER BY position")]
assert len(problems) == 2
state = {}
for p in problems:
    users = [u for u, in db.execute("SELECT user FROM problem_query WHERE problem = ? ORDER BY position", (p,))]
    fact = {(s, k): (doubles(v), l) for s, k, v, l in
            db.execute("SELECT subject, key, value, labels FROM problem_fact WHERE problem = ?", (p,))}
    # The number of an item is told by no name here: by how many rows it has and when, which no two items share.
    held = [int(x) for x in fact["query", "test_rows"][0]]
    assert held == [1] * len(users)  # leave one out
    total = collections.Counter(r["user"] for r in rows)
    history = [int(x) for x in fact["query", "history"][0]]
    assert history == [total[u] - 1 for u in users] == [int(x) for x in fact["query", "train_rows"][0]]
    assert set(fact["query", "source_rows"][0]) == {0.0}
    values, labels = fact["query", "user.gender"]
    labels = labels.split("\n")
    assert [labels[int(x)] if x == x else None for x in values] == [gender.get(u) for u in users]
    of = collections.defaultdict(dict)
    for r in rows:
        of[r["user"]][int(r["time"])] = r
    times = [int(t) for t in fact["test", "time"][0]]
    assert times == [int(t) for t in fact["query", "time"][0]]
    test = [of[u][t]["item"] for u, t in zip(users, times)]
    assert [float(of[u][t]["rating"]) for u, t in zip(users, times)] == list(fact["test", "value"][0])
    train = collections.Counter(r["item"] for r in rows)
    train.subtract(test)
    stored = fact["item", "train_rows"][0]
    assert sorted(stored) == sorted(float(train[i]) for i in {r["item"] for r in rows})
    assert all(stored[int(n)] == train[i] for n, i in zip(fact["test", "item"][0], test))
    first = collections.defaultdict(lambda: 1e300)
    for r in rows:
        if (r["user"], int(r["time"])) not in set(zip(users, times)):
            first[r["item"]] = min(first[r["item"]], int(r["time"]))
    number = [int(n) for n in fact["test", "item"][0]]
    assert all(fact["item", "first_time"][0][n] == first[i] for n, i in zip(number, test) if train[i])
    above_share = {i: sum(c for c in train.values() if c > train[i]) / sum(train.values()) for i in train}
    bucket = [("head", "mid", "tail")[min(2, int(3 * above_share[i]))] for i in test]
    new = ["old" if train[i] else "new" for i in test]
    state[p] = users, history, bucket, times, new

def cuts(values, bins):
    values = sorted(values)
    if len(set(values)) <= bins:
        return sorted(set(values))[:-1]
    ends = sorted({values[-(-len(values) * b // bins) - 1] for b in range(1, bins)})
    return [e for e in ends if e < values[-1]]

def groups(by):
    if by == "user.gender":
        return {p: [gender.get(u, "unknown") for u in s[0]] for p, s in state.items()}
    if by in ("popularity", "new"):
        return {p: s[2 if by == "popularity" else 4] for p, s in state.items()}
    at = 1 if by == "history" else 3
    c = cuts([x for s in state.values() for x in s[at]], 3)
    return {p: [sum(x > e for e in c) for x in s[at]] for p, s in state.items()}

printed = list(csv.DictReader(open("one.csv")))
checked = 0
for by in ("history", "user.gender", "popularity", "new", "time"):
    group = groups(by)
    for algorithm in ("random", "popularity"):
        mine = [r for r in printed if r["by"] == by and r["algorithm"] == algorithm and r["metric"] == "recall@2"]
        runs = dict(db.execute("SELECT r.problem, r.id FROM run r WHERE r.algorithm = ?", (algorithm,)))
        per = collections.defaultdict(lambda: collections.defaultdict(list))
        for p in problems:
            if by in ("popularity", "new", "time"):
                a, t = db.execute("SELECT above, tied FROM run_test WHERE run = ?", (runs[p],)).fetchone()
                value = [sum(x + 1 <= 2 for x in range(i, i + j)) / j for i, j in zip(ints(a), ints(t))]
            else:
                value = doubles(db.execute("SELECT value FROM metric_user WHERE run = ? AND metric = 'recall@2'",
                                           (runs[p],)).fetchone()[0])
            for u, g, v in zip(state[p][0], group[p], value):
                per[g][u].append(v)
        rows_of = by in ("popularity", "new", "time")
        want = {}
        for g, us in per.items():
            flat = [v for vs in us.values() for v in vs]
            means = [sum(vs) / len(vs) for vs in us.values()]
            want[g] = (sum(flat) / len(flat) if rows_of else sum(means) / len(means), len(us), len(flat))
        got = [(float(r["value"]), int(r["users"]), int(r["units"])) for r in mine if r["stratum"] != "GAP"]
        assert len(got) == len(want), (by, got, want)
        key = lambda x: (x[2], x[1], x[0])
        for g, w in zip(sorted(got, key=key), sorted(want.values(), key=key)):
            assert abs(g[0] - w[0]) < 1e-12 and g[1:] == w[1:], (by, algorithm, g, w)
            checked += 1
        big = [w[0] for w in want.values() if w[1] >= 10]
        gap = [r for r in mine if r["stratum"] == "GAP"]
        if len(big) > 1 and max(big) > min(big):
            assert abs(float(gap[0]["value"]) - (max(big) - min(big))) < 1e-12
            assert float(gap[0]["ci95 low"]) <= float(gap[0]["value"]) <= float(gap[0]["ci95 high"])
            checked += 1
assert checked > 20, checked
assert len(json.load(open("out"))["breakdowns"]) == 3
PY
if command -v python3 >/dev/null 2>&1; then
    ok 'facts, strata, values and gaps are those of another program' python3 check.py
else
    skip 'facts, strata, values and gaps are those of another program' 'no python3'
fi
exits 0 'edges' breakdown --by history --bins 5,
exits 2 'an unknown key is refused' breakdown --by user.gendre
says err "nothing is known by 'user.gendre' in problem 'problem'; did you mean 'user.gender'?"
exits 2 'bins that are none' breakdown --bins 0
says err "bins '0': neither a number of strata from 1 to 1000 nor edges such as 5,20"
exits 2 'edges that fall' breakdown --bins 5,3
says err "'3' is no edge"
exits 2 'no part of a row' breakdown --by popularity --metric ndcg@3
says err "metric 'ndcg@3' has no part for each held-out row: allowed recall@K, hit@K, mrr"
exits 2 'an unknown metric' breakdown --metric ndgc@3
says err "did you mean 'ndcg@3'?"
exits 2 'no key' breakdown --by ,
says err '--by names nothing'
exits 2 'no experiment' "$HARNESS" breakdown
exits 2 'an unknown experiment' "$HARNESS" breakdown brokn --store s.sqlite
says err "did you mean 'broken'?"
if command -v sqlite3 >/dev/null 2>&1; then
    sqlite3 s.sqlite 'DELETE FROM problem_fact'
    exits 1 'a store from before there were facts' breakdown
    says err 'run its experiment again with --force'
fi
finish
