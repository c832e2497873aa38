#!/usr/bin/env python3
"""One outer gradient of Meta-SGD, and one of MAML, by PyTorch, for the unit test of meta-learning.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install torch
    /tmp/oracle/bin/python tests/oracle/metasgd_step.py

reads the inputs of maml_step.values (weights, vectors, slots) and writes, beside itself, metasgd_step.values: lines
"name count v v ..." with the rates and, for each loss and activation, the adapted weights, the loss of the query set
and its gradients, by the rates as well; and first the largest difference between MAML's gradients of second order here
and those that JAX made for maml_step.values. The network is written here from its formula in algorithms/lib/net.h, and
PyTorch differentiates through the inner steps in double precision; those committed are of torch 2.
"""
import os

import torch

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
E, H, M, STEPS, RATE = 6, 5, 4, 2, 0.3


def read(path):
    with open(path) as lines:
        return {p[0]: torch.tensor([float(v) for v in p[2:]]) for p in map(str.split, lines)}


def score(phi, p, t, tanh):
    wp, wt, b, w1, w2, w3, c = torch.split(phi, [H * E, H * E, H, H, E, E, 1])
    a = p @ wp.view(H, E).T + t @ wt.view(H, E).T + b
    h = torch.tanh(a) if tanh else torch.relu(a)
    return h @ w1 + (p * t) @ w2 + t @ w3 + c


def loss_of(kind, tanh, phi, p, t, slot, weight):
    s = score(phi, p.repeat_interleave(M, 0), t[slot], tanh).view(-1, M)
    softplus = torch.nn.functional.softplus
    if kind == "bpr":
        rows = softplus(s[:, 1:] - s[:, :1]).mean(1)
    elif kind == "bce":
        rows = (softplus(-s[:, 0]) + softplus(s[:, 1:]).mean(1)) / 2
    else:
        rows = ((s[:, 0] - 1) ** 2 + (s[:, 1:] ** 2).mean(1)) / 2
    return (weight * rows).sum()


def outer(kind, tanh, x, rates):
    inputs = [x["phi"], rates, x["support_p"].view(-1, E), x["support_t"].view(-1, E), x["query_p"].view(-1, E),
              x["query_t"].view(-1, E)]
    phi, alpha, sp, st, qp, qt = inputs = [v.clone().requires_grad_() for v in inputs]
    adapted = phi
    for _ in range(STEPS):
        value = loss_of(kind, tanh, adapted, sp, st, x["support_slot"].long(), x["support_weight"])
        (g,) = torch.autograd.grad(value, adapted, create_graph=True)
        adapted = adapted - alpha * g
    value = loss_of(kind, tanh, adapted, qp, qt, x["query_slot"].long(), x["query_weight"])
    gradients = torch.autograd.grad(value, inputs)
    names = ["dphi", "drates", "support_dp", "support_dt", "query_dp", "query_dt"]
    return {"adapted": adapted, "loss": value, **dict(zip(names, gradients))}


def main():
    x = read(os.path.join(HERE, "maml_step.values"))
    torch.manual_seed(20170731)
    rates = torch.rand(x["phi"].numel()) * 0.5 - 0.1
    lines, apart = [("rates", rates)], 0.0
    for kind in ["bpr", "bce", "mse"]:
        for tanh in [False, True]:
            name = f"{kind}_{'tanh' if tanh else 'relu'}_"
            for k, v in outer(kind, tanh, x, rates).items():
                lines.append((name + k, v))
            for k, v in outer(kind, tanh, x, torch.full_like(rates, RATE)).items():
                if k != "drates":
                    apart = max(apart, (v.reshape(-1) - x[f"{name}second_{k}"]).abs().max().item())
    print("largest difference of MAML's gradients to those of JAX:", apart)
    assert apart < 1e-12
    with open(os.path.join(HERE, "metasgd_step.values"), "w") as out:
        for name, value in lines:
            flat = value.detach().reshape(-1)
            print(name, flat.numel(), *(repr(v.item()) for v in flat), file=out)


main()
