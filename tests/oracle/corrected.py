#!/usr/bin/env python3
"""Corrected estimates of sampled metrics, by dense linear algebra, for the unit test of eval/corrected.c.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install scipy
    /tmp/oracle/bin/python tests/oracle/corrected.py

writes, beside itself, corrected.values: lines "case pool drawn gamma metric k v v ..." with the function g of the
sampled rank. It is the formula of Krichene and Rendle (KDD 2020), equation of the bias-variance trade-off, with the
hypergeometric distribution of scipy and the solver of numpy; those committed are of scipy 1.17.1 and numpy 2.4.6.
Nothing of it comes from data.
"""
import os

import numpy as np
from scipy.stats import hypergeom

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = [(7, 3), (40, 9), (40, 40), (600, 50), (1200, 100), (5, 1)]
METRICS = [("ndcg", 10), ("recall", 5), ("mrr", 0), ("precision", 4)]


def f(name, k, r):
    inside = (r <= k) if k else np.ones_like(r, dtype=bool)
    value = {"ndcg": 1 / np.log2(r + 1.0), "recall": np.ones(len(r)), "mrr": 1.0 / r,
             "precision": np.full(len(r), 1 / k if k else 0)}[name]
    return np.where(inside, value, 0.0)


with open(os.path.join(HERE, "corrected.values"), "w") as out:
    for pool, drawn in CASES:
        r = np.arange(1, pool + 2)
        a = np.array([hypergeom.pmf(np.arange(drawn + 1), pool, x - 1, drawn) for x in r])
        for gamma in (0.1, 0.01):
            left = (1 - gamma) * a.T @ a + gamma * np.diag(a.sum(axis=0))
            for name, k in METRICS:
                g = np.linalg.solve(left, a.T @ f(name, k, r))
                out.write(f"{pool} {drawn} {gamma} {name} {k} " + " ".join(f"{x:.17g}" for x in g) + "\n")
