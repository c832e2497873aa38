#!/usr/bin/env python3
"""Gradients of CoNet (Hu et al. 2018) on made weights by automatic differentiation, for tests/unit/conet.c.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install torch numpy
    /tmp/oracle/bin/python tests/oracle/conet.py > tests/oracle/conet.values

prints lines "name count v v ...": the loss of a minibatch over three domains, its gradients by all weights in the order
of algorithms/lib/cross.h, by the users' vectors and by the items' of each domain, and scores of a query with histories
in both sources. The committed values are of torch 2.15.0, in double.
"""
import torch

torch.set_default_dtype(torch.float64)
USERS, ITEMS, FACTORS, WIDTHS, SOURCE_WEIGHT = 4, (5, 4, 3), 3, (6, 4, 2, 1), 0.6
# user, liked, other item, domain of the partner, partner; of each domain
EXAMPLES = [
    [(0, 0, 1, 1, 2), (1, 3, 2, None, None), (2, 1, 0, 2, 0), (0, 4, 1, 2, 1)],
    [(0, 2, 0, 0, 1), (3, 1, 2, None, None)],
    [(2, 0, 1, 0, 3)],
]
HISTORY = {1: [0, 2, 3], 2: [1]}


def show(name, values):
    print(name, values.numel(), *("%.15g" % v for v in values.detach().flatten().tolist()))


def table(rows, offset):
    r, c = torch.meshgrid(torch.arange(rows), torch.arange(FACTORS), indexing="ij")
    return torch.nn.Parameter(0.8 * torch.sin(1.3 * r + 2.1 * c + 0.7 * r * c + offset))


def cut(at, *shape):
    n = int(torch.tensor(shape).prod())
    return phi[at : at + n].reshape(shape), at + n


tower = sum((a + 1) * b for a, b in zip(WIDTHS, WIDTHS[1:]))
between = sum(a * b for a, b in zip(WIDTHS, WIDTHS[1:-1]))
phi = torch.nn.Parameter(0.7 * torch.sin(0.37 * torch.arange(3 * (tower + between)) ** 1.5))
users = table(USERS, 0.5)
items = [table(n, d + 1.0) for d, n in enumerate(ITEMS)]
layers, cross = [], []
for d in range(3):
    at, mine = d * tower, []
    for a, b in zip(WIDTHS, WIDTHS[1:]):
        w, at = cut(at, b, a)
        bias, at = cut(at, b)
        mine.append((w, bias))
    layers.append(mine)
for d in range(3):
    at, mine = 3 * tower + d * between, []
    for a, b in zip(WIDTHS, WIDTHS[1:-1]):
        h, at = cut(at, a, b)
        mine.append(h.T)
    cross.append(mine)


def score(own, x, other, y):
    for l in range(len(WIDTHS) - 2):
        w, b = layers[own][l]
        if other is None:
            x = torch.relu(w @ x + b)
            continue
        v, c = layers[other][l]
        h = cross[other if own == 0 else own][l]
        x, y = torch.relu(w @ x + b + h @ y), torch.relu(v @ y + c + h @ x)
    w, b = layers[own][-1]
    return (w @ x + b).squeeze()


loss = 0
for d, examples in enumerate(EXAMPLES):
    for u, liked, other, domain, partner in examples:
        y = None if domain is None else torch.cat([users[u], items[domain][partner]])
        good, bad = (score(d, torch.cat([users[u], items[d][i]]), domain, y) for i in (liked, other))
        pair = torch.nn.functional.softplus(-good) + torch.nn.functional.softplus(bad)
        loss = loss + (1 if d == 0 else SOURCE_WEIGHT) / len(examples) * pair / 2
loss.backward()
show("loss", loss)
show("weights", phi.grad)
show("users", users.grad)
for d in range(3):
    show("items%d" % d, items[d].grad)
total = sum(len(h) for h in HISTORY.values())
answers = []
for i in range(ITEMS[0]):
    x = torch.cat([users[0], items[0][i]])
    answers.append(sum(len(h) / total * score(0, x, e, torch.cat([users[0], items[e][h].mean(0)]))
                       for e, h in HISTORY.items()))
show("scores", torch.stack(answers))
show("alone", torch.stack([score(0, torch.cat([users[0], items[0][i]]), None, None) for i in range(ITEMS[0])]))
