"""The distances of algorithms/lib/align.h and their gradients, by PyTorch in double from the definitions.

CORAL as in Sun and Saenko 2016, eq. 1 to 3, with the covariances of numpy's definition; MMD as in Gretton et al. 2012
with the mean of five Gaussian kernels, the bandwidth the median squared distance (numpy.median) held fixed. The
gradients are autograd's.

usage: python3 tests/oracle/align.py > tests/oracle/align.expected        (needs numpy, torch)
"""
import numpy as np
import torch

N, D, KERNELS = 6, 4, 5


def sample(side):
    i, j = np.meshgrid(np.arange(N), np.arange(D), indexing="ij")
    if side == 0:
        return np.sin(1.7 * i + 0.9 * j + 0.31 * i * j)
    return 0.4 + 0.8 * np.cos(0.6 * i - 1.3 * j + 0.17 * i * j)


def coral(s, t):
    cov = lambda x: (x - x.mean(0)).T @ (x - x.mean(0)) / (len(x) - 1)
    return ((cov(s) - cov(t)) ** 2).sum() / (4 * D * D)


def kernel(distance, bandwidth):
    return sum(torch.exp(-distance / (bandwidth * 2.0**u)) for u in range(-2, 3)) / KERNELS


def squares(x, y):
    return ((x[:, None, :] - y[None, :, :]) ** 2).sum(-1)


def quadratic_bandwidth(s, t):
    x = torch.cat([s, t])
    all_of_them = squares(x, x)[np.triu_indices(2 * N, 1)]
    return float(np.median(all_of_them.detach().numpy()))


def quadratic(s, t):
    b = quadratic_bandwidth(s, t)
    return kernel(squares(s, s), b).mean() + kernel(squares(t, t), b).mean() - 2 * kernel(squares(s, t), b).mean()


def quads(s, t):
    h = N // 2 - (N // 2) % 2
    pair = lambda x, y: ((x - y) ** 2).sum(-1)
    s1, s2, t1, t2 = s[:h], s[h : 2 * h], t[:h], t[h : 2 * h]
    return pair(s1, s2), pair(t1, t2), pair(s1, t2), pair(s2, t1)


def linear(s, t):
    d = quads(s, t)
    b = float(np.median(torch.cat(d).detach().numpy()))
    k = [kernel(x, b) for x in d]
    return (k[0] + k[1] - k[2] - k[3]).mean()


for name, distance in [("coral", coral), ("quadratic", quadratic), ("linear", linear)]:
    s = torch.tensor(sample(0), dtype=torch.float64, requires_grad=True)
    t = torch.tensor(sample(1), dtype=torch.float64, requires_grad=True)
    value = distance(s, t)
    value.backward()
    print(name)
    print("%.15f" % value.item())
    for row in torch.cat([s.grad, t.grad]).numpy():
        print(" ".join("%.15f" % x for x in row))
