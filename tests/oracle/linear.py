#!/usr/bin/env python3
"""Linear models of items by scikit-learn and numpy, for the unit test of the linear algorithms.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install scikit-learn
    /tmp/oracle/bin/python tests/oracle/linear.py

writes, beside itself, linear.values: lines "name count v v ..." with matrices row by row, for interactions that follow
from a formula, the same in tests/unit/linear.c. Those committed are of scikit-learn 1.9.1 and numpy 2.4.6.
"""
import os
import warnings

import numpy as np
from sklearn.decomposition import NMF, non_negative_factorization
from sklearn.linear_model import ElasticNet

HERE = os.path.dirname(os.path.abspath(__file__))
USERS, ITEMS = 60, 24


def mixed(a, b):
    h = (a * 73856093 ^ b * 19349663) & 0xFFFFFFFF
    h ^= h >> 16
    h = h * 0x45D9F3B & 0xFFFFFFFF
    return h ^ h >> 16


def interactions():
    """Users like one item in three, of those the popular ones more; the last user and the last item have nothing."""
    x = np.zeros((USERS, ITEMS))
    for u in range(USERS - 1):
        for i in range(ITEMS - 1):
            x[u, i] = mixed(u + 1, i + 1) % 100 < (70 if u % 3 == i % 3 else 30) - i
    return x


def slim(x, alpha, l1_ratio, positive):
    """One ElasticNet a column, the column itself hidden, to the end of convergence. Users without rows do not count."""
    x = x[x.sum(1) > 0]
    b = np.zeros((ITEMS, ITEMS))
    for j in range(ITEMS):
        others = x.copy()
        others[:, j] = 0
        model = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, positive=positive, fit_intercept=False, tol=1e-12,
                           max_iter=100000)
        b[:, j] = model.fit(others, x[:, j]).coef_
    return b


def nmf(x, solver, seed, **settings):
    """What a history of each one item alone is worth to every item, after 20 epochs and the last user's fit."""
    model = NMF(n_components=4, init="random", solver=solver, random_state=seed, shuffle=True, tol=0, max_iter=20,
                **settings)
    model.fit(x)
    regular = {k: settings[k] for k in settings if k != "alpha_H"}
    last, _, _ = non_negative_factorization(np.eye(ITEMS), H=model.components_, n_components=4, update_H=False,
                                            solver="cd", tol=1e-14, max_iter=100000, **regular)
    return last @ model.components_


def closed_form(g, l2):
    p = np.linalg.inv(g + l2 * np.eye(ITEMS))
    b = -p / np.diag(p)
    np.fill_diagonal(b, 0)
    return b


def main():
    warnings.filterwarnings("ignore")
    x = interactions()
    with open(os.path.join(HERE, "linear.values"), "w") as f:
        def write(name, m):
            f.write("%s %d %s\n" % (name, m.size, " ".join("%.9g" % v for v in m.ravel())))
        write("interactions", x)
        write("slim", slim(x, 0.02, 0.1, True))
        write("slim_sparse", slim(x, 0.05, 0.6, True))
        write("slim_signed", slim(x, 0.02, 0.2, False))
        write("slim_ridge", slim(x, 0.05, 0, False))
        v = np.linalg.svd(x)[2][:3]
        write("puresvd", v.T @ v)
        write("nmf_cd", nmf(x, "cd", 7))
        write("nmf_mu", nmf(x, "mu", 8))
        write("nmf_sparse", nmf(x, "cd", 9, alpha_W=0.002, alpha_H=0.002, l1_ratio=0.5))
        f6 = np.array([[mixed(i + 101, c + 1) % 3 == 0 for c in range(6)] for i in range(ITEMS)], float)
        f6[:, 5] *= 2.5
        write("features", f6)
        write("collective", closed_form(x.T @ x + 1.5 * f6 @ f6.T, 7))
        write("additive", 0.7 * closed_form(x.T @ x, 7) + 0.3 * closed_form(f6 @ f6.T, 2))


main()
