#!/usr/bin/env python3
"""Three steps of neural matrix factorisation by PyTorch, for the unit test of neumf.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install torch numpy
    /tmp/oracle/bin/python tests/oracle/neumf_step.py

writes, beside itself, neumf_step.values: lines "name count v v ..." with the inputs (weights, users and items of three
steps) and, for each mode, the losses of the steps and all weights after them. The network is written here from its
formula in algorithms/neural/neumf.c; torch.optim.Adam moves whole tables, also the rows that a step does not touch.
Those committed are of torch 2.15.0, in double precision.
"""
import os

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
USERS, ITEMS, F, DEPTH, GROUPS, M, STEPS, RATE = 6, 9, 4, 2, 5, 3, 3, 0.01
WIDTHS = [F << (DEPTH - l) for l in range(DEPTH + 1)] + [1]
E = WIDTHS[0] // 2


def layers(flat, widths):
    at, out = 0, []
    for a, b in zip(widths, widths[1:]):
        out.append((flat[at:at + a * b].reshape(b, a), flat[at + a * b:at + a * b + b]))
        at += a * b + b
    assert at == flat.numel()
    return out


def parts(w, user, item):
    (h, b), = layers(w["gmf_layers"], [F, 1])
    gmf = (w["gmf_users"][user] * w["gmf_items"][item]) @ h.T + b
    x = torch.cat([w["mlp_users"][user], w["mlp_items"][item]], 1)
    for k, (a, b) in enumerate(layers(w["mlp_layers"], WIDTHS)):
        x = x @ a.T + b
        if k < DEPTH:
            x = torch.relu(x)
    return gmf[:, 0], x[:, 0]


def main():
    rng = np.random.default_rng(20170403)
    shapes = {"gmf_users": (USERS, F), "gmf_items": (ITEMS, F), "mlp_users": (USERS, E), "mlp_items": (ITEMS, E),
              "gmf_layers": (F + 1,), "mlp_layers": (sum((a + 1) * b for a, b in zip(WIDTHS, WIDTHS[1:])),)}
    start = {k: rng.normal(0, 0.5, s) for k, s in shapes.items()}
    user = np.stack([np.repeat(rng.integers(0, USERS, GROUPS), M) for _ in range(STEPS)])
    item = rng.integers(0, ITEMS, (STEPS, GROUPS * M))
    with open(os.path.join(HERE, "neumf_step.values"), "w") as out:
        def write(name, x):
            x = np.asarray(x).reshape(-1)
            out.write(f"{name} {x.size} " + " ".join(repr(v.item()) for v in x) + "\n")

        for name, x in start.items():
            write(name, x)
        write("user", user)
        write("item", item)
        label = (torch.arange(GROUPS * M) % M == 0).double()
        bce = torch.nn.BCEWithLogitsLoss()
        for mode in "neumf", "gmf", "mlp", "alone":
            w = {k: torch.tensor(v, requires_grad=True) for k, v in start.items()}
            rule = torch.optim.Adam(w.values(), lr=RATE)
            losses = []
            for k in range(STEPS):
                gmf, mlp = parts(w, user[k], item[k])
                if mode == "alone":
                    loss = bce(gmf, label) + bce(mlp, label)
                    losses.append(loss.item() / 2)
                else:
                    loss = bce(gmf + mlp if mode == "neumf" else gmf if mode == "gmf" else mlp, label)
                    losses.append(loss.item())
                rule.zero_grad()
                loss.backward()
                rule.step()
            write(f"{mode}_loss", losses)
            for name, x in w.items():
                if mode in ("neumf", "alone") or name.startswith(mode):
                    write(f"{mode}_{name}", x.detach().numpy())


main()
