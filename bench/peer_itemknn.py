"""The peer's side of bench/whole.sh: MovieLens 100K, cosine item neighbours (100), full ranking, with implicit.

usage: peer_itemknn.py U_DATA        (needs implicit and scipy from PyPI)
"""
import sys

import numpy as np
import scipy.sparse as sp
from implicit.evaluation import ranking_metrics_at_k
from implicit.nearest_neighbours import CosineRecommender

user, item, _, _ = np.loadtxt(sys.argv[1], dtype=np.int64).T
asked = np.random.default_rng(42).random(len(user)) < 0.2
shape = (user.max() + 1, item.max() + 1)


def matrix(rows):
    return sp.csr_matrix((np.ones(rows.sum(), np.float32), (user[rows], item[rows])), shape)


model = CosineRecommender(K=100)
model.fit(matrix(~asked), show_progress=False)
print(ranking_metrics_at_k(model, matrix(~asked), matrix(asked), K=10, show_progress=False))
