"""How far equal similarities move the rows of experiments/papers/mcrec_ml100k.ini that have many of them.

    python3 mcrec_ties.py FOLDER > mcrec_ties.values        (numpy; a minute)

FOLDER is that of `harness run --data`. Written after the formulas of Ferrari Dacrema et al. 2021 and their programs,
without the code of harness: items have two features, the number of genres they have and of those they have not. Where
similarities and scores are equal, the order of the items decides; each row is computed for 24 random orders of the
items, and its smallest, mean and largest values are printed: precision@10, recall@10, nDCG@10 with the ideal of all.
"""
import sys

import numpy as np

ORDERS, USERS, ITEMS = 24, 943, 1682


def read(folder):
    train = np.loadtxt(folder + "/ml-100k-mcrec/ml-100k.train.rating", dtype=int)
    x = np.zeros((USERS, ITEMS))
    x[train[:, 0] - 1, train[:, 1] - 1] = 1
    held = {}
    for line in open(folder + "/ml-100k-mcrec/ml-100k.test.rating"):
        word = [int(w) for w in line.split()]
        held[word[0] - 1] = np.unique(np.array(word[1:]) - 1)
    flags = np.array([[int(f) for f in line.rstrip("\n").split("|")[5:]]
                      for line in open(folder + "/ml-100k/u.item", encoding="latin1")])
    return x, held, np.stack([(flags == 0).sum(1), (flags == 1).sum(1)], 1).astype(float)


def keep(w, k):
    """The k largest of each column; of equal ones the first."""
    order = np.argsort(-w, axis=0, kind="stable")[:k]
    out = np.zeros_like(w)
    np.put_along_axis(out, order, np.take_along_axis(w, order, 0), 0)
    return out


def bm25(d):
    idf = np.log(len(d) / (1 + (d != 0).sum(0)))
    length = d.sum(1)
    return d * 2.2 / (1.2 * (0.25 + 0.75 * length / length.mean())[:, None] + d) * idf


def similarity(m, k, shrink, kind, a=0.5, ta=1, tb=1):
    if kind in ("jaccard", "dice", "tversky"):
        m = (m != 0) * 1.0
    dot, n = m @ m.T, (m ** 2).sum(1)
    np.fill_diagonal(dot, 0)
    below = {
        "inner": np.full_like(dot, shrink),
        "cosine": np.sqrt(np.outer(n, n)) + shrink,
        "asymmetric": np.power(n[None, :], a) * np.power(n[:, None], 1 - a) + shrink,
        "jaccard": n[:, None] + n[None, :] - dot + shrink,
        "dice": n[:, None] + n[None, :] + shrink,
        "tversky": dot + (n[None, :] - dot) * ta + (n[:, None] - dot) * tb + shrink,
    }[kind]
    return keep((dot / (below + 1e-6)).astype(np.float32), k)


def p3alpha(x, k):
    """alpha = 0: counts of common users, scaled by row."""
    c = (x > 0) * 1.0
    w = c.T @ c
    np.fill_diagonal(w, 0)
    w = keep(w.T, k).T
    total = w.sum(1, keepdims=True)
    return keep(np.divide(w, total, out=np.zeros_like(w), where=total > 0), k)


def measure(score, x, held):
    score = np.where(x > 0, -np.inf, score)
    gain = 1 / np.log2(np.arange(2, ITEMS + 2))
    all_of = []
    for u, t in held.items():
        hit = np.isin(np.argsort(-score[u], kind="stable")[:10], t)
        all_of.append((hit.mean(), hit.sum() / len(t), (hit * gain[:10]).sum() / gain[:len(t)].sum()))
    return np.mean(all_of, 0)


def main():
    x, held, digits = read(sys.argv[1])
    rng = np.random.default_rng(1)
    both = lambda x, c, w: np.hstack([c * w, x.T])
    rows = {
        "P3alpha": lambda x, c: p3alpha(x, 197),
        "CBF cosine": lambda x, c: similarity(bm25(c), 113, 349, "inner"),
        "CBF dice": lambda x, c: similarity(c, 991, 1, "dice"),
        "CBF jaccard": lambda x, c: similarity(c, 991, 999, "jaccard"),
        "CBF asymmetric": lambda x, c: similarity(bm25(c), 403, 428, "asymmetric", a=1.8470),
        "CBF tversky": lambda x, c: similarity(c, 983, 3, "tversky", ta=0.0501, tb=0.2996),
        "CFCBF cosine": lambda x, c: similarity(bm25(both(x, c, 0.0757)), 355, 228, "cosine"),
        "CFCBF dice": lambda x, c: similarity(both(x, c, 1), 170, 0, "dice"),
        "CFCBF jaccard": lambda x, c: similarity(both(x, c, 1), 164, 0, "jaccard"),
        "CFCBF asymmetric": lambda x, c: similarity(bm25(both(x, c, 0.01)), 311, 929, "asymmetric", a=2.0),
        "CFCBF tversky": lambda x, c: similarity(both(x, c, 1), 70, 537, "tversky", ta=0.3134, tb=1.4108),
    }
    value = {name: [] for name in rows}
    for _ in range(ORDERS):
        order = rng.permutation(ITEMS)
        place = np.argsort(order)
        mixed, features = x[:, order], digits[order]
        test = {u: place[t] for u, t in held.items()}
        for name, weights in rows.items():
            value[name].append(measure(mixed @ weights(mixed, features), mixed, test))
    for name, v in value.items():
        v = np.array(v)
        print("%-17s" % name, "   ".join("%.4f %.4f %.4f" % (a.min(), a.mean(), a.max()) for a in v.T))


main()
