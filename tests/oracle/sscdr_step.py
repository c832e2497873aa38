#!/usr/bin/env python3
"""A step of sscdr's map and of its metric learning by automatic differentiation, for tests/unit/sscdr.c.

    python3 tests/oracle/sscdr_step.py > tests/oracle/sscdr_step.values        (needs torch)

The map is one hidden layer of tanh units; its inputs are sines, so that the test makes the same. Lines are "name count
v v ..": the loss of the users (mean), its gradient by the weights in the order W1 b1 W2 b2, and the weights after one
step of torch.optim.Adam; then three points before and after a step of gradient descent on one triple of metric
learning, put back into the unit ball. The committed values are of torch 2.15.0.
"""
import torch

USERS, D, HIDDEN, MARGIN, WEIGHT, RATE = 7, 5, 6, 0.5, 0.7, 0.01


def wave(rows, cols, a, b, c):
    r, k = torch.meshgrid(torch.arange(rows, dtype=torch.float64), torch.arange(cols, dtype=torch.float64), indexing="ij")
    return 0.6 * torch.sin(a * r + b * k + c * r * k)


def show(name, x):
    x = x.detach().reshape(-1)
    print(name, len(x), " ".join("%.15g" % v for v in x))


x, t = wave(USERS, D, 1.7, 0.9, 0.31), wave(USERS, D, 0.6, -1.3, 0.17)
liked, other = wave(USERS, D, 0.8, 2.1, 0.23), wave(USERS, D, 1.1, 0.4, -0.29)
w1, b1 = wave(HIDDEN, D, 0.7, 1.9, 0.11), wave(1, HIDDEN, 0, 1.3, 0).reshape(-1)
w2, b2 = wave(D, HIDDEN, 1.2, 0.5, 0.37), wave(1, D, 0, 0.8, 0).reshape(-1)
weights = [v.clone().requires_grad_() for v in (w1, b1, w2, b2)]


def f(v):
    return torch.tanh(v @ weights[0].T + weights[1]) @ weights[2].T + weights[3]


supervised = ((f(x) - t) ** 2).sum(1)
hinge = torch.relu(MARGIN + ((t - f(liked)) ** 2).sum(1) - ((t - f(other)) ** 2).sum(1))
assert 0 < (hinge > 0).sum() < USERS  # both sides of the hinge are met
loss = (supervised + WEIGHT * hinge).mean()
optimiser = torch.optim.Adam(weights, lr=RATE)
loss.backward()
show("loss", loss)
show("gradient", torch.cat([v.grad.reshape(-1) for v in weights]))
optimiser.step()
show("weights", torch.cat([v.reshape(-1) for v in weights]))

points = wave(3, D, 2.3, 0.7, 0.41)
points[0] *= 0.99 / points[0].norm()  # near the surface, so that the step leaves the ball
u, i, j = (v.clone().requires_grad_() for v in points)
torch.relu(0.5 + ((u - i) ** 2).sum() - ((u - j) ** 2).sum()).backward()
after = torch.stack([v.detach() - 0.3 * v.grad for v in (u, i, j)])
assert (after.norm(dim=1) > 1).any()
show("points", points)
show("moved", after / after.norm(dim=1, keepdim=True).clamp(min=1))
