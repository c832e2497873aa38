"""The peer's side of bench/torch.sh: PyTorch makes the steps that bench/experiment has written down.

usage: peer_torch.py maml RECORD THREADS
       peer_torch.py wasserstein|dann RECORD THREADS PENALTY LAMBDA CRITIC_RATE
needs torch and numpy from PyPI

The same network from the same weights, on the same minibatches: tasks, sampled items, pairs of the critic, points of
the penalty. Written as one would in PyTorch: no loop over users, items or tasks; the vectors of all items at once, as a
minibatch needs most of them; weights of each task as one more dimension of the tensors (batched matrix products);
second derivatives by create_graph. Minibatches are tensors before the clock starts.

First the steps are made with an Adam that leaves rows without a gradient alone, as the other side does, and each loss
is compared with the one in the record. Then they are made again from the start with PyTorch's own fused Adam on whole
tables, and timed. Prints a line.
"""
import resource
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

kind, path, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)


# ---------------------------------------------------------------------------------------------------- the record

def arrays():
    """(name, array) one after the other."""
    types = {b"f": np.float32, b"l": np.int64, b"d": np.float64}
    with open(path, "rb") as f:
        while head := f.read(32):
            n = int.from_bytes(head[24:], "little")
            yield head[:16].rstrip(b"\0").decode(), np.fromfile(f, types[head[16:17]], n)


def read():
    """What is said once, and the steps: dictionaries of tensors."""
    once, steps = {}, []
    begin = "inner_steps" if kind == "maml" else "first_row"
    for name, x in arrays():
        if name == begin:
            steps.append({})
        at = steps[-1] if steps else once
        if name == "share":
            at.setdefault(name, []).append(torch.from_numpy(x))
        else:
            at[name] = torch.from_numpy(x)
    return once, steps


once, steps = read()
E, H, m, n_items, n_columns = once["dims"].tolist()


def padded(x, first, count, width, fill):
    """Rows first[k] .. first[k] + count[k] of x as [tasks, width, ..]."""
    at = torch.arange(width)
    there = at < count[:, None]
    out = x[(first[:, None] + at).clamp(max=len(x) - 1)]
    return torch.where(there.reshape(there.shape + (1,) * (out.dim() - 2)), out, torch.tensor(fill, dtype=x.dtype))


def by_task(s):
    """The rows of each task side by side: those of the support, those of the query, padded with weight 0."""
    first, n = s["first_row"][:-1], s["n_support"]
    count, item = s["first_row"].diff() - n, s["item"].view(-1, m)
    assert (item >= 0).all()
    h, of_h = s["first_history"][:-1], s["first_history"].diff()
    w, q = int(n.max()), int(count.max())
    return {"support": padded(item, first, n, w, 0), "query": padded(item, first + n, count, q, 0),
            "support_weight": padded(s["weight"], first, n, w, 0.0),
            "query_weight": padded(s["weight"], first + n, count, q, 0.0),
            "history": padded(s["history"], h, of_h, int(of_h.max()), 0),
            "history_weight": padded(s["history_weight"], h, of_h, int(of_h.max()), 0.0),
            "own_weight": padded(s["history_weight"], h, n, w, 0.0),
            "norm_support": s["norm_support"][:, None, None], "norm_query": s["norm_query"][:, None, None],
            "inner_steps": int(s["inner_steps"]), "inner_rate": float(s["inner_rate"]), "loss": float(s["loss"])}


def by_group(s):
    item, rows = s["item"].view(-1, m), s["first_row"]
    assert (item >= 0).all()
    there = s["history"] >= 0
    group = torch.repeat_interleave(torch.arange(len(rows) - 1), s["first_history"].diff())[there]
    n = torch.bincount(group, minlength=len(rows) - 1)
    return {"item": item, "row_weight": s["row_weight"], "norm": s["norm"][:, None],
            "own_weight": s["own_weight"][:, None], "history": s["history"][there],
            "history_weight": s["history_weight"][there], "begin": n.cumsum(0) - n,
            "group": torch.repeat_interleave(torch.arange(len(rows) - 1), rows.diff()),
            "pair_row": s["pair_row"], "pair_item": s["slots"][s["pair_slot"]], "share": s.get("share"),
            "loss": float(s["loss"])}


steps = [by_task(s) if kind == "maml" else by_group(s) for s in steps]


# --------------------------------------------------------------------------------------------------- the network

class Tower(torch.autograd.Function):
    """The sum of the weighted features of each item, and its way back by the transposed matrix."""
    x = torch.sparse_csr_tensor(once["feature_begin"], once["feature_col"], once["feature_weight"],
                                (n_items, n_columns))
    back = x.to_sparse_coo().t().coalesce().to_sparse_csr()

    @staticmethod
    def forward(ctx, table):
        return Tower.x @ table

    @staticmethod
    def backward(ctx, grad):
        return Tower.back @ grad


def parts(phi):
    """Wp, Wt, b, w1, w2, w3, c as leaves."""
    cut = phi.split([H * E, H * E, H, H, E, E, 1])
    return [x.clone().view(shape).requires_grad_() for x, shape in
            zip(cut, [(H, E), (H, E), (H,), (H,), (E,), (E,), (1,)])]


def bpr(s, weight):
    """Of s[.., rows, m]: the liked item against the others, rows weighted."""
    return (weight * F.softplus(s[..., 1:] - s[..., :1]).mean(-1)).sum()


def task_scores(phi, p, t):
    """p[tasks, n, E], t[tasks, n, m, E]; every part of phi has a dimension of tasks. Returns [tasks, n, m]."""
    wp, wt, b, w1, w2, w3, c = phi
    tasks, n = p.shape[:2]
    a = torch.baddbmm(b[:, None], p, wp.transpose(1, 2))
    h = torch.bmm(t.reshape(tasks, n * m, E), wt.transpose(1, 2)).view(tasks, n, m, H)
    h = F.relu(h + a[:, :, None])
    q = p * w2[:, None] + w3[:, None]
    s = torch.bmm(h.view(tasks, n * m, H), w1[:, :, None]).view(tasks, n, m)
    return s + torch.matmul(t, q[..., None])[..., 0] + c[:, :, None]


def maml_loss(w, s):
    t = Tower.apply(w["table"]) + w["own"]
    sum_ = (s["history_weight"][..., None] * F.embedding(s["history"], t)).sum(1, keepdim=True)
    support, query = F.embedding(s["support"], t), F.embedding(s["query"], t)
    p = s["norm_support"] * (sum_ - s["own_weight"][..., None] * support[:, :, 0])
    q = (s["norm_query"] * sum_).expand(-1, query.shape[1], -1)
    tasks = len(sum_)
    phi = [x.expand(tasks, *x.shape) for x in w["phi"]]
    for _ in range(s["inner_steps"]):
        loss = bpr(task_scores(phi, p, support), s["support_weight"])
        g = torch.autograd.grad(loss, phi, create_graph=True)
        phi = [x - s["inner_rate"] * d for x, d in zip(phi, g)]
    return bpr(task_scores(phi, q, query), s["query_weight"]) / tasks


def move_maml(w, s, adam):
    loss = maml_loss(w, s)
    adam.zero_grad()
    loss.backward()
    adam.step()
    return loss.detach()


# ---------------------------------------------------------------------------------------------------- the critic

def critic(psi, g):
    v, d, u, e = psi
    return F.relu(F.linear(g, v, d)) @ u + e


def critic_loss(psi, g, n):
    x = critic(psi, g)
    if kind == "dann":
        return F.softplus(-x[:n]).mean() + F.softplus(x[n:]).mean()
    return x[n:].mean() - x[:n].mean()


def move_critic(psi, g, n, share, adam):
    loss = critic_loss(psi, g, n)
    if kind == "wasserstein":
        x = torch.lerp(g[n:], g[:n], share[:, None]).requires_grad_()
        r, = torch.autograd.grad(critic(psi, x).sum(), x, create_graph=True)
        loss = loss + penalty * ((r.norm(dim=1) - 1) ** 2).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()


def move_adversarial(w, s, adam, critic_adam):
    wp, wt, b, w1, w2, w3, c = w["phi"]
    t = Tower.apply(w["table"]) + w["own"]
    sums = F.embedding_bag(s["history"], t, s["begin"], per_sample_weights=s["history_weight"], mode="sum")
    of_rows = F.embedding(s["item"], t)
    p = s["norm"] * (sums[s["group"]] - s["own_weight"] * of_rows[:, 0])
    a, of_items = F.linear(p, wp, b), F.linear(t, wt)
    h = F.relu(a[:, None] + F.embedding(s["item"], of_items))
    score = h @ w1 + torch.matmul(of_rows, (p * w2 + w3)[..., None])[..., 0] + c
    loss = bpr(score, s["row_weight"])
    row, item, n = s["pair_row"], s["pair_item"], len(s["pair_row"]) // 2
    of_pairs = t[item]
    g = torch.cat([F.relu(a[row] + of_items[item]), p[row] * of_pairs, of_pairs], 1)
    fixed = g.detach()
    if kind == "wasserstein":
        for share in s["share"]:
            move_critic(w["psi"], fixed, n, share, critic_adam)
    adam.zero_grad()
    (loss - weight * critic_loss(w["psi"], g, n)).backward()
    adam.step()
    if kind == "dann":
        move_critic(w["psi"], fixed, n, None, critic_adam)
    return loss.detach()


# ------------------------------------------------------------------------------------------------- two optimisers

class LazyAdam:
    """Adam of rows; those without a gradient rest."""

    def __init__(self, weights, lr):
        self.rate, self.step_, self.w = lr, 0, [(x, torch.zeros_like(x), torch.zeros_like(x)) for x in weights]

    def zero_grad(self):
        for x, _, _ in self.w:
            x.grad = None

    @torch.no_grad()
    def step(self):
        self.step_ += 1
        for x, first, second in self.w:
            g = x.grad
            moved = (g != 0).any(-1) if x.dim() == 2 and len(x) >= n_items else torch.ones(len(x), dtype=torch.bool)
            g = g[moved]
            first[moved] += 0.1 * (g - first[moved])
            second[moved] += 0.001 * (g * g - second[moved])
            x[moved] -= self.rate * first[moved] / (1 - 0.9 ** self.step_) / (
                (second[moved] / (1 - 0.999 ** self.step_)).sqrt() + 1e-8)


def fused(weights, lr):
    return torch.optim.Adam(weights, lr=lr, fused=True)


def run(optimizer):
    """All steps from the start: losses, wall and processor seconds."""
    w = {"table": once["table"].clone().view(n_columns, E).requires_grad_(),
         "own": once["own"].clone().view(n_items, E).requires_grad_(), "phi": parts(once["phi"])}
    adams = [optimizer([w["table"], w["own"]] + w["phi"], float(once["rate"]))]
    if kind != "maml":
        G, psi = H + 2 * E, once["psi"]
        U = (len(psi) - 1) // (G + 2)
        w["psi"] = [x.clone().view(shape).requires_grad_() for x, shape in
                    zip(psi.split([U * G, U, U, 1]), [(U, G), (U,), (U,), (1,)])]
        adams.append(optimizer(w["psi"], critic_rate))
    move = move_maml if kind == "maml" else move_adversarial
    wall, used = time.perf_counter(), time.process_time()
    losses = [move(w, s, *adams) for s in steps]
    return torch.stack(losses).double(), time.perf_counter() - wall, time.process_time() - used


if kind != "maml":
    penalty, weight, critic_rate = map(float, sys.argv[4:7])
ours = torch.tensor([s["loss"] for s in steps], dtype=torch.double)
theirs = run(LazyAdam)[0]
apart = (theirs / ours - 1).abs()
_, wall, used = run(fused)
print("seconds %.4f cpu %.4f peak %.0f steps %d first %.1e mean %.1e most %.1e" %
      (wall, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(steps), apart[0],
       abs(theirs.mean() / ours.mean() - 1), apart.max()))
