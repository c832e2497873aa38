#!/usr/bin/env python3
"""BiTGCF (Liu et al. 2020) on made graphs by automatic differentiation, for tests/unit/bitgcf.c.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install torch numpy
    /tmp/oracle/bin/python tests/oracle/bitgcf.py > tests/oracle/bitgcf.values

prints lines "name count v v ...": for a pair of domains and for three, the vectors of the target's items, the loss of
a minibatch, and its gradient in every domain. The pair is written as the paper has it, with its two transfers spelled
out; the three as algorithms/lib/exchange.h has them. The committed values are of torch 2.15.0, in double.
"""
import torch

torch.set_default_dtype(torch.float64)
USERS, FACTORS, REG, SOURCE_WEIGHT, LAMBDA_T, LAMBDA_S = 6, 3, 0.07, 0.6, 0.7, 0.9
ITEMS = (7, 5, 4)
TRIPLES = [(0, 0, 1), (1, 3, 2), (0, 1, 2), (3, 3, 0)]


def edge(d, u, i):  # user 4 is not in the target, user 5 in nothing else, user 2 not in the first source
    if d == 0:
        return i == 1 if u == 5 else u < 4 and i != 2 and (3 * u + 2 * i + u * i) % 4 < 2
    return u != 5 and (u != 2 or d != 1) and (2 * u + i + d + u * i) % 3 < 2


def show(name, values):
    print(name, values.numel(), *("%.15g" % v for v in values.detach().flatten().tolist()))


def adjacency(d):
    a = torch.zeros(USERS + ITEMS[d], USERS + ITEMS[d])
    for u in range(USERS):
        for i in range(ITEMS[d]):
            if edge(d, u, i):
                a[u, USERS + i] = a[USERS + i, u] = 1
    degree = a.sum(1)
    scale = torch.where(degree > 0, degree, torch.ones(())).pow(-0.5)
    return scale[:, None] * a * scale[None, :], degree[:USERS]


def start(d):
    r, c = torch.meshgrid(torch.arange(USERS + ITEMS[d]), torch.arange(FACTORS), indexing="ij")
    return torch.nn.Parameter(0.6 * torch.sin(1.3 * r + 2.1 * c + 0.7 * r * c + 0.5 + d))


def pair(n, h):
    """The paper's transfer of two domains for users in both; others keep what they have."""
    t, s = h
    both = ((n[0] > 0) & (n[1] > 0))[:, None]
    lap = (n[0][:, None] * t + n[1][:, None] * s) / (n[0] + n[1]).clamp(min=1)[:, None]
    to_t = (LAMBDA_T * t + (1 - LAMBDA_T) * s + lap) / 2
    to_s = (LAMBDA_S * s + (1 - LAMBDA_S) * t + lap) / 2
    return [torch.where(both, to_t, t), torch.where(both, to_s, s)]


def several(n, h):
    out = []
    everything = sum(n)
    for d in range(len(h)):
        own = LAMBDA_T if d == 0 else LAMBDA_S
        rest = everything - n[d]
        others = sum(n[e][:, None] * h[e] for e in range(len(h)) if e != d) / rest.clamp(min=1)[:, None]
        lap = sum(n[e][:, None] * h[e] for e in range(len(h))) / everything.clamp(min=1)[:, None]
        out.append(torch.where((rest > 0)[:, None], (own * h[d] + (1 - own) * others + lap) / 2, h[d]))
    return out


def run(name, domains, layers, concat, transfer):
    a, n = zip(*(adjacency(d) for d in range(domains)))
    x = [start(d) for d in range(domains)]
    h = list(x)
    parts = [[v] for v in x]
    for _ in range(layers):
        h = [v + a[d] @ v + v * (a[d] @ v) for d, v in enumerate(h)]
        users = transfer(n, [v[:USERS] for v in h])
        h = [torch.cat([users[d], h[d][USERS:]]) for d in range(domains)]
        for d in range(domains):
            parts[d].append(torch.nn.functional.normalize(h[d], dim=1))
    f = [torch.cat(p, 1) if concat else torch.stack(p).mean(0) for p in parts]
    u, i, j = (torch.tensor(column) for column in zip(*TRIPLES))
    bare = whole = 0
    for d in range(domains):
        liked, other = ((f[d][u] * f[d][USERS + k]).sum(1) for k in (i, j))
        bce = torch.nn.functional.binary_cross_entropy_with_logits
        loss = (bce(liked, torch.ones(len(u))) + bce(other, torch.zeros(len(u)))) / 2
        size = (x[d][u].pow(2) + x[d][USERS + i].pow(2) + x[d][USERS + j].pow(2)).sum(1).mean()
        weight = 1 if d == 0 else SOURCE_WEIGHT
        bare = bare + weight * loss
        whole = whole + weight * (loss + REG / 2 * size)
    whole.backward()
    show(name + "-loss", bare)
    show(name + "-items", f[0][USERS:])
    for d in range(domains):
        show("%s-gradient%d" % (name, d), x[d].grad)


run("pair", 2, 2, True, pair)
run("three", 3, 3, False, several)
