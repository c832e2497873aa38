#!/usr/bin/env python3
"""One step of prototypical networks for items by PyTorch: from item vectors to the loss and its gradient.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install torch
    /tmp/oracle/bin/python tests/oracle/prototypical_step.py

writes, beside itself, prototypical_step.values: lines "name count v v ..." with the inputs (vectors t of 8 items, the
prototypes of all, `every` and `popular`) and, for the losses bce and bpr, the mean loss of two episodes and its gradient
by t. Written from Snell, Swersky and Zemel 2017, with distances as they stand there (not multiplied out); PyTorch
differentiates; in double precision, those committed by torch 2. The first episode has a support of two items, with two
sampled ones each, and an item of another domain with a weight; the second has none. Made-up data.
"""
import os

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
SHRINK = 1.5
# history: (item, weight of the vector, weight in the count); rows: liked item first, then the sampled ones
EPISODES = [
    {"history": [(0, 1.2, 1.0), (3, 0.8, 1.0), (7, 0.3, 0.3)], "support": [[0, 1, 5], [3, 5, 4]],
     "query": [[2, 1, 4], [6, 5, 1]]},
    {"history": [], "support": [], "query": [[1, 2, 6]]},
]


def prototypes(t, episode, popular, every):
    n = sum(count for _, _, count in episode["history"])
    liked = sum((weight * t[i] for i, weight, _ in episode["history"]), SHRINK * popular) / (n + SHRINK)
    sampled = sum((t[row[1:]].mean(0) for row in episode["support"]), SHRINK * every)
    return liked, sampled / (len(episode["support"]) + SHRINK)


def episode_loss(t, episode, popular, every, loss):
    liked, other = prototypes(t, episode, popular, every)
    total = 0
    for row in episode["query"]:
        distance = torch.stack([((t[row] - other) ** 2).sum(1), ((t[row] - liked) ** 2).sum(1)], 1)
        log_p = F.log_softmax(-distance, 1)  # classes: 0 not, 1 liked
        if loss == "bce":
            total = total - (log_p[0, 1] + log_p[1:, 0].mean()) / 2
        else:
            odds = log_p[:, 1] - log_p[:, 0]
            total = total - F.logsigmoid(odds[0] - odds[1:]).mean()
    return total / len(episode["query"])


def main():
    torch.manual_seed(20170315)
    t = 0.7 * torch.randn(8, 3)
    popular, every = 0.4 * torch.randn(3), 0.4 * torch.randn(3)
    lines = [("t", t), ("popular", popular), ("every", every)]
    for loss in ["bce", "bpr"]:
        x = t.clone().requires_grad_()
        value = sum(episode_loss(x, e, popular, every, loss) for e in EPISODES) / len(EPISODES)
        (gradient,) = torch.autograd.grad(value, x)
        lines += [(f"{loss}_loss", value), (f"{loss}_dt", gradient)]
    with open(os.path.join(HERE, "prototypical_step.values"), "w") as out:
        for name, value in lines:
            flat = value.detach().reshape(-1)
            print(name, flat.numel(), *(repr(v.item()) for v in flat), file=out)


main()
