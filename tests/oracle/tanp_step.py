#!/usr/bin/env python3
"""One outer step of TaNP by PyTorch: two users are encoded, assigned, decoded, and the loss is differentiated.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install torch
    /tmp/oracle/bin/python tests/oracle/tanp_step.py

writes, beside itself, tanp_step.values: lines "name count v v ..." with the inputs (weights of each modulation, rows
and ratings of two users, noise) and, for each modulation and user, the assignment, the sharpened one, the loss, its
gradients by weights and rows, and what is predicted for the query rows from the support alone. The network and its loss
are written here from the paper (Lin et al. 2021), PyTorch differentiates; in double precision, those committed by torch
2. The second user has an empty support. Made-up data.
"""
import os

import torch

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
X, H, Z, T, K = 4, 5, 3, 2, 3
NU, LAMBDA, KL = 1.5, 0.7, 0.9
SUPPORT, ROWS = [3, 0], [5, 2]


def shapes(kind):
    n = {"gating": 4, "film": 2, "none": 0}[kind]
    s = {"r1": (H, X + 1), "r1b": (H,), "r2": (H, H), "r2b": (H,), "r3": (Z, H), "r3b": (Z,)}
    s |= {"l1": (Z, Z), "l1b": (Z,), "l2": (2 * Z, Z), "l2b": (2 * Z,)}
    if n:
        s |= {"t1": (H, X + 1), "t1b": (H,), "t2": (H, H), "t2b": (H,), "t3": (T, H), "t3b": (T,)}
        s |= {"pool": (K, T), "modulators": (3, n, H, T)}
    s |= {"d1": (H, X + Z), "d1b": (H,), "d2": (H, H), "d2b": (H,), "d3": (H, H), "d3b": (H,)}
    s |= {"d4": (1, H), "d4b": (1,)}
    return s


def unpack(phi, kind):
    out, at = {}, 0
    for name, s in shapes(kind).items():
        n = torch.Size(s).numel()
        out[name] = phi[at : at + n].view(s)
        at += n
    return out


def mlp(w, p, v):
    v = torch.relu(v @ w[p + "1"].T + w[p + "1b"])
    v = torch.relu(v @ w[p + "2"].T + w[p + "2b"])
    return v @ w[p + "3"].T + w[p + "3b"]


def mean(rows, width):
    return rows.mean(0) if len(rows) else torch.zeros(width)


def latent(w, x, y):
    r = mean(mlp(w, "r", torch.cat([x, y[:, None]], 1)), Z)
    m = torch.relu(w["l1"] @ r + w["l1b"])
    m = w["l2"] @ m + w["l2b"]
    return torch.distributions.Normal(m[:Z], torch.exp(m[Z:] / 2))


def identity(w, x, y):
    o = mean(mlp(w, "t", torch.cat([x, y[:, None]], 1)), T)
    c = (1 + ((o - w["pool"]) ** 2).sum(1) / NU) ** (-(NU + 1) / 2)
    c = c / c.sum()
    return c, o + c @ w["pool"]


def decode(w, kind, x, z, t):
    h = torch.cat([x, z.expand(len(x), -1)], 1)
    for layer in range(3):
        a = h @ w[f"d{layer + 1}"].T + w[f"d{layer + 1}b"]
        if kind != "none":
            m = w["modulators"][layer] @ t
            g, s = torch.tanh(m[0]), torch.tanh(m[1])
            if kind == "gating":
                e, d = torch.tanh(m[2]), torch.sigmoid(m[3])
                g, s = d * g + (1 - d) * e, d * s + (1 - d) * e
            a = g * a + s
        h = torch.relu(a)
    return (h @ w["d4"].T + w["d4b"])[:, 0]


def main():
    torch.manual_seed(20210419)
    x = [torch.randn(n, X) for n in ROWS]
    y = [torch.randint(1, 6, (n,)).to(torch.float64) for n in ROWS]
    noise = [torch.randn(Z) for _ in ROWS]
    lines = []
    for u in range(2):
        lines += [(f"x_{u}", x[u]), (f"y_{u}", y[u]), (f"noise_{u}", noise[u])]
    for kind in ["gating", "film", "none"]:
        phi = 0.7 * torch.randn(sum(torch.Size(s).numel() for s in shapes(kind).values()))
        lines.append((f"{kind}_phi", phi))
        sharp = None
        if kind != "none":
            c = torch.stack([identity(unpack(phi, kind), x[u][:n], y[u][:n])[0] for u, n in enumerate(SUPPORT)])
            sharp = c**2 / c.sum(0)
            sharp = sharp / sharp.sum(1, keepdim=True)
            lines += [(f"{kind}_assigned", c), (f"{kind}_sharpened", sharp)]
        for u, n in enumerate(SUPPORT):
            at, rows = phi.clone().requires_grad_(), x[u].clone().requires_grad_()
            w = unpack(at, kind)
            own, every = latent(w, rows[:n], y[u][:n]), latent(w, rows, y[u])
            c, t = identity(w, rows[:n], y[u][:n]) if kind != "none" else (None, None)
            z = every.loc + every.scale * noise[u]
            loss = ((decode(w, kind, rows, z, t) - y[u]) ** 2).mean()
            loss = loss + KL * torch.distributions.kl_divergence(every, own).sum()
            if kind != "none":
                loss = loss + LAMBDA * (sharp[u] * torch.log(sharp[u] / c)).sum()
            dphi, dx = torch.autograd.grad(loss, [at, rows])
            lines += [(f"{kind}_loss_{u}", loss), (f"{kind}_dphi_{u}", dphi), (f"{kind}_dx_{u}", dx)]
            lines.append((f"{kind}_predicted_{u}", decode(w, kind, rows[n:], own.loc, t)))
    with open(os.path.join(HERE, "tanp_step.values"), "w") as out:
        for name, value in lines:
            flat = value.detach().reshape(-1)
            print(name, flat.numel(), *(repr(v.item()) for v in flat), file=out)


main()
