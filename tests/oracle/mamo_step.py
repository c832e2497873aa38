#!/usr/bin/env python3
"""One outer step of MAMO by PyTorch: two users read the memories, adapt, are asked, and write.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install torch
    /tmp/oracle/bin/python tests/oracle/mamo_step.py

writes, beside itself, mamo_step.values: lines "name count v v ..." with the inputs (layers, memories, profiles, rows
and ratings of two users) and, of each user, the attention, the adapted layers, the loss of the query set and its
gradients by layers, rows and profile; then the memories when both have written, by either rule. Network, memories and
inner loop are written here from the paper (Dong et al. 2020), PyTorch differentiates; in double precision, those
committed by torch 2. Made-up data.
"""
import os

import torch

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
U, I, H, E, K, STEPS = 4, 5, 6, 3, 3, 2
RHO, TAU, ALPHA, BETA, GAMMA = 0.02, 0.3, 0.5, 0.05, 0.1
SHAPES = [(H, U), (H,), (E, H), (E,), (H, I), (H,), (E, H), (E,), (E, 2 * E), (E,), (1, E), (1,), (2 * E, 2 * E)]
N_USER = 4  # of the shapes, those of the user's layers
SUPPORT, ROWS = [4, 3], [7, 5]


def predict(theta, profile, items):
    w = [t.view(s) for t, s in zip(torch.split(theta, [torch.Size(s).numel() for s in SHAPES]), SHAPES)]
    user = torch.relu(w[2] @ torch.relu(w[0] @ profile + w[1]) + w[3])
    item = torch.relu(torch.relu(items @ w[4].T + w[5]) @ w[6].T + w[7])
    both = torch.cat([user.expand(len(items), -1), item], 1) @ w[12].T
    return (torch.relu(both @ w[8].T + w[9]) @ w[10].T + w[11])[:, 0]


def loss(theta, profile, items, rating):
    return ((predict(theta, profile, items) - rating) ** 2).mean()


def user_step(phi, memory, profile, items, rating, n_support):
    profiles, gradients, preferences = memory
    a = torch.softmax(torch.nn.functional.cosine_similarity(profile[None], profiles), 0)
    theta = torch.cat([phi, (a @ preferences)])
    theta[: gradients.shape[1]] -= TAU * (a @ gradients)
    for _ in range(STEPS):
        theta = theta.detach().requires_grad_()
        (g,) = torch.autograd.grad(loss(theta, profile, items[:n_support], rating[:n_support]), theta)
        theta = theta - RHO * g
    theta = theta.detach().requires_grad_()
    profile, asked = profile.clone().requires_grad_(), items[n_support:].clone().requires_grad_()
    value = loss(theta, profile, asked, rating[n_support:])
    dtheta, dprofile, ditems = torch.autograd.grad(value, [theta, profile, asked])
    return {"attention": a, "adapted": theta, "loss": value, "dtheta": dtheta, "dprofile": dprofile, "ditems": ditems}


def write(memory, users, attended):
    memory = [m.clone() for m in memory]
    for profile, s in users:
        size = memory[1].shape[1]
        what = [profile, s["dtheta"][:size], s["adapted"][-4 * E * E:]]
        for m, v, c in zip(memory, what, [ALPHA, BETA, GAMMA]):
            for k in range(K):
                kept = 1 - c * s["attention"][k] if attended else 1 - c
                m[k] = kept * m[k] + c * s["attention"][k] * v.detach()
    return memory


def main():
    torch.manual_seed(20200824)
    size = [torch.Size(s).numel() for s in SHAPES]
    phi = 0.6 * torch.randn(sum(size[:-1]))
    memory = [torch.randn(K, U), 0.4 * torch.randn(K, sum(size[:N_USER])), 0.7 * torch.randn(K, size[-1])]
    names = ["profiles", "gradients", "preferences"]
    lines = [("phi", phi), *zip(names, memory)]
    users = []
    for u in range(2):
        profile, items = torch.randn(U), torch.randn(ROWS[u], I)
        rating = torch.randint(1, 6, (ROWS[u],)).to(torch.float64)
        step = user_step(phi, memory, profile, items, rating, SUPPORT[u])
        users.append((profile, step))
        lines += [(f"profile_{u}", profile), (f"items_{u}", items), (f"rating_{u}", rating)]
        lines += [(f"{k}_{u}", v) for k, v in step.items()]
    for rule in ["attended", "printed"]:
        lines += [(f"{rule}_{k}", m) for k, m in zip(names, write(memory, users, rule == "attended"))]
    with open(os.path.join(HERE, "mamo_step.values"), "w") as out:
        for name, value in lines:
            flat = value.detach().reshape(-1)
            print(name, flat.numel(), *(repr(v.item()) for v in flat), file=out)


main()
