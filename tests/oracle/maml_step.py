#!/usr/bin/env python3
"""One outer gradient of MAML by automatic differentiation, for the unit test of meta-learning.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install jax
    /tmp/oracle/bin/python tests/oracle/maml_step.py

writes, beside itself, maml_step.values: lines "name count v v ..." with the inputs (weights, vectors, slots) and, for
each loss, activation and order, the adapted weights, the loss of the query set, and its gradients. The network is
written here from its formula in algorithms/lib/net.h, and JAX differentiates through the inner steps; those committed
are of jax 0.10.2. Run it again only to change the inputs.
"""
import os

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
jnp = jax.numpy
HERE = os.path.dirname(os.path.abspath(__file__))
E, H, M, STEPS, RATE = 6, 5, 4, 2, 0.3
SUPPORT, QUERY, SLOTS = 5, 4, 9


def score(phi, p, t):
    wp, wt, b, w1, w2, w3, c = phi
    a = p @ wp.T + t @ wt.T + b
    h = jnp.tanh(a) if score.tanh else jnp.maximum(a, 0)
    return h @ w1 + (p * t) @ w2 + t @ w3 + c


def unpack(flat):
    at, parts = 0, []
    for shape in [(H, E), (H, E), (H,), (H,), (E,), (E,), ()]:
        n = int(np.prod(shape))
        parts.append(flat[at:at + n].reshape(shape))
        at += n
    assert at == flat.size
    return parts


def loss(kind, flat, p, t, slot, weight):
    s = score(unpack(flat), jnp.repeat(p, M, 0), t[slot.reshape(-1)]).reshape(-1, M)
    if kind == "bpr":
        rows = jax.nn.softplus(s[:, 1:] - s[:, :1]).mean(1)
    elif kind == "bce":
        rows = (jax.nn.softplus(-s[:, 0]) + jax.nn.softplus(s[:, 1:]).mean(1)) / 2
    else:
        rows = ((s[:, 0] - 1) ** 2 + (s[:, 1:] ** 2).mean(1)) / 2
    return (weight * rows).sum()


def adapt(kind, order, flat, support):
    for _ in range(STEPS):
        g = jax.grad(loss, 1)(kind, flat, *support)
        flat = flat - RATE * (g if order == "second" else jax.lax.stop_gradient(g))
    return flat


def main():
    rng = np.random.default_rng(20170809)
    x = {"phi": rng.normal(0, 0.5, 2 * H * E + 2 * H + 2 * E + 1)}
    for side, n in [("support", SUPPORT), ("query", QUERY)]:
        x[side + "_p"] = rng.normal(0, 0.6, (n, E))
        x[side + "_t"] = rng.normal(0, 0.6, (SLOTS, E))
        x[side + "_weight"] = rng.uniform(0.1, 0.4, n)
        x[side + "_slot"] = np.array([rng.permutation(SLOTS)[:M] for _ in range(n)])
    lines = [(k, v) for k, v in x.items()]
    for kind in ["bpr", "bce", "mse"]:
        for tanh in [False, True]:
            score.tanh = tanh
            for order in ["second", "first"]:
                def objective(flat, sp, st, qp, qt):
                    support = (sp, st, x["support_slot"], x["support_weight"])
                    adapted = adapt(kind, order, flat, support)
                    return loss(kind, adapted, qp, qt, x["query_slot"], x["query_weight"])

                inputs = [x[k] for k in ["phi", "support_p", "support_t", "query_p", "query_t"]]
                value, grads = jax.value_and_grad(objective, (0, 1, 2, 3, 4))(*inputs)
                support = (inputs[1], inputs[2], x["support_slot"], x["support_weight"])
                name = f"{kind}_{'tanh' if tanh else 'relu'}_{order}_"
                lines.append((name + "adapted", adapt(kind, order, x["phi"], support)))
                lines.append((name + "loss", value))
                for k, g in zip(["dphi", "support_dp", "support_dt", "query_dp", "query_dt"], grads):
                    lines.append((name + k, g))
    with open(os.path.join(HERE, "maml_step.values"), "w") as out:
        for name, value in lines:
            flat = np.asarray(value).reshape(-1)
            print(name, flat.size, *(repr(v.item()) for v in flat), file=out)


main()
