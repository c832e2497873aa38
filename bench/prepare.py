"""Prepares a file of ratings for bench/peers.py and for the programs here, which then work on the same data.

usage: prepare.py RATINGS.csv PREFIX        (needs numpy, pandas, scipy and implicit from PyPI)

RATINGS.csv has the columns user, item, rating and perhaps more, in this order and under any names. Written are
PREFIX.bin, which holds all that follows for C (bench/data.h says how), and for Python PREFIX.all.npz (every row),
PREFIX.train.npz and PREFIX.test.npz (a fifth of the rows of each user is asked), and PREFIX.factors.npz: vectors of
64 factors that implicit finds for the train part in three iterations of ALS.
"""
import sys

import numpy as np
import pandas as pd
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

source, prefix = sys.argv[1:3]
frame = pd.read_csv(source, usecols=[0, 1, 2], dtype={0: np.int64, 1: np.int64, 2: np.float32})
frame.columns = ["user", "item", "rating"]
user = np.unique(frame.user.values, return_inverse=True)[1]
item = np.unique(frame.item.values, return_inverse=True)[1]
value = frame.rating.values.astype(np.float32)
shape = (user.max() + 1, item.max() + 1)
asked = np.random.Generator(np.random.PCG64(7)).random(user.size) < 0.2
asked[np.unique(user, return_index=True)[1]] = False  # everybody keeps one


def matrix(rows):
    m = sp.csr_matrix((value[rows], (user[rows], item[rows])), shape)
    m.sort_indices()
    return m


parts = {"all": matrix(slice(None)), "train": matrix(~asked), "test": matrix(asked)}
for name, m in parts.items():
    sp.save_npz("%s.%s.npz" % (prefix, name), m, compressed=False)
ones = parts["train"].copy()
ones.data[:] = 1
model = AlternatingLeastSquares(factors=64, iterations=3, regularization=0.05, alpha=10, random_state=1)
model.fit(ones, show_progress=False)
np.savez(prefix + ".factors.npz", users=model.user_factors, items=model.item_factors)
with open(prefix + ".bin", "wb") as f:
    f.write(b"rhbench1")
    np.array([*shape, 64, *(m.nnz for m in parts.values())], np.int64).tofile(f)
    for m in parts.values():
        m.indptr.astype(np.int64).tofile(f)
        m.indices.astype(np.int32).tofile(f)
        m.data.astype(np.float32).tofile(f)
    model.user_factors.astype(np.float32).tofile(f)
    model.item_factors.astype(np.float32).tofile(f)
