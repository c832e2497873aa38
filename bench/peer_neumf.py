"""The peer's side of a NeuMF measurement: an epoch of the same network in PyTorch on a file of lines "user item rating".

usage: peer_neumf.py FILE THREADS FACTORS [STEPS]        (needs torch and numpy from PyPI)

Three hidden layers, 4 negatives, 256 examples a step, Adam on whole tables: the defaults of neumf. Negatives are drawn
for all interactions at once and not checked. STEPS steps are timed (default 1000) and an epoch is the drawing and as many
steps as it has.
"""
import sys
import time

import numpy as np
import torch

user, item, _ = np.loadtxt(sys.argv[1]).T
threads, F = int(sys.argv[2]), int(sys.argv[3])
most = int(sys.argv[4]) if len(sys.argv) > 4 else 1000
torch.set_num_threads(threads)
torch.manual_seed(1)
rng = np.random.default_rng(1)
NEGATIVES, BATCH, E = 4, 256, 4 * F
n_users, n_items = int(user.max()) + 1, int(item.max()) + 1


class NeuMF(torch.nn.Module):
    def __init__(self):
        super().__init__()
        sizes = [(n_users, F), (n_items, F), (n_users, E), (n_items, E)]
        self.tables = torch.nn.ModuleList([torch.nn.Embedding(*s) for s in sizes])
        for t in self.tables:
            torch.nn.init.normal_(t.weight, 0, 0.01)
        self.layers = torch.nn.Sequential(torch.nn.Linear(2 * E, 4 * F), torch.nn.ReLU(), torch.nn.Linear(4 * F, 2 * F),
                                          torch.nn.ReLU(), torch.nn.Linear(2 * F, F), torch.nn.ReLU())
        self.head = torch.nn.Linear(2 * F, 1)

    def forward(self, u, i):
        p, q, pm, qm = (t(x) for t, x in zip(self.tables, (u, i, u, i)))
        return self.head(torch.cat([p * q, self.layers(torch.cat([pm, qm], 1))], 1))[:, 0]


begin = time.perf_counter()
u = np.repeat(user.astype(np.int64), 1 + NEGATIVES)
i = rng.integers(0, n_items, len(u))
i[::1 + NEGATIVES] = item.astype(np.int64)
y = np.zeros(len(u), np.float32)
y[::1 + NEGATIVES] = 1
order = rng.permutation(len(u))
u, i, y = torch.from_numpy(u[order]), torch.from_numpy(i[order]), torch.from_numpy(y[order])
drawing = time.perf_counter() - begin

model = NeuMF()
rule = torch.optim.Adam(model.parameters(), lr=0.001)
loss_of = torch.nn.BCEWithLogitsLoss()


def steps(first, n):
    begin = time.perf_counter()
    for k in range(first, first + n):
        part = slice(k * BATCH, (k + 1) * BATCH)
        rule.zero_grad()
        loss_of(model(u[part], i[part]), y[part]).backward()
        rule.step()
    return time.perf_counter() - begin


all_steps = len(u) // BATCH
n = min(most, all_steps // 3)
steps(0, n // 10)
best = min(steps(n, n), steps(2 * n, n)) if most < all_steps else steps(0, all_steps)
print("torch %s epoch %.2f s: drawing %.2f s and %d steps of %.3f ms" % (
    torch.__version__, drawing + best / n * all_steps, drawing, all_steps, 1e3 * best / n))
