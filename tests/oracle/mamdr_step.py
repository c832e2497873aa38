#!/usr/bin/env python3
"""Two epochs of MAMDR (Luo et al. 2023, algorithms 1 to 3) on quadratic losses, by numpy, for tests/unit/negotiate.c.

    python3 tests/oracle/mamdr_step.py > tests/oracle/mamdr_step.values        (needs numpy)

Domain d has the loss (w - c_d)' A_d (w - c_d) / 2; to learn from it is two steps of gradient descent. Lines are "name
count v v ..": the shared and the target's specific weights after each epoch, the loss of the negotiation and those of
the target after each helper. Domain 0 is the target.
"""
import numpy as np

N, DOMAINS, STEPS, INNER, SHARED, SPECIFIC = 5, 3, 2, 0.2, 0.5, 0.3
ORDERS, HELPERS = [[2, 0, 1], [1, 2, 0]], [[1, 2], [2]]


def matrix(d):
    r, k = np.meshgrid(np.arange(N), np.arange(N), indexing="ij")
    b = np.sin(1.3 * r + 0.7 * k + 0.9 * d + 0.4 * r * k)
    return b @ b.T / N + 0.5 * np.eye(N)


def centre(d):
    return np.cos(0.8 * np.arange(N) + 1.1 * d)


def learn(w, d):
    """The weights after the steps, and the mean of the losses that they began from."""
    losses = []
    for _ in range(STEPS):
        away = w - centre(d)
        losses.append(away @ matrix(d) @ away / 2)
        w = w - INNER * matrix(d) @ away
    return w, np.mean(losses)


def show(name, x):
    x = np.atleast_1d(x)
    print(name, len(x), " ".join("%.15g" % v for v in x))


shared, specific = np.sin(1.0 + np.arange(N)), np.zeros(N)
for epoch, (order, helpers) in enumerate(zip(ORDERS, HELPERS)):
    w, losses = shared, []
    for d in order:  # algorithm 1
        w, loss = learn(w, d)
        losses.append(loss)
    shared = shared + SHARED * (w - shared)
    show("loss%d" % epoch, np.mean(losses))
    losses = []
    for d in helpers:  # algorithm 2
        w, _ = learn(shared + specific, d)
        w, loss = learn(w, 0)
        losses.append(loss)
        specific = specific + SPECIFIC * (w - (shared + specific))
    show("helped%d" % epoch, losses)
    show("shared%d" % epoch, shared)
    show("specific%d" % epoch, specific)
