"""The peer's side of a MeLU measurement: PyTorch on the tasks of MovieLens 1M that MeLU trains on.

usage: peer_melu.py DATA THREADS INNER_STEPS TASKS
DATA is a folder with ml-1m and ml-1m-melu; needs torch from PyPI.

The same network, tasks, order of derivatives (second, through functional layers) and Adam. Several-valued fields are
sums over the given columns (embedding_bag), which is faster than the wide multi-hot products of the published code.
Prints wall and processor seconds of the second epoch over the first TASKS tasks.
"""
import json
import lzma
import sys
import time

import torch
import torch.nn.functional as F

data, (threads, steps, most) = sys.argv[1], map(int, sys.argv[2:5])
torch.set_num_threads(threads)
torch.manual_seed(1)
E, H, BATCH, ASKED = 32, 64, 32, 10


def lines(name, encoding="utf-8"):
    with (lzma.open if name.endswith(".xz") else open)(f"{data}/{name}", "rt", encoding=encoding) as f:
        return [line.rstrip("\n").split("::") for line in f]


class Field:
    """Columns of each row, numbered in order of appearance; one: an embedding, else a layer without bias."""

    def __init__(self, words, one):
        ids = {}
        columns = [[ids.setdefault(w, len(ids)) for w in row] for row in words]
        self.flat = torch.tensor([c for row in columns for c in row])
        ends = torch.tensor([len(row) for row in columns]).cumsum(0)
        self.offset = torch.cat([torch.zeros(1, dtype=torch.long), ends[:-1]])
        self.length = ends - self.offset
        spread = torch.randn(len(ids), E) if one else (2 * torch.rand(len(ids), E) - 1) / len(ids) ** 0.5
        self.table = spread.requires_grad_()

    def __call__(self, rows):
        n = self.length[rows]
        offset = n.cumsum(0) - n
        at = torch.arange(int(n.sum())) - offset.repeat_interleave(n) + self.offset[rows].repeat_interleave(n)
        return F.embedding_bag(self.flat[at], self.table, offset, mode="mean")


def load():
    info, person = lines("ml-1m/movies_extrainfos.dat.xz"), lines("ml-1m/users.dat")
    films, users = {f[0]: k for k, f in enumerate(info)}, {p[0]: k for k, p in enumerate(person)}
    item = [Field([[f[3]] for f in info], True)] + [Field([f[c].split(", ") for f in info], False) for c in (5, 6, 8)]
    user = [Field([[p[c]] for p in person], True) for c in (1, 2, 3, 4)]
    cold = set()
    for name in ("user_cold_state", "user_and_item_cold_state", "item_cold_state"):
        with lzma.open(f"{data}/ml-1m-melu/{name}.json.xz") as f:
            cold |= {(u, str(i)) for u, row in json.load(f).items() for i in row}
    rows = {}
    for u, i, r, _ in lines("ml-1m/ratings.partial-timestamps.dat.xz"):
        if (u, i) not in cold and i in films:
            rows.setdefault(u, []).append((films[i], float(r)))
    tasks = [(users[u], torch.tensor([i for i, _ in x]), torch.tensor([r for _, r in x]))
             for u, x in rows.items() if 13 <= len(x) <= 100]
    return item, user, tasks


def layers():
    phi = []
    for n_in, n_out in ((8 * E, H), (H, H), (H, 1)):
        limit = n_in ** -0.5
        phi += [((2 * torch.rand(n_out, n_in) - 1) * limit).requires_grad_(),
                ((2 * torch.rand(n_out) - 1) * limit).requires_grad_()]
    return phi


def predict(phi, x):
    h = F.relu(F.linear(x, phi[0], phi[1]))
    return F.linear(F.relu(F.linear(h, phi[2], phi[3])), phi[4], phi[5])[:, 0]


def epoch(item, user, tasks, phi, adam):
    order, total = torch.randperm(len(tasks)), 0.0
    for at in range(0, len(tasks), BATCH):
        losses = []
        for t in order[at:at + BATCH].tolist():
            u, items, ratings = tasks[t]
            mixed = torch.randperm(len(items))
            items, ratings, k = items[mixed], ratings[mixed], len(items) - ASKED
            who = torch.cat([f(torch.tensor([u])) for f in user], 1).expand(len(items), -1)
            x = torch.cat([f(items) for f in item] + [who], 1)
            adapted = phi
            for _ in range(steps):
                loss = F.mse_loss(predict(adapted, x[:k]), ratings[:k])
                gradient = torch.autograd.grad(loss, adapted, create_graph=True)
                adapted = [w - 0.01 * g for w, g in zip(adapted, gradient)]
            losses.append(F.mse_loss(predict(adapted, x[k:]), ratings[k:]))
        loss = torch.stack(losses).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        total += loss.item() * len(losses)
    return total / len(tasks)


item, user, tasks = load()
phi = layers()
adam = torch.optim.Adam(phi + [f.table for f in item + user], lr=1e-3)
tasks = tasks[:most]
rows = sum(len(t[1]) for t in tasks)
epoch(item, user, tasks, phi, adam)
begin, used = time.perf_counter(), time.process_time()
epoch(item, user, tasks, phi, adam)
wall, used = time.perf_counter() - begin, time.process_time() - used
print("torch %d tasks %d rows wall %.3f cpu %.3f" % (len(tasks), rows, wall, used))
