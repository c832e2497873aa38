#!/usr/bin/env python3
"""Two steps of LightGCN (He et al. 2020) on a made graph by automatic differentiation, for tests/unit/lightgcn.c.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install torch numpy
    /tmp/oracle/bin/python tests/oracle/lightgcn.py > tests/oracle/lightgcn.values

prints lines "name count v v ...": the propagated vectors of all nodes, the loss of a minibatch, its gradient, and the
vectors after two steps of torch.optim.Adam. The adjacency is a dense matrix and the layers are summed one by one, as
equations 3, 4 and 15 have it. The committed values are of torch 2.15.0, in double.
"""
import torch

torch.set_default_dtype(torch.float64)
USERS, ITEMS, FACTORS, LAYERS, REG, RATE = 6, 7, 3, 3, 0.07, 0.02
TRIPLES = [(0, 0, 1), (1, 3, 6), (1, 6, 2), (3, 5, 3), (5, 1, 0), (0, 0, 4)]

a = torch.zeros(USERS + ITEMS, USERS + ITEMS)
for u in range(USERS - 2):  # users 4 and 5 and item 2 end up with few edges or none
    for i in range(ITEMS):
        if (3 * u + 2 * i + u * i) % 4 < 2 and i != 2:
            a[u, USERS + i] = a[USERS + i, u] = 1
a[5, USERS + 1] = a[USERS + 1, 5] = 1
degree = a.sum(1)
scale = torch.where(degree > 0, degree, torch.ones(())).pow(-0.5)
a = scale[:, None] * a * scale[None, :]

r, c = torch.meshgrid(torch.arange(USERS + ITEMS), torch.arange(FACTORS), indexing="ij")
x = torch.nn.Parameter(0.6 * torch.sin(1.3 * r + 2.1 * c + 0.7 * r * c + 0.5))
u, i, j = (torch.tensor(column) for column in zip(*TRIPLES))


def show(name, values):
    print(name, values.numel(), *("%.15g" % v for v in values.detach().flatten().tolist()))


def mean_of_layers():
    layers = [x]
    for _ in range(LAYERS):
        layers.append(a @ layers[-1])
    return torch.stack(layers).mean(0)


def loss():
    f = mean_of_layers()
    apart = (f[u] * f[USERS + j]).sum(1) - (f[u] * f[USERS + i]).sum(1)
    size = x[u].pow(2).sum(1) + x[USERS + i].pow(2).sum(1) + x[USERS + j].pow(2).sum(1)
    bpr = torch.nn.functional.softplus(apart).mean()
    return bpr, bpr + REG / 2 * size.mean()


adam = torch.optim.Adam([x], lr=RATE)
show("propagated", mean_of_layers())
for step in (1, 2):
    adam.zero_grad()
    bpr, whole = loss()
    whole.backward()
    show("loss%d" % step, bpr)
    show("gradient%d" % step, x.grad)
    adam.step()
    show("vectors%d" % step, x)
