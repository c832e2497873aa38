"""How far MyMediaLite's Pearson correlation is from Pearson's, for experiments/papers/mymedialite_ml100k.ini.

    HARNESS_DATA=FOLDER python3 mymedialite_pearson.py > mymedialite_pearson.values                    (numpy 1.26.4)

Correlation/Pearson.cs adds the sums of a pair of users (or items) up in symmetric matrices: of each common rating what
comes first in the list of ratings is added to the sums of "i", the other to those of "j". In a list in random order the two
mix. A line: users or items, whether they mix, RMSE and MAE of the neighbourhood on one random fold.
"""
import os

import numpy as np

data = np.loadtxt(os.path.join(os.environ["HARNESS_DATA"], "ml-100k", "u.data"), dtype=int)
order = np.random.RandomState(5).permutation(len(data))
fold = np.arange(len(data)) % 5
train, test = data[order[fold != 0]], data[order[fold == 0]]
rating = np.zeros((943, 1682))
place = np.zeros((943, 1682))
rating[train[:, 0] - 1, train[:, 1] - 1] = train[:, 2]
place[train[:, 0] - 1, train[:, 1] - 1] = np.arange(len(train))
known = rating > 0
mean = train[:, 2].mean()
item_offset = ((rating - mean) * known).sum(0) / (1 + known.sum(0))
user_offset = ((rating - mean - item_offset) * known).sum(1) / (12 + known.sum(1))
base = mean + user_offset[:, None] + item_offset


def sums(x, m, p):
    """Of i, j, i^2 and j^2 as MyMediaLite adds them up."""
    n = len(x)
    out = [np.zeros((n, n)) for _ in range(4)]
    for c in range(x.shape[1]):
        who = np.nonzero(m[:, c])[0]
        who = who[np.argsort(p[who, c])]
        r, at = x[who, c], np.arange(len(who))
        first, second = np.minimum.outer(at, at), np.maximum.outer(at, at)
        block = np.ix_(who, who)
        for s, v in zip(out, (r[first], r[second], r[first] ** 2, r[second] ** 2)):
            s[block] += v
    return out


def evaluate(users, k, shrinkage, mixed):
    x, m, p, rest = (a if users else a.T for a in (rating, known, place, (rating - base) * known))
    n = m.astype(float) @ m.T
    i, j, ii, jj = sums(x, m, p) if mixed else (x @ m.T, (x @ m.T).T, (x * x) @ m.T, ((x * x) @ m.T).T)
    norm = np.sqrt(np.maximum((n * ii - i * i) * (n * jj - j * j), 0))
    with np.errstate(all="ignore"):
        s = np.where((norm > 0) & (n > 1), (n * (x @ x.T) - i * j) / norm * (n - 1) / (n - 1 + shrinkage), 0)
    np.fill_diagonal(s, 0)
    error = []
    for u, v, r, _ in test:
        a, b = (u - 1, v - 1) if users else (v - 1, u - 1)
        weight = np.maximum(s[a] * m[:, b], 0)
        best = np.argpartition(-weight, k)[:k]
        total = weight[best].sum()
        near = (weight[best] * rest[best, b]).sum() / total if total > 0 else 0
        error.append(min(5, max(1, base[u - 1, v - 1] + near)) - r)
    error = np.array(error)
    return "%.6f %.6f" % (np.sqrt((error**2).mean()), abs(error).mean())


for users, k, shrinkage in (True, 60, 25), (False, 40, 2500):
    for mixed in False, True:
        print("users" if users else "items", "mixed" if mixed else "pearson", evaluate(users, k, shrinkage, mixed))
