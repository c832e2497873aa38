#!/usr/bin/env python3
"""One outer gradient of MeLU by PyTorch: from the ratings of a task to the tables of the fields.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install torch
    /tmp/oracle/bin/python tests/oracle/melu_step.py

writes, beside itself, melu_step.values: lines "name count v v ..." with the inputs (tables, layers, the task's items and
ratings) and, for two orders and numbers of inner steps, the adapted layers, the loss of the query set, and its gradients
by layers and tables. Fields, layers and inner loop are written here from the paper, PyTorch differentiates; in double
precision, those committed by torch 2. The world: 7 items with a field of one value (3 columns), one of several (5), one
dense (2); 4 users with a field of one value (2) and one of several (3), as lists below. Made-up data.
"""
import os

import torch

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
E, H, RATE = 3, 4, 0.01
ONE = [[0], [2], [1], [0], [2], [1], []]
SEVERAL = [[0, 1], [2], [1, 3, 4], [], [0, 4], [2, 3], [1]]
USER_ONE = [[0], [1], [0], [1]]
USER_SEVERAL = [[0], [1, 2], [0, 1, 2], []]
USER = 1
SUPPORT, QUERY = [0, 2, 3, 5], [1, 6, 4]


def bag(table, lists):
    return torch.stack([table[k].mean(0) if k else torch.zeros(E) for k in lists])


def rows(tables, dense, items):
    one, several, layer, user_one, user_several = tables
    item = torch.cat([bag(one, ONE), bag(several, SEVERAL), dense @ layer], 1)[items]
    user = torch.cat([bag(user_one, USER_ONE), bag(user_several, USER_SEVERAL)], 1)[USER]
    return torch.cat([item, user.expand(len(items), -1)], 1)


def predict(phi, x):
    w1, b1, w2, b2, w3, b3 = torch.split(phi, [H * 5 * E, H, H * H, H, H, 1])
    h = torch.relu(x @ w1.view(H, -1).T + b1)
    h = torch.relu(h @ w2.view(H, H).T + b2)
    return h @ w3 + b3


def outer(phi, tables, dense, y_support, y_query, steps, order):
    phi = phi.clone().requires_grad_()
    tables = [t.clone().requires_grad_() for t in tables]
    adapted, mse = phi, torch.nn.functional.mse_loss
    for _ in range(steps):
        value = mse(predict(adapted, rows(tables, dense, SUPPORT)), y_support)
        (g,) = torch.autograd.grad(value, adapted, create_graph=order == "second")
        adapted = adapted - RATE * g
    value = mse(predict(adapted, rows(tables, dense, QUERY)), y_query)
    gradients = torch.autograd.grad(value, [phi, *tables])
    names = ["dphi", "done", "dseveral", "dlayer", "duser_one", "duser_several"]
    return {"adapted": adapted, "loss": value, **dict(zip(names, gradients))}


def main():
    torch.manual_seed(20190804)
    sizes = {"one": 3, "several": 5, "layer": 2, "user_one": 2, "user_several": 3}
    tables = [0.7 * torch.randn(n, E) for n in sizes.values()]
    phi = 0.6 * torch.randn(H * 5 * E + H + H * H + H + H + 1)
    dense = torch.round(torch.randn(7, 2) * 4) / 4
    y_support, y_query = torch.tensor([4.0, 2.0, 5.0, 3.0]), torch.tensor([1.0, 4.0, 3.0])
    lines = [(k, t) for k, t in zip(sizes, tables)]
    lines += [("phi", phi), ("dense", dense), ("y_support", y_support), ("y_query", y_query)]
    for steps in [1, 3]:
        for order in ["second", "first"]:
            for k, v in outer(phi, tables, dense, y_support, y_query, steps, order).items():
                lines.append((f"{order}_{steps}_{k}", v))
    with open(os.path.join(HERE, "melu_step.values"), "w") as out:
        for name, value in lines:
            flat = value.detach().reshape(-1)
            print(name, flat.numel(), *(repr(v.item()) for v in flat), file=out)


main()
