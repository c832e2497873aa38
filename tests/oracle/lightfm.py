"""Thirty steps of LightFM (Kula 2015) on a small problem whose numbers are formulas; numpy, double precision, and
nothing of harness. tests/unit/lightfm.c makes the same steps.

    python3 lightfm.py > lightfm.values

Five users of two groups, six items with two genres. Features: of a user their own (0 to 4) and the group (5, 6), of an
item its own (0 to 5) and the genres (6, 7), with weights. Lines: loss, step, side (user, item), index, bias, the sum.
"""
import numpy as np

FACTORS, RATE, REG_USER, REG_ITEM = 3, 0.2, 0.01, 0.02


class Side:
    def __init__(self, rows, n_features, of_items, reg):
        self.rows, self.reg = rows, reg
        f, k = np.meshgrid(np.arange(n_features), np.arange(FACTORS), indexing="ij")
        self.x = 0.5 * np.sin(1.3 * f + 0.7 * k + 0.2 * of_items)
        self.b = 0.1 * np.cos(np.arange(n_features) + of_items)
        self.x2, self.b2 = np.ones_like(self.x), np.ones_like(self.b)

    def sum(self, r):
        return sum(w * self.x[f] for f, w in self.rows[r]), sum(w * self.b[f] for f, w in self.rows[r])

    def move(self, r, dx, db, adagrad):
        for f, w in self.rows[r]:
            g, h = w * dx + self.reg * self.x[f], w * db
            self.x[f] -= RATE * g / (np.sqrt(self.x2[f]) if adagrad else 1)
            self.b[f] -= RATE * h / (np.sqrt(self.b2[f]) if adagrad else 1)
            self.x2[f] += g * g
            self.b2[f] += h * h


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def pair(user, item, u, i, j, loss, weight, adagrad):
    (p, _), (a, ba), (b, bb) = user.sum(u), item.sum(i), item.sum(j)
    margin = p @ (a - b) + ba - bb
    if loss == "warp" and margin >= 1:
        return
    g = weight if loss == "warp" else sigmoid(-margin)
    user.move(u, -g * (a - b), 0, adagrad)
    item.move(i, -g * p, -g, adagrad)
    item.move(j, g * p, g, adagrad)


def label(user, item, u, i, y, adagrad):
    (p, bu), (q, bi) = user.sum(u), item.sum(i)
    g = sigmoid(p @ q + bu + bi) - y
    user.move(u, g * q, g, adagrad)
    item.move(i, g * p, g, adagrad)


for loss in ("logistic", "bpr", "warp"):
    for step in ("adagrad", "sgd"):
        user = Side([[(u, 1), (5 + u % 2, 1)] for u in range(5)], 7, 0, REG_USER)
        item = Side([[(i, 1)] + [(6 + c, 0.5 * (c + 1)) for c in range(2) if (i + c) % 3] for i in range(6)], 8, 1,
                    REG_ITEM)
        for k in range(30):
            u, i, j = k * 7 % 5, (k * 5 + 1) % 6, (k * 3 + 4) % 6
            j = (j + 1) % 6 if j == i else j
            if loss == "logistic":
                label(user, item, u, i, 1, step == "adagrad")
                label(user, item, u, j, 0, step == "adagrad")
            else:
                pair(user, item, u, i, j, loss, 1 + k % 3, step == "adagrad")
        for name, side in (("user", user), ("item", item)):
            for r in range(len(side.rows)):
                x, b = side.sum(r)
                print(loss, step, name, r, "%.9g" % b, *("%.9g" % v for v in x))
