#!/usr/bin/env python3
"""Values of implicit, scikit-learn and plain scipy arithmetic for the unit test of the classic algorithms.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install implicit scipy scikit-learn
    /tmp/oracle/bin/python tests/oracle/neighbors.py FOLDER-WITH-ML-100K

reads u1.base (train), u1.test and u.item of MovieLens 100K, and writes neighbors.expected beside itself: for each
model the mean AUC over the users of u1.test (all items without a train row of the user are ranked; ties count a
half), the sum of the scores of those users for those items, and a few single scores "user item value" under the ids
of the files. Those committed are of implicit 0.7.3, scikit-learn 1.9.1 and scipy 1.17.1. No row of the data is in
the file.
"""
import os
import sys

import numpy as np
import scipy.sparse as sp
from implicit.nearest_neighbours import CosineRecommender
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity

HERE = os.path.dirname(os.path.abspath(__file__))
USERS, ITEMS = 943, 1682


def read(path):
    rows = np.loadtxt(path, dtype=np.int64)
    return sp.csr_matrix((rows[:, 2].astype(np.float64), (rows[:, 0] - 1, rows[:, 1] - 1)), shape=(USERS, ITEMS))


def ratio(x, below):
    return np.divide(x, below, out=np.zeros_like(x), where=below > 0)


def keep_best(similarity, k):
    """The k largest positive values of every row, of equal ones (as 32-bit floats) those with the lower index."""
    similarity = similarity.astype(np.float32)
    np.fill_diagonal(similarity, 0)
    kept = np.zeros(similarity.shape)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    np.put_along_axis(kept, order, np.maximum(np.take_along_axis(similarity, order, 1), 0), 1)
    return kept


def implicit_similarity(ratings):
    model = CosineRecommender(K=ITEMS, num_threads=1)
    model.fit(ratings, show_progress=False)
    similarity = model.similarity.toarray()
    np.fill_diagonal(similarity, 0)
    return similarity


def models(train, folder):
    """(algorithm, settings, scores of all users for all items)"""
    binary = sp.csr_matrix((np.ones(train.nnz), train.indices, train.indptr), shape=train.shape)
    r, b = train.toarray(), binary.toarray()
    n_items, n_users = b.sum(0), b.sum(1)
    common = b.T @ b

    yield "popularity", "", np.tile(n_items, (USERS, 1))

    yield "itemknn", "neighbors = 1000000", binary @ implicit_similarity(binary)
    yield "itemknn", "neighbors = 1000000; weighted = yes", train @ implicit_similarity(train)
    cosine = ratio(common, np.sqrt(np.outer(n_items, n_items)))
    yield "itemknn", "neighbors = 100; lists_of = history", b @ keep_best(cosine, 100)
    shrunk = ratio(common, np.sqrt(np.outer(n_items, n_items)) + 10)
    yield "itemknn", "neighbors = 50; shrinkage = 10", b @ keep_best(shrunk, 50).T
    centred = np.where(b > 0, r - (r.sum(1) / np.maximum(n_users, 1))[:, None], 0)
    norm = np.sqrt((centred ** 2).sum(0))
    adjusted = ratio(centred.T @ centred, np.outer(norm, norm) + 5)
    adjusted = keep_best(adjusted, 100)
    yield "itemknn", "similarity = adjusted; shrinkage = 5; weighted = yes; lists_of = history", r @ adjusted
    jaccard = ratio(common, n_items[:, None] + n_items[None, :] - common)
    yield "itemknn", "similarity = jaccard; lists_of = history", b @ keep_best(jaccard, 100)
    given = ratio(common, np.outer(n_items, n_items ** 0.5))
    yield "itemknn", "similarity = conditional; neighbors = 60; lists_of = history", b @ keep_best(given, 60)
    lists = keep_best(cosine, 100)
    yield "itemknn", "", b @ lists.T
    lists = ratio(lists, np.repeat(lists.sum(1)[:, None], ITEMS, 1))
    yield "itemknn", "normalize = yes; lists_of = history", b @ lists

    users = ratio(b @ b.T, np.sqrt(np.outer(n_users, n_users)))
    yield "userknn", "neighbors = 50", keep_best(users, 50) @ b
    norm = np.sqrt((r ** 2).sum(1))
    rated = ratio(r @ r.T, np.outer(norm, norm) + 20)
    yield "userknn", "neighbors = 80; shrinkage = 20; weighted = yes", keep_best(rated, 80) @ r

    mean = r.sum() / (b > 0).sum()
    item = ((r - mean) * b).sum(0) / (25 + n_items)
    user = ((r - mean - item) * b).sum(1) / (10 + n_users)
    residual = (r - mean - item - user[:, None]) * b
    norm = np.sqrt((residual ** 2).sum(0))
    near = keep_best(ratio(residual.T @ residual, np.outer(norm, norm) + 20), 200).T
    baseline = mean + item + user[:, None]
    yield "itemknn_rating", "", baseline + ratio(residual @ near, b @ near + 0.5)
    yield "itemknn_rating", "damping = 0", baseline + ratio(residual @ near, b @ near)

    with open(os.path.join(folder, "u.item"), encoding="latin-1") as f:
        genres = np.array([[float(x) for x in line.rstrip("\n").split("|")[-19:]] for line in f])
    vectors = TfidfTransformer().fit_transform(genres)
    yield "content", "blocks = genre", cosine_similarity(b @ vectors.toarray(), vectors.toarray())


def main():
    folder = sys.argv[1]
    train, test = read(os.path.join(folder, "u1.base")), read(os.path.join(folder, "u1.test"))
    rng = np.random.default_rng(20240612)
    asked = np.flatnonzero(np.diff(test.indptr))
    seen, held = train.toarray() > 0, test.toarray() > 0
    with open(os.path.join(HERE, "neighbors.expected"), "w") as out:
        for algorithm, settings, score in models(train, folder):
            score = np.asarray(score)
            auc = [roc_auc_score(held[u][~seen[u]], score[u][~seen[u]].astype(np.float32)) for u in asked]
            rmse = np.sqrt(np.mean((score - test.toarray())[held] ** 2))
            total = sum(score[u][~seen[u]].sum() for u in asked)
            out.write(f"model {algorithm} {settings}".rstrip() + "\n")
            if algorithm != "content":  # few genres make near-ties, whose order is a matter of rounding
                out.write(f"auc {np.mean(auc):.9f}\n")
            if algorithm == "itemknn_rating":
                out.write(f"rmse {rmse:.9f}\n")
            out.write(f"sum {total:.12g}\n")
            for u in rng.choice(asked, 4, replace=False):
                liked = np.flatnonzero(~seen[u] & (score[u] != 0))
                for i in rng.choice(liked, 3, replace=False):
                    out.write(f"score {u + 1} {i + 1} {score[u][i]:.9g}\n")


main()
